package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/gateway"
)

// J1: what $connect returns is what the client sees of the handshake.
func TestConnectResultIsTheHandshakeStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		connect function
		status  int
	}{
		"200":        {returns(`{"statusCode":200}`), 101},
		"204":        {returns(`{"statusCode":204,"headers":null,"multiValueHeaders":null,"body":""}`), 101},
		"401":        {returns(`{"statusCode":401}`), 401},
		"403":        {returns(`{"statusCode":403}`), 403},
		"418":        {returns(`{"statusCode":418}`), 418},
		"500":        {returns(`{"statusCode":500}`), 500},
		"panic":      {func([]byte) (string, string, error) { return `{"errorMessage":"x"}`, "Unhandled", nil }, 502},
		"null":       {returns(`null`), 502},
		"no status":  {returns(`{}`), 502},
		"102":        {returns(`{"statusCode":102}`), 502},
		"unknownKey": {returns(`{"statusCode":200,"Data":1}`), 502},
		"service":    {func([]byte) (string, string, error) { return "", "", errors.New("throttled") }, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, map[string]function{"$connect": tc.connect, "$disconnect": returns(`{}`)}, nil)
			_, resp, err := f.dial(nil)
			if resp == nil || resp.StatusCode != tc.status {
				t.Fatalf("response %v, error %v, want %d", resp, err, tc.status)
			}
			if tc.status != 101 && len(f.gw.Connections()) != 0 {
				t.Error("a refused connection is open")
			}
			if tc.status != 101 && f.inv.count("$disconnect") != 0 {
				t.Error("$disconnect was called for a refused connection")
			}
		})
	}
}

// J2: no $connect route admits; a plain GET is told to upgrade; a stage that is not there is forbidden.
func TestHandshakeWithoutAFunction(t *testing.T) {
	t.Parallel()
	f := start(t, nil, nil)
	f.connect()
	for path, want := range map[string]int{"/prod": 426, "/other": 403, "/": 403} {
		resp, err := http.Get(f.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	if _, resp, _ := websocket.Dial(timeout(t), f.url+"/other", nil); resp == nil || resp.StatusCode != 403 {
		t.Errorf("handshake on another stage: %v, want 403", resp)
	}
}

// J3: while $connect runs, the client waits and the connection cannot be posted to.
func TestPostBeforeConnectReturnedIsGone(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := start(t, map[string]function{"$connect": func([]byte) (string, string, error) {
		<-release
		return `{"statusCode":200}`, "", nil
	}}, nil)
	dialled := make(chan error, 1)
	go func() { _, _, err := f.dial(nil); dialled <- err }()
	id := strict(t, f.inv.event(t, "$connect", 1)).RequestContext.ConnectionID
	_, err := f.management().PostToConnection(timeout(t), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("x")})
	var gone *types.GoneException
	if !errors.As(err, &gone) {
		t.Errorf("post: %v, want GoneException", err)
	}
	select {
	case err := <-dialled:
		t.Errorf("the handshake ended (%v) before $connect", err)
	default:
	}
	close(release)
	if err := <-dialled; err != nil {
		t.Error(err)
	}
}

// J4, J5: the three events, field by field, and the form of the ids.
func TestEvents(t *testing.T) {
	t.Parallel()
	ok := returns(`{"statusCode":200}`)
	f := start(t, map[string]function{"$connect": ok, "$disconnect": ok, "$default": ok}, &gateway.Options{DomainName: "localhost:1"})
	conn, _, err := websocket.Dial(timeout(t), f.url+"/prod?a=1&a=2", &websocket.DialOptions{HTTPHeader: http.Header{"User-Agent": {"probe"}}})
	if err != nil {
		t.Fatal(err)
	}
	send(t, conn, "hé\u2028 \"<>&")
	message := f.inv.event(t, "$default", 1)
	_ = conn.Close(4001, "bye")
	connect, disconnect := f.inv.event(t, "$connect", 1), f.inv.event(t, "$disconnect", 1)

	keys := map[string]string{"connect": keysOf(t, connect), "message": keysOf(t, message), "disconnect": keysOf(t, disconnect)}
	const common = "apiId connectedAt connectionId domainName eventType extendedRequestId identity messageDirection requestId requestTime requestTimeEpoch routeKey stage"
	want := map[string]string{
		"connect":    "headers isBase64Encoded multiValueHeaders multiValueQueryStringParameters queryStringParameters requestContext: " + common,
		"message":    "body isBase64Encoded requestContext: " + strings.Replace(common, "messageDirection", "messageDirection messageId", 1),
		"disconnect": "headers isBase64Encoded multiValueHeaders requestContext: " + strings.Replace(common, "domainName", "disconnectReason disconnectStatusCode domainName", 1),
	}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Error(diff)
	}
	c, m, d := strict(t, connect), strict(t, message), strict(t, disconnect)
	if c.QueryStringParameters["a"] != "2" || !cmp.Equal(c.MultiValueQueryStringParameters["a"], []string{"1", "2"}) {
		t.Errorf("query %v %v", c.QueryStringParameters, c.MultiValueQueryStringParameters)
	}
	if c.Headers["Upgrade"] != "" || c.Headers["Connection"] != "" || c.Headers["X-Forwarded-Proto"] != "https" || c.Headers["Host"] == "" {
		t.Errorf("headers %v", c.Headers)
	}
	if m.Body != "hé\u2028 \"<>&" || m.RequestContext.RouteKey != "$default" || m.RequestContext.DomainName != "localhost:1" {
		t.Errorf("message %+v", m)
	}
	if d.RequestContext.DisconnectStatusCode != 4001 || *d.RequestContext.DisconnectReason != "bye" {
		t.Errorf("disconnect %+v", d.RequestContext)
	}
	id := regexp.MustCompile(`^[A-Za-z0-9_-]{15}=$`)
	for _, e := range []events.APIGatewayWebsocketProxyRequest{c, m, d} {
		rc := e.RequestContext
		if !id.MatchString(rc.ConnectionID) || !id.MatchString(rc.RequestID) || rc.RequestID != rc.ExtendedRequestID {
			t.Errorf("ids %q %q %q", rc.ConnectionID, rc.RequestID, rc.ExtendedRequestID)
		}
		if _, err := time.Parse("02/Jan/2006:15:04:05 -0700", rc.RequestTime); err != nil {
			t.Error(err)
		}
		if rc.Identity.UserAgent != "probe" || rc.Identity.SourceIP != "127.0.0.1" || rc.ConnectionID != c.RequestContext.ConnectionID {
			t.Errorf("identity %+v of %s", rc.Identity, rc.ConnectionID)
		}
	}
	if s, _ := m.RequestContext.MessageID.(string); !id.MatchString(s) {
		t.Errorf("messageId %v", m.RequestContext.MessageID)
	}
}

