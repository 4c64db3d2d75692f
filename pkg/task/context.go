package task

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// running is the task that a context belongs to.
type running struct {
	message Message
	attempt int
	worker  *Worker

	mu   sync.Mutex
	last time.Time // of the last progress event
}

type runningKey struct{}

func from(ctx context.Context) *running {
	r, _ := ctx.Value(runningKey{}).(*running)
	return r
}

// ID gives the id of the task that ctx belongs to, "" outside one. A second run of the same call has the same id.
func ID(ctx context.Context) string {
	if r := from(ctx); r != nil {
		return r.message.ID
	}
	return ""
}

// Attempt says which try of the task this is, from 1; 0 outside one.
func Attempt(ctx context.Context) int {
	if r := from(ctx); r != nil {
		return r.attempt
	}
	return 0
}

// Headers gives the headers of the call. They must not be changed.
func Headers(ctx context.Context) map[string]string {
	if r := from(ctx); r != nil {
		return r.message.Headers
	}
	return nil
}

// Progress tells whoever asked how far the task is, with any value that is JSON. It costs one push, so calls that come
// sooner than the worker's Progress interval after the last one are left out. It never fails the task.
func Progress(ctx context.Context, v any) {
	r := from(ctx)
	if r == nil || !r.due(time.Now()) {
		return
	}
	data, err := json.Marshal(v)
	if err == nil {
		err = r.worker.reply(ctx, r.message, Event{State: StateProgress, Attempt: r.attempt, Result: data})
	}
	if err != nil {
		r.worker.opts.Log.Warn("task: progress", "id", r.message.ID, "error", err)
	}
}

func (r *running) due(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.last) < r.worker.opts.Progress {
		return false
	}
	r.last = now
	return true
}
