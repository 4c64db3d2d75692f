package task

import (
	"context"
	"encoding/json"
)

// State is where a task is.
type State string

// The states of a task. Pending is only stored, and only of a task that is tracked, waits for its time, or has a unique
// key; all others are pushed too. A task that ends within [WorkerOptions].StartedAfter pushes no StateStarted.
const (
	StatePending  State = "pending"  // it is enqueued; no worker has begun it
	StateStarted  State = "started"  // a worker runs it
	StateProgress State = "progress" // it runs and says how far it is
	StateRetry    State = "retry"    // an attempt failed; another follows
	StateSuccess  State = "success"  // it is done; nothing follows
	StateFailure  State = "failure"  // it failed for good; nothing follows
	StateRevoked  State = "revoked"  // it was revoked, or expired before it began; nothing follows
)

// Final says whether nothing follows this state, unless the task is redriven from the dead-letter queue.
func (s State) Final() bool { return s == StateSuccess || s == StateFailure || s == StateRevoked }

// Event is a change of a task's state, for whoever asked.
type Event struct {
	TaskID  string `json:"taskId"`
	Task    string `json:"task"`           // the task's name; "group" for a group's own result
	Root    string `json:"root,omitempty"` // of a step of a call that is composed: the call's id
	State   State  `json:"state"`
	Attempt int    `json:"attempt"`
	// Step grows with each event of a task, with gaps, over all its attempts. An event that is pushed a second time has
	// the same Step: whoever remembers the last one shows each event once and none out of order. 0 if the worker has no
	// [Store].
	Step   int64           `json:"step,omitempty"`
	Result json.RawMessage `json:"result,omitempty"` // the result, or what [Progress] was given
	// Size is the bytes of a result that is over [WorkerOptions].MaxEvent: it is not in the event, [Client.Get] has it.
	Size  int      `json:"size,omitempty"`
	Error *Failure `json:"error,omitempty"` // with StateFailure, StateRetry and StateRevoked
}

// Failure says why a task failed, in words that may be shown.
type Failure struct {
	Code    string `json:"code"` // "failed" with a message of [Public]; "internal", "revoked", "expired", "upstream" or "died"
	Message string `json:"message"`
}

// Replier pushes events to whoever asked. It may be called concurrently.
type Replier interface {
	// Reply pushes an event to an address, the ReplyTo of the call. An address that is no longer there is no error. An
	// error of a final state makes the worker try again to push it; any other error is logged.
	Reply(ctx context.Context, to string, ev Event) error
}
