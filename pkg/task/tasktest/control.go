package tasktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/disclone/disclone/pkg/task"
)

func coalesced(s *suite) {
	t := task.New("tight", func(ctx context.Context, in string) (string, error) {
		for i := range 1000 {
			task.Progress(ctx, i)
		}
		s.await("the last progress", func(events []task.Event) bool {
			return len(events) > 0 && string(events[len(events)-1].Result) == "999"
		})
		return in, nil
	})
	s.env.Serve(s.T, s.worker(func(o *task.WorkerOptions) { o.Progress = 50 * time.Millisecond }, t))
	id := s.enqueue(t, "done")
	s.wait(id)
	events := s.await("the result", func(events []task.Event) bool { return events[len(events)-1].State.Final() })
	if string(events[0].Result) != "0" || len(events) > 100 {
		s.Errorf("%d events, the first %+v", len(events), events[0])
	}
	for i, ev := range events[1:] {
		if ev.Step <= events[i].Step {
			s.Errorf("step %d after %d", ev.Step, events[i].Step)
		}
	}
}

func started(s *suite) {
	t := task.New("long", func(ctx context.Context, in string) (string, error) {
		s.await("the start", count(1))
		return in, nil
	})
	s.env.Serve(s.T, s.worker(func(o *task.WorkerOptions) { o.StartedAfter = time.Millisecond }, t))
	s.enqueue(t, "")
	events := s.await("the start and the result", count(2))
	if events[0].State != task.StateStarted || events[1].State != task.StateSuccess || events[1].Step <= events[0].Step {
		s.Errorf("events %+v", events)
	}
}

func longDelay(s *suite) {
	const wait = 24 * time.Hour
	now := time.Now()
	clock := func() time.Time { return now }
	client := task.NewClient(shortQueue{s.env.Queue}, &task.ClientOptions{Store: s.env.Store, Now: clock})
	t := upper()
	id, err := t.Enqueue(s.Context(), client, "later", &task.Options{ReplyTo: "me", Delay: wait})
	if err != nil {
		s.Fatal(err)
	}
	s.sweep(client, 0)
	now = now.Add(wait - time.Hour)
	s.sweep(client, 0)
	now = now.Add(time.Hour)
	s.sweep(client, 1)
	s.sweep(client, 0)
	s.serve(t)
	if ev := s.await("the result", count(1))[0]; ev.TaskID != id || ev.State != task.StateSuccess {
		s.Errorf("event %+v", ev)
	}
}

// shortQueue can keep delays of a minute.
type shortQueue struct{ task.Queue }

func (shortQueue) MaxDelay() time.Duration { return time.Minute }

func (s *suite) sweep(c *task.Client, want int) {
	s.Helper()
	if n, err := c.Sweep(s.Context()); n != want || err != nil {
		s.Fatalf("the sweep sent %d, %v; want %d", n, err, want)
	}
}

func timeLimit(s *suite) {
	t := task.New("endless", func(ctx context.Context, _ string) (string, error) { <-ctx.Done(); return "", task.Skip(ctx.Err()) })
	s.serve(t)
	if _, err := t.Enqueue(s.Context(), s.client, "", &task.Options{ReplyTo: "me", TimeLimit: time.Millisecond}); err != nil {
		s.Fatal(err)
	}
	if ev := s.await("the failure", count(1))[0]; ev.State != task.StateFailure {
		s.Errorf("event %+v", ev)
	}
}

func expired(s *suite) {
	var runs counter
	t := task.New("late", func(context.Context, string) (string, error) { runs.add(""); return "", nil })
	id, body := s.body(t, "", func(m *task.Message) { past := time.Now().Add(-time.Second); m.Expires = &past })
	if out := s.worker(nil, t).Handle(s.Context(), body, 1); out.Err != nil {
		s.Errorf("outcome %+v", out)
	}
	events := s.eventsOf(id)
	if len(events) != 1 || events[0].State != task.StateRevoked || events[0].Error.Code != "expired" || runs.of("") != 0 {
		s.Errorf("%d runs, events %+v", runs.of(""), events)
	}
}

func uniqueKey(s *suite) {
	var runs counter
	t := task.New("unique", func(ctx context.Context, in string) (string, error) { runs.add(""); return in, nil })
	key := unique()
	var ids []string
	for range 3 {
		id, err := t.Enqueue(s.Context(), s.client, "", &task.Options{ReplyTo: "me", UniqueKey: key})
		if err != nil {
			s.Fatal(err)
		}
		ids = append(ids, id)
	}
	if ids = slices.Compact(ids); len(ids) != 1 {
		s.Errorf("ids %v, want one", ids)
	}
	other, err := t.Enqueue(s.Context(), s.client, "", &task.Options{UniqueKey: key + "x"})
	if err != nil || other == ids[0] {
		s.Errorf("another key: %s, %v", other, err)
	}
	s.serve(t)
	s.wait(ids[0])
	s.wait(other)
	if n := runs.of(""); n != 2 {
		s.Errorf("%d runs, want 2", n)
	}
}

