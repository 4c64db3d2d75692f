// Package tasktest proves that a queue keeps the promises of package task. Every queue runs the same cases: the one in
// memory in its own tests, the one on SQS through the real SDK client.
package tasktest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disclone/disclone/pkg/task"
)

// patience is how long a case waits for what must come; it is never waited for in full.
const patience = 60 * time.Second

// Env is what one case runs on. Cases run in parallel, each with an Env of its own.
type Env struct {
	Queue task.Queue
	// Serve has a worker run what the queue delivers, until the test ends. A failed task must come again within seconds.
	Serve func(t *testing.T, w *task.Worker)
	// Dead gives the tasks that failed for good, when there are n of them; it waits for that.
	Dead func(ctx context.Context, n int) ([]task.Message, error)
}

// Run tries every case.
func Run(t *testing.T, newEnv func(t *testing.T) Env) {
	for name, run := range map[string]func(*suite){
		"a result comes back, once":                  roundTrip,
		"progress, then the result":                  progress,
		"a failed attempt is tried again":            retry,
		"out of attempts it is dead, and said so":    outOfAttempts,
		"skip is not tried again":                    skip,
		"a public failure shows its text":            publicFailure,
		"a panic is a failure":                       panics,
		"an unknown task hurts nobody else":          unknownTask,
		"an input of another type is dead":           wrongInput,
		"one of many fails, the others run once":     oneOfMany,
		"a duplicate has the same id":                duplicate,
		"a delay is kept":                            delay,
		"a reply that fails is tried again":          failedReply,
		"too large is refused":                       tooLarge,
		"bad options are refused":                    badOptions,
		"what cannot be encoded is refused":          notEncodable,
		"a task without a reply address is silent":   noReply,
		"headers, id and attempt are in the context": contextValues,
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			run(newSuite(t, newEnv(t)))
		})
	}
}

// suite is one case under way. It is the replier, too.
type suite struct {
	*testing.T
	env    Env
	client *task.Client

	mu      sync.Mutex
	events  []task.Event
	changed chan struct{}
	refuse  int // replies to fail
}

func newSuite(t *testing.T, env Env) *suite {
	return &suite{T: t, env: env, client: task.NewClient(env.Queue, nil), changed: make(chan struct{})}
}

// Reply implements task.Replier.
func (s *suite) Reply(_ context.Context, to string, ev task.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		return errors.New("the reply fails")
	}
	if to != "me" {
		s.Errorf("an event went to %q", to)
	}
	s.events = append(s.events, ev)
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

func (s *suite) serve(handlers ...task.Handler) {
	s.Helper()
	s.env.Serve(s.T, task.NewWorker(task.NewMux(handlers...), s, &task.WorkerOptions{
		MaxAttempts: 3, Progress: time.Nanosecond, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}))
}

// await waits until the events satisfy ok, and gives them.
func (s *suite) await(what string, ok func([]task.Event) bool) []task.Event {
	s.Helper()
	timeout := time.After(patience)
	for {
		s.mu.Lock()
		events, changed := append([]task.Event(nil), s.events...), s.changed
		s.mu.Unlock()
		if ok(events) {
			return events
		}
		select {
		case <-changed:
		case <-timeout:
			s.Fatalf("waited in vain for %s; events: %+v", what, events)
		}
	}
}

func count(n int) func([]task.Event) bool {
	return func(events []task.Event) bool { return len(events) >= n }
}

// fence enqueues another task and waits for its result, so that what came before it has been seen to.
func (s *suite) fence(t *task.Task[string, string]) {
	s.Helper()
	id := s.enqueue(t, "fence")
	s.await("the fence", func(events []task.Event) bool {
		for _, ev := range events {
			if ev.TaskID == id {
				return true
			}
		}
		return false
	})
}

func (s *suite) enqueue(t *task.Task[string, string], in string) string {
	s.Helper()
	id, err := t.Enqueue(s.Context(), s.client, in, &task.Options{ReplyTo: "me"})
	if err != nil {
		s.Fatal(err)
	}
	return id
}

func (s *suite) dead(n int) []task.Message {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	dead, err := s.env.Dead(ctx, n)
	if err != nil {
		s.Fatalf("dead tasks: %v", err)
	}
	if len(dead) != n {
		s.Fatalf("%d tasks are dead, want %d", len(dead), n)
	}
	return dead
}

func upper() *task.Task[string, string] {
	return task.New("upper", func(_ context.Context, in string) (string, error) { return strings.ToUpper(in), nil })
}

// counter counts the runs of a task.
type counter struct {
	mu   sync.Mutex
	runs map[string]int
}

func (c *counter) add(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs == nil {
		c.runs = map[string]int{}
	}
	c.runs[key]++
	return c.runs[key]
}

func (c *counter) of(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs[key]
}

func unique() string { return fmt.Sprintf("%.8s", rand.Text()) }
