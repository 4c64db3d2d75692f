package task

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// Memory is a queue in this process, for tests and for programs without AWS. Nothing in it outlives the process. It is
// safe for concurrent use.
type Memory struct {
	opts MemoryOptions

	mu      sync.Mutex
	pending []delivery
	dead    []Message
	sent    []Message
	changed chan struct{} // closed and replaced at each change
}

// MemoryOptions are the optional parts of a [Memory]. The zero value is ready to use.
type MemoryOptions struct {
	Parallel int // tasks that run at a time; 10 if 0
}

type delivery struct {
	message Message
	attempt int
	due     time.Time
}

// NewMemory makes an empty queue.
func NewMemory(opts *MemoryOptions) *Memory {
	q := &Memory{changed: make(chan struct{})}
	if opts != nil {
		q.opts = *opts
	}
	if q.opts.Parallel < 1 {
		q.opts.Parallel = 10
	}
	return q
}

// Send implements [Queue].
func (q *Memory) Send(ctx context.Context, out []Outgoing) []error {
	if err := ctx.Err(); err != nil {
		return slices.Repeat([]error{err}, len(out))
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range out {
		q.sent = append(q.sent, o.Message)
		q.push(delivery{message: o.Message, attempt: 1, due: time.Now().Add(o.Delay)})
	}
	return nil
}

// MaxDelay implements [Queue]: any delay is kept.
func (q *Memory) MaxDelay() time.Duration { return math.MaxInt64 }

// push adds a delivery and wakes Run. The caller holds the lock.
func (q *Memory) push(d delivery) {
	q.pending = append(q.pending, d)
	close(q.changed)
	q.changed = make(chan struct{})
}

// Sent gives everything that was ever enqueued, in order.
func (q *Memory) Sent() []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.sent)
}

// Dead gives what failed for good, in order.
func (q *Memory) Dead() []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.dead)
}

// Redrive enqueues again what failed for good, and says how many tasks that were.
func (q *Memory) Redrive() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.dead {
		q.push(delivery{message: m, attempt: 1})
	}
	n := len(q.dead)
	q.dead = nil
	return n
}

// Drain has a worker run what is enqueued and what that enqueues, one after the other and whatever its delay, until there
// is nothing left or ctx ends. It is for tests: whoever enqueues and then drains sees everything done.
func (q *Memory) Drain(ctx context.Context, w *Worker) error {
	for ctx.Err() == nil {
		q.mu.Lock()
		if len(q.pending) == 0 {
			q.mu.Unlock()
			return nil
		}
		d := q.pending[0]
		q.pending = slices.Delete(q.pending, 0, 1)
		q.mu.Unlock()
		q.handle(ctx, w, d)
	}
	return ctx.Err()
}

// Run has a worker run what is enqueued, until ctx ends. It returns ctx's error when the running tasks have returned.
func (q *Memory) Run(ctx context.Context, w *Worker) error {
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, q.opts.Parallel)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		d, err := q.next(ctx)
		if err != nil {
			return err
		}
		running.Go(func() {
			defer func() { <-slots }()
			q.handle(ctx, w, d)
		})
	}
}

func (q *Memory) handle(ctx context.Context, w *Worker, d delivery) {
	body, err := d.message.Encode()
	if err != nil {
		return // Send took it, so it encodes
	}
	out := w.Handle(ctx, body, d.attempt)
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case out.Err == nil:
	case out.Dead:
		q.dead = append(q.dead, d.message.deadLetter())
	default:
		q.push(delivery{message: d.message, attempt: d.attempt + 1, due: time.Now().Add(out.RetryAfter)})
	}
}

// next waits for the first delivery that is due.
func (q *Memory) next(ctx context.Context) (delivery, error) {
	for {
		q.mu.Lock()
		d, wait, ok := q.take()
		changed := q.changed
		q.mu.Unlock()
		if ok {
			return d, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return delivery{}, ctx.Err()
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take takes the first delivery that is due, or says how long none will be. The caller holds the lock.
func (q *Memory) take() (delivery, time.Duration, bool) {
	now, wait := time.Now(), time.Hour
	for i, d := range q.pending {
		until := d.due.Sub(now)
		if until <= 0 {
			q.pending = slices.Delete(q.pending, i, i+1)
			return d, 0, true
		}
		wait = min(wait, until)
	}
	return delivery{}, wait, false
}
