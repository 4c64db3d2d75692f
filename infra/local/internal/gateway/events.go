package gateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// The events are those of the Developer Guide, "Set up a WebSocket API integration request", with the fields present
// that AWS sends for each type and no others.

type event struct {
	Headers                         map[string]string   `json:"headers,omitempty"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders,omitempty"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters,omitempty"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters,omitempty"`
	StageVariables                  map[string]string   `json:"stageVariables,omitempty"`
	RequestContext                  requestContext      `json:"requestContext"`
	Body                            *string             `json:"body,omitempty"`
	IsBase64Encoded                 bool                `json:"isBase64Encoded"`
}

type requestContext struct {
	RouteKey             string   `json:"routeKey"`
	DisconnectStatusCode *int     `json:"disconnectStatusCode,omitempty"`
	MessageID            string   `json:"messageId,omitempty"`
	EventType            string   `json:"eventType"`
	ExtendedRequestID    string   `json:"extendedRequestId"`
	RequestTime          string   `json:"requestTime"`
	MessageDirection     string   `json:"messageDirection"`
	DisconnectReason     *string  `json:"disconnectReason,omitempty"`
	Stage                string   `json:"stage"`
	ConnectedAt          int64    `json:"connectedAt"`
	RequestTimeEpoch     int64    `json:"requestTimeEpoch"`
	Identity             identity `json:"identity"`
	RequestID            string   `json:"requestId"`
	DomainName           string   `json:"domainName"`
	ConnectionID         string   `json:"connectionId"`
	APIID                string   `json:"apiId"`
	// Authorizer is what a Lambda authorizer said of the client, if one was asked.
	Authorizer json.RawMessage `json:"authorizer,omitempty"`
}

// signer is who signed the handshake of a connection with AWS_IAM authorization.
type signer struct {
	AccountID string `json:"accountId"`
	AccessKey string `json:"accessKey"`
	Caller    string `json:"caller"`
	User      string `json:"user"`
	UserArn   string `json:"userArn"`
}

type identity struct {
	UserAgent string `json:"userAgent,omitempty"`
	SourceIP  string `json:"sourceIp"`
	*signer
}

func (c *connection) context(r *routing, route, kind, requestID string) requestContext {
	now := c.g.opts.Clock.Now()
	return requestContext{
		RouteKey: route, EventType: kind, ExtendedRequestID: requestID, RequestID: requestID,
		RequestTime: now.UTC().Format("02/Jan/2006:15:04:05 +0000"), RequestTimeEpoch: now.UnixMilli(),
		MessageDirection: "IN", Stage: c.stage, ConnectedAt: c.connectedAt.UnixMilli(),
		Identity: identity{c.userAgent, c.sourceIP, c.signer}, DomainName: c.g.opts.DomainName,
		ConnectionID: c.id, APIID: r.api.APIID, Authorizer: c.authorizer,
	}
}

// connectEvent is the event of $connect: the handshake's headers, but for those of the connection itself.
func (c *connection) connectEvent(r *http.Request, routing *routing) *incoming {
	many := c.headers(r)
	delete(many, "Connection")
	delete(many, "Upgrade")
	e := event{
		Headers: last(many), MultiValueHeaders: many, StageVariables: routing.variables[c.stage],
		RequestContext: c.context(routing, "$connect", "CONNECT", newID()),
	}
	if query := r.URL.Query(); len(query) > 0 {
		e.QueryStringParameters, e.MultiValueQueryStringParameters = last(query), query
	}
	return &incoming{payload: encode(e), context: e.RequestContext, request: r, stage: e.StageVariables}
}

// headers are the handshake's headers as functions see them.
func (c *connection) headers(r *http.Request) map[string][]string {
	many := map[string][]string{"Host": {r.Host}}
	for name, values := range r.Header {
		many[wireName(name)] = values
	}
	many["X-Amzn-Trace-Id"] = []string{traceID()}
	many["X-Forwarded-For"] = []string{c.sourceIP}
	many["X-Forwarded-Port"] = []string{"443"}
	many["X-Forwarded-Proto"] = []string{"https"}
	return many
}

// authorizerRequest is the event of a REQUEST authorizer (Developer Guide, "Input to an API Gateway Lambda authorizer").
type authorizerRequest struct {
	Type                            string              `json:"type"`
	MethodArn                       string              `json:"methodArn"`
	Headers                         map[string]string   `json:"headers"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`
	StageVariables                  map[string]string   `json:"stageVariables"`
	RequestContext                  requestContext      `json:"requestContext"`
}