// keysOf names the keys of an event and of its requestContext, sorted.
func keysOf(t *testing.T, payload []byte) string {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Fatal(err)
	}
	rc, _ := e["requestContext"].(map[string]any)
	return sorted(e) + ": " + sorted(rc)
}

func sorted(m map[string]any) string {
	data, _ := json.Marshal(m) // sorts the keys
	dec := json.NewDecoder(bytes.NewReader(data))
	var keys []string
	_, _ = dec.Token()
	for dec.More() {
		key, _ := dec.Token()
		keys = append(keys, key.(string))
		var skip json.RawMessage
		_ = dec.Decode(&skip)
	}
	return strings.Join(keys, " ")
}

// J6: routing.
func TestRouting(t *testing.T) {
	t.Parallel()
	named := func(name string) function { return returns(`{"statusCode":200,"body":"` + name + `"}`) }
	functions := map[string]function{"$connect": returns(`{"statusCode":200}`), "$default": named("default"), "join": named("join"), "7": named("seven")}
	f := start(t, functions, nil)
	conn := f.connect()
	for message, want := range map[string]string{
		`{"action":"join"}`: "join", `{"action":"JOIN"}`: "default", `not JSON`: "default", `{"action":"$connect"}`: "default",
		`{}`: "default", `[]`: "default", `{"action":7}`: "seven", `{"action":null}`: "default",
	} {
		send(t, conn, message)
		if got := receive(t, conn); got != want {
			t.Errorf("%s went to %s, want %s", message, got, want)
		}
	}
	if n := f.inv.count("$connect"); n != 1 {
		t.Errorf("$connect ran %d times", n)
	}
}

