package task

import (
	"context"
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
	RetryAfter time.Duration // until a failed task is tried again; 0 is at once
	Parallel   int           // tasks that run at a time; 10 if 0
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
func (q *Memory) Send(ctx context.Context, m Message, delay time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent = append(q.sent, m)
	q.push(delivery{message: m, attempt: 1, due: time.Now().Add(delay)})
	return nil
}

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
		q.dead = append(q.dead, d.message)
	default:
		q.push(delivery{message: d.message, attempt: d.attempt + 1, due: time.Now().Add(max(out.RetryAfter, q.opts.RetryAfter))})
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
