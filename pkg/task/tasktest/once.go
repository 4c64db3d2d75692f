package tasktest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/disclone/disclone/pkg/task"
)

func duplicate(s *suite) {
	var runs counter
	t := task.New("twice", func(ctx context.Context, in string) (string, error) {
		runs.add(task.ID(ctx))
		return in, nil
	})
	s.serve(t)
	id := "id-" + unique()
	for range 2 {
		if _, err := t.Enqueue(s.Context(), s.client, "", &task.Options{ID: id, ReplyTo: "me"}); err != nil {
			s.Fatal(err)
		}
	}
	s.wait(id)
	s.fence(t)
	s.fence(t)
	if n := runs.of(id); n != 1 {
		s.Errorf("it ran %d times, want once", n)
	}
	if events := s.eventsOf(id); len(events) != 1 {
		s.Errorf("events %+v, want one", events)
	}
}

func busy(s *suite) {
	begun, end := make(chan struct{}), make(chan struct{})
	t := task.New("slow", func(ctx context.Context, in string) (string, error) {
		close(begun) // a second run panics here
		<-end
		return in, nil
	})
	w := s.worker(nil, t)
	id, body := s.body(t, "x", nil)
	first := make(chan task.Outcome, 1)
	go func() { first <- w.Handle(s.Context(), body, 1) }()
	<-begun
	if out := w.Handle(s.Context(), body, 2); out.Err == nil || out.Dead || out.RetryAfter <= 0 {
		s.Errorf("a second delivery: %+v, want it put back", out)
	}
	close(end)
	if out := <-first; out.Err != nil {
		s.Errorf("the first delivery: %+v", out)
	}
	if out := w.Handle(s.Context(), body, 3); out.Err != nil {
		s.Errorf("a delivery after it is done: %+v", out)
	}
	if events := s.eventsOf(id); len(events) != 1 || events[0].State != task.StateSuccess {
		s.Errorf("events %+v, want one", events)
	}
}

// crashAfterWork: the worker dies when the work is done and its result not yet pushed.
func crashAfterWork(s *suite) {
	var runs counter
	t := task.New("done", func(context.Context, string) (string, error) {
		runs.add("")
		return "result", nil
	})
	w := s.worker(nil, t)
	id, body := s.body(t, "", nil)
	s.refuse = 1
	if out := w.Handle(s.Context(), body, 1); out.Err == nil || out.Dead {
		s.Errorf("outcome %+v, want it delivered again", out)
	}
	for n := 2; n < 5; n++ {
		if out := w.Handle(s.Context(), body, n); out.Err != nil {
			s.Errorf("delivery %d: %+v", n, out)
		}
	}
	if n := runs.of(""); n != 1 {
		s.Errorf("it ran %d times, want once", n)
	}
	if events := s.eventsOf(id); len(events) != 1 || string(events[0].Result) != `"result"` || events[0].Attempt != 1 {
		s.Errorf("events %+v, want one", events)
	}
}

// takenOver: an attempt whose lease has run out is taken over. What it still does is not seen.
func takenOver(s *suite) {
	stuck, go1 := make(chan struct{}), make(chan struct{})
	t := task.New("stuck", func(ctx context.Context, _ string) (string, error) {
		if task.Attempt(ctx) == 1 {
			close(stuck)
			<-go1
			return "first", nil
		}
		return "second", nil
	})
	w := s.worker(func(o *task.WorkerOptions) { o.Lease = time.Millisecond; o.RevokePoll = time.Hour }, t)
	id, body := s.body(t, "", nil)
	first := make(chan task.Outcome, 1)
	go func() { first <- w.Handle(s.Context(), body, 1) }()
	<-stuck
	for n := 2; ; n++ {
		if out := w.Handle(s.Context(), body, n); out.Err == nil {
			break
		}
	}
	close(go1)
	if out := <-first; out.Err == nil || out.Dead {
		s.Errorf("the first attempt's outcome: %+v", out)
	}
	events := s.eventsOf(id)
	if len(events) != 1 || string(events[0].Result) != `"second"` || events[0].Attempt != 2 {
		s.Errorf("events %+v, want the second's", events)
	}
}

// alwaysDies: no attempt ever reports anything, as when the process is killed each time.
func alwaysDies(s *suite) {
	begun := 0
	die := context.CancelFunc(func() {})
	t := task.New("deadly", func(ctx context.Context, _ string) (string, error) {
		begun++
		die()
		return "", errors.New("nobody will hear of this")
	})
	id, body := s.body(t, "", nil)
	killed := task.NewWorker(task.NewMux(t), s, &task.WorkerOptions{
		Client: task.NewClient(s.env.Queue, &task.ClientOptions{Store: deaf{s.env.Store}}), MaxAttempts: 3, Lease: time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
	})
	for n := 1; begun < 3; n++ { // a delivery that comes before the lease has ended begins nothing
		ctx, cancel := context.WithCancel(s.Context()) // without a deadline the lease is the worker's
		die = cancel
		killed.Handle(ctx, body, n)
		cancel()
		if n > 1000 {
			s.Fatalf("%d attempts of %d deliveries", begun, n)
		}
	}
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	out := s.worker(nil, t).Handle(ctx, body, 4)
	for n := 5; out.Err != nil && !out.Dead && ctx.Err() == nil; n++ { // the last lease
		out = s.worker(nil, t).Handle(ctx, body, n)
	}
	if !out.Dead || begun != 3 {
		s.Errorf("outcome %+v after %d attempts, want it dead after 3", out, begun)
	}
	events := s.eventsOf(id)
	if len(events) != 1 || events[0].State != task.StateFailure || events[0].Error.Code != "died" {
		s.Errorf("events %+v", events)
	}
}

