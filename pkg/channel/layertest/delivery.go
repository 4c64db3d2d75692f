package layertest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/disclone/disclone/pkg/channel"
)

func deliveryCases() []testCase {
	return []testCase{
		{"send to one", sendOne},
		{"send to gone", sendGone},
		{"send to one that never was", sendNever},
		{"group send reaches everyone once", sendEveryone},
		{"group send drops the gone one and only it", dropGone},
		{"grace", grace},
		{"exclude", exclude},
		{"deadline", deadline},
		{"text arrives as it is", exactText},
		{"concurrent", concurrent},
	}
}

func sendOne(s *suite) {
	l, chs := s.layer(channel.Options{}), s.open(2)
	s.must(l.Send(s.ctx, chs[0], []byte("one")))
	s.must(l.Send(s.ctx, chs[0], []byte("two")))
	s.wantOnly(chs[0], "one", "two")
	s.wantOnly(chs[1])
}

func sendGone(s *suite) {
	l, chs := s.layer(channel.Options{}), s.open(2)
	groups := []string{s.group("a"), s.group("b")}
	for _, g := range groups {
		s.add(l, g, chs...)
	}
	s.env.Kill(s, chs[0])
	s.mustBe(l.Send(s.ctx, chs[0], []byte("hello")), channel.ErrGone)
	for s.env.LaggingIndex && s.inAny(l, chs[0], groups) {
		s.mustBe(l.Send(s.ctx, chs[0], []byte("hello")), channel.ErrGone)
	}
	for _, g := range groups {
		s.wantMembers(l, g, chs[1])
	}
	s.wantOnly(chs[1])
}

func sendNever(s *suite) {
	l := s.layer(channel.Options{})
	s.mustBe(l.Send(s.ctx, "R1kmxc2VNjMCFIA=", []byte("hello")), channel.ErrGone)
}

func sendEveryone(s *suite) {
	l, g, chs := s.layer(channel.Options{Parallel: 3, PageSize: 7}), s.group("g"), s.open(20)
	outsider := s.env.Open(s)
	s.add(l, g, chs...)
	s.groupSend(l, g, "one", channel.Report{Sent: 20})
	s.groupSend(l, g, "two", channel.Report{Sent: 20})
	for _, ch := range chs {
		s.wantOnly(ch, "one", "two")
	}
	s.wantOnly(outsider)
}

// dropGone is the bug of a well-known sample, which drops the sender instead.
func dropGone(s *suite) {
	l, g, other, chs := s.layer(channel.Options{}), s.group("g"), s.group("other"), s.open(5)
	s.add(l, g, chs...)
	s.add(l, other, chs[1], chs[2])
	s.env.Kill(s, chs[1])
	s.groupSend(l, g, "hello", channel.Report{Sent: 4, Gone: 1})
	for s.env.LaggingIndex && s.inAny(l, chs[1], []string{g, other}) {
		s.mustBe(l.Send(s.ctx, chs[1], []byte("hello")), channel.ErrGone)
	}
	left := slices.Delete(slices.Clone(chs), 1, 2)
	s.wantMembers(l, g, left...)
	s.wantMembers(l, other, chs[2])
	s.groupSend(l, g, "again", channel.Report{Sent: 4})
	for _, ch := range left {
		s.wantOnly(ch, "hello", "again")
	}
}

