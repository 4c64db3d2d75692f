package layertest

import (
	"context"
	"strings"

	"github.com/disclone/disclone/pkg/channel"
)

func limitCases() []testCase {
	return []testCase{
		{"bad names", badNames},
		{"good names", goodNames},
		{"too large", tooLarge},
		{"the largest", largest},
		{"not text", notText},
		{"cancelled", cancelled},
	}
}

func badNames(s *suite) {
	l, good := s.layer(channel.Options{}), s.group("g")
	bad := []string{
		"", " ", "a b", "a\n", "a/b", "a:b", "a#b", "a!", "a*", "ä", "a\x00", "\xff", strings.Repeat("a", channel.MaxName+1),
	}
	for _, name := range bad {
		_, hasErr := l.Has(s.ctx, name, good)
		_, hasErr2 := l.Has(s.ctx, good, name)
		_, sendErr := l.GroupSend(s.ctx, name, []byte("x"), nil)
		_, countErr := l.Count(s.ctx, name)
		_, _, pageErr := l.Page(s.ctx, name, "", 1)
		errs := []error{
			l.Send(s.ctx, name, []byte("x")), l.Drop(s.ctx, name), hasErr, hasErr2, sendErr, countErr, pageErr,
			l.GroupAdd(s.ctx, name, good), l.GroupAdd(s.ctx, good, name),
			l.GroupDiscard(s.ctx, name, good), l.GroupDiscard(s.ctx, good, name),
		}
		for _, err := range l.Members(s.ctx, name) {
			errs = append(errs, err)
		}
		for _, err := range errs {
			s.mustBe(err, channel.ErrBadName)
		}
	}
	s.wantMembers(l, good)
}

func goodNames(s *suite) {
	l := s.layer(channel.Options{PageSize: 2})
	long := strings.Repeat("x", channel.MaxName)
	g := s.id + long[len(s.id):]
	names := []string{"R1kmxc2VNjMCFIA=", "ZmDx-dJ4FiACFkQ=", "a_b", "a.b", "=", "-", ".", "_", long}
	s.add(l, g, names...)
	s.wantMembers(l, g, names...)
	for _, name := range names {
		if !s.has(l, g, name) {
			s.Fatalf("%q is not in the group", name)
		}
		s.must(l.GroupDiscard(s.ctx, g, name))
	}
	s.wantMembers(l, g)
}

func tooLarge(s *suite) {
	l, g, ch := s.layer(channel.Options{}), s.group("g"), s.open(1)[0]
	s.add(l, g, ch)
	payload := []byte(strings.Repeat("x", channel.MaxPayload+1))
	s.mustBe(l.Send(s.ctx, ch, payload), channel.ErrTooLarge)
	_, err := l.GroupSend(s.ctx, g, payload, nil)
	s.mustBe(err, channel.ErrTooLarge)
	s.wantOnly(ch)
	s.wantMembers(l, g, ch)
}

func largest(s *suite) {
	l, g, ch := s.layer(channel.Options{}), s.group("g"), s.open(1)[0]
	s.add(l, g, ch)
	payload := strings.Repeat("x", channel.MaxPayload-1) + "y"
	s.must(l.Send(s.ctx, ch, []byte(payload)))
	s.groupSend(l, g, payload, channel.Report{Sent: 1})
	for range 2 {
		if got := s.receive(ch); got != payload {
			s.Fatalf("of %d bytes %d arrived, or others", len(payload), len(got))
		}
	}
}

func notText(s *suite) {
	l, g, ch := s.layer(channel.Options{}), s.group("g"), s.open(1)[0]
	s.add(l, g, ch)
	for _, payload := range []string{"\xff", "a\xc3", "\xed\xa0\x80"} {
		s.mustBe(l.Send(s.ctx, ch, []byte(payload)), channel.ErrNotText)
		_, err := l.GroupSend(s.ctx, g, []byte(payload), nil)
		s.mustBe(err, channel.ErrNotText)
	}
	s.wantOnly(ch)
}

func cancelled(s *suite) {
	l, g, chs := s.layer(channel.Options{}), s.group("g"), s.open(2)
	s.add(l, g, chs[0])
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_, hasErr := l.Has(ctx, g, chs[0])
	_, sendErr := l.GroupSend(ctx, g, []byte("x"), nil)
	errs := []error{
		l.Send(ctx, chs[0], []byte("x")), l.Drop(ctx, chs[0]), l.GroupAdd(ctx, g, chs[1]),
		l.GroupDiscard(ctx, g, chs[0]), hasErr, sendErr,
	}
	for _, err := range l.Members(ctx, g) {
		errs = append(errs, err)
	}
	for i, err := range errs {
		if err == nil {
			s.Fatalf("call %d under a cancelled context: no error", i)
		}
		s.mustBe(err, context.Canceled)
	}
	s.wantMembers(l, g, chs[0])
	s.wantOnly(chs[0])
}
