package task

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
)

// MaxMembers is the most members of a [Group]. Each is a message and a record of its own.
const MaxMembers = 1000

// Call is a task with its input, or several composed: [Then] makes chains, [Group] makes groups, and a chain that goes on
// from a group is what Celery names a chord. Out is the type of its result. A Call is a value, enqueues nothing by itself,
// and can be enqueued several times.
type Call[Out any] struct{ plan plan }

// plan is a call without its types: a task with an input, or a group; then tasks that each take the result before.
type plan struct {
	task    string
	input   json.RawMessage
	members []plan // of a group, if task is ""
	then    []string
	onError string
	err     error // the first mistake; Enqueue gives it
}

// Call makes a call of the task with an input.
func (t *Task[In, Out]) Call(in In) Call[Out] {
	input, err := t.encode(in)
	return Call[Out]{plan{task: t.name, input: input, err: err}}
}

// Then makes a call that goes on with a task, which gets the result of the call as its input. If a step fails for good
// the steps after it do not run: their state is StateFailure, with the code "upstream".
func Then[In, Out any](c Call[In], t *Task[In, Out]) Call[Out] {
	p := c.plan
	p.then = append(append([]string(nil), p.then...), t.name)
	return Call[Out]{p}
}

// Group makes a call of several that run at the same time. Its result are all results, in the order of the calls. If one
// fails for good, the group has failed; the others run on.
func Group[Out any](calls ...Call[Out]) Call[[]Out] {
	p := plan{members: make([]plan, len(calls))}
	if len(calls) > MaxMembers {
		p.err = fmt.Errorf("%w: a group of %d, the limit is %d", ErrBadOptions, len(calls), MaxMembers)
	}
	for i, c := range calls {
		p.members[i] = c.plan
		switch {
		case p.err != nil:
		case c.plan.err != nil:
			p.err = c.plan.err
		case c.plan.empty():
			p.err = fmt.Errorf("%w: a group of nobody in a group", ErrBadOptions)
		}
	}
	return Call[[]Out]{p}
}

// Untyped forgets the type of a call's result, so that calls of several types can be in one group.
func Untyped[Out any](c Call[Out]) Call[json.RawMessage] { return Call[json.RawMessage](c) }

// FailedCall is the input of a task given to [OnError].
type FailedCall struct {
	ID    string  `json:"id"`   // of the call
	Step  string  `json:"step"` // the id of the step that failed
	Task  string  `json:"task"` // its name
	Error Failure `json:"error"`
}

// OnError has a task run, once, if any step of the call fails for good or is revoked. Of a call that is composed into
// another one, only the outermost OnError counts.
func OnError[Out, Any any](c Call[Out], t *Task[FailedCall, Any]) Call[Out] {
	c.plan.onError = t.name
	return c
}

// Enqueue asks for the call to be run, and gives its id, whose state and result are those of the call as a whole. Each step
// has an id of its own, and pushes its own events. The errors are those of [Task.Enqueue]; a composed call needs a client
// with a [Store], else the error is [ErrNoStore]. If only some of a group could be enqueued there is an error, and the same
// call with the same Options.ID completes it.
func (c Call[Out]) Enqueue(ctx context.Context, client *Client, opts *Options) (string, error) {
	return client.enqueue(ctx, c.plan, opts)
}

// messages makes what has to be enqueued first for a call with an id; follow is what gets the result.
func (p plan) messages(base Message, id string, follow *next) []Message {
	first := id
	if n := len(p.then); n > 0 {
		first = id + "~0"
		for i := n - 1; i >= 0; i-- {
			step := &next{ID: id, Task: p.then[i], Then: follow}
			if i < n-1 {
				step.ID = id + "~" + strconv.Itoa(i+1)
			}
			follow = step
		}
	}
	if p.task != "" {
		base.ID, base.Task, base.Input, base.Next = first, p.task, p.input, follow
		return []Message{base}
	}
	var out []Message
	for i, member := range p.members {
		place := &next{ID: first, Index: i, Size: len(p.members), Then: follow}
		out = append(out, member.messages(base, first+"."+strconv.Itoa(i), place)...)
	}
	return out
}

// composed says whether the call is more than one task.
func (p plan) composed() bool { return p.task == "" || len(p.then) > 0 || p.onError != "" }

// empty says whether the call begins with a group of nobody.
func (p plan) empty() bool { return p.task == "" && len(p.members) == 0 }

// filled begins a call at its first task, if there is nobody in the group before it.
func (p plan) filled() plan {
	if p.empty() {
		return plan{task: p.then[0], input: json.RawMessage("[]"), then: p.then[1:], onError: p.onError}
	}
	return p
}
