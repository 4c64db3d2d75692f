package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxMessage is the most bytes of an enqueued task: SQS's quota of 1 MiB for a message, its attributes included.
const MaxMessage = 1 << 20

// maxName is the most characters in a task's name.
const maxName = 64

// The errors that callers tell apart, with [errors.Is].
var (
	// ErrTooLarge means that the task's message has more than MaxMessage bytes.
	ErrTooLarge = errors.New("task: too large")
	// ErrBadInput means that the input cannot be encoded, or not be decoded by the worker.
	ErrBadInput = errors.New("task: bad input")
	// ErrUnknownTask means that the worker has no task of this name.
	ErrUnknownTask = errors.New("task: unknown task")
	// ErrBadMessage means that a message is none of this package's.
	ErrBadMessage = errors.New("task: bad message")
	// ErrBadOptions means that an option is out of its range, or that the queue cannot do it.
	ErrBadOptions = errors.New("task: bad options")
	// ErrNoStore means that what was asked for needs a [Store], and the client has none.
	ErrNoStore = errors.New("task: no store")
	// ErrUnknownID means that nothing is stored of a task.
	ErrUnknownID = errors.New("task: nothing is known of this id")
	// ErrFailed and ErrNotReady mean that a task has no result, or none yet.
	ErrFailed   = errors.New("task: failed")
	ErrNotReady = errors.New("task: not done")
	// ErrRevoked is why the context of a running task ends that was revoked, with [context.Cause].
	ErrRevoked = errors.New("task: revoked")
)

// Task is a function with a name, to be run in the background. It is immutable and safe for concurrent use.
type Task[In, Out any] struct {
	name string
	fn   func(ctx context.Context, in In) (Out, error)
}

// New declares a task. In and Out go through JSON. The function must be safe for concurrent use, and should return soon
// after its context ends, which is before the worker's own time is up. New panics if the name is not 1 to 64 characters of
// ASCII letters, digits and _ . - : it is part of the wiring.
func New[In, Out any](name string, fn func(ctx context.Context, in In) (Out, error)) *Task[In, Out] {
	if !validName(name) {
		panic(fmt.Sprintf("task: bad name %q: want 1 to %d ASCII letters, digits and _ . -", name, maxName))
	}
	if fn == nil {
		panic("task: nil function for " + name)
	}
	return &Task[In, Out]{name: name, fn: fn}
}

func validName(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return name != "" && len(name) <= maxName
}

// Name gives the task's name.
func (t *Task[In, Out]) Name() string { return t.name }

// Run decodes the input, calls the function and encodes its result. It implements [Handler].
func (t *Task[In, Out]) Run(ctx context.Context, input []byte) ([]byte, error) {
	var in In
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, Skip(fmt.Errorf("%w: %s: %w", ErrBadInput, t.name, err))
	}
	out, err := t.fn(ctx, in)
	if err != nil {
		return nil, err
	}
	result, err := json.Marshal(out)
	if err != nil {
		return nil, Skip(fmt.Errorf("task: encode the result of %s: %w", t.name, err))
	}
	return result, nil
}

// Enqueue asks for the task to be run, and gives its id. The errors are [ErrBadInput], [ErrBadOptions], [ErrTooLarge]
// and the queue's. After an error other than those three the task may still be run.
func (t *Task[In, Out]) Enqueue(ctx context.Context, c *Client, in In, opts *Options) (string, error) {
	return t.Call(in).Enqueue(ctx, c, opts)
}
