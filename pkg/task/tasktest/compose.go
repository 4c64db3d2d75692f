package tasktest

import (
	"context"
	"errors"
	"fmt"

	"github.com/disclone/disclone/pkg/task"
)

// arithmetic are the tasks of the cases here, which count their runs.
type arithmetic struct {
	runs   counter
	double *task.Task[int, int]
	sum    *task.Task[[]int, int]
	broken *task.Task[int, int]
	report *task.Task[task.FailedCall, string]
	mended chan struct{} // broken is fine once this is closed
}

func newArithmetic() *arithmetic {
	a := &arithmetic{mended: make(chan struct{})}
	a.double = task.New("double", func(_ context.Context, n int) (int, error) { a.runs.add("double"); return 2 * n, nil })
	a.sum = task.New("sum", func(_ context.Context, ns []int) (int, error) {
		a.runs.add("sum")
		total := 0
		for _, n := range ns {
			total += n
		}
		return total, nil
	})
	a.broken = task.New("broken", func(_ context.Context, n int) (int, error) {
		select {
		case <-a.mended:
			return n, nil
		default:
			return 0, task.Skip(errors.New("broken"))
		}
	})
	a.report = task.New("report", func(_ context.Context, f task.FailedCall) (string, error) {
		a.runs.add("report")
		return f.Task + " of " + f.ID, nil
	})
	return a
}

func (a *arithmetic) handlers() []task.Handler {
	return []task.Handler{a.double, a.sum, a.broken, a.report}
}

// call enqueues a call, and gives its final record.
func call[Out any](s *suite, c task.Call[Out], opts *task.Options) task.Record {
	s.Helper()
	if opts == nil {
		opts = &task.Options{}
	}
	opts.ReplyTo = "me"
	id, err := c.Enqueue(s.Context(), s.client, opts)
	if err != nil {
		s.Fatal(err)
	}
	return s.wait(id)
}

func chain(s *suite) {
	a := newArithmetic()
	s.serve(a.handlers()...)
	rec := call(s, task.Then(task.Then(a.double.Call(1), a.double), a.double), nil)
	if string(rec.Result) != "8" || rec.Root != rec.ID {
		s.Errorf("record %+v", rec)
	}
	for _, ev := range s.await("each step's result", count(3)) {
		if ev.State != task.StateSuccess || ev.Root != rec.ID {
			s.Errorf("event %+v", ev)
		}
	}
}

func group(s *suite) {
	a := newArithmetic()
	s.serve(a.handlers()...)
	var calls []task.Call[int]
	for i := range 12 {
		calls = append(calls, a.double.Call(i))
	}
	rec := call(s, task.Group(calls...), nil)
	if want := "[0,2,4,6,8,10,12,14,16,18,20,22]"; string(rec.Result) != want || rec.Task != "group" {
		s.Errorf("record %+v", rec)
	}
	s.await("each member's result and the group's", count(13))
	mixed := task.Group(task.Untyped(a.double.Call(1)), task.Untyped(task.Group(a.double.Call(2), a.double.Call(3))))
	if rec := call(s, mixed, nil); string(rec.Result) != "[2,[4,6]]" {
		s.Errorf("a group in a group: %+v", rec)
	}
	if _, err := task.Group(make([]task.Call[int], task.MaxMembers+1)...).Enqueue(s.Context(), s.client, nil); !errors.Is(err, task.ErrBadOptions) {
		s.Errorf("too many members: %v", err)
	}
}

func chord(s *suite) {
	a := newArithmetic()
	s.serve(a.handlers()...)
	members := task.Group(a.double.Call(1), task.Then(a.double.Call(2), a.double), a.double.Call(3))
	opts := &task.Options{ID: "chord-" + unique()}
	c := task.Then(task.Then(members, a.sum), a.double)
	if rec := call(s, c, opts); string(rec.Result) != "32" {
		s.Errorf("record %+v", rec)
	}
	if rec := call(s, c, opts); string(rec.Result) != "32" { // the whole call a second time
		s.Errorf("record %+v", rec)
	}
	if n := a.runs.of("sum"); n != 1 {
		s.Errorf("the sum ran %d times, want once", n)
	}
	if n := a.runs.of("double"); n != 5 {
		s.Errorf("double ran %d times, want 5", n)
	}
}

