package channel

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"
)

// The defaults of [Options].
const (
	DefaultExpiry   = 24 * time.Hour // Channels' group_expiry; no connection of API Gateway lives longer than two hours
	DefaultParallel = 64
	DefaultPageSize = 1000
	DefaultRetry    = 2 * time.Second
	DefaultTimeout  = 3 * time.Second
)

// The pauses between attempts at a throttled post: random up to a limit that doubles from the first to the last.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

// errNoProgress is a store's fault. Without it a group send could go on for ever, to the same members.
var errNoProgress = errors.New("channel: the store's pages do not advance")

// Options are the optional parts of a [Layer]. The zero value is ready to use.
type Options struct {
	// Expiry is how long a membership lasts that is not added again; DefaultExpiry if 0.
	Expiry time.Duration
	// Parallel is how many posts one group send has under way at a time; DefaultParallel if 0.
	Parallel int
	// PageSize is how many members are read from the store at a time; DefaultPageSize if 0.
	PageSize int
	// Retry is how long, from its start, one send goes on trying what was throttled; DefaultRetry if 0, not at all if
	// negative. Nothing else is tried again.
	Retry time.Duration
	// Timeout is how long one post may take before it counts as failed; DefaultTimeout if 0, none if negative. It
	// keeps a member that hangs from holding up a group send.
	Timeout time.Duration
	// Grace is how young a membership must be for a group send not to drop a channel that it finds gone; 0 is to drop
	// it at once. API Gateway answers 410 for a connection whose $connect has not returned, too: where $connect adds
	// the connection to a group that others send to, set it to that function's timeout, at most 29 seconds. All layers
	// on a store must then have the same Expiry, which a membership's age is known by. Send drops at once.
	Grace time.Duration
	// Now is the clock that memberships expire and deadlines pass by; time.Now if nil.
	Now func() time.Time
}

// Layer sends to channels and groups. It has no state of its own beyond its store and poster, starts nothing that
// outlives a call, and is safe for concurrent use.
type Layer struct {
	store  Store
	poster Poster
	opts   Options
}

// New makes a layer.
func New(store Store, poster Poster, opts *Options) *Layer {
	l := &Layer{store: store, poster: poster}
	if opts != nil {
		l.opts = *opts
	}
	o := &l.opts
	o.Expiry = positiveOr(o.Expiry, DefaultExpiry)
	o.Parallel = positiveOr(o.Parallel, DefaultParallel)
	o.PageSize = positiveOr(o.PageSize, DefaultPageSize)
	if o.Retry == 0 {
		o.Retry = DefaultRetry
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return l
}

func positiveOr[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// Send delivers a payload to one channel. If the channel is gone, Send drops it and the error is [ErrGone]. The error
// is [ErrThrottled] if the channel took nothing within the budget, [ErrTooLarge] or [ErrNotText] if it never would.
func (l *Layer) Send(ctx context.Context, channel string, payload []byte) error {
	err := errors.Join(checkNames(channel), checkPayload(payload))
	if err == nil {
		err = l.send(ctx, channel, payload)
	}
	if err != nil {
		return fmt.Errorf("channel: send %.128s: %w", channel, err)
	}
	return nil
}

func (l *Layer) send(ctx context.Context, channel string, payload []byte) error {
	b := l.newBackoff(time.Time{})
	err := l.post(ctx, channel, payload)
	for errors.Is(err, ErrThrottled) && b.wait(ctx) {
		err = l.post(ctx, channel, payload)
	}
	if errors.Is(err, ErrGone) {
		return errors.Join(err, l.store.RemoveAll(ctx, channel))
	}
	return err
}

// post is one attempt.
func (l *Layer) post(ctx context.Context, channel string, payload []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.opts.Timeout)
		defer cancel()
	}
	return l.poster.Post(ctx, channel, payload)
}

// GroupAdd puts a channel into a group, for as long as Options.Expiry says. Adding it again starts that time again.
// When GroupAdd has returned, the next group send reaches the channel.
func (l *Layer) GroupAdd(ctx context.Context, group, channel string) error {
	err := checkNames(group, channel)
	if err == nil {
		err = l.store.Add(ctx, group, channel, l.opts.Now().Add(l.opts.Expiry))
	}
	if err != nil {
		return fmt.Errorf("channel: add %.128s to %.128s: %w", channel, group, err)
	}
	return nil
}

