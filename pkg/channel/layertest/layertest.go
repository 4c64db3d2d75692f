package layertest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/disclone/disclone/pkg/channel"
)

// patience is how long the suite waits for what must happen.
const patience = 20 * time.Second

// Env is what one case of the suite runs on. Cases run in parallel, and each opens its own channels and names its own
// groups, so that several may share a table or a gateway. Every func must be safe for concurrent use.
type Env struct {
	Store  channel.Store
	Poster channel.Poster

	// Open opens a channel, for example by a real connection, and gives its name. Posts reach it when Open returns.
	Open func(t testing.TB) string
	// Receive takes the oldest payload that came to a channel, and waits for it; it fails when ctx ends.
	Receive func(ctx context.Context, name string) ([]byte, error)
	// Kill closes a channel without taking it out of its groups. When it returns, posts fail with channel.ErrGone.
	Kill func(t testing.TB, name string)

	// LaggingIndex declares that the store's RemoveAll may miss what was added a moment ago. The suite then repeats a
	// drop until it is complete; otherwise the first must be.
	LaggingIndex bool
}

// Run tries every case, each with an Env of its own. The suite moves its layers' clock, never the store's: expiry is
// the layer's to see, whether the store has deleted an expired membership or not.
func Run(t *testing.T, newEnv func(t *testing.T) Env) {
	for _, c := range slices.Concat(membershipCases(), deliveryCases(), limitCases(), faultCases()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(newSuite(t, newEnv(t)))
		})
	}
}

type testCase struct {
	name string
	run  func(s *suite)
}

// suite is one case under way.
type suite struct {
	*testing.T
	env   Env
	ctx   context.Context
	ahead atomic.Int64 // how far the layers' clock is ahead of time, in ns
	id    string       // unique, for the names of groups
}

func newSuite(t *testing.T, env Env) *suite {
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	t.Cleanup(cancel)
	return &suite{T: t, env: env, ctx: ctx, id: rand.Text()}
}

func (s *suite) now() time.Time          { return time.Now().Add(time.Duration(s.ahead.Load())) }
func (s *suite) advance(d time.Duration) { s.ahead.Add(int64(d)) }

// layer makes a layer on the suite's clock.
func (s *suite) layer(opts channel.Options) *channel.Layer { return s.layerOn(s.env.Poster, opts) }

func (s *suite) layerOn(p channel.Poster, opts channel.Options) *channel.Layer {
	opts.Now = s.now
	return channel.New(s.env.Store, p, &opts)
}

// group gives a name that no other case uses.
func (s *suite) group(name string) string { return name + "." + s.id }

func (s *suite) open(n int) []string {
	s.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = s.env.Open(s)
	}
	return names
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) mustBe(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("error is %v, want %v", err, want)
	}
}

func (s *suite) add(l *channel.Layer, group string, names ...string) {
	s.Helper()
	for _, name := range names {
		s.must(l.GroupAdd(s.ctx, group, name))
	}
}

// drop drops a channel, until nothing of it is left in the groups.
func (s *suite) drop(l *channel.Layer, name string, groups ...string) {
	s.Helper()
	s.must(l.Drop(s.ctx, name))
	for s.env.LaggingIndex && s.inAny(l, name, groups) {
		s.must(l.Drop(s.ctx, name))
	}
}

func (s *suite) inAny(l *channel.Layer, name string, groups []string) bool {
	return slices.ContainsFunc(groups, func(group string) bool { return s.has(l, group, name) })
}

func (s *suite) has(l *channel.Layer, group, name string) bool {
	s.Helper()
	ok, err := l.Has(s.ctx, group, name)
	s.must(err)
	return ok
}

// wantMembers compares a group's members, in order, with names in any order.
func (s *suite) wantMembers(l *channel.Layer, group string, names ...string) {
	s.Helper()
	got := []string{}
	for name, err := range l.Members(s.ctx, group) {
		s.must(err)
		got = append(got, name)
	}
	want := slices.Sorted(slices.Values(names))
	if !slices.Equal(got, want) {
		s.Fatalf("members of %s are %q, want %q", group, got, want)
	}
}

// groupSend sends to a group, and compares the counts of the report.
func (s *suite) groupSend(l *channel.Layer, group, payload string, want channel.Report) {
	s.Helper()
	s.groupSendWith(l, group, payload, nil, want)
}

func (s *suite) groupSendWith(
	l *channel.Layer, group, payload string, opts *channel.SendOptions, want channel.Report,
) {
	s.Helper()
	got, err := l.GroupSend(s.ctx, group, []byte(payload), opts)
	s.must(err)
	if counts(got) != counts(want) {
		s.Fatalf("report of a group send is %s, want %s", counts(got), counts(want))
	}
}

func counts(r channel.Report) string {
	return fmt.Sprintf("sent %d, gone %d, throttled %d, failed %d, expired %t",
		r.Sent, r.Gone, r.Throttled, r.Failed, r.Expired)
}

// wantOnly takes everything out of a channel's inbox, up to a last payload that it sends itself, and compares.
func (s *suite) wantOnly(name string, want ...string) {
	s.Helper()
	last := "last." + rand.Text()
	s.must(s.layer(channel.Options{}).Send(s.ctx, name, []byte(last)))
	got := []string{}
	for payload := s.receive(name); payload != last; payload = s.receive(name) {
		got = append(got, payload)
	}
	slices.Sort(got) // the layer promises no order
	if want = slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
		s.Fatalf("%s received %q, want %q", name, got, want)
	}
}

func (s *suite) receive(name string) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	payload, err := s.env.Receive(ctx, name)
	if err != nil {
		s.Fatalf("receive on %s: %v", name, err)
	}
	return string(payload)
}
