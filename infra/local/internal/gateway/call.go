package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/disclone/disclone/infra/local/internal/template"
)

// The texts of the gateway's own error frames.
const (
	internalServerError = "Internal server error"
	requestTimedOut     = "Endpoint request timed out"
	tooManyRequests     = "Too Many Requests" // chosen: nobody has published a sample
)

// answer is what came of an integration: a result, or a fault with the text that the client is told.
type answer struct {
	status  int
	headers map[string]string
	body    []byte
	fault   string // "", or the text of the error frame
	detail  string // of the fault, for the log
}

// header finds a header whatever its case.
func (a answer) header(name string) string {
	for k, v := range a.headers {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

func faulty(status int, fault, detail string) answer {
	return answer{status: status, fault: fault, detail: detail}
}

// call runs a route's integration and tells the observer.
func (g *Gateway) call(ctx context.Context, c *connection, route *template.Route, in *incoming) answer {
	began := time.Now()
	ctx = g.opts.Trace(ctx, route.Key, c.id)
	g.opts.Chaos.Hop(ctx)
	out := g.integrate(ctx, route, in)
	g.observe(ctx, Request{
		Route: route.Key, Connection: c.id, Function: functionOf(&route.Integration, c.stage), Status: out.status,
		Error: out.detail, Duration: time.Since(began), RequestBytes: len(in.payload),
	})
	return out
}

func (g *Gateway) observe(ctx context.Context, r Request) {
	if g.opts.Observer != nil {
		g.opts.Observer(ctx, r)
	}
}

func errorType(response []byte) string {
	var e struct{ ErrorType, ErrorMessage string }
	_ = json.Unmarshal(response, &e) // empty if it is none
	return e.ErrorType + ": " + e.ErrorMessage
}

// result is what a function must return for a proxy integration: these keys, and no others.
type result struct {
	StatusCode        *int                `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              *string             `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

var errMalformed = errors.New("malformed Lambda proxy response")

func parseResult(response []byte) (answer, error) {
	var r result
	dec := json.NewDecoder(bytes.NewReader(response))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if r.StatusCode == nil || *r.StatusCode < 200 || *r.StatusCode > 999 {
		return answer{}, fmt.Errorf("%w: no statusCode from 200", errMalformed)
	}
	out := answer{status: *r.StatusCode, headers: r.Headers}
	for k, values := range r.MultiValueHeaders {
		if out.headers == nil {
			out.headers = map[string]string{}
		}
		if len(values) > 0 {
			out.headers[k] = values[len(values)-1]
		}
	}
	if r.Body == nil {
		return out, nil
	}
	out.body = []byte(*r.Body)
	if r.IsBase64Encoded {
		data, err := base64.StdEncoding.DecodeString(*r.Body)
		if err != nil {
			return answer{}, fmt.Errorf("%w: the body is not base64", errMalformed)
		}
		out.body = data
	}
	return out, nil
}

// errorFrame is the text of the gateway's own error frame. Its spacing is AWS's.
func errorFrame(text, connection, request string) []byte {
	return fmt.Appendf(nil, `{"message": "%s", "connectionId":"%s", "requestId":"%s"}`, text, connection, request)
}
