package task

import (
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
	opts    WorkerOptions
}

// WorkerOptions are the optional parts of a [Worker]. The zero value is ready to use.
type WorkerOptions struct {
	Log         *slog.Logger  // where failures go, once each; slog.Default() if nil
	MaxAttempts int           // for tasks that do not say; DefaultMaxAttempts if 0
	Progress    time.Duration // the least time between two progress events of a task; 500 ms if 0
}

// NewWorker makes a worker. A nil replier drops all events.
func NewWorker(mux *Mux, r Replier, opts *WorkerOptions) *Worker {
	w := &Worker{mux: mux, replier: r}
	if opts != nil {
		w.opts = *opts
	}
	if w.opts.Log == nil {
		w.opts.Log = slog.Default()
	}
	if w.opts.MaxAttempts < 1 {
		w.opts.MaxAttempts = DefaultMaxAttempts
	}
	if w.opts.Progress <= 0 {
		w.opts.Progress = 500 * time.Millisecond
	}
	return w
}

// Outcome says what a queue does with a message that was handled.
type Outcome struct {
	// Err is nil if the message is done with, and can be deleted. Otherwise it is to be delivered again, or is dead.
	Err error
	// RetryAfter is when it should be delivered again; 0 leaves it to the queue.
	RetryAfter time.Duration
	// Dead says that delivering it again does not help: it belongs in the dead-letter queue.
	Dead bool
}

// Handle runs one delivered message: attempt counts from 1. It pushes the result before it reports success, so a crash
// in between runs the task again rather than losing its result. A failure is logged here, once; the caller need not.
func (w *Worker) Handle(ctx context.Context, body []byte, attempt int) Outcome {
	m, err := DecodeMessage(body)
	if err != nil {
		w.opts.Log.Error("task", "error", err, "attempt", attempt)
		return Outcome{Err: err, Dead: true}
	}
	result, err := w.run(ctx, m, attempt)
	if err == nil {
		err = w.reply(ctx, m, Event{State: StateSuccess, Attempt: attempt, Result: result})
	}
	if err == nil {
		return Outcome{}
	}
	out := w.classify(m, attempt, err)
	w.opts.Log.Error("task", "task", m.Task, "id", m.ID, "attempt", attempt, "dead", out.Dead, "error", err)
	if out.Dead {
		failed := Event{State: StateFailure, Attempt: attempt, Error: publicOf(err)}
		if err := w.reply(ctx, m, failed); err != nil {
			w.opts.Log.Error("task: reply", "id", m.ID, "error", err)
		}
	}
	return out
}

// run runs the task with a context that ends before ctx does. A panic is an error; its stack goes to the log.
func (w *Worker) run(ctx context.Context, m Message, attempt int) (result []byte, err error) {
	h, err := w.mux.handler(m.Task)
	if err != nil {
		return nil, Skip(err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-softMargin))
		defer cancel()
	}
	run := &running{message: m, attempt: attempt, worker: w}
	defer func() {
		if p := recover(); p != nil {
			w.opts.Log.Error("task: panic", "task", m.Task, "id", m.ID, "stack", string(debug.Stack()))
			err = fmt.Errorf("task: %s panicked: %v", m.Task, p)
		}
	}()
	return h.Run(context.WithValue(ctx, runningKey{}, run), m.Input)
}

func (w *Worker) classify(m Message, attempt int, err error) Outcome {
	limit := w.opts.MaxAttempts
	if m.MaxAttempts > 0 {
		limit = min(limit, m.MaxAttempts)
	}
	out := Outcome{Err: err, Dead: isSkip(err) || attempt >= limit}
	var retry *retryError
	if !out.Dead && errors.As(err, &retry) {
		out.RetryAfter = retry.after
	}
	return out
}

func (w *Worker) reply(ctx context.Context, m Message, ev Event) error {
	if w.replier == nil || m.ReplyTo == "" {
		return nil
	}
	ev.TaskID, ev.Task = m.ID, m.Task
	if err := w.replier.Reply(ctx, m.ReplyTo, ev); err != nil {
		return fmt.Errorf("task: reply of %s: %w", m.Task, err)
	}
	return nil
}
