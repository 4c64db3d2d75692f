// Package tasktest proves that a queue and a store keep the promises of package task. All run the same cases: those in
// memory in its own tests, those on SQS and DynamoDB through the real SDK clients.
package tasktest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
	Store task.Store
	// Serve has a worker run what the queue delivers, until the test ends. A failed task must come again within seconds.
	Serve func(t *testing.T, w *task.Worker)
	// Dead gives the tasks that failed for good, when there are n of them; it waits for that.
	Dead func(ctx context.Context, n int) ([]task.Message, error)
	// Redrive takes one task that Dead gave, and enqueues it again as an operator would.
	Redrive func(ctx context.Context, m task.Message) error
}

// Run tries every case.
func Run(t *testing.T, newEnv func(t *testing.T) Env) {
	for name, run := range cases() {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			run(newSuite(t, newEnv(t)))
		})
	}
}

func cases() map[string]func(*suite) {
	return map[string]func(*suite){
		"a result comes back, once":                  roundTrip,
		"progress, then the result":                  progress,
		"progress in a tight loop is coalesced":      coalesced,
		"a long task says that it has started":       started,
		"a failed attempt is tried again":            retry,
		"out of attempts it is dead, and said so":    outOfAttempts,
		"skip is not tried again":                    skip,
		"a public failure shows its text":            publicFailure,
		"a panic is a failure":                       panics,
		"an unknown task hurts nobody else":          unknownTask,
		"an input of another type is dead":           wrongInput,
		"one of many fails, the others run once":     oneOfMany,
		"a duplicate does not run again":             duplicate,
		"while one attempt runs no other begins":     busy,
		"a crash after the work loses nothing":       crashAfterWork,
		"a dead worker's attempt is taken over":      takenOver,
		"a worker that always dies is a failure":     alwaysDies,
		"a redriven task runs again":                 redrive,
		"a delay is kept":                            delay,
		"a delay of any length is kept":              longDelay,
		"a time limit ends an attempt":               timeLimit,
		"an expired task does not run":               expired,
		"calls with one unique key are one":          uniqueKey,
		"a rate is kept":                             rate,
		"many at once, one of them bad":              many,
		"many large ones at once":                    manyLarge,
		"a task has its time and its queue":          timeAndQueue,
		"a task's log has its name":                  logs,
		"a schedule runs once for each time":         schedule,
		"a task is known by its id":                  known,
		"a large result is fetched":                  largeResult,
		"a revoked task does not begin":              revokeBefore,
		"a running task is revoked":                  revokeDuring,
		"a reply that fails is tried again":          failedReply,
		"too large is refused":                       tooLarge,
		"bad options are refused":                    badOptions,
		"what cannot be encoded is refused":          notEncodable,
		"a task without a reply address is silent":   noReply,
		"headers, id and attempt are in the context": contextValues,
		"a chain hands on its results":               chain,
		"a group gives all results in order":         group,
		"a chord runs once, after all":               chord,
		"a step that fails ends the call":            failedStep,
		"an error task runs once":                    errorTask,
		"a redriven step goes on with the call":      redrivenStep,
		"a revoked call begins no further step":      revokedCall,
		"a group of nobody is complete":              emptyGroup,
		"a store keeps versions":                     versions,
		"a store gives pages":                        pages,
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
	return &suite{T: t, env: env, client: task.NewClient(env.Queue, &task.ClientOptions{Store: env.Store}), changed: make(chan struct{})}
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
	s.env.Serve(s.T, s.worker(nil, handlers...))
}

// worker makes a worker whose options a function may change.
func (s *suite) worker(change func(*task.WorkerOptions), handlers ...task.Handler) *task.Worker {
	opts := &task.WorkerOptions{
		Client: s.client, MaxAttempts: 3, Progress: time.Nanosecond, StartedAfter: time.Hour, RevokePoll: 10 * time.Millisecond,
		Backoff: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(opts)
	}
	return task.NewWorker(task.NewMux(handlers...), s, opts)
}

// body is a message of a task with a new id, as a queue delivers it.
func (s *suite) body(t *task.Task[string, string], in string, change func(*task.Message)) (id string, body []byte) {
	s.Helper()
	q := task.NewMemory(nil)
	id, err := t.Enqueue(s.Context(), task.NewClient(q, &task.ClientOptions{Store: s.env.Store}), in, &task.Options{ReplyTo: "me"})
	if err != nil {
		s.Fatal(err)
	}
	m := q.Sent()[0]
	if change != nil {
		change(&m)
	}
	if body, err = m.Encode(); err != nil {
		s.Fatal(err)
	}
	return id, body
}

// eventsOf gives the events of one task so far.
func (s *suite) eventsOf(id string) []task.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []task.Event
	for _, ev := range s.events {
		if ev.TaskID == id {
			out = append(out, ev)
		}
	}
	return out
}

// wait waits for a task's final state.
func (s *suite) wait(id string) task.Record {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	rec, err := s.client.Wait(ctx, id)
	if err != nil {
		s.Fatalf("wait for %s: %v", id, err)
	}
	return rec
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