func failedStep(s *suite) {
	a := newArithmetic()
	s.serve(a.handlers()...)
	rec := call(s, task.Then(task.Then(task.Group(a.broken.Call(1), a.double.Call(2)), a.sum), a.double), nil)
	if rec.State != task.StateFailure || rec.Error.Code != "upstream" {
		s.Errorf("record %+v", rec)
	}
	for id, want := range map[string]task.State{
		"~0": task.StateFailure, "~1": task.StateFailure, "~0.0": task.StateFailure, "~0.1": task.StateSuccess,
	} {
		if step := s.wait(rec.ID + id); step.State != want {
			s.Errorf("the step %s is %s, want %s", id, step.State, want)
		}
	}
	s.dead(1)
	s.await("the call's failure", func(events []task.Event) bool {
		for _, ev := range events {
			if ev.TaskID == rec.ID && ev.State == task.StateFailure {
				return true
			}
		}
		return false
	})
	if n := a.runs.of("sum"); n != 0 {
		s.Errorf("the sum ran %d times", n)
	}
}

func errorTask(s *suite) {
	a := newArithmetic()
	s.serve(a.handlers()...)
	rec := call(s, task.OnError(task.Then(task.Group(a.broken.Call(1), a.broken.Call(2)), a.sum), a.report), nil)
	report := s.wait(rec.ID + "~error")
	if want := fmt.Sprintf("%q", "broken of "+rec.ID); string(report.Result) != want {
		s.Errorf("report %s, want %s", report.Result, want)
	}
	s.dead(2)
	if n := a.runs.of("report"); n != 1 {
		s.Errorf("%d reports", n)
	}
}

func redrivenStep(s *suite) {
	a := newArithmetic()
	s.serve(a.handlers()...)
	rec := call(s, task.Then(task.Then(task.Group(a.broken.Call(1), a.double.Call(2)), a.sum), a.double), nil)
	if rec.State != task.StateFailure {
		s.Fatalf("record %+v", rec)
	}
	dead := s.dead(1)
	close(a.mended)
	if err := s.env.Redrive(s.Context(), dead[0]); err != nil {
		s.Fatal(err)
	}
	s.await("the call's result", func(events []task.Event) bool {
		for _, ev := range events {
			if ev.TaskID == rec.ID && ev.State == task.StateSuccess {
				return string(ev.Result) == "10"
			}
		}
		return false
	})
}

func revokedCall(s *suite) {
	begun, end := make(chan struct{}), make(chan struct{})
	a := newArithmetic()
	slow := task.New("slow", func(context.Context, int) (int, error) { close(begun); <-end; return 1, nil })
	s.serve(append(a.handlers(), slow)...)
	id, err := task.Then(slow.Call(1), a.double).Enqueue(s.Context(), s.client, &task.Options{ReplyTo: "me"})
	if err != nil {
		s.Fatal(err)
	}
	<-begun
	if _, err := s.client.Revoke(s.Context(), id); err != nil {
		s.Fatal(err)
	}
	close(end)
	s.await("the revocation", func(events []task.Event) bool {
		for _, ev := range events {
			if ev.TaskID == id && ev.State == task.StateRevoked {
				return true
			}
		}
		return false
	})
	if n := a.runs.of("double"); n != 0 {
		s.Errorf("double ran %d times", n)
	}
}

func emptyGroup(s *suite) {
	a := newArithmetic()
	s.serve(a.handlers()...)
	if rec := call(s, task.Group[int](), nil); string(rec.Result) != "[]" {
		s.Errorf("record %+v", rec)
	}
	if rec := call(s, task.Then(task.Group[int](), a.sum), nil); string(rec.Result) != "0" {
		s.Errorf("record %+v", rec)
	}
	if _, err := task.Group(task.Group[int]()).Enqueue(s.Context(), s.client, nil); !errors.Is(err, task.ErrBadOptions) {
		s.Errorf("a group of nobody in a group: %v", err)
	}
}
