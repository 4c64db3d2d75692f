package layertest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/disclone/disclone/pkg/channel"
)

func faultCases() []testCase {
	return []testCase{
		{"a slow member does not delay the rest", slowMember},
		{"a member that hangs is given up", hangingMember},
		{"a failing member does not fail the rest", failingMember},
		{"throttled posts are tried again", throttledOnce},
		{"throttled posts are given up", throttledAlways},
		{"a failed post is not tried again", noRetry},
	}
}

// poster gives the suite's poster, with fault before each post to one channel. An error of fault is the post's.
func (s *suite) poster(name string, fault func(ctx context.Context) error) channel.Poster {
	return channel.PosterFunc(func(ctx context.Context, to string, payload []byte) error {
		if to == name {
			if err := fault(ctx); err != nil {
				return err
			}
		}
		return s.env.Poster.Post(ctx, to, payload)
	})
}

func slowMember(s *suite) {
	g, chs := s.group("g"), s.open(10)
	release := make(chan struct{})
	p := s.poster(chs[0], func(ctx context.Context) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	l := s.layerOn(p, channel.Options{Parallel: 2, Timeout: -1})
	s.add(l, g, chs...)
	done := make(chan channel.Report)
	go func() {
		defer close(done)
		report, err := l.GroupSend(s.ctx, g, []byte("hello"), nil)
		if err != nil {
			s.Error(err)
		}
		done <- report
	}()
	for _, ch := range chs[1:] { // all of them, while the slow one still waits
		if got := s.receive(ch); got != "hello" {
			s.Errorf("received %q", got)
		}
	}
	close(release)
	if report := <-done; report.Sent != len(chs) {
		s.Errorf("report of the group send is %s", counts(report))
	}
	s.wantOnly(chs[0], "hello")
}

func hangingMember(s *suite) {
	g, chs := s.group("g"), s.open(3)
	p := s.poster(chs[1], func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	l := s.layerOn(p, channel.Options{Parallel: 1, Timeout: 2 * time.Second})
	s.add(l, g, chs...)
	s.groupSend(l, g, "hello", channel.Report{Sent: 2, Failed: 1})
	s.wantMembers(l, g, chs...) // to hang is not to be gone
	s.mustBe(l.Send(s.ctx, chs[1], []byte("hello")), context.DeadlineExceeded)
	s.wantOnly(chs[0], "hello")
	s.wantOnly(chs[1])
	s.wantOnly(chs[2], "hello")
}

func failingMember(s *suite) {
	g, chs, broken := s.group("g"), s.open(3), errors.New("broken")
	l := s.layerOn(s.poster(chs[0], func(context.Context) error { return broken }), channel.Options{})
	s.add(l, g, chs...)
	report, err := l.GroupSend(s.ctx, g, []byte("hello"), nil)
	s.must(err)
	if want := (channel.Report{Sent: 2, Failed: 1}); counts(report) != counts(want) {
		s.Fatalf("report is %s, want %s", counts(report), counts(want))
	}
	s.mustBe(report.Err, broken)
	s.wantMembers(l, g, chs...)
	s.wantOnly(chs[0])
	s.wantOnly(chs[1], "hello")
}

func throttledOnce(s *suite) {
	g, chs := s.group("g"), s.open(3)
	var tries atomic.Int32
	p := s.poster(chs[1], func(context.Context) error {
		if tries.Add(1)%3 != 0 {
			return channel.ErrThrottled
		}
		return nil
	})
	l := s.layerOn(p, channel.Options{Retry: patience})
	s.add(l, g, chs...)
	s.groupSend(l, g, "hello", channel.Report{Sent: 3})
	s.must(l.Send(s.ctx, chs[1], []byte("you")))
	if n := tries.Load(); n != 6 {
		s.Fatalf("%d posts to the throttled member, want 6", n)
	}
	s.wantOnly(chs[0], "hello")
	s.wantOnly(chs[1], "hello", "you")
	s.wantOnly(chs[2], "hello")
}

func throttledAlways(s *suite) {
	g, chs := s.group("g"), s.open(3)
	var tries atomic.Int32
	p := s.poster(chs[1], func(context.Context) error {
		tries.Add(1)
		return channel.ErrThrottled
	})
	l := s.layerOn(p, channel.Options{Retry: 2 * time.Second})
	s.add(l, g, chs...)
	s.groupSend(l, g, "hello", channel.Report{Sent: 2, Throttled: 1})
	if tries.Load() < 2 {
		s.Error("the throttled member was not tried again")
	}
	s.mustBe(l.Send(s.ctx, chs[1], []byte("hello")), channel.ErrThrottled)

	tries.Store(0)
	none := s.layerOn(p, channel.Options{Retry: -1})
	s.groupSend(none, g, "again", channel.Report{Sent: 2, Throttled: 1})
	if n := tries.Load(); n != 1 {
		s.Errorf("without a budget there were %d posts to the throttled member", n)
	}
	s.wantMembers(l, g, chs...)
	s.wantOnly(chs[0], "hello", "again")
	s.wantOnly(chs[1])
}

// noRetry holds "at most once": a post that fails may have arrived.
func noRetry(s *suite) {
	g, chs, lost := s.group("g"), s.open(1), errors.New("the answer was lost")
	var posts atomic.Int32
	p := channel.PosterFunc(func(ctx context.Context, to string, payload []byte) error {
		posts.Add(1)
		return errors.Join(s.env.Poster.Post(ctx, to, payload), lost)
	})
	l := s.layerOn(p, channel.Options{})
	s.add(l, g, chs...)
	s.groupSend(l, g, "hello", channel.Report{Failed: 1})
	s.mustBe(l.Send(s.ctx, chs[0], []byte("you")), lost)
	if n := posts.Load(); n != 2 {
		s.Errorf("%d posts, want 2", n)
	}
	s.wantOnly(chs[0], "hello", "you")
}
