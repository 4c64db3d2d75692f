package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Get gives what is known of a task. Its error is [ErrUnknownID] for one that no worker has begun (unless it is tracked), or
// whose record has expired, and [ErrNoStore].
func (c *Client) Get(ctx context.Context, id string) (Record, error) {
	if c.store == nil {
		return Record{}, ErrNoStore
	}
	rec, err := c.get(ctx, id)
	if err == nil && rec.State == "" {
		err = fmt.Errorf("%w: %s", ErrUnknownID, id)
	}
	return rec, err
}

// Wait waits until a task is in a final state, or ctx ends. It asks the store again and again, at most once a second: it is
// for servers and tests; a client of the chat is told without asking.
func (c *Client) Wait(ctx context.Context, id string) (Record, error) {
	pause := 20 * time.Millisecond
	for {
		rec, err := c.Get(ctx, id)
		if err != nil && !errors.Is(err, ErrUnknownID) || rec.State.Final() {
			return rec, err
		}
		if err := sleep(ctx, pause); err != nil {
			return rec, fmt.Errorf("task: wait for %s: %w", id, err)
		}
		pause = min(pause*3/2, time.Second)
	}
}

// Result decodes the result of a record. Its error is [ErrFailed] for a task that failed or was revoked, [ErrNotReady]
// for one that is not done.
func (t *Task[In, Out]) Result(rec Record) (Out, error) {
	var out Out
	switch {
	case rec.State == StateSuccess:
		if err := json.Unmarshal(rec.Result, &out); err != nil {
			return out, fmt.Errorf("task: decode the result of %s: %w", t.name, err)
		}
		return out, nil
	case rec.State.Final() && rec.Error != nil:
		return out, fmt.Errorf("%w: %s: %s", ErrFailed, rec.Error.Code, rec.Error.Message)
	case rec.State.Final():
		return out, ErrFailed
	}
	return out, fmt.Errorf("%w: it is %s", ErrNotReady, rec.State)
}

// Revoke asks for a task not to be run. One that no worker has begun will not begin; one that runs has its context cancelled
// with the cause [ErrRevoked] within the worker's RevokePoll, and is revoked if it then gives an error. One that is done
// stays so: the record that comes back says which it was. To revoke a composed call is to have no further step of it begin.
func (c *Client) Revoke(ctx context.Context, id string) (Record, error) {
	if c.store == nil {
		return Record{}, ErrNoStore
	}
	rec, err := c.get(ctx, id)
	if err != nil {
		return Record{}, err
	}
	return c.change(ctx, rec, func(rec *Record) bool {
		if rec.State.Final() || rec.Revoking {
			return false
		}
		rec.ID, rec.Revoking = id, true
		if rec.Lease <= c.now().UnixMilli() {
			rec.revoke("revoked")
		}
		return true
	})
}

// List gives records in the given states, all of them if there are none, at most limit of them, and where the next page
// begins: "" if there is none. It reads the whole store, page by page, so it is for operators.
func (c *Client) List(ctx context.Context, from string, limit int, states ...State) (found []Record, next string, err error) {
	if c.store == nil {
		return nil, "", ErrNoStore
	}
	q := Query{Limit: max(limit, 1), Next: from}
	for {
		items, more, err := c.store.Query(ctx, q)
		if err != nil {
			return nil, "", fmt.Errorf("task: list: %w", err)
		}
		for _, it := range items {
			if it.Sort != taskSort || !c.now().Before(it.Expires) {
				continue
			}
			rec, err := decodeRecord(it)
			if err != nil {
				return nil, "", err
			}
			if rec.in(states) {
				found = append(found, rec)
			}
		}
		if q.Next = more; more == "" || len(found) >= limit {
			return found, more, nil
		}
	}
}

func (rec Record) in(states []State) bool {
	for _, s := range states {
		if rec.State == s {
			return true
		}
	}
	return len(states) == 0
}
