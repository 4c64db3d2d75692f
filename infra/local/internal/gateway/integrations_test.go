package gateway_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/coder/websocket"

	"github.com/disclone/disclone/infra/local/internal/chaos"
	"github.com/disclone/disclone/infra/local/internal/gateway"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// B12: MOCK answers with the status of its template.
func TestMock(t *testing.T) {
	t.Parallel()
	for text, status := range map[string]int{
		``: 101, `{"statusCode":200}`: 101, `{"statusCode": 401}`: 401, `{"statusCode":$stageVariables.status}`: 418, `nonsense`: 500,
	} {
		api := apiOf(map[string]function{"$connect": nil})
		api.Stages[0].Variables = map[string]string{"status": "418"}
		api.Routes[0].Integration = template.Integration{Type: "MOCK", Timeout: time.Second, RequestTemplates: map[string]string{"$default": text}}
		if text == "" {
			api.Routes[0].Integration.RequestTemplates = nil
		}
		f := startAPI(t, api, nil, nil)
		if _, resp, _ := f.dial(nil); resp == nil || resp.StatusCode != status {
			t.Errorf("%s: %v, want %d", text, resp, status)
		}
	}
}

// B12, B13: HTTP_PROXY sends the message to a server on this machine.
func TestHTTPProxy(t *testing.T) {
	t.Parallel()
	var seen *http.Request
	var body string
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		seen, body = r, string(data)
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
		}
		_, _ = io.WriteString(w, "from the backend")
	}))
	t.Cleanup(backend.Close)
	api := apiOf(map[string]function{"$default": nil, "slow": nil})
	for i := range api.Routes {
		in := template.Integration{Type: "HTTP_PROXY", Method: "PUT", Timeout: 5 * time.Second, URI: backend.URL + "/{who}", RequestParameters: map[string]string{
			"integration.request.header.X-Id": "context.connectionId", "integration.request.querystring.q": "route.request.body.a.b",
			"integration.request.header.X-Static": "'fixed'", "integration.request.path.who": "'me'",
		}}
		if api.Routes[i].Key == "slow" {
			in.URI, in.Timeout = backend.URL+"/slow", 50*time.Millisecond
		}
		api.Routes[i].Integration = in
	}
	f := startAPI(t, api, nil, nil)
	conn := f.connect()
	message := `{"a":{"b":"c d"}}`
	send(t, conn, message)
	if got := receive(t, conn); got != "from the backend" || body != message {
		t.Errorf("got %q, the backend %q", got, body)
	}
	if seen.Method != "PUT" || seen.URL.Path != "/me" || seen.URL.Query().Get("q") != "c d" || seen.Header.Get("X-Id") != f.onlyID() || seen.Header.Get("X-Static") != "fixed" {
		t.Errorf("%s %s %v", seen.Method, seen.URL, seen.Header)
	}
	send(t, conn, `{"action":"slow"}`)
	if got := receive(t, conn); !strings.Contains(got, `"message": "Endpoint request timed out"`) {
		t.Errorf("%q", got)
	}
}

// B12: what is not emulated is refused by name.
func TestRefusedIntegrations(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]template.Integration{
		"AWS":      {Type: "AWS"},
		"HTTP":     {Type: "HTTP"},
		"internet": {Type: "HTTP_PROXY", URI: "https://example.com/x"},
		"no URL":   {Type: "HTTP_PROXY", URI: "arn:aws:x"},
		"template": {Type: "MOCK", RequestTemplates: map[string]string{"a": `#set($x = 1){"statusCode":200}`}},
		"function": {Type: "MOCK", RequestTemplates: map[string]string{"a": `{"statusCode":$input.path('$.x')}`}},
	} {
		api := apiOf(map[string]function{"$default": nil})
		api.Routes[0].Integration = in
		if _, err := gateway.New(api, &invoker{}, nil); !errors.Is(err, gateway.ErrUnsupported) {
			t.Errorf("%s: %v, want ErrUnsupported", name, err)
		}
	}
}

