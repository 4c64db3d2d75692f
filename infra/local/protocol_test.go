package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// example is one JSON block of docs/protocol.md: ```json client sendMessage.
type example struct {
	from, name string
	frame      frame
}

func protocolExamples(t *testing.T) []example {
	t.Helper()
	doc, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples []example
	for _, m := range regexp.MustCompile("(?s)```json (client|server) (\\w+)\n(.*?)\n```").FindAllStringSubmatch(string(doc), -1) {
		var f frame
		if err := json.Unmarshal([]byte(m[3]), &f); err != nil {
			t.Fatalf("the example %s: %v", m[3], err)
		}
		examples = append(examples, example{m[1], m[2], f})
	}
	return examples
}

// TestProtocolDocument plays every example of docs/protocol.md against the running system, in the order they stand there,
// over one connection. Each frame that the server sends must be the document's, field by field.
func TestProtocolDocument(t *testing.T) {
	t.Parallel()
	p := sharedSystem(t).connect(t)
	examples := protocolExamples(t)
	if len(examples) < 10 {
		t.Fatalf("docs/protocol.md has only %d examples", len(examples))
	}
	seen := map[string]bool{}
	for i := 0; i < len(examples); {
		if examples[i].from != "client" {
			t.Fatalf("%v answers no frame of a client", examples[i])
		}
		data, _ := json.Marshal(examples[i].frame)
		p.send(string(data))
		seen[examples[i].name] = true
		answers := map[string]frame{} // in any order: a task's result may overtake the ack
		for i++; i < len(examples) && examples[i].from == "server"; i++ {
			seen[examples[i].name] = true
			answers[examples[i].name] = examples[i].frame
		}
		for range len(answers) {
			got := p.read()
			compare(t, answers[fmt.Sprint(got["event"])], got)
		}
	}
	for _, name := range []string{"sendMessage", "joinGroup", "leaveGroup", "resume", "getTask", "revokeTask", "ack", "message", "task", "error"} {
		if !seen[name] {
			t.Errorf("docs/protocol.md has no example of %s", name)
		}
	}
}

// compare compares a frame with its example. A text in capitals, such as TASK, stands for any text.
func compare(t *testing.T, want, got frame) {
	t.Helper()
	if diff := cmp.Diff(filled(map[string]any(want), map[string]any(got)), map[string]any(got)); diff != "" {
		t.Errorf("the document and the server differ (-document +server):\n%s", diff)
	}
}

// filled puts what the server said in place of an example's capitals, at any depth.
func filled(want, got any) any {
	switch w := want.(type) {
	case string:
		if g, ok := got.(string); ok && g != "" && w == strings.ToUpper(w) {
			return g
		}
	case map[string]any:
		g, _ := got.(map[string]any)
		for k := range w {
			w[k] = filled(w[k], g[k])
		}
	case []any:
		g, _ := got.([]any)
		for i := range w {
			if i < len(g) {
				w[i] = filled(w[i], g[i])
			}
		}
	}
	return want
}