// deaf is a store that an attempt can begin in and not end: its worker dies in between.
type deaf struct{ task.Store }

func (d deaf) Put(ctx context.Context, it task.Item) (task.Item, error) {
	if bytes.Contains(it.Data, []byte(`"state":"started"`)) {
		return d.Store.Put(context.WithoutCancel(ctx), it)
	}
	return task.Item{}, errors.New("the worker is dead")
}

func redrive(s *suite) {
	mended := make(chan struct{})
	t := task.New("mended", func(context.Context, string) (string, error) {
		select {
		case <-mended:
			return "fine", nil
		default:
			return "", task.Skip(errors.New("broken"))
		}
	})
	s.serve(t)
	id := s.enqueue(t, "")
	if rec := s.wait(id); rec.State != task.StateFailure || rec.Reason != "broken" {
		s.Errorf("record %+v", rec)
	}
	dead := s.dead(1)
	close(mended)
	if err := s.env.Redrive(s.Context(), dead[0]); err != nil {
		s.Fatal(err)
	}
	events := s.await("the failure and the result", count(2))
	if ev := events[1]; ev.State != task.StateSuccess || ev.TaskID != id || ev.Step <= events[0].Step {
		s.Errorf("event %+v", ev)
	}
}

func versions(s *suite) {
	ctx, store := s.Context(), s.env.Store
	it := task.Item{Partition: "p-" + unique(), Sort: "s", Expires: time.Now().Add(time.Hour).Truncate(time.Second), Data: []byte(`{"n":1}`)}
	first, err := store.Put(ctx, it)
	if err != nil || first.Version != 1 {
		s.Fatalf("put: %+v, %v", first, err)
	}
	there, err := store.Put(ctx, it)
	if !errors.Is(err, task.ErrConflict) || there.Version != 1 || string(there.Data) != `{"n":1}` || !there.Expires.Equal(it.Expires) {
		s.Errorf("a second first put: %+v, %v", there, err)
	}
	first.Data = []byte(`{"n":2}`)
	if second, err := store.Put(ctx, first); err != nil || second.Version != 2 {
		s.Errorf("put over version 1: %+v, %v", second, err)
	}
	if got, ok, err := store.Get(ctx, it.Partition, "s"); err != nil || !ok || got.Version != 2 || string(got.Data) != `{"n":2}` {
		s.Errorf("get: %+v, %t, %v", got, ok, err)
	}
	for range 2 {
		if err := store.Delete(ctx, it.Partition, "s"); err != nil {
			s.Errorf("delete: %v", err)
		}
	}
	if _, ok, err := store.Get(ctx, it.Partition, "s"); ok || err != nil {
		s.Errorf("get of what was deleted: %t, %v", ok, err)
	}
	if there, err := store.Put(ctx, first); !errors.Is(err, task.ErrConflict) || there.Version != 0 {
		s.Errorf("put over what was deleted: %+v, %v", there, err)
	}
}

func pages(s *suite) {
	ctx, store, partition := s.Context(), s.env.Store, "p-"+unique()
	for _, sort := range []string{"b", "a", "d", "c", "e"} {
		if _, err := store.Put(ctx, task.Item{Partition: partition, Sort: sort, Expires: time.Now().Add(time.Hour), Data: []byte("{}")}); err != nil {
			s.Fatal(err)
		}
	}
	for _, c := range []struct{ partition, from, to, want string }{
		{partition, "", "", "abcde"}, {partition, "b", "d", "bcd"}, {partition, "", "c", "abc"}, {partition, "d", "", "de"},
		{partition, "x", "", ""}, {partition + "x", "", "", ""},
	} {
		if got := s.all(task.Query{Partition: c.partition, From: c.from, To: c.to, Limit: 2}); got != c.want {
			s.Errorf("%+v gave %q", c, got)
		}
	}
}

// all reads all pages of a query.
func (s *suite) all(q task.Query) (sorts string) {
	s.Helper()
	for {
		items, next, err := s.env.Store.Query(s.Context(), q)
		if err != nil {
			s.Fatal(err)
		}
		for _, it := range items {
			sorts += it.Sort
		}
		if q.Next = next; next == "" {
			return sorts
		}
	}
}
