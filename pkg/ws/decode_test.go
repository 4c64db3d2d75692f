package ws_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/pkg/ws"
)

type frame struct {
	Action string   `json:"action"`
	Count  int      `json:"count"`
	Small  uint8    `json:"small"`
	Ratio  float64  `json:"ratio"`
	On     bool     `json:"on"`
	Tags   []string `json:"tags"`
	User   struct {
		Age int `json:"age"`
	} `json:"user"`
	Since time.Time       `json:"since"`
	Any   json.RawMessage `json:"any"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	var got frame
	err := ws.Decode([]byte(" {\"action\":\"x\",\"unknown\":{},\"count\":3,\"any\":[1],\"tags\":null}\r\n"), &got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(frame{Action: "x", Count: 3, Any: json.RawMessage("[1]")}, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                      "the message is empty; it must be a JSON object",
		" \t\r\n":               "the message is empty; it must be a JSON object",
		`null`:                  "the message is not a JSON object",
		`[{}]`:                  "the message is not a JSON object",
		`"hello"`:               "the message is not a JSON object",
		`12`:                    "the message is not a JSON object",
		`hello`:                 "the message is not valid JSON, at byte 1",
		`{"action":"x"`:         "the message is not valid JSON, at byte 13",
		`{"action":"x"} {}`:     "the message is not valid JSON, at byte 16",
		`{"action":"x",}`:       "the message is not valid JSON, at byte 15",
		`{"action":7}`:          `the field "action" must be a string, not a number`,
		`{"action":{}}`:         `the field "action" must be a string, not an object`,
		`{"action":[]}`:         `the field "action" must be a string, not an array`,
		`{"action":true}`:       `the field "action" must be a string, not a boolean`,
		`{"count":"7"}`:         `the field "count" must be an integer of 64 bits, not a string`,
		`{"count":1.5}`:         `the field "count" must be an integer of 64 bits, not 1.5`,
		`{"small":256}`:         `the field "small" must be an integer from 0 to 255, not 256`,
		`{"ratio":"x"}`:         `the field "ratio" must be a number, not a string`,
		`{"on":0}`:              `the field "on" must be true or false, not a number`,
		`{"tags":"a"}`:          `the field "tags" must be an array, not a string`,
		`{"tags":["a",1]}`:      `the field "tags" must be a string, not a number`,
		`{"user":[]}`:           `the field "user" must be an object, not an array`,
		`{"user":{"age":"x"}}`:  `the field "user.age" must be an integer of 64 bits, not a string`,
		`{"since":"yesterday"}`: "a field of the message has a wrong value",
	} {
		err := ws.Decode([]byte(body), &frame{})
		var e *ws.Error
		if !errors.As(err, &e) || e.Code != ws.CodeBadRequest || e.Message != want {
			t.Errorf("decode %s: %v, want the message %q", body, err, want)
		}
	}
}

func TestDecodeLimit(t *testing.T) {
	t.Parallel()
	body := []byte(`{"action":"` + strings.Repeat("x", ws.MaxMessage-len(`{"action":""}`)) + `"}`)
	if err := ws.Decode(body, &frame{}); err != nil {
		t.Errorf("decode %d bytes: %v", len(body), err)
	}
	if err := ws.Decode(append(body, ' '), &frame{}); ws.CodeOf(err) != ws.CodeTooLarge {
		t.Errorf("decode %d bytes: %v", len(body)+1, err)
	}
}

func TestDecodeIntoNothing(t *testing.T) {
	t.Parallel()
	for _, v := range []any{nil, frame{}, (*frame)(nil)} {
		if err := ws.Decode([]byte(`{}`), v); ws.CodeOf(err) != ws.CodeInternal {
			t.Errorf("decode into %T: %v, want a fault of the server", v, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, body := range []string{``, `{}`, `{"user":{"age":1}}`, `{"tags":[1]}`, `{"small":-1}`, `{"since":1}`, `nul`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := ws.Decode(body, &frame{})
		if err == nil && !json.Valid(body) {
			t.Errorf("%q is no JSON and was decoded", body)
		}
		if code := ws.CodeOf(err); err != nil && code != ws.CodeBadRequest && code != ws.CodeTooLarge {
			t.Errorf("decode %q: %v", body, err)
		}
	})
}
