package tasktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/disclone/disclone/pkg/task"
)

func roundTrip(s *suite) {
	t := upper()
	s.serve(t)
	id := s.enqueue(t, "hello")
	events := s.await("the result", count(1))
	if ev := events[0]; ev.TaskID != id || ev.Task != "upper" || ev.State != task.StateSuccess || string(ev.Result) != `"HELLO"` || ev.Attempt != 1 {
		s.Errorf("event %+v", ev)
	}
	s.fence(t)
	if events := s.await("both results", count(2)); len(events) != 2 {
		s.Errorf("%d events for two tasks", len(events))
	}
}

func progress(s *suite) {
	t := task.New("steps", func(ctx context.Context, in string) (string, error) {
		for i := range 3 {
			task.Progress(ctx, i)
		}
		return in, nil
	})
	s.serve(t)
	s.enqueue(t, "done")
	events := s.await("the result", func(events []task.Event) bool {
		return len(events) > 0 && events[len(events)-1].State == task.StateSuccess
	})
	if len(events) < 2 || events[0].State != task.StateProgress || string(events[0].Result) != "0" {
		s.Errorf("events %+v", events)
	}
}

func retry(s *suite) {
	t := task.New("flaky", func(ctx context.Context, _ string) (string, error) {
		if n := task.Attempt(ctx); n < 2 {
			return "", task.RetryIn(time.Millisecond, fmt.Errorf("attempt %d", n))
		}
		return "at last", nil
	})
	s.serve(t)
	s.enqueue(t, "")
	events := s.await("the retry and the result", count(2))
	if ev := events[0]; ev.State != task.StateRetry || ev.Attempt != 1 || ev.Error == nil {
		s.Errorf("first event %+v", ev)
	}
	if ev := events[1]; ev.State != task.StateSuccess || ev.Attempt != 2 || ev.Step <= events[0].Step {
		s.Errorf("second event %+v", ev)
	}
}

func outOfAttempts(s *suite) {
	var runs counter
	t := task.New("broken", func(context.Context, string) (string, error) {
		runs.add("")
		return "", errors.New("secret")
	})
	s.serve(t)
	id := s.enqueue(t, "")
	ev := s.await("two retries and the failure", count(3))[2]
	if ev.State != task.StateFailure || ev.Error == nil || ev.Error.Code != "internal" || strings.Contains(ev.Error.Message, "secret") {
		s.Errorf("event %+v, error %+v", ev, ev.Error)
	}
	if dead := s.dead(1); dead[0].ID != id {
		s.Errorf("dead: %+v", dead)
	}
	if n := runs.of(""); n != 3 {
		s.Errorf("%d runs, want 3", n)
	}
}

func skip(s *suite) {
	var runs counter
	t := task.New("hopeless", func(context.Context, string) (string, error) {
		runs.add("")
		return "", task.Skip(errors.New("no use"))
	})
	fence := upper()
	s.serve(t, fence)
	id := s.enqueue(t, "")
	if ev := s.await("the failure", count(1))[0]; ev.TaskID != id || ev.State != task.StateFailure {
		s.Errorf("event %+v", ev)
	}
	s.dead(1)
	s.fence(fence)
	if n := runs.of(""); n != 1 {
		s.Errorf("%d runs, want 1", n)
	}
}

func publicFailure(s *suite) {
	t := task.New("refusal", func(context.Context, string) (string, error) {
		return "", task.Skip(fmt.Errorf("inner detail: %w", task.Public("seconds is 1 to 20")))
	})
	s.serve(t)
	s.enqueue(t, "")
	if ev := s.await("the failure", count(1))[0]; ev.Error == nil || *ev.Error != (task.Failure{Code: "failed", Message: "seconds is 1 to 20"}) {
		s.Errorf("error %+v", ev.Error)
	}
}

func panics(s *suite) {
	t := task.New("panics", func(ctx context.Context, _ string) (string, error) {
		if task.Attempt(ctx) == 1 {
			panic("at the first attempt")
		}
		return "fine", nil
	})
	s.serve(t)
	s.enqueue(t, "")
	if ev := s.await("the retry and the result", count(2))[1]; ev.State != task.StateSuccess {
		s.Errorf("event %+v", ev)
	}
}

func unknownTask(s *suite) {
	t := upper()
	s.serve(t)
	stranger := task.New("stranger", func(context.Context, string) (string, error) { return "", nil })
	lost := s.enqueue(stranger, "")
	good := s.enqueue(t, "hello")
	events := s.await("both", count(2))
	states := map[string]task.State{}
	for _, ev := range events {
		states[ev.TaskID] = ev.State
	}
	if states[lost] != task.StateFailure || states[good] != task.StateSuccess {
		s.Errorf("states %v", states)
	}
	s.dead(1)
}

