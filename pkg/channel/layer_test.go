package channel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/disclone/disclone/pkg/channel"
)

// What any backend shows is tested in layertest. Here is what needs a clock of its own or a store that fails.

func TestRetryBudget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		retry      time.Duration
		deadline   time.Duration
		upTo       time.Duration
		posts      int // at least
		throttling time.Duration
		sent       int
	}{
		{name: "default", upTo: 2 * time.Second, posts: 3, throttling: time.Hour},
		{name: "none", retry: -1, posts: 1, throttling: time.Hour},
		{name: "long", retry: time.Minute, upTo: time.Minute, posts: 60, throttling: time.Hour},
		{name: "until it is taken", retry: time.Minute, upTo: 5 * time.Second, posts: 3, throttling: 3 * time.Second, sent: 1},
		{name: "not after the deadline", retry: time.Minute, deadline: time.Second, upTo: time.Second, posts: 2, throttling: time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start, posts := time.Now(), 0
				throttled := channel.PosterFunc(func(context.Context, string, []byte) error {
					if posts++; time.Since(start) >= c.throttling {
						return nil
					}
					return channel.ErrThrottled
				})
				l := channel.New(channel.NewMemory(), throttled, &channel.Options{Retry: c.retry})
				must(t, l.GroupAdd(t.Context(), "g", "c="))
				var opts channel.SendOptions
				if c.deadline > 0 {
					opts.Deadline = start.Add(c.deadline)
				}
				report, err := l.GroupSend(t.Context(), "g", []byte("x"), &opts)
				must(t, err)
				if report.Sent != c.sent || report.Throttled != 1-c.sent {
					t.Errorf("report %+v", report)
				}
				if took := time.Since(start); took > c.upTo {
					t.Errorf("took %v, the limit is %v", took, c.upTo)
				}
				if posts < c.posts {
					t.Errorf("%d posts, want at least %d", posts, c.posts)
				}
			})
		})
	}
}

func TestDefaultTimeoutOfAPost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := channel.PosterFunc(func(ctx context.Context, _ string, _ []byte) error {
			<-ctx.Done()
			return ctx.Err()
		})
		start := time.Now()
		err := channel.New(channel.NewMemory(), hangs, nil).Send(t.Context(), "c=", []byte("x"))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != channel.DefaultTimeout {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestDeadlinePassesOnTheWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := channel.PosterFunc(func(context.Context, string, []byte) error {
			time.Sleep(time.Second) // the bubble's clock
			return nil
		})
		l := channel.New(channel.NewMemory(), slow, &channel.Options{Parallel: 1})
		for i := range 5 {
			must(t, l.GroupAdd(t.Context(), "g", fmt.Sprint(i)))
		}
		deadline := time.Now().Add(2500 * time.Millisecond)
		report, err := l.GroupSend(t.Context(), "g", []byte("x"), &channel.SendOptions{Deadline: deadline})
		must(t, err)
		if report.Sent != 3 || !report.Expired || report.Failed != 0 {
			t.Errorf("report %+v, want 3 sent and expired", report)
		}
	})
}

func TestCancelOnTheWay(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	posts := 0
	p := channel.PosterFunc(func(context.Context, string, []byte) error {
		if posts++; posts == 2 {
			cancel()
		}
		return nil
	})
	l := channel.New(channel.NewMemory(), p, &channel.Options{Parallel: 1})
	for i := range 5 {
		must(t, l.GroupAdd(t.Context(), "g", fmt.Sprint(i)))
	}
	report, err := l.GroupSend(ctx, "g", []byte("x"), nil)
	if !errors.Is(err, context.Canceled) || report.Sent != 2 || posts != 2 {
		t.Errorf("report %+v after %d posts, error %v", report, posts, err)
	}
}

func TestCancelDuringTheLastPost(t *testing.T) {
	t.Parallel()
	for _, arrived := range []bool{true, false} {
		ctx, cancel := context.WithCancel(t.Context())
		p := channel.PosterFunc(func(ctx context.Context, _ string, _ []byte) error {
			if cancel(); arrived {
				return nil
			}
			return ctx.Err()
		})
		l := channel.New(channel.NewMemory(), p, nil)
		must(t, l.GroupAdd(t.Context(), "g", "c="))
		if _, err := l.GroupSend(ctx, "g", []byte("x"), nil); errors.Is(err, context.Canceled) == arrived {
			t.Errorf("everyone was reached is %t, error is %v", arrived, err)
		}
	}
}

// stuck is a memory whose pages do not advance.
type stuck struct{ *channel.Memory }

func (s stuck) Members(ctx context.Context, group, from string, limit int) ([]channel.Member, string, error) {
	page, _, err := s.Memory.Members(ctx, group, from, limit)
	return page, "a", err
}

