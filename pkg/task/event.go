package task

import (
	"context"
	"encoding/json"
)

// State is where a task is.
type State string

// The states that are pushed. A task that is tried again stays where it was.
const (
	StateProgress State = "progress" // it runs and says how far it is
	StateSuccess  State = "success"  // it is done; nothing follows
	StateFailure  State = "failure"  // it failed for good; nothing follows
)

// Event is a change of a task's state, for whoever asked.
type Event struct {
	TaskID  string          `json:"taskId"`
	Task    string          `json:"task"`
	State   State           `json:"state"`
	Attempt int             `json:"attempt"`
	Result  json.RawMessage `json:"result,omitempty"` // the result, or what [Progress] was given
	Error   *Failure        `json:"error,omitempty"`  // with StateFailure
}

// Failure says why a task failed, in words that may be shown.
type Failure struct {
	Code    string `json:"code"` // "failed" with a message of [Public], else "internal"
	Message string `json:"message"`
}

// Replier pushes events to whoever asked. It may be called concurrently.
type Replier interface {
	// Reply pushes an event to an address, the ReplyTo of the call. An address that is no longer there is no error. An
	// error makes the task be tried again, unless the event is of progress.
	Reply(ctx context.Context, to string, ev Event) error
}