// A5, B8, D5: over the limits a handshake gets 429, a message an error frame, and a post LimitExceededException.
func TestThrottling(t *testing.T) {
	t.Parallel()
	api := apiOf(map[string]function{"$connect": nil, "$default": nil})
	api.Stages[0].Routes = map[string]template.Throttle{"$connect": {Rate: 0.001, Burst: 1}, "$default": {Rate: 0.001, Burst: 1}}
	ok := returns(`{"statusCode":200,"body":"ok"}`)
	functions := map[string]function{"$connect": ok, "$default": ok}
	quota := gateway.NewQuota()
	f := startAPI(t, api, functions, &gateway.Options{Quota: quota})
	conn := f.connect()
	if _, resp, _ := f.dial(nil); resp == nil || resp.StatusCode != 429 {
		t.Errorf("second handshake: %v, want 429", resp)
	}
	for _, want := range []string{"ok", `{"message": "Too Many Requests", "connectionId":"`} {
		send(t, conn, "x")
		if got := receive(t, conn); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	gateway.Exhaust(quota)
	id := f.onlyID()
	var limited *types.LimitExceededException
	if _, err := f.management().GetConnection(timeout(t), &apigatewaymanagementapi.GetConnectionInput{ConnectionId: &id}); !errors.As(err, &limited) {
		t.Errorf("%v, want LimitExceededException", err)
	}
}

// A7: permessage-deflate, where it is asked for and offered.
func TestCompression(t *testing.T) {
	t.Parallel()
	echo := func(payload []byte) (string, string, error) {
		return `{"statusCode":200,"body":` + string(encodeText(strict(t, payload).Body)) + `}`, "", nil
	}
	for name, agree := range map[string]bool{"agreed": true, "declined": false} {
		f := start(t, map[string]function{"$default": echo}, &gateway.Options{Compress: agree})
		conn, resp, err := f.dial(&websocket.DialOptions{CompressionMode: websocket.CompressionNoContextTakeover, CompressionThreshold: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("Sec-WebSocket-Extensions") != ""; got != agree {
			t.Errorf("%s: extensions %q", name, resp.Header.Get("Sec-WebSocket-Extensions"))
		}
		conn.SetReadLimit(1 << 20)
		for _, text := range []string{"x", "", strings.Repeat("hé", 10_000)} {
			if text == "" {
				continue
			}
			send(t, conn, text)
			if got := receive(t, conn); got != text {
				t.Errorf("%s: %d bytes came back of %d", name, len(got), len(text))
			}
		}
	}
}

func encodeText(s string) []byte {
	var b bytes.Buffer
	b.WriteByte('"')
	b.WriteString(s)
	b.WriteByte('"')
	return b.Bytes()
}

// A15, RFC 7692: a message that is small only while it is compressed is too large, and rubbish is no message.
func TestCompressionLimits(t *testing.T) {
	t.Parallel()
	pack := func(text string) string {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestCompression)
		_, _ = io.WriteString(w, text)
		_ = w.Flush()
		return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
	}
	for name, tc := range map[string]struct {
		frames [][]byte
		code   int
	}{
		"bomb":             {[][]byte{frame(0xC1, pack(strings.Repeat("x", 128*1024+1)))}, 1009},
		"rubbish":          {[][]byte{frame(0xC1, "\xff\xff\xff")}, 1007},
		"not UTF-8":        {[][]byte{frame(0xC1, pack("\xff"))}, 1007},
		"later frame":      {[][]byte{frame(0x01, "x"), frame(0xC0, "y")}, 1002},
		"control":          {[][]byte{frame(0xC9, "x")}, 1002},
		"another bit":      {[][]byte{frame(0xA1, "x")}, 1002},
		"binary":           {[][]byte{frame(0xC2, pack("x"))}, 1003},
		"fragments, plain": {[][]byte{frame(0x41, pack("hello")[:2]), frame(0x80, pack("hello")[2:]), frame(0x88, "\x03\xe8")}, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, map[string]function{"$default": returns(`{"statusCode":200}`)}, &gateway.Options{Compress: true})
			client := f.rawWith("Sec-WebSocket-Extensions: permessage-deflate\r\n")
			client.send(tc.frames...)
			first, payload := client.next()
			if first != 0x88 || int(binary.BigEndian.Uint16(payload)) != tc.code {
				t.Fatalf("frame %#x %q, want a close with %d", first, payload, tc.code)
			}
		})
	}
}

