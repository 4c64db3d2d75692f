package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/disclone/disclone/infra/local/internal/console"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// listener is an open page: it keeps what it is sent.
type listener struct {
	mu     sync.Mutex
	events []glance
}

func (l *listener) Header() http.Header { return http.Header{} }

func (l *listener) WriteHeader(int) {}

func (l *listener) Flush() {}

func (l *listener) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var s glance
	text, ok := strings.CutPrefix(string(data), "data: ")
	if !ok {
		return 0, fmt.Errorf("%.40q is no event", data)
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return 0, err
	}
	l.events = append(l.events, s)
	return len(data), nil
}

// joins gives the count of the route join in each event.
func (l *listener) joins() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var counts []int
	for _, e := range l.events {
		counts = append(counts, e.Counts.Routes["Api join"])
	}
	return fmt.Sprint(counts)
}

// Every open page hears of what happens at once, and then four times a second at most, however much happens.
func TestUpdatesAreCoalesced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		recorder := console.NewRecorder()
		c := console.New(console.Deps{
			App: func() *template.App { return &template.App{} }, APIs: func() []console.API { return nil }, Recorder: recorder,
		})
		pages := []*listener{{}, {}}
		for _, page := range pages {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+console.Path+"api/live", nil)
			if err != nil {
				t.Fatal(err)
			}
			go c.ServeHTTP(page, req)
		}
		expect := func(want string) {
			t.Helper()
			synctest.Wait()
			for i, page := range pages {
				if got := page.joins(); got != want {
					t.Errorf("page %d: %s, want %s", i, got, want)
				}
			}
		}
		record := func(n int) {
			for range n {
				recorder.Record(console.Entry{API: "Api", Route: "join"})
			}
		}
		expect("[0]")
		time.Sleep(time.Second) // of the bubble's clock
		record(1)
		expect("[0 1]")
		record(1000)
		expect("[0 1]")
		time.Sleep(249 * time.Millisecond)
		expect("[0 1]")
		time.Sleep(time.Millisecond)
		expect("[0 1 1001]")
		time.Sleep(1999 * time.Millisecond) // queues and connections change by themselves
		expect("[0 1 1001]")
		time.Sleep(time.Millisecond)
		expect("[0 1 1001 1001]")
		cancel()
	})
}

func BenchmarkRecord(b *testing.B) {
	recorder := console.NewRecorder()
	payload := make([]byte, 1200)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			recorder.Record(console.Entry{ID: fmt.Sprint(i), API: "Api", Route: "join", Function: "F", Outcome: "ok", Payload: payload, Response: payload[:20]})
		}
	})
}
