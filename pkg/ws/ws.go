package ws

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// MaxMessage is the most bytes a message may have, in either direction: API Gateway's quota of 128 KB.
const MaxMessage = 128 * 1024

// The event types of API Gateway. Each belongs to routes of its own: CONNECT to $connect, DISCONNECT to $disconnect,
// MESSAGE to all others.
const (
	EventConnect    = "CONNECT"
	EventMessage    = "MESSAGE"
	EventDisconnect = "DISCONNECT"
)

// Request is one event of a connection: it was opened, it sent a message, or it was closed. A handler owns it.
type Request struct {
	ConnectionID string    // the gateway's id of the connection; ends in "="
	RouteKey     string    // the route that was chosen: "$connect", "$disconnect", "$default" or a key of one's own
	EventType    string    // EventConnect, EventMessage or EventDisconnect
	RequestID    string    // the gateway's id of this event
	Stage        string    // the stage of the API
	DomainName   string    // the host that the client connected to
	SourceIP     string    // the client's address
	ConnectedAt  time.Time // when the connection was opened, in milliseconds

	Body       []byte         // the message; nil but for EventMessage. At most MaxMessage bytes.
	Header     http.Header    // the handshake's headers; API Gateway gives them with EventConnect only
	Query      url.Values     // the handshake's query parameters; with EventConnect only
	Authorizer map[string]any // the authorizer's context, with every event; nil if there is no authorizer
	Disconnect Disconnect     // why the connection closed; with EventDisconnect only
}

// Disconnect is the close status of a connection.
type Disconnect struct {
	Code   int    // the WebSocket close code, for example 1001; 1005 is a close frame without one
	Reason string // the text that came with it; may be empty
}

// Response answers a [Request]. The zero value is status 200 without a body.
//
// On $connect, a status of 400 or more refuses the connection, and API Gateway drops the body. On other routes the
// status closes nothing, and the body goes to the sender if the route has a route response. On $disconnect nobody sees
// the answer.
type Response struct {
	Status int               // HTTP status; 0 is 200
	Header map[string]string // on $connect only "Sec-WebSocket-Protocol" reaches the client
	Body   []byte            // text, UTF-8; at most MaxMessage bytes
}

// Handler serves one event. It must be safe for concurrent use, as a Lambda may serve several connections one after
// another, and tests serve them at once.
//
// An error is logged once, by the adapter of [Lambda]; a handler that returns one does not log it as well. See [Error]
// for what the client sees.
type Handler interface {
	ServeWS(ctx context.Context, r *Request) (Response, error)
}

// HandlerFunc is a function as a [Handler].
type HandlerFunc func(ctx context.Context, r *Request) (Response, error)

// ServeWS calls f.
func (f HandlerFunc) ServeWS(ctx context.Context, r *Request) (Response, error) { return f(ctx, r) }

// Middleware wraps a handler to do something before, after or instead of it.
type Middleware func(Handler) Handler

// Chain wraps h so that the first middleware is the outermost.
func Chain(h Handler, mws ...Middleware) Handler {
	for i := len(mws) - 1; i >= 0; i-- {
		h = mws[i](h)
	}
	return h
}

// Reply answers the sender with v as JSON and status 200.
func Reply(v any) (Response, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return Response{}, fmt.Errorf("ws: encode reply: %w", err)
	}
	return Response{Body: body}, nil
}
