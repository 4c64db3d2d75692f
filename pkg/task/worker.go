package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

const (
	// DefaultMaxAttempts is how often a task is tried where nobody says otherwise.
	DefaultMaxAttempts = 5
	// softMargin is how long before the worker's own deadline a task's context ends, so that its failure can still be
	// reported.
	softMargin = 500 * time.Millisecond
)

// Worker runs delivered tasks and pushes their results. It is safe for concurrent use.
type Worker struct {
	mux     *Mux
	replier Replier
	client  *Client
	opts    WorkerOptions
}

// WorkerOptions are the optional parts of a [Worker]. The zero value is ready to use.
type WorkerOptions struct {
	// Client has the store and the queues. Without it, or without its Store, a task runs at least once, and may push its
	// result more than once.
	Client       *Client
	Log          *slog.Logger    // where failures go, once each; slog.Default() if nil
	MaxAttempts  int             // for tasks that do not say; DefaultMaxAttempts if 0
	Progress     time.Duration   // the least time between two progress events of a task; 500 ms if 0
	StartedAfter time.Duration   // a task that runs longer pushes StateStarted; 500 ms if 0
	RevokePoll   time.Duration   // how often a running task's record is asked whether it is revoked; 2 s if 0
	Lease        time.Duration   // how long an attempt without a deadline may run before another may begin; 15 minutes if 0
	Backoff      time.Duration   // the most time until the second attempt, doubled for each further one; 1 s if 0
	MaxBackoff   time.Duration   // at most; 5 minutes if 0
	MaxEvent     int             // bytes of a result in an event; 24 KB if 0, which fits API Gateway's frame of 32 KB
	Rates        map[string]Rate // by task; the others have no limit
}

// NewWorker makes a worker. A nil replier drops all events.
func NewWorker(mux *Mux, r Replier, opts *WorkerOptions) *Worker {
	w := &Worker{mux: mux, replier: r}
	if opts != nil {
		w.opts = *opts
	}
	o := &w.opts
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.MaxAttempts = cmp.Or(max(o.MaxAttempts, 0), DefaultMaxAttempts)
	o.Progress = cmp.Or(o.Progress, 500*time.Millisecond)
	o.StartedAfter = cmp.Or(o.StartedAfter, 500*time.Millisecond)
	o.RevokePoll = cmp.Or(o.RevokePoll, 2*time.Second)
	o.Lease = cmp.Or(o.Lease, 15*time.Minute)
	o.Backoff = cmp.Or(o.Backoff, time.Second)
	o.MaxBackoff = max(cmp.Or(o.MaxBackoff, 5*time.Minute), o.Backoff)
	o.MaxEvent = cmp.Or(o.MaxEvent, 24*1024)
	w.client = o.Client
	if w.client == nil {
		w.client = NewClient(nil, nil)
	}
	return w
}

// stored says whether there is a store to keep records in.
func (w *Worker) stored() bool { return w.client.store != nil }

// Outcome says what a queue does with a message that was handled.
type Outcome struct {
	// Err is nil if the message is done with, and can be deleted. Otherwise it is to be delivered again, or is dead.
	Err error
	// RetryAfter is when it should be delivered again.
	RetryAfter time.Duration
	// Dead says that delivering it again does not help: it belongs in the dead-letter queue, as Letter.
	Dead   bool
	Letter []byte
}