func rate(s *suite) {
	var mu counter
	var times []time.Time
	t := task.New("limited", func(context.Context, string) (string, error) {
		mu.mu.Lock()
		defer mu.mu.Unlock()
		times = append(times, time.Now())
		return "", nil
	})
	const per = 300 * time.Millisecond
	s.env.Serve(s.T, s.worker(func(o *task.WorkerOptions) {
		o.Rates = map[string]task.Rate{t.Name(): {Count: 1, Per: per}}
	}, t))
	for range 3 {
		s.enqueue(t, "")
	}
	for _, ev := range s.await("all results", count(3)) {
		if ev.State != task.StateSuccess || ev.Attempt != 1 {
			s.Errorf("event %+v", ev)
		}
	}
	if took := times[2].Sub(times[0]); took < per {
		s.Errorf("three runs within %v, want them over %v", took, 2*per)
	}
}

func many(s *suite) {
	t := upper()
	ins := make([]string, 25)
	for i := range ins {
		ins[i] = fmt.Sprint(i)
	}
	ins[7] = strings.Repeat("x", task.MaxMessage)
	got := t.EnqueueAll(s.Context(), s.client, ins, &task.Options{ReplyTo: "me"})
	for i, e := range got {
		if i == 7 != errors.Is(e.Err, task.ErrTooLarge) || i == 7 != (e.ID == "") {
			s.Errorf("input %d: %+v", i, e)
		}
	}
	s.serve(t)
	s.await("the others' results", count(24))
	for i, e := range got {
		if i != 7 && string(s.wait(e.ID).Result) != fmt.Sprintf("%q", ins[i]) {
			s.Errorf("the result of %d is %s", i, s.wait(e.ID).Result)
		}
	}
	bad := t.EnqueueAll(s.Context(), s.client, ins[:2], &task.Options{ID: "one"})
	if !errors.Is(bad[0].Err, task.ErrBadOptions) || !errors.Is(bad[1].Err, task.ErrBadOptions) {
		s.Errorf("one id for two: %+v", bad)
	}
}

func schedule(s *suite) {
	var runs counter
	t := task.New("nightly", func(_ context.Context, in string) (string, error) { runs.add(in); return in, nil })
	mux := task.NewMux(t)
	plan := task.Scheduled{Name: "n" + unique(), Task: "nightly", Input: json.RawMessage(`"x"`), ReplyTo: "me"}
	var ids []string
	for _, due := range []string{"2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"} {
		plan.Due = due
		id, err := s.client.Schedule(s.Context(), mux, plan)
		if err != nil {
			s.Fatal(err)
		}
		ids = append(ids, id)
	}
	s.serve(t)
	s.wait(ids[0])
	s.wait(ids[2])
	s.await("both", count(2))
	s.fence(t)
	if n := runs.of("x"); n != 2 || ids[0] != ids[1] {
		s.Errorf("%d runs of %v, want 2", n, ids)
	}
	plan.Task = "stranger"
	if _, err := s.client.Schedule(s.Context(), mux, plan); !errors.Is(err, task.ErrUnknownTask) {
		s.Errorf("a schedule of an unknown task: %v", err)
	}
}

func known(s *suite) {
	t := upper()
	if _, err := s.client.Get(s.Context(), "nobody-"+unique()); !errors.Is(err, task.ErrUnknownID) {
		s.Errorf("an unknown id: %v", err)
	}
	id, err := t.Enqueue(s.Context(), s.client, "hello", &task.Options{Track: true})
	if err != nil {
		s.Fatal(err)
	}
	rec, err := s.client.Get(s.Context(), id)
	if err != nil || rec.State != task.StatePending {
		s.Errorf("before: %+v, %v", rec, err)
	}
	if _, err := t.Result(rec); !errors.Is(err, task.ErrNotReady) {
		s.Errorf("result of a pending task: %v", err)
	}
	s.serve(t)
	rec = s.wait(id)
	if out, err := t.Result(rec); out != "HELLO" || err != nil || rec.Attempts != 1 {
		s.Errorf("after: %+v, %v, record %+v", out, err, rec)
	}
	s.listed(id)
}

// listed looks for a task among those that succeeded.
func (s *suite) listed(id string) {
	s.Helper()
	for from, first := "", true; first || from != ""; first = false {
		recs, next, err := s.client.List(s.Context(), from, 100, task.StateSuccess)
		if err != nil {
			s.Fatal(err)
		}
		if slices.ContainsFunc(recs, func(r task.Record) bool { return r.ID == id }) {
			return
		}
		from = next
	}
	s.Errorf("%s is not in the list", id)
}

