package awsjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
)

// plain turns a node into what encoding/json makes of it.
func plain(n *awsjson.Node) any {
	switch n.Kind {
	case awsjson.String:
		return n.Str
	case awsjson.Number:
		return json.Number(n.Str)
	case awsjson.Bool:
		return n.Str == "true"
	case awsjson.Array:
		out := []any{}
		for i := range n.Kids {
			out = append(out, plain(&n.Kids[i]))
		}
		return out
	case awsjson.Object:
		out := map[string]any{}
		for i := range n.Kids {
			out[n.Kids[i].Name] = plain(&n.Kids[i])
		}
		return out
	}
	return nil
}

func TestParseReadsWhatTheStandardLibraryReads(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `[]`, ` { "a" : [ 1 , -2.5e3 , true , false , null , "x" ] } `, `"\u00e9\ud83d\ude00\n\"\\\/\b\f\r\t"`, `{"a":{"b":{"c":[[],{}]}}}`,
		`"é😀"`, `{"a":1,"a":2}`, `0`, `"\ud800"`,
		``, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `[1,]`, `[1 2]`, `tru`, `"x`, "\"\x01\"", `"\x"`, `"\u12"`, `{a:1}`, `1 2`, `-`, `nul`, `{"a":1}}`,
		strings.Repeat("[", 300) + strings.Repeat("]", 300) + "x",
	} {
		got, err := awsjson.Parse(text)
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var want any
		valid := json.Valid([]byte(text))
		if (err == nil) != valid {
			t.Errorf("Parse(%q): %v, but valid is %v", text, err, valid)
			continue
		}
		if err != nil {
			if !errors.Is(err, awsjson.ErrSyntax) {
				t.Errorf("Parse(%q): %v", text, err)
			}
			continue
		}
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, plain(&got)); diff != "" {
			t.Errorf("Parse(%q)\n%s", text, diff)
		}
	}
}

func TestAppendStringIsReadBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain", "\"\\\n\r\t\x00\x1f", "é😀", "<&>"} {
		var got string
		if err := json.Unmarshal(awsjson.AppendString(nil, text), &got); err != nil || got != text {
			t.Errorf("%q came back as %q, %v", text, got, err)
		}
	}
}

func TestWriteError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{&awsjson.Error{Type: "a.b#Bad", Message: "no", Extra: []byte(`"Item":{}`)}, 400, `{"__type":"a.b#Bad","message":"no","Item":{}}`},
		{fmt.Errorf("around: %w", &awsjson.Error{Type: "a.b#Bad", Status: 503}), 503, `{"__type":"a.b#Bad","message":""}`},
		{errors.New("broken"), 500, `{"__type":"InternalServerError","message":"broken"}`},
	} {
		w := httptest.NewRecorder()
		awsjson.WriteError(w, "application/x-amz-json-1.0", c.err)
		if w.Code != c.status || w.Body.String() != c.body || len(w.Header().Get("X-Amzn-Requestid")) != 52 ||
			w.Header().Get("X-Amz-Crc32") != fmt.Sprint(crc32.ChecksumIEEE(w.Body.Bytes())) {
			t.Errorf("%v: %d %s %v", c.err, w.Code, w.Body, w.Header())
		}
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{"DynamoDB_20120810.PutItem": "DynamoDB_20120810 PutItem", "": "", "PutItem": "", ".x": "", "x.": ""} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("X-Amz-Target", header)
		service, op, err := awsjson.Target(r)
		if got := strings.TrimSpace(service + " " + op); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", header, got, err)
		}
	}
}

func TestWriteKeepsARequestID(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	w.Header().Set("X-Amzn-Requestid", "mine")
	awsjson.Write(w, "application/x-amz-json-1.0", http.StatusOK, []byte("{}"))
	if got := w.Header().Get("X-Amzn-Requestid"); got != "mine" {
		t.Errorf("request id %q", got)
	}
}
