package channel

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"
)

// SendOptions are the optional parts of a group send. The zero value sends to every member, however long it takes.
type SendOptions struct {
	// Exclude are members that the payload is not sent to, for example the sender.
	Exclude []string
	// Deadline is when the payload is too old to be of use: no post begins after it. The zero time is never.
	Deadline time.Time
}

// Report counts what became of a group send. Each member that the send came to is in exactly one of the counts.
type Report struct {
	Sent      int  // the platform took the payload
	Gone      int  // the connection was gone; the channel was dropped, after Options.Grace
	Throttled int  // nothing was taken within the retry budget
	Failed    int  // anything else, a timeout among it; whether the payload arrived is not known
	Expired   bool // the deadline passed before the send came to every member
	// Err is the first failure among the members, or of dropping one, for the log; nil if there was none. Being gone
	// or throttled is none.
	Err error
}

// GroupSend delivers a payload to the members of a group, at most once to each, some at a time. Members that are
// throttled do not hold up the others: they are tried again after everyone else, until the retry budget is used up.
//
// It fails, with the report as far as it came, if ctx ends before it does, if the members cannot be read, or with [ErrBadName],
// [ErrTooLarge] or [ErrNotText] before anything is sent; never because of one member.
func (l *Layer) GroupSend(ctx context.Context, group string, payload []byte, opts *SendOptions) (Report, error) {
	err := errors.Join(checkNames(group), checkPayload(payload))
	if err != nil {
		return Report{}, fmt.Errorf("channel: group send %.128s: %w", group, err)
	}
	s := newGroupSend(l, payload, opts)
	err = s.run(ctx, group)
	s.report.Throttled = len(s.throttled)
	if err != nil {
		return s.report, fmt.Errorf("channel: group send %.128s: %w", group, err)
	}
	return s.report, nil
}

// groupSend is one group send under way.
type groupSend struct {
	layer    *Layer
	payload  []byte
	exclude  map[string]struct{}
	deadline time.Time
	slots    chan struct{} // one for each post under way

	mu        sync.Mutex // guards what follows
	report    Report
	throttled []Member
}

func newGroupSend(l *Layer, payload []byte, opts *SendOptions) *groupSend {
	s := &groupSend{layer: l, payload: payload, slots: make(chan struct{}, l.opts.Parallel)}
	if opts == nil {
		return s
	}
	s.deadline = opts.Deadline
	s.exclude = make(map[string]struct{}, len(opts.Exclude))
	for _, channel := range opts.Exclude {
		s.exclude[channel] = struct{}{}
	}
	return s
}

// run posts to every member, and then again and again to those that were throttled.
func (s *groupSend) run(ctx context.Context, group string) error {
	b := s.layer.newBackoff(s.deadline)
	err := s.round(ctx, s.layer.members(ctx, group))
	for err == nil && len(s.throttled) > 0 && b.wait(ctx) {
		again := s.throttled
		s.throttled = nil
		err = s.round(ctx, each(again))
	}
	if err == nil && s.report.Failed+len(s.throttled) > 0 {
		err = ctx.Err() // that is why
	}
	return err
}

// each gives the members that are in hand already.
func each(members []Member) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		for _, m := range members {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// round posts once to each of the members, some at a time, while it reads on. It returns when all posts are done.
func (s *groupSend) round(ctx context.Context, members iter.Seq2[Member, error]) error {
	var posts sync.WaitGroup
	defer posts.Wait()
	for m, err := range members {
		if err != nil {
			return err
		}
		if _, excluded := s.exclude[m.Channel]; excluded {
			continue
		}
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		if s.late() {
			<-s.slots
			return nil
		}
		posts.Go(func() {
			defer func() { <-s.slots }()
			s.post(ctx, m)
		})
	}
	return nil
}

// late says, and reports, that the deadline has passed.
func (s *groupSend) late() bool {
	if s.deadline.IsZero() || s.layer.opts.Now().Before(s.deadline) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Expired = true
	return true
}

// post tries one member and counts the outcome.
func (s *groupSend) post(ctx context.Context, m Member) {
	err := s.layer.post(ctx, m.Channel, s.payload)
	var dropErr error
	gone := errors.Is(err, ErrGone)
	if gone && !s.layer.young(m) {
		dropErr = s.layer.store.RemoveAll(ctx, m.Channel)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.report.Sent++
	case gone:
		s.report.Gone++
		s.note("drop", m.Channel, dropErr)
	case errors.Is(err, ErrThrottled):
		s.throttled = append(s.throttled, m)
	default:
		s.report.Failed++
		s.note("post to", m.Channel, err)
	}
}

// note keeps the first failure.
func (s *groupSend) note(op, channel string, err error) {
	if err != nil && s.report.Err == nil {
		s.report.Err = fmt.Errorf("channel: %s %s: %w", op, channel, err)
	}
}