func TestStoreDoesNotAdvance(t *testing.T) {
	t.Parallel()
	m := channel.NewMemory()
	m.Open("a")
	l := channel.New(stuck{m}, m, nil)
	must(t, l.GroupAdd(t.Context(), "g", "a"))
	if _, err := l.GroupSend(t.Context(), "g", []byte("x"), nil); err == nil {
		t.Error("no error")
	}
	if n := len(m.Inbox("a")); n != 1 {
		t.Errorf("the member received %d times", n)
	}
}

// faulty is a memory whose reads or drops fail.
type faulty struct {
	*channel.Memory
	pageErr, dropErr error
	pages            int
}

func (f *faulty) Members(ctx context.Context, group, from string, limit int) ([]channel.Member, string, error) {
	if f.pages++; f.pages > 1 && f.pageErr != nil {
		return nil, "", f.pageErr
	}
	return f.Memory.Members(ctx, group, from, limit)
}

func (f *faulty) RemoveAll(ctx context.Context, name string) error {
	return errors.Join(f.dropErr, f.Memory.RemoveAll(ctx, name))
}

func TestStoreFailsOnTheWay(t *testing.T) {
	t.Parallel()
	down := errors.New("the store is down")
	m := channel.NewMemory()
	l := channel.New(&faulty{Memory: m, pageErr: down}, m, &channel.Options{PageSize: 2})
	for i := range 5 {
		m.Open(fmt.Sprint(i))
		must(t, l.GroupAdd(t.Context(), "g", fmt.Sprint(i)))
	}
	report, err := l.GroupSend(t.Context(), "g", []byte("x"), nil)
	if !errors.Is(err, down) || report.Sent != 2 {
		t.Errorf("report %+v, error %v; want 2 sent and %v", report, err, down)
	}
	if !strings.HasPrefix(err.Error(), "channel: group send g: ") {
		t.Errorf("error %q does not say what failed", err)
	}
}

func TestDropFails(t *testing.T) {
	t.Parallel()
	down := errors.New("the store is down")
	m := channel.NewMemory()
	l := channel.New(&faulty{Memory: m, dropErr: down}, m, nil)
	must(t, l.GroupAdd(t.Context(), "g", "gone="))
	report, err := l.GroupSend(t.Context(), "g", []byte("x"), nil)
	must(t, err)
	if report.Gone != 1 || !errors.Is(report.Err, down) {
		t.Errorf("report %+v, want one gone and the error of dropping it", report)
	}
	if err := l.Send(t.Context(), "gone=", []byte("x")); !errors.Is(err, channel.ErrGone) || !errors.Is(err, down) {
		t.Errorf("send to the gone one: %v", err)
	}
}

func TestParallelIsALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := channel.PosterFunc(func(context.Context, string, []byte) error {
			time.Sleep(time.Second) // the bubble's clock
			return nil
		})
		l := channel.New(channel.NewMemory(), p, &channel.Options{Parallel: 4})
		for i := range 20 {
			must(t, l.GroupAdd(t.Context(), "g", fmt.Sprint(i)))
		}
		start := time.Now()
		_, err := l.GroupSend(t.Context(), "g", []byte("x"), nil)
		must(t, err)
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("20 posts of 1 s, 4 at a time, took %v", took)
		}
	})
}

func TestReceiveWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := channel.NewMemory()
		if _, err := m.Receive(t.Context(), "c="); !errors.Is(err, channel.ErrGone) {
			t.Errorf("receive before open: %v", err)
		}
		m.Open("c=")
		time.AfterFunc(time.Second, func() { _ = m.Post(context.Background(), "c=", []byte("x")) })
		if got, err := m.Receive(t.Context(), "c="); string(got) != "x" || err != nil {
			t.Errorf("received %q, %v", got, err)
		}
		time.AfterFunc(time.Second, func() { m.Kill("c=") })
		if _, err := m.Receive(t.Context(), "c="); !errors.Is(err, channel.ErrGone) {
			t.Errorf("receive on a channel that is killed: %v", err)
		}
	})
}

func FuzzCheckName(f *testing.F) {
	for _, name := range []string{"", "R1kmxc2VNjMCFIA=", "room.1", "a b", "ä", strings.Repeat("x", 129)} {
		f.Add(name)
	}
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="
	f.Fuzz(func(t *testing.T, name string) {
		good := len(name) >= 1 && len(name) <= channel.MaxName && strings.Trim(name, allowed) == "" &&
			!strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(allowed, r) })
		err := channel.CheckName(name)
		if good != (err == nil) || (err != nil && !errors.Is(err, channel.ErrBadName)) {
			t.Errorf("CheckName(%q) is %v", name, err)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