// grace is for a connection whose $connect runs still: it is gone, and will be there in a moment.
func grace(s *suite) {
	opts := channel.Options{Grace: 30 * time.Second, Expiry: time.Hour}
	l, g, old, chs := s.layer(opts), s.group("g"), s.group("old"), s.open(2)
	s.add(l, g, chs...)
	s.add(l, old, chs[1])
	s.env.Kill(s, chs[1])
	s.groupSend(l, g, "one", channel.Report{Sent: 1, Gone: 1})
	s.wantMembers(l, g, chs...)
	s.advance(31 * time.Second)
	s.add(l, g, chs[1]) // young again here, but not in the other group
	s.groupSend(l, g, "two", channel.Report{Sent: 1, Gone: 1})
	s.wantMembers(l, g, chs...)
	s.groupSend(l, old, "three", channel.Report{Gone: 1})
	for s.env.LaggingIndex && s.inAny(l, chs[1], []string{g, old}) {
		s.mustBe(l.Send(s.ctx, chs[1], []byte("x")), channel.ErrGone)
	}
	s.wantMembers(l, g, chs[0])
	s.wantMembers(l, old)
	s.wantOnly(chs[0], "one", "two")
}

func exclude(s *suite) {
	l, g, chs := s.layer(channel.Options{}), s.group("g"), s.open(4)
	s.add(l, g, chs...)
	opts := &channel.SendOptions{Exclude: []string{chs[0], chs[2], "not-a-member="}}
	s.groupSendWith(l, g, "hello", opts, channel.Report{Sent: 2})
	for i, ch := range chs {
		if i%2 == 0 {
			s.wantOnly(ch)
		} else {
			s.wantOnly(ch, "hello")
		}
	}
	s.wantMembers(l, g, chs...)
}

func deadline(s *suite) {
	l, g, chs := s.layer(channel.Options{}), s.group("g"), s.open(2)
	s.add(l, g, chs...)
	opts := &channel.SendOptions{Deadline: s.now().Add(time.Minute)}
	s.groupSendWith(l, g, "in time", opts, channel.Report{Sent: 2})
	s.advance(2 * time.Minute)
	s.groupSendWith(l, g, "too late", opts, channel.Report{Expired: true})
	s.wantOnly(chs[0], "in time")
	s.wantOnly(chs[1], "in time")
}

func exactText(s *suite) {
	l, ch := s.layer(channel.Options{}), s.open(1)[0]
	texts := []string{" ", "{\"a\": 1}\r\n", "null", "héllo, 世界 🎉", "\u2028<script>&", "a\x00b", `"\ud83d"`}
	for _, text := range texts {
		s.must(l.Send(s.ctx, ch, []byte(text)))
		if got := s.receive(ch); got != text {
			s.Fatalf("sent %q, received %q", text, got)
		}
	}
}

// concurrent has channels come, go and send, all at once, around one that stays.
func concurrent(s *suite) {
	const workers, rounds = 6, 10
	l, g, chs := s.layer(channel.Options{PageSize: 2}), s.group("g"), s.open(workers)
	stays := s.env.Open(s)
	s.add(l, g, stays)
	var all sync.WaitGroup
	var want []string
	for w, ch := range chs {
		for r := range rounds {
			want = append(want, fmt.Sprintf("%d.%d", w, r))
		}
		all.Go(func() {
			for r := range rounds {
				if err := comeAndGo(s.ctx, l, g, ch, fmt.Sprintf("%d.%d", w, r)); err != nil {
					s.Error(err)
				}
			}
		})
	}
	all.Wait()
	for _, ch := range chs {
		s.drop(l, ch, g)
	}
	s.wantMembers(l, g, stays)
	s.wantOnly(stays, want...)
}

func comeAndGo(ctx context.Context, l *channel.Layer, group, name, payload string) error {
	if err := l.GroupAdd(ctx, group, name); err != nil {
		return err
	}
	if ok, err := l.Has(ctx, group, name); err != nil || !ok {
		return fmt.Errorf("after GroupAdd, Has is %t, %w", ok, err)
	}
	report, err := l.GroupSend(ctx, group, []byte(payload), nil)
	if err != nil || report.Sent < 2 || report.Gone+report.Failed+report.Throttled > 0 {
		return fmt.Errorf("group send with two members at least: %s, %w, %w", counts(report), err, report.Err)
	}
	if err := l.GroupDiscard(ctx, group, name); err != nil {
		return err
	}
	return l.Drop(ctx, name)
}