// B2, B3: selection expressions that join several values, and those that are refused.
func TestSelectionExpressions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ expression, message, route string }{
		{"${request.body.service}/${request.body.action}", `{"service":"chat","action":"join"}`, "chat/join"},
		{"${request.body.action}-${request.body.invalidPath}", `{"action":"join"}`, "join-"},
		{"$request.body['a b'].list[1]", `{"a b":{"list":["x","y"]}}`, "y"},
		{"$request.body.list[*].n", `{"list":[{"n":"a"},{"n":"b"}]}`, "[a, b]"},
		{"action", `{}`, "action"},
	} {
		functions := map[string]function{tc.route: returns(`{"statusCode":200,"body":"here"}`)}
		api := apiOf(functions)
		api.RouteSelection = tc.expression
		f := startAPI(t, api, functions, nil)
		conn := f.connect()
		send(t, conn, tc.message)
		if got := receive(t, conn); got != "here" {
			t.Errorf("%s of %s: %s", tc.expression, tc.message, got)
		}
	}
	for _, bad := range []string{"", "$request.header.x", "$request.body.a[?(@.b)]", "$request.body..a", "${request.body.a", "$request.body.*"} {
		api := apiOf(nil)
		api.RouteSelection = bad
		if _, err := gateway.New(api, &invoker{}, nil); !errors.Is(err, gateway.ErrUnsupported) {
			t.Errorf("%q: %v, want ErrUnsupported", bad, err)
		}
	}
}

// J7: the gateway's own error frames, byte by byte.
func TestErrorFrames(t *testing.T) {
	t.Parallel()
	functions := map[string]function{
		"crash":     func([]byte) (string, string, error) { return `{"errorMessage":"x"}`, "Unhandled", nil },
		"malformed": returns(`{"statusCode":200,"ConnectionId":"x"}`),
		"throttled": func([]byte) (string, string, error) { return "", "", errors.New("throttled") },
		"slow":      func([]byte) (string, string, error) { select {} },
	}
	api := apiOf(functions)
	for i := range api.Routes {
		if api.Routes[i].Key == "slow" {
			api.Routes[i].Integration.Timeout = 50 * time.Millisecond
		}
	}
	f := startAPI(t, api, functions, nil)
	conn := f.connect()
	id := f.onlyID()
	for action, text := range map[string]string{
		"nowhere": "Forbidden", "crash": "Internal server error", "malformed": "Internal server error",
		"throttled": "Internal server error", "slow": "Endpoint request timed out",
	} {
		send(t, conn, `{"action":"`+action+`"}`)
		want := `^\{"message": "` + text + `", "connectionId":"` + regexp.QuoteMeta(id) + `", "requestId":"[A-Za-z0-9_-]{15}="\}$`
		if got := receive(t, conn); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: %s", action, got)
		}
	}
}

// J8: a body goes to the sender only with a route response, whatever its statusCode.
func TestRouteResponse(t *testing.T) {
	t.Parallel()
	functions := map[string]function{"silent": returns(`{"statusCode":200,"body":"never"}`), "loud": returns(`{"statusCode":500,"body":"failed"}`)}
	api := apiOf(functions)
	for i := range api.Routes {
		api.Routes[i].RouteResponse = api.Routes[i].Key == "loud"
	}
	f := startAPI(t, api, functions, nil)
	conn := f.connect()
	send(t, conn, `{"action":"silent"}`)
	f.inv.event(t, "silent", 1)
	send(t, conn, `{"action":"loud"}`)
	if got := receive(t, conn); got != "failed" {
		t.Errorf("got %q", got)
	}
}

// J9: nothing keeps two frames of a connection in order.
func TestFramesRunInParallel(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := start(t, map[string]function{
		"slow": func([]byte) (string, string, error) { <-release; return `{"statusCode":200,"body":"slow"}`, "", nil },
		"fast": returns(`{"statusCode":200,"body":"fast"}`),
	}, nil)
	conn := f.connect()
	send(t, conn, `{"action":"slow"}`)
	f.inv.event(t, "slow", 1)
	send(t, conn, `{"action":"fast"}`)
	first := receive(t, conn)
	close(release)
	if second := receive(t, conn); first != "fast" || second != "slow" {
		t.Errorf("got %s, then %s", first, second)
	}
}

