package ws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
	"unicode/utf8"
)

// DefaultMargin is the Margin of [Options] if there is none.
const DefaultMargin = 300 * time.Millisecond

// Options are the optional parts of [Lambda]. The zero value is ready to use.
type Options struct {
	// Log is where errors are logged; slog.Default() if nil.
	Log *slog.Logger
	// Margin is how long before the function's own timeout the handler's context ends, so that a client whose request
	// takes too long gets an error frame with its id, and the log a line; Lambda ends a function without either.
	// DefaultMargin if 0, none if negative.
	Margin time.Duration
}

// Adapter makes a [Handler] into a Lambda handler of a WebSocket API's proxy integration. It is a lambda.Handler, for
// lambda.Start, and safe for concurrent use.
type Adapter struct {
	handler Handler
	log     *slog.Logger
	margin  time.Duration
}

// Lambda wraps h for lambda.Start. The adapter is the one place that logs what h returns as an error, and turns it
// into a status and, but on $connect and $disconnect, into the error frame. A panic of h is logged with its stack and
// answered as [CodeInternal]. An error after the handler's time was up is [CodeUnavailable], unless it has a code.
func Lambda(h Handler, opts *Options) *Adapter {
	a := &Adapter{handler: h, log: slog.Default(), margin: DefaultMargin}
	if opts == nil {
		return a
	}
	if opts.Log != nil {
		a.log = opts.Log
	}
	if opts.Margin != 0 {
		a.margin = max(opts.Margin, 0)
	}
	return a
}

// result is the proxy integration's answer. An unknown key in it would be a malformed answer to API Gateway.
type result struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers,omitempty"`
	Body       string            `json:"body,omitempty"`
}

// errorFrame is what a client gets instead of a reply.
type errorFrame struct {
	Event   string `json:"event"`
	ID      ID     `json:"id,omitempty"`
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// Invoke serves one event, as JSON, and gives the answer, as JSON. It fails only for a payload that is no event of a
// WebSocket API: the wrong trigger is wired to the function.
func (a *Adapter) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	r, err := decodeEvent(payload)
	if err != nil {
		return nil, err
	}
	resp, err := a.serve(ctx, r)
	if err == nil {
		err = checkResponse(resp)
	}
	if err != nil {
		resp = a.fail(ctx, r, err)
	}
	if resp.Status == 0 {
		resp.Status = http.StatusOK
	}
	out, err := json.Marshal(result{StatusCode: resp.Status, Headers: resp.Header, Body: string(resp.Body)})
	if err != nil {
		return nil, fmt.Errorf("ws: encode result: %w", err)
	}
	return out, nil
}

// panicError is a handler's panic on its way to the log.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("ws: handler panicked: %v", p.value) }

func (a *Adapter) serve(ctx context.Context, r *Request) (resp Response, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, stack: debug.Stack()}
		}
	}()
	if end, ok := ctx.Deadline(); ok && a.margin > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-min(a.margin, time.Until(end)/2)))
		defer cancel()
	}
	resp, err = a.handler.ServeWS(ctx, r)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil && CodeOf(err) == CodeInternal {
		err = Wrap(CodeUnavailable, err, "the request took too long")
	}
	return resp, err
}

// checkResponse refuses what API Gateway could not deliver.
func checkResponse(resp Response) error {
	switch {
	case len(resp.Body) > MaxMessage:
		return fmt.Errorf("ws: reply has %d bytes, the limit is %d", len(resp.Body), MaxMessage)
	case !utf8.Valid(resp.Body):
		return fmt.Errorf("ws: reply is not UTF-8 text")
	}
	return nil
}

// fail logs an error, once, and gives what the client sees of it.
func (a *Adapter) fail(ctx context.Context, r *Request, err error) Response {
	seen := public(err)
	a.logError(ctx, r, seen.Code, err)
	resp := Response{Status: seen.Code.Status()}
	if r.EventType == EventConnect || r.EventType == EventDisconnect {
		return resp // API Gateway drops the body of these
	}
	frame := errorFrame{Event: "error", ID: idOf(r.Body), Code: seen.Code, Message: seen.Message}
	body, err := json.Marshal(frame)
	if err != nil { // not possible: the id was decoded a moment ago
		body = nil
	}
	resp.Body = body
	return resp
}

// logError logs the server's faults as errors, and the clients' as information.
func (a *Adapter) logError(ctx context.Context, r *Request, code Code, err error) {
	level := slog.LevelInfo
	if code.Status() >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("route", r.RouteKey), slog.String("connectionId", r.ConnectionID),
		slog.String("requestId", r.RequestID), slog.String("code", string(code)), slog.String("error", err.Error()),
	}
	if p, ok := err.(*panicError); ok {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	a.log.LogAttrs(ctx, level, "websocket request failed", attrs...)
}