// D5: a client that does not read makes posts fail with 429, and gets all that was accepted once it reads on.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	f := start(t, nil, nil)
	client := f.raw()
	id := f.onlyID()
	post := func(data string) error {
		_, err := f.management().PostToConnection(timeout(t), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte(data)})
		return err
	}
	accepted, part := 0, strings.Repeat("x", 32*1024)
	var limited *types.LimitExceededException
	for {
		err := post(part)
		if errors.As(err, &limited) {
			break
		}
		if err != nil || accepted > 2_000 {
			t.Fatalf("after %d posts: %v", accepted, err)
		}
		accepted++
	}
	for range accepted {
		if first, payload := client.next(); first != 0x81 || len(payload) != len(part) {
			t.Fatalf("frame %#x of %d bytes", first, len(payload))
		}
	}
	for post("again") != nil { // the rest goes out in the background
		if len(f.gw.Connections()) != 1 {
			t.Fatal("the connection was closed")
		}
	}
	if _, payload := client.next(); string(payload) != "again" {
		t.Errorf("%d bytes, want again", len(payload))
	}
}

// J17: what chaos does to a connection.
func TestChaos(t *testing.T) {
	t.Parallel()
	ok := returns(`{"statusCode":200,"body":"ok"}`)
	with := func(fault chaos.Fault) *gateway.Options {
		c := chaos.New(1)
		if err := c.SetRate(string(fault), 1); err != nil {
			t.Fatal(err)
		}
		return &gateway.Options{Chaos: c}
	}
	for fault, code := range map[chaos.Fault]string{
		chaos.Post410: "GoneException", chaos.Post429: "LimitExceededException", chaos.Post500: "InternalServerErrorException",
		chaos.PostLost: "InternalServerErrorException", chaos.Reorder: "",
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			f := start(t, nil, with(fault))
			conn := f.connect()
			id := f.onlyID()
			_, err := f.management().PostToConnection(timeout(t), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: []byte("x")})
			if code == "" != (err == nil) || (err != nil && !strings.Contains(err.Error(), code)) {
				t.Errorf("%v, want %q", err, code)
			}
			if fault == chaos.PostLost && receive(t, conn) != "x" {
				t.Error("the frame was not sent")
			}
		})
	}
	t.Run("cut", func(t *testing.T) {
		t.Parallel()
		f := start(t, map[string]function{"$default": ok, "$disconnect": ok}, with(chaos.Cut))
		conn := f.connect()
		send(t, conn, "x")
		if got := receive(t, conn); got != "ok" {
			t.Errorf("%q", got)
		}
		wentAway(t, f, conn, 1)
	})
	t.Run("lose-disconnect", func(t *testing.T) {
		t.Parallel()
		opts := with(chaos.LoseDisconnect)
		f := start(t, map[string]function{"$disconnect": ok}, opts)
		_ = f.connect().Close(websocket.StatusNormalClosure, "")
		if err := f.gw.Shutdown(timeout(t)); err != nil {
			t.Fatal(err)
		}
		if n := f.inv.count("$disconnect"); n != 0 || opts.Chaos.Injected()["lose-disconnect"] != 1 {
			t.Errorf("$disconnect ran %d times; %v", n, opts.Chaos.Injected())
		}
	})
}