// authorizerEvent is the event of the authorizer: it sees the headers of the connection itself too.
func (c *connection) authorizerEvent(r *http.Request, routing *routing) []byte {
	many := c.headers(r)
	many["content-length"] = []string{"0"}
	variables := routing.variables[c.stage]
	if variables == nil {
		variables = map[string]string{}
	}
	query := r.URL.Query()
	return encode(authorizerRequest{
		Type: "REQUEST", MethodArn: methodARN(c.g, routing, c.stage), Headers: last(many), MultiValueHeaders: many,
		QueryStringParameters: last(query), MultiValueQueryStringParameters: query, StageVariables: variables,
		RequestContext: c.context(routing, "$connect", "CONNECT", newID()),
	})
}

// wireName undoes what net/http makes of the names of RFC 6455.
func wireName(name string) string {
	return strings.Replace(name, "Sec-Websocket-", "Sec-WebSocket-", 1)
}

func last(many map[string][]string) map[string]string {
	one := make(map[string]string, len(many))
	for k, v := range many {
		if len(v) > 0 {
			one[k] = v[len(v)-1]
		}
	}
	return one
}

func traceID() string {
	return fmt.Sprintf("Root=1-%08x-%s", time.Now().Unix(), strings.ToLower(hexID()))
}

// messageEvent is the event of a message. It has no headers and no query. It is on the way of every message, so it is
// put together by hand.
func (c *connection) messageEvent(r *routing, route *template.Route, message []byte, requestID string) *incoming {
	rc := c.context(r, route.Key, "MESSAGE", requestID)
	rc.MessageID = requestID[:8] + c.id[8:] // a message's id ends like the connection's, as AWS's do
	b := make([]byte, 0, len(message)+len(message)/4+768)
	b = append(b, '{')
	if variables := r.variables[c.stage]; len(variables) > 0 {
		b = append(append(b, `"stageVariables":`...), encode(maps.Clone(variables))...)
		b = append(b, ',')
	}
	b = append(b, `"requestContext":{"routeKey":`...)
	b = appendText(b, rc.RouteKey)
	b = appendField(b, "messageId", rc.MessageID)
	b = appendField(b, "eventType", rc.EventType)
	b = appendField(b, "extendedRequestId", requestID)
	b = appendField(b, "requestTime", rc.RequestTime)
	b = appendField(b, "messageDirection", "IN")
	b = appendField(b, "stage", rc.Stage)
	b = strconv.AppendInt(append(b, `,"connectedAt":`...), rc.ConnectedAt, 10)
	b = strconv.AppendInt(append(b, `,"requestTimeEpoch":`...), rc.RequestTimeEpoch, 10)
	b = append(append(b, `,"identity":`...), encode(rc.Identity)...)
	b = appendField(b, "requestId", requestID)
	b = appendField(b, "domainName", rc.DomainName)
	b = appendField(b, "connectionId", c.id)
	b = appendField(b, "apiId", rc.APIID)
	if c.authorizer != nil {
		b = append(append(b, `,"authorizer":`...), c.authorizer...)
	}
	b = append(b, `},"body":`...)
	b = append(b, encode(string(message))...)
	b = append(b, `,"isBase64Encoded":false}`...)
	return &incoming{payload: b, context: rc, message: message, stage: r.variables[c.stage]}
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendText(b, value)
}

// appendText appends a JSON text. Most need no escapes.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return append(b, encode(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// disconnectEvent is the event of $disconnect.
func (c *connection) disconnectEvent(r *routing, code int, reason string) *incoming {
	headers := map[string]string{"Host": c.g.opts.DomainName, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
	many := map[string][]string{}
	for k, v := range headers {
		many[k] = []string{v}
	}
	rc := c.context(r, "$disconnect", "DISCONNECT", newID())
	rc.DisconnectStatusCode, rc.DisconnectReason = &code, &reason
	variables := r.variables[c.stage]
	payload := encode(event{Headers: headers, MultiValueHeaders: many, StageVariables: variables, RequestContext: rc})
	return &incoming{payload: payload, context: rc, stage: variables}
}

func encode(v any) []byte {
	data, _ := json.Marshal(v) // texts, numbers and maps of them always encode
	return data
}
