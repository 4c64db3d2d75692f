package ws_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/pkg/ws"
)

var _ lambda.Handler = (*ws.Adapter)(nil) // what lambda.Start accepts

// golden reads an event and checks that it has only what API Gateway sends.
func golden(t *testing.T, name string) []byte {
	t.Helper()
	payload, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	strict(t, payload, &events.APIGatewayWebsocketProxyRequest{})
	return payload
}

func strict(t *testing.T, payload []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("decode %s: %v", payload, err)
	}
}

// invoke serves a payload and decodes the answer, in which nothing unknown may be.
func invoke(t *testing.T, h ws.Handler, log *slog.Logger, payload []byte) events.APIGatewayProxyResponse {
	t.Helper()
	out, err := ws.Lambda(h, &ws.Options{Log: log}).Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var resp events.APIGatewayProxyResponse
	strict(t, out, &resp)
	return resp
}

func TestRequestFromEvent(t *testing.T) {
	t.Parallel()
	common := ws.Request{
		ConnectionID: "R1kmxc2VNjMCFIA=", Stage: "prod", DomainName: "abcdef1234.execute-api.us-east-1.amazonaws.com",
		SourceIP: "192.0.2.1", ConnectedAt: time.Date(2024, 1, 20, 11, 54, 57, 419e6, time.UTC),
	}
	authorizer := map[string]any{"principalId": "ann", "integrationLatency": 21.0, "guild": "7"}
	connect, message, disconnect := common, common, common
	connect.RouteKey, connect.EventType, connect.RequestID = "$connect", "CONNECT", "R1kmxEnHtjMFbRw="
	connect.Authorizer = authorizer
	connect.Query = url.Values{"token": {"t1", "t 2"}, "lang": {"en"}}
	connect.Header = http.Header{
		"Host": {common.DomainName}, "Sec-Websocket-Protocol": {"chat.v1", "chat.v2"},
		"X-Amzn-Trace-Id": {"Root=1-65abb441-5dd9ed5d1ba0f6f871f4c38d"}, "X-Forwarded-For": {"192.0.2.1"},
		"X-Forwarded-Port": {"443"}, "X-Forwarded-Proto": {"https"},
	}
	message.RouteKey, message.EventType, message.RequestID = "sendMessage", "MESSAGE", "R1knPH17NjMFftw="
	message.Authorizer = authorizer
	message.Body = []byte("{\"action\":\"sendMessage\",\r\n\t\"id\": \"7\", \"message\":\"héllo\"}")
	disconnect.RouteKey, disconnect.EventType, disconnect.RequestID = "$disconnect", "DISCONNECT", "R1koeHsUtjMFbRw="
	disconnect.Disconnect = ws.Disconnect{Code: 1005, Reason: "Client-side close frame status not set"}

	for name, want := range map[string]ws.Request{"connect": connect, "message": message, "disconnect": disconnect} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *ws.Request
			h := ws.HandlerFunc(func(_ context.Context, r *ws.Request) (ws.Response, error) {
				got = r
				return ws.Response{}, nil
			})
			if resp := invoke(t, h, nil, golden(t, name)); resp.StatusCode != 200 || resp.Body != "" {
				t.Errorf("the zero response is %+v", resp)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// Hand-made events often have only one of the two forms of headers and parameters.
func TestSingleValuesAndBase64(t *testing.T) {
	t.Parallel()
	body := base64.StdEncoding.EncodeToString([]byte("hi"))
	payload := fmt.Sprintf(`{"headers":{"x-a":"1","host":"h"},"multiValueHeaders":{"X-A":["2"]},
		"queryStringParameters":{"q":"1"},"multiValueQueryStringParameters":null,
		"requestContext":{"routeKey":"$connect","eventType":"CONNECT","connectionId":"c=","authorizer":null},
		"body":%q,"isBase64Encoded":true}`, body)
	h := ws.HandlerFunc(func(_ context.Context, r *ws.Request) (ws.Response, error) {
		want := &ws.Request{
			ConnectionID: "c=", RouteKey: "$connect", EventType: "CONNECT", Body: []byte("hi"),
			Header: http.Header{"X-A": {"2"}, "Host": {"h"}}, Query: url.Values{"q": {"1"}},
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
		return ws.Response{}, nil
	})
	invoke(t, h, nil, []byte(payload))
}

func TestResponses(t *testing.T) {
	t.Parallel()
	secret := errors.New("dial tcp 10.0.0.7:8000: password is hunter2")
	for _, c := range []struct {
		name   string
		event  string
		resp   ws.Response
		err    error
		status int
		body   string
		level  string
	}{
		{name: "zero", event: "message", status: 200},
		{name: "body", event: "message", resp: ws.Response{Body: []byte(`{"a":"ä<"}`)}, status: 200, body: `{"a":"ä<"}`},
		{name: "status", event: "connect", resp: ws.Response{Status: 401}, status: 401},
		{name: "coded", event: "message", err: ws.Errorf(ws.CodeForbidden, "not %s", "you"), status: 403, level: "INFO",
			body: `{"event":"error","id":"7","code":"forbidden","message":"not you"}`},
		{name: "coded below", event: "message", err: fmt.Errorf("chat: %w", ws.Wrap(ws.CodeConflict, secret, "too late")),
			status: 409, level: "INFO", body: `{"event":"error","id":"7","code":"conflict","message":"too late"}`},
		{name: "uncoded", event: "message", err: secret, status: 500, level: "ERROR",
			body: `{"event":"error","id":"7","code":"internal","message":"internal error"}`},
		{name: "coded internal", event: "message", err: ws.Errorf(ws.CodeInternal, "hunter2"), status: 500, level: "ERROR",
			body: `{"event":"error","id":"7","code":"internal","message":"internal error"}`},
		{name: "code of one's own", event: "message", err: ws.Errorf("teapot", "short"), status: 500, level: "ERROR",
			body: `{"event":"error","id":"7","code":"teapot","message":"short"}`},
		{name: "unavailable", event: "message", err: ws.Wrap(ws.CodeUnavailable, secret, "try later"), status: 503,
			level: "ERROR", body: `{"event":"error","id":"7","code":"unavailable","message":"try later"}`},
		{name: "connect refused", event: "connect", err: ws.Errorf(ws.CodeUnauthenticated, "who?"), status: 401, level: "INFO"},
		{name: "connect fails", event: "connect", err: secret, status: 500, level: "ERROR"},
		{name: "disconnect fails", event: "disconnect", err: secret, status: 500, level: "ERROR"},
		{name: "error wins over the response", event: "message", resp: ws.Response{Status: 201, Body: []byte("x")}, err: secret,
			status: 500, level: "ERROR", body: `{"event":"error","id":"7","code":"internal","message":"internal error"}`},
		{name: "reply too large", event: "message", resp: ws.Response{Body: make([]byte, ws.MaxMessage+1)}, status: 500,
			level: "ERROR", body: `{"event":"error","id":"7","code":"internal","message":"internal error"}`},
		{name: "reply is not text", event: "message", resp: ws.Response{Body: []byte("\xff")}, status: 500,
			level: "ERROR", body: `{"event":"error","id":"7","code":"internal","message":"internal error"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			h := ws.HandlerFunc(func(context.Context, *ws.Request) (ws.Response, error) { return c.resp, c.err })
			got := invoke(t, h, slog.New(slog.NewJSONHandler(&logged, nil)), golden(t, c.event))
			if got.StatusCode != c.status || got.Body != c.body {
				t.Errorf("answer is %d %s, want %d %s", got.StatusCode, got.Body, c.status, c.body)
			}
			checkLog(t, logged.String(), c.level, c.err)
		})
	}
}

// checkLog wants one line for an error, with its whole text, and none otherwise.
func checkLog(t *testing.T, logged, level string, err error) {
	t.Helper()
	if level == "" {
		if logged != "" {
			t.Errorf("logged without an error: %s", logged)
		}
		return
	}
	var line struct{ Level, Route, ConnectionID, RequestID, Code, Error string }
	if strings.Count(logged, "\n") != 1 || json.Unmarshal([]byte(logged), &line) != nil {
		t.Fatalf("want one line of JSON, logged %q", logged)
	}
	if line.Level != level || line.Route == "" || line.ConnectionID != "R1kmxc2VNjMCFIA=" || line.RequestID == "" || line.Code == "" {
		t.Errorf("logged %s, want level %s, route, connection, request and code", logged, level)
	}
	if err != nil && line.Error != err.Error() {
		t.Errorf("logged error %q, want %q", line.Error, err)
	}
}

func TestResponseHeader(t *testing.T) {
	t.Parallel()
	h := ws.HandlerFunc(func(context.Context, *ws.Request) (ws.Response, error) {
		return ws.Response{Header: map[string]string{"Sec-WebSocket-Protocol": "chat.v2"}}, nil
	})
	got := invoke(t, h, nil, golden(t, "connect"))
	if got.StatusCode != 200 || got.Headers["Sec-WebSocket-Protocol"] != "chat.v2" {
		t.Errorf("answer is %+v", got)
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	h := ws.HandlerFunc(func(context.Context, *ws.Request) (ws.Response, error) { panic("hunter2") })
	got := invoke(t, h, slog.New(slog.NewJSONHandler(&logged, nil)), golden(t, "message"))
	if want := `{"event":"error","id":"7","code":"internal","message":"internal error"}`; got.StatusCode != 500 || got.Body != want {
		t.Errorf("answer is %d %s", got.StatusCode, got.Body)
	}
	for _, want := range []string{"hunter2", "lambda_test.go", `"level":"ERROR"`} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("%q is not in the log: %s", want, logged.String())
		}
	}
}

func TestTooLong(t *testing.T) {
	t.Parallel()
	const timeout = 10 * time.Second
	for _, c := range []struct {
		name   string
		margin time.Duration
		err    error // the handler's; ctx's if nil
		after  time.Duration
		code   string
	}{
		{name: "default", after: timeout - ws.DefaultMargin, code: "unavailable"},
		{name: "margin", margin: time.Second, after: timeout - time.Second, code: "unavailable"},
		{name: "no margin", margin: -1, after: timeout, code: "unavailable"},
		{name: "with a code", err: ws.Wrap(ws.CodeConflict, context.DeadlineExceeded, "x"), after: timeout - ws.DefaultMargin, code: "conflict"},
		{name: "another reason", err: errors.New("x"), after: timeout - ws.DefaultMargin, code: "internal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			payload := golden(t, "message")
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				h := ws.HandlerFunc(func(ctx context.Context, _ *ws.Request) (ws.Response, error) {
					<-ctx.Done()
					if c.err != nil {
						return ws.Response{}, c.err
					}
					return ws.Response{}, fmt.Errorf("query: %w", ctx.Err())
				})
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				a := ws.Lambda(h, &ws.Options{Log: slog.New(slog.DiscardHandler), Margin: c.margin})
				out, err := a.Invoke(ctx, payload)
				if err != nil || !strings.Contains(string(out), c.code) || time.Since(start) != c.after {
					t.Errorf("after %v: %s, %v; want %s after %v", time.Since(start), out, err, c.code, c.after)
				}
			})
		})
	}
}

func TestClientID(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 126)
	for body, want := range map[string]string{
		`{"id":"a"}`:                        `"a"`,
		`{"id":7}`:                          `7`,
		`{"id":-1.50e3}`:                    `-1.50e3`,
		`{"id":12345678901234567890123}`:    `12345678901234567890123`,
		`{"id":"` + long + `"}`:             `"` + long + `"`,
		`{"id":"` + long + `y"}`:            ``,
		`{"id":null}`:                       ``,
		`{"id":true}`:                       ``,
		`{"id":{"a":1}}`:                    ``,
		`{"id":[1]}`:                        ``,
		`{}`:                                ``,
		`[1]`:                               ``,
		`"id"`:                              ``,
		`not json`:                          ``,
		`{"id":"a"`:                         ``,
		``:                                  ``,
		`{"a":{"id":"b"},"b":[{"id":1}]}`:   ``,
		`{"message":{"id":"x"},"id":"top"}`: `"top"`,
	} {
		payload, err := json.Marshal(events.APIGatewayWebsocketProxyRequest{
			RequestContext: events.APIGatewayWebsocketProxyRequestContext{
				RouteKey: "x", EventType: "MESSAGE", ConnectionID: "c=",
			},
			Body: body,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := invoke(t, ws.NewMux(), slog.New(slog.DiscardHandler), payload)
		if want != "" {
			want = `"id":` + want + `,`
		}
		want = `{"event":"error",` + want + `"code":"unknown_action","message":"unknown action"}`
		if got.Body != want || got.StatusCode != 400 {
			t.Errorf("message %s is answered with %d %s, want %s", body, got.StatusCode, got.Body, want)
		}
	}
}

func TestOtherEvents(t *testing.T) {
	t.Parallel()
	h := ws.HandlerFunc(func(context.Context, *ws.Request) (ws.Response, error) {
		t.Error("the handler was called")
		return ws.Response{}, nil
	})
	for _, payload := range []string{
		``, `null`, `{}`, `[]`, `"x"`, `{"Records":[{"body":"x"}]}`,
		`{"requestContext":{"connectionId":"c="}}`, `{"requestContext":{"routeKey":"x"}}`,
		`{"requestContext":{"connectionId":"c=","routeKey":"x"},"body":"!","isBase64Encoded":true}`,
	} {
		out, err := ws.Lambda(h, nil).Invoke(t.Context(), []byte(payload))
		if err == nil || out != nil || !strings.HasPrefix(err.Error(), "ws: decode event: ") {
			t.Errorf("payload %s: %s, error %v", payload, out, err)
		}
	}
}

func FuzzInvoke(f *testing.F) {
	for _, name := range []string{"connect", "message", "disconnect"} {
		payload, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	a := ws.Lambda(ws.NewMux(), &ws.Options{Log: slog.New(slog.DiscardHandler)})
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, err := a.Invoke(t.Context(), payload)
		if err != nil {
			return
		}
		var resp events.APIGatewayProxyResponse
		strict(t, out, &resp)
		if resp.StatusCode != 400 || (resp.Body != "" && !json.Valid([]byte(resp.Body))) {
			t.Errorf("answer is %s", out)
		}
	})
}

func BenchmarkInvoke(b *testing.B) {
	payload, err := os.ReadFile("testdata/message.json")
	if err != nil {
		b.Fatal(err)
	}
	a := ws.Lambda(ws.HandlerFunc(func(_ context.Context, r *ws.Request) (ws.Response, error) {
		var in struct{ Action, ID, Message string }
		if err := ws.Decode(r.Body, &in); err != nil {
			return ws.Response{}, err
		}
		return ws.Reply(in)
	}), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Invoke(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
}
