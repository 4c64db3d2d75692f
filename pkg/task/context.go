package task

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// running is the attempt that a context belongs to. It pushes and stores what the task says on its way, not more often than
// the worker's Progress interval: what comes sooner waits, and only the last of it is kept.
type running struct {
	*job
	parent context.Context // of the invocation: what is pushed is not cut off by the task's own time limit

	mu     sync.Mutex
	rec    Record
	cancel context.CancelCauseFunc
	value  json.RawMessage // what was said last and is not yet pushed
	last   time.Time       // when something was pushed last
	timer  *time.Timer     // pushes value
	others []*time.Timer   // of the started event, and of the question whether it is revoked
	ended  bool
}

type runningKey struct{}

func from(ctx context.Context) *running {
	r, _ := ctx.Value(runningKey{}).(*running)
	return r
}

// ID gives the id of the task that ctx belongs to, "" outside one. A second run of the same call has the same id.
func ID(ctx context.Context) string {
	if r := from(ctx); r != nil {
		return r.ID
	}
	return ""
}

// Attempt says which try of the task this is, from 1; 0 outside one.
func Attempt(ctx context.Context) int {
	if r := from(ctx); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.rec.Attempts
	}
	return 0
}

// Headers gives the headers of the call. They must not be changed.
func Headers(ctx context.Context) map[string]string {
	if r := from(ctx); r != nil {
		return r.Message.Headers
	}
	return nil
}

// Log gives a logger whose lines carry the task's name, id and attempt; slog.Default() outside a task.
func Log(ctx context.Context) *slog.Logger {
	r := from(ctx)
	if r == nil {
		return slog.Default()
	}
	return r.opts.Log.With("task", r.Task, "id", r.ID, "attempt", Attempt(ctx))
}

// Progress tells whoever asked how far the task is, with any value that is JSON. It costs a push and, with a store, a
// write, so calls that come sooner than the worker's Progress interval after the last one wait for its end, and only the
// last of them counts. It never fails the task.
func Progress(ctx context.Context, v any) {
	r := from(ctx)
	if r == nil {
		return
	}
	data, err := json.Marshal(v)
	if err == nil && len(data) > r.opts.MaxEvent {
		err = ErrTooLarge
	}
	if err != nil {
		r.opts.Log.Warn("task: progress", "id", r.ID, "error", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	r.value = data
	wait := r.opts.Progress - time.Since(r.last)
	if wait <= 0 {
		r.flush()
	} else if r.timer == nil {
		r.timer = time.AfterFunc(wait, r.locked(r.flush))
	}
}

func (j *job) begin(parent context.Context, rec Record) *running {
	return &running{job: j, parent: parent, rec: rec}
}

// context gives the task its context, and starts what is to happen while it runs.
func (r *running) context(ctx context.Context) (context.Context, context.CancelFunc) {
	var stops []context.CancelFunc
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, deadline.Add(-softMargin))
		stops = append(stops, stop)
	}
	if r.TimeLimit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, r.TimeLimit)
		stops = append(stops, stop)
	}
	ctx, r.cancel = context.WithCancelCause(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.others = append(r.others, time.AfterFunc(r.opts.StartedAfter, r.locked(r.started)))
	if r.stored() {
		var poll *time.Timer
		poll = time.AfterFunc(r.opts.RevokePoll, r.locked(func() {
			r.poll()
			poll.Reset(r.opts.RevokePoll)
		}))
		r.others = append(r.others, poll)
	}
	return context.WithValue(ctx, runningKey{}, r), func() {
		r.cancel(context.Canceled)
		for _, stop := range stops {
			stop()
		}
	}
}

// locked makes a function for a timer, which does nothing once the task has ended.
func (r *running) locked(f func()) func() {
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.ended {
			f()
		}
	}
}

// end stops all that is under way, and gives the record as it is now.
func (r *running) end() Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	for _, t := range append(r.others, r.timer) {
		if t != nil {
			t.Stop()
		}
	}
	return r.rec
}

func (r *running) started() {
	if r.last.IsZero() { // else it has said more already
		r.push(StateStarted, nil)
	}
}

// flush pushes what was said last. The caller holds the lock.
func (r *running) flush() {
	r.timer = nil
	if r.value != nil {
		r.push(StateProgress, r.value)
		r.value = nil
	}
}

// push stores and pushes a state that is not final. The caller holds the lock.
func (r *running) push(state State, value json.RawMessage) {
	r.last = time.Now()
	rec := r.rec
	rec.State, rec.Result = state, value
	rec.Step++
	var err error
	if r.stored() && state == StateProgress { // that it has started is stored already
		rec, err = r.keep(rec)
	}
	if err == nil {
		err = r.reply(r.parent, rec)
	}
	r.rec.Step, r.rec.version, r.rec.Revoking = rec.Step, max(rec.version, r.rec.version), rec.Revoking
	if err != nil {
		r.opts.Log.Warn("task: push", "id", r.ID, "state", state, "error", err)
	}
}

// keep writes a record while the attempt has its lease. If it was revoked, or another attempt has begun, the task's context
// is cancelled.
func (r *running) keep(rec Record) (Record, error) {
	stored, err := r.client.change(r.parent, rec, func(cur *Record) bool {
		if cur.Claim != rec.Claim {
			return false
		}
		cur.State, cur.Result, cur.Step = rec.State, rec.Result, rec.Step
		return true
	})
	if err != nil {
		return rec, err
	}
	r.look(stored)
	return stored, nil
}

func (r *running) poll() {
	rec, err := r.client.get(r.parent, r.ID)
	if err == nil && rec.Task != "" {
		r.look(rec)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		r.opts.Log.Warn("task: look for a revocation", "id", r.ID, "error", err)
	}
}

func (r *running) look(rec Record) {
	switch {
	case rec.Claim != r.rec.Claim:
		r.cancel(errLost)
	case rec.Revoking:
		r.cancel(ErrRevoked)
	}
}