// J11: an idle connection and an old one are closed with 1001, and $disconnect says so.
func TestIdleAndMaximumDuration(t *testing.T) {
	t.Parallel()
	at := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	f := start(t, map[string]function{"$disconnect": returns(`{}`), "$default": returns(`{"statusCode":200,"body":"ok"}`)}, &gateway.Options{Clock: at})
	idle := f.connect()
	id := f.onlyID()
	await(t, at, 1)
	at.Advance(9 * time.Minute)
	if _, err := f.management().PostToConnection(timeout(t), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("push")}); err != nil {
		t.Fatal(err)
	}
	at.Advance(9 * time.Minute) // the push was traffic
	if got := receive(t, idle); got != "push" || len(f.gw.Connections()) != 1 {
		t.Fatalf("%q, and %d connections after a push", got, len(f.gw.Connections()))
	}
	send(t, idle, "x")
	if got := receive(t, idle); got != "ok" {
		t.Fatalf("%q", got)
	}
	at.Advance(10*time.Minute + time.Millisecond)
	wentAway(t, f, idle, 1)

	busy := f.connect()
	await(t, at, 1)
	for range 13 { // a message each nine minutes keeps it until the two hours are over
		send(t, busy, "x")
		if got := receive(t, busy); got != "ok" {
			t.Fatalf("%q", got)
		}
		at.Advance(9 * time.Minute)
	}
	at.Advance(3*time.Minute + time.Millisecond)
	wentAway(t, f, busy, 2)
}

func await(t *testing.T, at *clock.Manual, timers int) {
	t.Helper()
	if err := at.AwaitTimers(timeout(t), timers); err != nil {
		t.Fatal(err)
	}
}

// wentAway waits for the close of a connection, and for the nth $disconnect.
func wentAway(t *testing.T, f *fixture, conn *websocket.Conn, n int) {
	t.Helper()
	if code := closeCode(t, conn); code != websocket.StatusGoingAway {
		t.Errorf("code %d", code)
	}
	rc := strict(t, f.inv.event(t, "$disconnect", n)).RequestContext
	if rc.DisconnectStatusCode != 1001 || *rc.DisconnectReason != "Going away" {
		t.Errorf("%d %q", rc.DisconnectStatusCode, *rc.DisconnectReason)
	}
}

// J13, J14: @connections through the SDK's client.
func TestConnectionsThroughTheSDK(t *testing.T) {
	t.Parallel()
	f := start(t, map[string]function{"$disconnect": returns(`{}`)}, nil)
	conn := f.connect()
	conn.SetReadLimit(1 << 20)
	client, id, ctx := f.management(), f.onlyID(), timeout(t)
	large := strings.Repeat("x", 128*1024)
	for _, data := range []string{"hello", large} {
		if _, err := client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, conn); got != data {
			t.Errorf("got %d bytes, want %d", len(got), len(data))
		}
	}
	var tooLarge *types.PayloadTooLargeException
	if _, err := client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte(large + "x")}); !errors.As(err, &tooLarge) {
		t.Errorf("128 KB and 1: %v", err)
	}
	got, err := client.GetConnection(ctx, &apigatewaymanagementapi.GetConnectionInput{ConnectionId: &id})
	if err != nil || got.ConnectedAt == nil || got.LastActiveAt == nil || aws.ToString(got.Identity.SourceIp) != "127.0.0.1" {
		t.Errorf("get: %+v, %v", got, err)
	}
	if _, err := client.DeleteConnection(ctx, &apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: &id}); err != nil {
		t.Error(err)
	}
	var gone *types.GoneException
	if _, err := client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("x")}); !errors.As(err, &gone) {
		t.Errorf("after the delete: %v", err)
	}
	if code := closeCode(t, conn); code != websocket.StatusNormalClosure {
		t.Errorf("code %d", code)
	}
	rc := strict(t, f.inv.event(t, "$disconnect", 1)).RequestContext
	if rc.DisconnectStatusCode != 1000 || *rc.DisconnectReason != "Connection Closed Normally" {
		t.Errorf("%d %q", rc.DisconnectStatusCode, *rc.DisconnectReason)
	}
}