func largeResult(s *suite) {
	t := task.New("large", func(_ context.Context, in string) (string, error) {
		if in == "huge" {
			return strings.Repeat("x", task.MaxResult), nil
		}
		return strings.Repeat("x", 100_000), nil
	})
	s.serve(t)
	id := s.enqueue(t, "")
	if ev := s.await("the result", count(1))[0]; ev.Size != 100_002 || ev.Result != nil {
		s.Errorf("event of %d bytes, %+v", len(ev.Result), ev.Size)
	}
	if out, err := t.Result(s.wait(id)); len(out) != 100_000 || err != nil {
		s.Errorf("a result of %d bytes, %v", len(out), err)
	}
	if rec := s.wait(s.enqueue(t, "huge")); rec.State != task.StateFailure {
		s.Errorf("a result over the limit: %s", rec.State)
	}
}

func revokeBefore(s *suite) {
	var runs counter
	t := task.New("doomed", func(_ context.Context, in string) (string, error) { runs.add(in); return in, nil })
	id := s.enqueue(t, "doomed")
	if rec, err := s.client.Revoke(s.Context(), id); err != nil || rec.State != task.StateRevoked {
		s.Fatalf("revoke: %+v, %v", rec, err)
	}
	s.serve(t)
	ev := s.await("the revocation", count(1))[0]
	if ev.State != task.StateRevoked || ev.TaskID != id || ev.Error.Code != "revoked" {
		s.Errorf("event %+v", ev)
	}
	s.fence(t)
	if runs.of("doomed") != 0 || len(s.eventsOf(id)) != 1 {
		s.Errorf("%d runs, events %+v", runs.of("doomed"), s.eventsOf(id))
	}
	done := s.enqueue(t, "done")
	s.wait(done)
	if rec, err := s.client.Revoke(s.Context(), done); err != nil || rec.State != task.StateSuccess {
		s.Errorf("revoke of a task that is done: %+v, %v", rec, err)
	}
}

func revokeDuring(s *suite) {
	begun := make(chan struct{})
	t := task.New("endless", func(ctx context.Context, _ string) (string, error) {
		close(begun)
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), task.ErrRevoked) {
			return "", task.Skip(context.Cause(ctx))
		}
		return "", ctx.Err()
	})
	s.serve(t)
	id := s.enqueue(t, "")
	<-begun
	if rec, err := s.client.Revoke(s.Context(), id); err != nil || !rec.Revoking {
		s.Fatalf("revoke: %+v, %v", rec, err)
	}
	if rec := s.wait(id); rec.State != task.StateRevoked {
		s.Errorf("record %+v", rec)
	}
	if ev := s.await("the revocation", count(1))[0]; ev.State != task.StateRevoked {
		s.Errorf("event %+v", ev)
	}
}

// manyLarge is more bytes than one request to SQS may have.
func manyLarge(s *suite) {
	size := task.New("size", func(_ context.Context, in string) (string, error) { return fmt.Sprint(len(in)), nil })
	s.serve(size)
	ins := slices.Repeat([]string{strings.Repeat("x", 200_000)}, 12)
	for i, e := range size.EnqueueAll(s.Context(), s.client, ins, nil) {
		if e.Err != nil {
			s.Fatalf("input %d: %v", i, e.Err)
		}
		if rec := s.wait(e.ID); string(rec.Result) != `"200000"` {
			s.Errorf("input %d: %+v", i, rec)
		}
	}
}

func timeAndQueue(s *suite) {
	other := task.NewMemory(nil)
	client := task.NewClient(s.env.Queue, &task.ClientOptions{Store: s.env.Store, Queues: map[string]task.Queue{"other": other}})
	t := upper()
	if _, err := t.Enqueue(s.Context(), client, "x", &task.Options{Queue: "other"}); err != nil || len(other.Sent()) != 1 {
		s.Errorf("a queue by its name: %v, it has %d messages", err, len(other.Sent()))
	}
	s.serve(t)
	at := time.Now().Add(time.Second)
	id, err := t.Enqueue(s.Context(), client, "x", &task.Options{At: at})
	if err != nil {
		s.Fatal(err)
	}
	if s.wait(id); time.Now().Before(at) {
		s.Error("it ran before its time")
	}
	id, err = t.Enqueue(s.Context(), client, "x", &task.Options{At: at.Add(-time.Hour)})
	if err != nil {
		s.Fatalf("a time that has passed: %v", err)
	}
	s.wait(id)
}

func logs(s *suite) {
	t := task.New("talks", func(ctx context.Context, in string) (string, error) { task.Log(ctx).Info("hello"); return in, nil })
	var text lines
	s.env.Serve(s.T, s.worker(func(o *task.WorkerOptions) { o.Log = slog.New(slog.NewTextHandler(&text, nil)) }, t))
	id := s.enqueue(t, "")
	s.wait(id)
	if want := "msg=hello task=talks id=" + id + " attempt=1"; !strings.Contains(text.String(), want) {
		s.Errorf("log %q has no %q", text.String(), want)
	}
}

// lines is a log that is written and read at once.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