// Handle runs one delivered message: receives is how often the queue has delivered it, from 1. With a store a task that is
// done does not run again, and while one attempt runs no other begins. A failure is logged here, once; the caller need not.
func (w *Worker) Handle(ctx context.Context, body []byte, receives int) Outcome {
	m, err := DecodeMessage(body)
	if err != nil {
		w.opts.Log.Error("task", "error", err, "receives", receives)
		return Outcome{Err: err, Dead: true, Letter: body}
	}
	j := &job{Worker: w, Message: m, receives: receives}
	out := j.handle(ctx)
	switch {
	case out.Err == nil:
	case errors.Is(out.Err, errBusy) || errors.Is(out.Err, errLimited):
		w.opts.Log.Info("task: put back", "task", m.Task, "id", m.ID, "reason", out.Err.Error(), "after", out.RetryAfter)
	default:
		w.opts.Log.Error("task", "task", m.Task, "id", m.ID, "receives", receives, "dead", out.Dead, "error", out.Err)
	}
	if out.Dead {
		if out.Letter, err = m.deadLetter().Encode(); err != nil {
			out.Letter = body
		}
	}
	return out
}

// job is one delivery of a task.
type job struct {
	*Worker
	Message
	receives int
}

func (j *job) handle(ctx context.Context) Outcome {
	if out, pass := j.limited(ctx); !pass {
		return out
	}
	rec, err := j.claim(ctx)
	switch {
	case errors.Is(err, errBusy):
		return Outcome{Err: err, RetryAfter: time.UnixMilli(rec.Lease).Sub(j.client.now()) + time.Second}
	case err != nil:
		return j.again(err)
	case rec.State.Final():
		rec.Task, rec.Root, rec.ReplyTo = j.Task, j.Root, j.ReplyTo // who revoked it did not know
		return j.settle(ctx, rec)
	}
	rec, result, err := j.run(ctx, rec)
	return j.finish(ctx, rec, result, err)
}

// again has the message delivered again after a fault that is not the task's.
func (j *job) again(err error) Outcome {
	return Outcome{Err: err, RetryAfter: backoff(j.receives, j.opts.Backoff, j.opts.MaxBackoff)}
}

// limited says whether the task's rate lets it pass now. If not it comes back at its own time: as a new message, which does
// not count as an attempt; or, where order matters, as the same.
func (j *job) limited(ctx context.Context) (Outcome, bool) {
	rate, ok := j.opts.Rates[j.Task]
	if !ok || j.Granted || !j.stored() {
		return Outcome{}, true
	}
	wait, err := j.client.reserve(ctx, j.Task, rate, j.Group != "")
	if err != nil {
		return j.again(err), false
	}
	if wait <= 0 {
		return Outcome{}, true
	}
	if j.Group != "" {
		return Outcome{Err: errLimited, RetryAfter: wait}, false
	}
	m := j.Message
	m.Granted = true
	if err := errors.Join(j.client.send(ctx, []Message{m}, wait)...); err != nil {
		return j.again(err), false
	}
	return Outcome{}, false
}

// run runs the task with a context that ends before ctx does. A panic is an error; its stack goes to the log. It gives the
// record as the task's progress has left it.
func (j *job) run(ctx context.Context, rec Record) (after Record, result []byte, err error) {
	h, err := j.mux.handler(j.Task)
	if err != nil {
		return rec, nil, Skip(err)
	}
	run := j.begin(ctx, rec)
	ctx, stop := run.context(ctx)
	defer func() {
		if p := recover(); p != nil {
			j.opts.Log.Error("task: panic", "task", j.Task, "id", j.ID, "stack", string(debug.Stack()))
			err = fmt.Errorf("task: %s panicked: %v", j.Task, p)
		}
		stop()
		after = run.end()
	}()
	result, err = h.Run(ctx, j.Input)
	if err != nil && errors.Is(context.Cause(ctx), ErrRevoked) {
		err = fmt.Errorf("%w: %w", ErrRevoked, err)
	}
	if len(result) > MaxResult && j.stored() {
		return rec, nil, Skip(fmt.Errorf("%w: the result of %s has %d bytes, the limit is %d", ErrTooLarge, j.Task, len(result), MaxResult))
	}
	return rec, result, err
}

// limit is how often the task may be tried.
func (j *job) limit() int {
	if j.MaxAttempts > 0 {
		return min(j.MaxAttempts, j.opts.MaxAttempts)
	}
	return j.opts.MaxAttempts
}
