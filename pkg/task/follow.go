package task

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

const (
	groupName = "group" // the task's name in a group's record
	parallel  = 16      // records that are read at a time

	// concludeLease is how long the push of an end may take that no attempt of its own has.
	concludeLease = 5 * time.Second
)

// follow goes on from a final state: with the next step, or to the error task and the end of all further steps.
func (j *job) follow(ctx context.Context, rec Record) error {
	if rec.State != StateSuccess {
		return j.failed(ctx, rec)
	}
	return j.pass(ctx, j.Next, rec.Result)
}

// passOn enqueues a task of a composed call, with the result before it as its input.
func (w *Worker) passOn(ctx context.Context, m Message, n *next, result json.RawMessage) error {
	m.ID, m.Task, m.Input, m.Next, m.Granted, m.Tracked = n.ID, n.Task, result, n.Then, false, false
	m.EnqueuedAt = w.client.now().UTC()
	if err := m.checkSize(); err != nil {
		return w.conclude(ctx, m, n.ID, n.Task, ending{state: StateFailure, failure: &Failure{Code: codeUpstream, Message: "the result is too large for the next step"}, reason: err.Error()})
	}
	if w.client.queue == nil {
		return errors.New("task: a composed call needs WorkerOptions.Client")
	}
	if err := errors.Join(w.client.send(ctx, []Message{m}, 0)...); err != nil {
		return fmt.Errorf("task: enqueue the step %s: %w", m.ID, err)
	}
	return nil
}

// pass gives a result to what comes next: a task, or the group that waits for it.
func (j *job) pass(ctx context.Context, n *next, result json.RawMessage) error {
	switch {
	case n == nil:
		return nil
	case n.Task != "":
		return j.passOn(ctx, j.Message, n, result)
	}
	complete, err := j.join(ctx, n)
	if err != nil || !complete {
		return err
	}
	all, err := j.gather(ctx, n)
	if err != nil {
		return err
	}
	end := ending{state: StateSuccess, result: all, silent: n.Then != nil}
	if n.Then != nil && n.Then.Task != "" {
		end.result = nil // the next step has it
	} else if len(all) > MaxResult {
		end = ending{state: StateFailure, failure: &Failure{Code: codeFailed, Message: "the group's result is too large"}, reason: "the results of a group are over MaxResult"}
	}
	if err := j.conclude(ctx, j.Message, n.ID, groupName, end); err != nil {
		return err
	}
	return j.pass(ctx, n.Then, all)
}

// join marks a member of a group as done, and says whether all are. It says so again to whoever asks again.
func (j *job) join(ctx context.Context, n *next) (bool, error) {
	rec, err := j.client.get(ctx, n.ID)
	if err != nil {
		return false, err
	}
	rec, err = j.client.change(ctx, rec, func(rec *Record) bool {
		if len(rec.Done) == 0 {
			rec.ID, rec.Task, rec.Root, rec.ReplyTo, rec.Size, rec.Done = n.ID, groupName, j.Root, j.ReplyTo, n.Size, make([]byte, (n.Size+7)/8)
			if !rec.State.Final() {
				rec.State = StateStarted
			}
		}
		if rec.State == StateFailure && j.Run > rec.Run { // the member that failed was redriven
			rec.State, rec.Error, rec.Reason, rec.Run = StateStarted, nil, "", j.Run
		}
		if rec.Done[n.Index/8]&(1<<(n.Index%8)) != 0 {
			return false
		}
		rec.Done = bytes.Clone(rec.Done)
		rec.Done[n.Index/8] |= 1 << (n.Index % 8)
		return true
	})
	if err != nil || rec.State.Final() && rec.State != StateSuccess {
		return false, err
	}
	for i := range n.Size {
		if rec.Done[i/8]&(1<<(i%8)) == 0 {
			return false, nil
		}
	}
	return true, nil
}

// gather makes one array of the results of all members.
func (j *job) gather(ctx context.Context, n *next) (json.RawMessage, error) {
	results := make([]json.RawMessage, n.Size)
	errs := make(chan error, n.Size)
	slots := make(chan struct{}, parallel)
	for i := range n.Size {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			rec, err := j.client.get(ctx, n.ID+"."+strconv.Itoa(i))
			if err == nil && rec.State != StateSuccess {
				err = fmt.Errorf("task: the member %d of the group %s is %q", i, n.ID, rec.State)
			}
			results[i] = rec.Result
			errs <- err
		}()
	}
	var failed error
	for range n.Size {
		failed = errors.Join(failed, <-errs)
	}
	if failed != nil {
		return nil, failed
	}
	return json.Marshal(results)
}

// failed ends a composed call at a step that failed or was revoked: the steps after it will not run, and the error task does.
func (j *job) failed(ctx context.Context, rec Record) error {
	reason := fmt.Sprintf("the step %s of %s is %s: %s", rec.ID, j.Root, rec.State, rec.Reason)
	for n := j.Next; n != nil; n = n.Then {
		name := n.Task
		if name == "" {
			name = groupName
		}
		end := ending{
			state: StateFailure, reason: reason, silent: n.ID != j.Root,
			failure: &Failure{Code: codeUpstream, Message: "a step before it failed"},
		}
		if err := j.conclude(ctx, j.Message, n.ID, name, end); err != nil {
			return err
		}
	}
	if j.OnError == nil {
		return nil
	}
	input, err := json.Marshal(FailedCall{ID: j.Root, Step: rec.ID, Task: rec.Task, Error: *rec.Error})
	if err != nil {
		return err
	}
	m := j.Message
	m.OnError, m.Root = nil, ""
	return j.passOn(ctx, m, &next{ID: j.OnError.ID, Task: j.OnError.Task}, input)
}

// ending is the final state of something that no attempt of its own ends: a group, or a step that cannot run.
type ending struct {
	state   State
	result  json.RawMessage
	failure *Failure
	reason  string
	silent  bool // it pushes no event
}

// conclude puts a record into a final state, once, and pushes its event.
func (w *Worker) conclude(ctx context.Context, m Message, id, name string, e ending) error {
	rec, err := w.client.get(ctx, id)
	if err != nil {
		return err
	}
	token, now := token(), w.client.now()
	rec, err = w.client.change(ctx, rec, func(rec *Record) bool {
		done := rec.done(m.Run)
		if done && (rec.Settled || rec.held(token, now)) {
			return false
		}
		if !done {
			rec.ID, rec.Task, rec.Root, rec.ReplyTo, rec.Run = id, name, m.Root, m.ReplyTo, m.Run
			rec.end(e.state, e.failure, shorten(e.reason))
			rec.Result, rec.Settled = e.result, e.silent
		}
		if !rec.Settled {
			rec.Claim, rec.Lease = token, now.Add(concludeLease).UnixMilli()
		}
		return true
	})
	switch {
	case err != nil || rec.Settled:
		return err
	case rec.Claim != token:
		return errBusy // somebody else pushes it
	}
	if err := w.reply(ctx, rec); err != nil {
		return err
	}
	_, err = w.client.change(ctx, rec, func(rec *Record) bool { rec.Settled, rec.Lease = true, 0; return true })
	return err
}

// completeEmpty completes a group of nobody.
func (c *Client) completeEmpty(ctx context.Context, base Message, id string) error {
	_, err := c.put(ctx, Record{
		ID: id, Task: groupName, Root: id, State: StateSuccess, Result: json.RawMessage("[]"), Settled: true, ReplyTo: base.ReplyTo,
	})
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}