// D5: a 410 has its type in a header and no body; the other refusals have one.
func TestConnectionsOnTheWire(t *testing.T) {
	t.Parallel()
	f := start(t, nil, nil)
	for _, tc := range []struct {
		path, kind, body string
		status           int
	}{
		{"/prod/@connections/ABCDEFGHIJKLMNO%3D", "GoneException", "", 410},
		{"/prod/%40connections/ABCDEFGHIJKLMNO=", "GoneException", "", 410},
		{"/prod/@connections/a%20b", "BadRequestException", `{"message":"Invalid connectionId: a b"}`, 400},
		{"/other/@connections/ABCDEFGHIJKLMNO=", "ForbiddenException", `{"message":"Forbidden"}`, 403},
	} {
		resp, err := http.Post(f.url+tc.path, "application/octet-stream", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != tc.status || resp.Header.Get("X-Amzn-Errortype") != tc.kind || string(body) != tc.body {
			t.Errorf("%s: %d %q %q", tc.path, resp.StatusCode, resp.Header.Get("X-Amzn-Errortype"), body)
		}
	}
}

// A8: the subprotocol is what the function chose, and only that.
func TestSubprotocol(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{`{"sec-websocket-protocol":"chat"}`: "chat", `{}`: ""} {
		f := start(t, map[string]function{"$connect": returns(`{"statusCode":200,"headers":` + header + `}`)}, nil)
		conn, _, err := f.dial(&websocket.DialOptions{Subprotocols: []string{"chat"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.Subprotocol(); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

// B14: a key is asked for where the route says so.
func TestAPIKey(t *testing.T) {
	t.Parallel()
	functions := map[string]function{"$connect": returns(`{"statusCode":200}`)}
	api := apiOf(functions)
	api.Routes[0].APIKey = true
	f := startAPI(t, api, functions, &gateway.Options{APIKeys: []string{"k1"}})
	for key, want := range map[string]int{"": 403, "k2": 403, "k1": 101} {
		_, resp, _ := f.dial(&websocket.DialOptions{HTTPHeader: http.Header{"X-Api-Key": {key}}})
		if resp == nil || resp.StatusCode != want {
			t.Errorf("key %q: %v, want %d", key, resp, want)
		}
	}
}

// Update changes the routes of connections that are open.
func TestUpdateKeepsConnections(t *testing.T) {
	t.Parallel()
	functions := map[string]function{"old": returns(`{"statusCode":200,"body":"old"}`)}
	f := start(t, functions, nil)
	conn := f.connect()
	api := apiOf(functions)
	api.Routes[0].Key = "new"
	if err := f.gw.Update(api); err != nil {
		t.Fatal(err)
	}
	send(t, conn, `{"action":"new"}`)
	if got := receive(t, conn); got != "old" {
		t.Errorf("got %q", got)
	}
}

// What a client smuggles into its handshake, or a function into its answer, is refused.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	f := start(t, map[string]function{
		"$connect": returns(`{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"a\\r\\nSet-Cookie: b"}}`),
	}, nil)
	if _, resp, _ := f.dial(nil); resp == nil || resp.StatusCode != 502 || resp.Header.Get("Set-Cookie") != "" {
		t.Errorf("a header within a subprotocol: %v", resp)
	}
	plain := start(t, map[string]function{"$connect": returns(`{"statusCode":200}`), "$default": returns(`{"statusCode":200}`)}, nil)
	for name, headers := range map[string]string{
		"length":       "Content-Length: 7\r\n",
		"chunked":      "Transfer-Encoding: chunked\r\n",
		"both":         "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n",
		"two lengths":  "Content-Length: 7\r\nContent-Length: 8\r\n",
		"space before": "Content-Length : 7\r\n",
	} {
		if status := plain.handshake(headers + "\r\n\x81\x81\x00\x00\x00\x00x"); status != 400 {
			t.Errorf("%s: status %d, want 400", name, status)
		}
	}
	if _, _, err := plain.dial(&websocket.DialOptions{HTTPHeader: http.Header{"X-Forwarded-For": {"1.2.3.4"}, "X_Forwarded_For": {"5.6.7.8"}}}); err != nil {
		t.Fatal(err)
	}
	headers := strict(t, plain.inv.event(t, "$connect", 1)).Headers
	if headers["X-Forwarded-For"] != "127.0.0.1" {
		t.Errorf("a client has set X-Forwarded-For: %v", headers)
	}
}

// handshake sends a handshake with further text after its own headers, and gives the status.
func (f *fixture) handshake(rest string) int {
	f.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "GET /prod HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+rest)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		f.t.Fatalf("%q: %v", rest, err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
