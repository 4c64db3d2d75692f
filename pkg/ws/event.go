package ws

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

var errNotWebSocket = errors.New("not an event of a WebSocket API")

// event is what a [Request] needs of API Gateway's event. aws-lambda-go has the whole of it as
// events.APIGatewayWebsocketProxyRequest; a test holds the two together.
type event struct {
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Query             map[string]string   `json:"queryStringParameters"`
	MultiValueQuery   map[string][]string `json:"multiValueQueryStringParameters"`
	Context           eventContext        `json:"requestContext"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

type eventContext struct {
	RouteKey             string         `json:"routeKey"`
	EventType            string         `json:"eventType"`
	RequestID            string         `json:"requestId"`
	Stage                string         `json:"stage"`
	ConnectedAt          int64          `json:"connectedAt"` // ms since 1970
	DomainName           string         `json:"domainName"`
	ConnectionID         string         `json:"connectionId"`
	Authorizer           map[string]any `json:"authorizer"`
	DisconnectStatusCode int            `json:"disconnectStatusCode"`
	DisconnectReason     string         `json:"disconnectReason"`
	Identity             struct {
		SourceIP string `json:"sourceIp"`
	} `json:"identity"`
}

func decodeEvent(payload []byte) (*Request, error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("ws: decode event: %w", err)
	}
	if e.Context.ConnectionID == "" || e.Context.RouteKey == "" {
		return nil, fmt.Errorf("ws: decode event: %w", errNotWebSocket)
	}
	body, err := e.body()
	if err != nil {
		return nil, fmt.Errorf("ws: decode event: body: %w", err)
	}
	c := &e.Context
	r := &Request{
		ConnectionID: c.ConnectionID, RouteKey: c.RouteKey, EventType: c.EventType, RequestID: c.RequestID,
		Stage: c.Stage, DomainName: c.DomainName, SourceIP: c.Identity.SourceIP,
		Body: body, Authorizer: c.Authorizer,
		Disconnect: Disconnect{Code: c.DisconnectStatusCode, Reason: c.DisconnectReason},
	}
	if c.ConnectedAt != 0 {
		r.ConnectedAt = time.UnixMilli(c.ConnectedAt).UTC()
	}
	if c.EventType == EventConnect {
		r.Header, r.Query = e.header(), e.query()
	}
	return r, nil
}

func (e *event) body() ([]byte, error) {
	switch {
	case e.Body == "":
		return nil, nil
	case e.IsBase64Encoded:
		return base64.StdEncoding.DecodeString(e.Body)
	}
	return []byte(e.Body), nil
}

// header gives the headers under their canonical names, so that [http.Header.Get] finds them.
func (e *event) header() http.Header {
	h := make(http.Header, len(e.Headers))
	for name, values := range e.MultiValueHeaders {
		for _, v := range values {
			h.Add(name, v)
		}
	}
	for name, value := range e.Headers {
		if len(h.Values(name)) == 0 {
			h.Set(name, value)
		}
	}
	return h
}

func (e *event) query() url.Values {
	q := make(url.Values, len(e.Query))
	for name, values := range e.MultiValueQuery {
		q[name] = append(q[name], values...)
	}
	for name, value := range e.Query {
		if !q.Has(name) {
			q.Set(name, value)
		}
	}
	return q
}
