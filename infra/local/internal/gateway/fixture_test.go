package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/coder/websocket"

	"github.com/disclone/disclone/infra/local/internal/gateway"
	"github.com/disclone/disclone/infra/local/internal/template"
)

const patience = 5 * time.Second

// function is a Lambda function in process.
type function func(payload []byte) (response, functionError string, err error)

func returns(response string) function {
	return func([]byte) (string, string, error) { return response, "", nil }
}

// invoker runs functions by their names and keeps every event.
type invoker struct {
	functions map[string]function
	mu        sync.Mutex
	events    []recorded
	changed   chan struct{}
}

type recorded struct {
	function string
	payload  []byte
}

func (i *invoker) Invoke(ctx context.Context, name string, payload []byte) ([]byte, string, error) {
	i.mu.Lock()
	i.events = append(i.events, recorded{name, bytes.Clone(payload)})
	close(i.changed)
	i.changed = make(chan struct{})
	i.mu.Unlock()
	type result struct {
		response, functionError string
		err                     error
	}
	done := make(chan result, 1)
	go func() {
		response, functionError, err := i.functions[name](payload)
		done <- result{response, functionError, err}
	}()
	select {
	case r := <-done:
		return []byte(r.response), r.functionError, r.err
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
}

// event waits for the nth event of a function.
func (i *invoker) event(t *testing.T, name string, n int) []byte {
	t.Helper()
	deadline := time.After(patience)
	for {
		i.mu.Lock()
		seen, changed := 0, i.changed
		for _, e := range i.events {
			if e.function != name {
				continue
			}
			if seen++; seen == n {
				i.mu.Unlock()
				return e.payload
			}
		}
		i.mu.Unlock()
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no event %d of %s", n, name)
		}
	}
}

func (i *invoker) count(name string) (n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, e := range i.events {
		if e.function == name {
			n++
		}
	}
	return n
}

type fixture struct {
	t   *testing.T
	gw  *gateway.Gateway
	inv *invoker
	url string // http://host:port
}

// start serves an API whose routes are the functions' names, on the stage prod.
func start(t *testing.T, functions map[string]function, opts *gateway.Options) *fixture {
	t.Helper()
	return startAPI(t, apiOf(functions), functions, opts)
}

func startAPI(t *testing.T, api *template.API, functions map[string]function, opts *gateway.Options) *fixture {
	t.Helper()
	inv := &invoker{functions: functions, changed: make(chan struct{})}
	gw, err := gateway.New(api, inv, opts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gw)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := gw.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return &fixture{t, gw, inv, server.URL}
}

func apiOf(functions map[string]function) *template.API {
	api := &template.API{
		ID: "Api", APIID: "abcdefghij", RouteSelection: "$request.body.action", Stages: []template.Stage{{Name: "prod"}},
	}
	for name := range functions {
		api.Routes = append(api.Routes, template.Route{
			Key: name, RouteResponse: true,
			Integration: template.Integration{Type: "AWS_PROXY", Function: name, Timeout: 29 * time.Second},
		})
	}
	return api
}

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (f *fixture) dial(opts *websocket.DialOptions) (*websocket.Conn, *http.Response, error) {
	conn, resp, err := websocket.Dial(timeout(f.t), f.url+"/prod", opts)
	if err == nil {
		f.t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, resp, err
}

func (f *fixture) connect() *websocket.Conn {
	f.t.Helper()
	conn, _, err := f.dial(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return conn
}

func send(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(timeout(t), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	_, data, err := conn.Read(timeout(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func closeCode(t *testing.T, conn *websocket.Conn) websocket.StatusCode {
	t.Helper()
	_, data, err := conn.Read(timeout(t))
	if err == nil {
		t.Fatalf("read %q, want a close", data)
	}
	return websocket.CloseStatus(err)
}

func (f *fixture) management() *apigatewaymanagementapi.Client {
	return apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(f.url + "/prod"), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

// onlyID waits for the one open connection.
func (f *fixture) onlyID() string {
	f.t.Helper()
	ids := f.gw.Connections()
	if len(ids) != 1 {
		f.t.Fatalf("connections %v, want one", ids)
	}
	return ids[0].ID
}

func strict(t *testing.T, payload []byte) events.APIGatewayWebsocketProxyRequest {
	t.Helper()
	var e events.APIGatewayWebsocketProxyRequest
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		t.Fatalf("%v in %s", err, payload)
	}
	return e
}
