package gateway

// The parsers are not exported, so these tests are inside the package.

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzMessages: whatever a client sends, a message that comes out is UTF-8 and within the limits, and a close code is
// one that may be sent.
func FuzzMessages(f *testing.F) {
	f.Add([]byte{0x81, 0x81, 1, 2, 3, 4, 'x' ^ 1})
	f.Add([]byte{0x01, 0x80, 1, 2, 3, 4, 0x89, 0x80, 1, 2, 3, 4, 0x80, 0x80, 1, 2, 3, 4})
	f.Add([]byte{0x88, 0x82, 0, 0, 0, 0, 3, 0xe8})
	f.Add([]byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &messageReader{in: bytes.NewReader(data), control: func(op byte, payload []byte) error {
			if len(payload) > maxControl {
				t.Fatalf("a control frame of %d bytes", len(payload))
			}
			if op != opClose {
				return nil
			}
			code, _, err := parseClose(payload)
			if err == nil && !validCloseCode(answerTo(code)) {
				t.Fatalf("close code %d", code)
			}
			return err
		}}
		for {
			message, err := r.next()
			var closed *closeError
			if errors.As(err, &closed) && !validCloseCode(closed.code) {
				t.Fatalf("close code %d", closed.code)
			}
			if err != nil {
				return
			}
			if !utf8.Valid(message) || len(message) > maxMessage {
				t.Fatalf("message %q", message)
			}
		}
	})
}

// FuzzSelection: no expression and no body makes the gateway panic.
func FuzzSelection(f *testing.F) {
	f.Add("$request.body.action", `{"action":"join"}`)
	f.Add("${request.body.a['b c'][0]}/${request.body.d[*].e}", `{"a":{"b c":[1]},"d":[{"e":null}]}`)
	f.Add("a\\$b$", `[]`)
	f.Fuzz(func(t *testing.T, text, body string) {
		e, err := parseExpression(text)
		if err != nil {
			if !errors.Is(err, ErrUnsupported) {
				t.Fatal(err)
			}
			return
		}
		var v any
		_ = json.Unmarshal([]byte(body), &v) // nil is a body too
		e.evaluate(v)
	})
}

// FuzzCompressed: the same of compressed messages, which must not grow past the limits either.
func FuzzCompressed(f *testing.F) {
	f.Add([]byte("hello"))
	f.Add([]byte{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := unpack(data)
		var closed *closeError
		if err != nil && (!errors.As(err, &closed) || !validCloseCode(closed.code)) {
			t.Fatal(err)
		}
		if err == nil && (!utf8.Valid(text) || len(text) > maxMessage) {
			t.Fatalf("%d bytes", len(text))
		}
		again, err := inflate(deflate(data))
		if len(data) <= maxMessage && (err != nil || !bytes.Equal(again, data)) {
			t.Fatalf("%q came back as %q, %v", data, again, err)
		}
	})
}

// FuzzHandshake: whatever bytes a client sends for its handshake, the answer is a refusal with a proper status, or the
// request was a whole handshake of RFC 6455 without a body.
func FuzzHandshake(f *testing.F) {
	f.Add("GET /prod HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	f.Add("POST /prod HTTP/1.0\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	f.Add("GET /prod?%zz HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Extensions: permessage-deflate;;=,\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		offersDeflate(r.Header)
		status := checkHandshake(r)
		if status != 0 && (status < 400 || status > 499) {
			t.Fatalf("status %d", status)
		}
		if status == 0 && (r.Method != http.MethodGet || r.ContentLength != 0 || r.Header.Get("Sec-Websocket-Version") != "13") {
			t.Fatalf("let in: %q", text)
		}
	})
}
