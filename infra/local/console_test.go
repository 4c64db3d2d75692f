package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// glance is what the test wants of the console's state.
type glance struct {
	Links []struct {
		Kind, From, To string
		Count          int
	}
	Invocations []struct{ ID, Source, Route string }
}

func (g glance) counted(kind, from, to string) bool {
	for _, l := range g.Links {
		if l.Kind == kind && l.From == from && l.To == to && l.Count > 0 {
			return true
		}
	}
	return false
}

// has says whether a route or a mapping has invoked something.
func (g glance) has(by string) bool {
	for _, e := range g.Invocations {
		if e.Route == by || e.Source == by {
			return true
		}
	}
	return false
}

// TestConsole looks at the running system as the console's page does: a message and the task it starts are counted on the
// arrows of the picture, and shown with what went in. It does not run beside others: theirs would push its own out.
func TestConsole(t *testing.T) {
	sys := sharedSystem(t)
	page := regexp.MustCompile(`Console: (\S+)`).FindStringSubmatch(sys.log.String())
	if page == nil {
		t.Fatal("the address of the console was not printed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	updates := bufio.NewReader(get(ctx, t, page[1]+"api/live"))
	sys.connect(t).send(`{"action":"sendMessage","message":"seen by the console","task":"analyze"}`)
	for {
		line, err := updates.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var g, found glance
		decode(t, strings.NewReader(data), &g)
		decode(t, get(ctx, t, page[1]+"api/invocations?text=seen+by+the+console"), &found)
		if found.has("sendMessage") && found.has("WorkerFunctionTasks") {
			if !g.counted("route", "route WebSocketApi sendMessage", "fn SendMessageFunction") {
				t.Errorf("the message is not counted: %+v", g.Links)
			}
			break
		}
	}
}

// get gives what the console answers.
func get(ctx context.Context, t *testing.T, url string) io.Reader {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp.Body
}

func decode(t *testing.T, in io.Reader, into any) {
	t.Helper()
	if err := json.NewDecoder(in).Decode(into); err != nil {
		t.Fatal(err)
	}
}
