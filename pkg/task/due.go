package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	duePartition = "due"
	// SweepAhead is how long before its time [Client.Sweep] moves a task to its queue, which keeps the rest of the delay:
	// more than the minute between two sweeps.
	SweepAhead = 2 * time.Minute
	sweepPage  = 100
)

func dueSort(at time.Time, id string) string { return fmt.Sprintf("%013d#%s", at.UnixMilli(), id) }

// sendLater stores messages until a sweep sends them.
func (c *Client) sendLater(ctx context.Context, messages []Message, delay time.Duration) []error {
	at := c.now().Add(delay)
	errs := make([]error, len(messages))
	failed := false
	for i, m := range messages {
		data, err := m.Encode()
		if err == nil && len(data) > MaxResult {
			err = fmt.Errorf("%w: %s has %d bytes, with a long delay the limit is %d", ErrTooLarge, m.Task, len(data), MaxResult)
		}
		if err == nil {
			it := Item{Partition: duePartition, Sort: dueSort(at, m.ID), Expires: at.Add(c.retention), Data: data}
			if _, err = c.store.Put(ctx, it); errors.Is(err, ErrConflict) {
				err = nil // it is there
			}
		}
		errs[i] = err
		failed = failed || err != nil
	}
	if !failed {
		return nil
	}
	return errs
}

// Sweep sends the tasks whose time comes within [SweepAhead] to their queues, and says how many. A schedule calls it once
// a minute. It may run several times at once, and may die in the middle: a task that is sent twice runs once.
func (c *Client) Sweep(ctx context.Context) (int, error) {
	if c.store == nil {
		return 0, fmt.Errorf("%w: nothing to sweep", ErrNoStore)
	}
	sent := 0
	var failed []error
	q := Query{Partition: duePartition, To: dueSort(c.now().Add(SweepAhead), "~"), Limit: sweepPage}
	for {
		items, more, err := c.store.Query(ctx, q)
		if err != nil {
			return sent, fmt.Errorf("task: sweep: %w", errors.Join(append(failed, err)...))
		}
		for _, it := range items {
			if err := c.sweep(ctx, it); err != nil {
				failed = append(failed, fmt.Errorf("task: sweep %s: %w", it.Sort, err))
				continue
			}
			sent++
		}
		if q.Next = more; more == "" {
			return sent, errors.Join(failed...)
		}
	}
}

func (c *Client) sweep(ctx context.Context, it Item) error {
	m, err := DecodeMessage(it.Data)
	if err != nil {
		return err
	}
	var ms int64
	if _, err := fmt.Sscanf(it.Sort, "%d#", &ms); err != nil {
		return fmt.Errorf("%w: due at %q", ErrBadMessage, it.Sort)
	}
	if errs := c.send(ctx, []Message{m}, max(0, time.UnixMilli(ms).Sub(c.now()))); errs != nil {
		return errors.Join(errs...)
	}
	return c.store.Delete(ctx, it.Partition, it.Sort)
}

// Scheduled is what a schedule enqueues: a task by its name, once for each due time.
type Scheduled struct {
	Name    string          `json:"name"` // of the schedule, 1 to 60 bytes
	Due     string          `json:"due"`  // when it was due, in any form that is different for each time
	Task    string          `json:"task"`
	Input   json.RawMessage `json:"input"`
	ReplyTo string          `json:"replyTo,omitempty"`
}

// Schedule enqueues a scheduled task. However often it is called for one due time, the task runs once. It refuses a task
// that the mux does not have with [ErrUnknownTask].
func (c *Client) Schedule(ctx context.Context, mux *Mux, s Scheduled) (string, error) {
	if _, err := mux.handler(s.Task); err != nil {
		return "", err
	}
	if s.Name == "" || s.Due == "" {
		return "", fmt.Errorf("%w: a schedule needs a name and a due time", ErrBadInput)
	}
	if len(s.Input) == 0 {
		s.Input = json.RawMessage("null")
	}
	return c.EnqueueNamed(ctx, s.Task, s.Input, &Options{ID: "schedule:" + s.Name + ":" + s.Due, ReplyTo: s.ReplyTo})
}