func wrongInput(s *suite) {
	wants := task.New("typed", func(_ context.Context, in int) (int, error) { return in, nil })
	sends := task.New("typed", func(_ context.Context, in string) (string, error) { return in, nil })
	s.serve(wants)
	s.enqueue(sends, "not a number")
	if ev := s.await("the failure", count(1))[0]; ev.State != task.StateFailure || ev.Attempt != 1 {
		s.Errorf("event %+v", ev)
	}
	s.dead(1)
}

func oneOfMany(s *suite) {
	var runs counter
	t := task.New("mixed", func(ctx context.Context, in string) (string, error) {
		runs.add(in)
		if in == "3" && task.Attempt(ctx) < 2 {
			return "", errors.New("once")
		}
		return in, nil
	})
	for i := range 5 {
		s.enqueue(t, fmt.Sprint(i))
	}
	s.serve(t)
	s.await("five results and a retry", count(6))
	for i := range 5 {
		want := 1
		if i == 3 {
			want = 2
		}
		if n := runs.of(fmt.Sprint(i)); n != want {
			s.Errorf("task %d ran %d times, want %d", i, n, want)
		}
	}
}

func delay(s *suite) {
	t := upper()
	s.serve(t)
	const wait = time.Second
	began := time.Now()
	if _, err := t.Enqueue(s.Context(), s.client, "later", &task.Options{ReplyTo: "me", Delay: wait}); err != nil {
		s.Fatal(err)
	}
	s.await("the result", count(1))
	if took := time.Since(began); took < wait {
		s.Errorf("it ran after %v, want no sooner than %v", took, wait)
	}
}

func failedReply(s *suite) {
	t := upper()
	s.refuse = 1
	s.serve(t)
	s.enqueue(t, "hello")
	if ev := s.await("the result", count(1))[0]; ev.State != task.StateSuccess || ev.Attempt != 1 {
		s.Errorf("event %+v", ev)
	}
}

func tooLarge(s *suite) {
	_, err := upper().Enqueue(s.Context(), s.client, strings.Repeat("x", task.MaxMessage), nil)
	if !errors.Is(err, task.ErrTooLarge) {
		s.Errorf("error %v, want ErrTooLarge", err)
	}
}

func badOptions(s *suite) {
	for _, opts := range []task.Options{
		{Delay: -time.Second}, {MaxAttempts: -1}, {ID: strings.Repeat("x", 200)}, {Delay: 1, At: time.Now()}, {Queue: "none"},
		{ID: "a", UniqueKey: "b"}, {UniqueKey: strings.Repeat("x", 201)}, {Delay: 2, Expires: 1}, {TimeLimit: -1},
	} {
		if _, err := upper().Enqueue(s.Context(), s.client, "", &opts); !errors.Is(err, task.ErrBadOptions) {
			s.Errorf("%+v: error %v, want ErrBadOptions", opts, err)
		}
	}
}

func notEncodable(s *suite) {
	t := task.New("channels", func(context.Context, chan int) (string, error) { return "", nil })
	if _, err := t.Enqueue(s.Context(), s.client, make(chan int), nil); !errors.Is(err, task.ErrBadInput) {
		s.Errorf("error %v, want ErrBadInput", err)
	}
}

func noReply(s *suite) {
	t := upper()
	s.serve(t)
	if _, err := t.Enqueue(s.Context(), s.client, "quiet", nil); err != nil {
		s.Fatal(err)
	}
	s.fence(t)
	if events := s.await("the fence", count(1)); len(events) != 1 {
		s.Errorf("events %+v", events)
	}
}

func contextValues(s *suite) {
	t := task.New("context", func(ctx context.Context, _ string) (string, error) {
		return fmt.Sprintf("%s %d %s", task.ID(ctx), task.Attempt(ctx), task.Headers(ctx)["trace"]), nil
	})
	s.serve(t)
	opts := &task.Options{ID: "mine", ReplyTo: "me", Headers: map[string]string{"trace": "t1"}}
	if _, err := t.Enqueue(s.Context(), s.client, "", opts); err != nil {
		s.Fatal(err)
	}
	if ev := s.await("the result", count(1))[0]; string(ev.Result) != `"mine 1 t1"` {
		s.Errorf("result %s", ev.Result)
	}
}