// GroupDiscard takes a channel out of a group. Not being in it is no error.
func (l *Layer) GroupDiscard(ctx context.Context, group, channel string) error {
	err := checkNames(group, channel)
	if err == nil {
		err = l.store.Remove(ctx, group, channel)
	}
	if err != nil {
		return fmt.Errorf("channel: discard %.128s from %.128s: %w", channel, group, err)
	}
	return nil
}

// Drop takes a channel out of all groups: its connection is closed. Being in none is no error.
func (l *Layer) Drop(ctx context.Context, channel string) error {
	err := checkNames(channel)
	if err == nil {
		err = l.store.RemoveAll(ctx, channel)
	}
	if err != nil {
		return fmt.Errorf("channel: drop %.128s: %w", channel, err)
	}
	return nil
}

// Has says whether a channel is in a group.
func (l *Layer) Has(ctx context.Context, group, channel string) (bool, error) {
	err := checkNames(group, channel)
	var page []Member
	if err == nil {
		page, _, err = l.store.Members(ctx, group, channel, 1)
	}
	if err != nil {
		return false, fmt.Errorf("channel: look for %.128s in %.128s: %w", channel, group, err)
	}
	return len(page) > 0 && page[0].Channel == channel && l.current(page[0]), nil
}

// Members gives the channels of a group, in the order of their names, page by page as it is read. An error is the last
// thing it gives. Channels that are added or taken out meanwhile may or may not be among them.
func (l *Layer) Members(ctx context.Context, group string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for m, err := range l.members(ctx, group) {
			if err != nil {
				yield("", fmt.Errorf("channel: members of %.128s: %w", group, err))
				return
			}
			if !yield(m.Channel, nil) {
				return
			}
		}
	}
}

// Count says how many channels are in a group. It reads all of them: the cost grows with the group.
func (l *Layer) Count(ctx context.Context, group string) (int, error) {
	n := 0
	for _, err := range l.members(ctx, group) {
		if err != nil {
			return 0, fmt.Errorf("channel: count %.128s: %w", group, err)
		}
		n++
	}
	return n, nil
}

// Page gives at most limit channels of a group, in the order of their names, beginning with the first that is not less
// than from; "" begins at the start. next is the from of the following page, and "" after the last. A page may be
// shorter than limit, even empty, and not be the last. It is one read of the store.
func (l *Layer) Page(ctx context.Context, group, from string, limit int) (names []string, next string, err error) {
	err = checkNames(group)
	var page []Member
	if err == nil {
		page, next, err = l.store.Members(ctx, group, from, max(limit, 1))
	}
	if err != nil {
		return nil, "", fmt.Errorf("channel: page of %.128s: %w", group, err)
	}
	for _, m := range page {
		if l.current(m) {
			names = append(names, m.Channel)
		}
	}
	return names, next, nil
}

// members gives a group's current members.
func (l *Layer) members(ctx context.Context, group string) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		if err := checkNames(group); err != nil {
			yield(Member{}, err)
			return
		}
		for from, more := "", true; more; {
			page, next, err := l.store.Members(ctx, group, from, l.opts.PageSize)
			if err == nil && next != "" && next <= from {
				err = fmt.Errorf("%w: from %q to %q", errNoProgress, from, next)
			}
			if err != nil {
				yield(Member{}, err)
				return
			}
			for _, m := range page {
				if l.current(m) && !yield(m, nil) {
					return
				}
			}
			from, more = next, next != ""
		}
	}
}

func (l *Layer) current(m Member) bool { return m.Expires.IsZero() || l.opts.Now().Before(m.Expires) }

// young says that the connection of a member that is gone may not have been opened yet.
func (l *Layer) young(m Member) bool {
	return l.opts.Grace > 0 && l.opts.Now().Before(m.Expires.Add(l.opts.Grace-l.opts.Expiry))
}

// backoff paces the attempts of one send at what was throttled.
type backoff struct {
	end   time.Time // no attempt after it
	limit time.Duration
}

// newBackoff starts the budget. A deadline that is not zero ends it earlier.
func (l *Layer) newBackoff(deadline time.Time) *backoff {
	budget := l.opts.Retry
	if !deadline.IsZero() {
		budget = min(budget, deadline.Sub(l.opts.Now()))
	}
	return &backoff{end: time.Now().Add(budget), limit: firstPause}
}

// wait pauses before the next attempt. It gives false, without a pause, if the budget does not reach that far.
func (b *backoff) wait(ctx context.Context) bool {
	pause := rand.N(b.limit) + 1
	b.limit = min(2*b.limit, lastPause)
	if time.Now().Add(pause).After(b.end) {
		return false
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
