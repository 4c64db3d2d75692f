package gateway

// The parsers are not exported, so these tests are inside the package.

import (
	"bytes"
	"encoding/json"
	"errors"
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
