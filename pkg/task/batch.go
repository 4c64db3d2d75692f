package task

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
)

// Enqueued says what became of one input of [Task.EnqueueAll].
type Enqueued struct {
	ID  string
	Err error // as of [Task.Enqueue]
}

// EnqueueAll enqueues the task once for each input, with as few requests to the queue as it allows (SQS: ten messages, or
// 1 MiB). It gives one result for each input, in their order; one that fails does not keep the others back. Options that
// are for one task, ID and UniqueKey, are refused.
func (t *Task[In, Out]) EnqueueAll(ctx context.Context, c *Client, ins []In, opts *Options) []Enqueued {
	out := make([]Enqueued, len(ins))
	var o Options
	if opts != nil {
		o = *opts
	}
	err := c.check(plan{task: t.name}, &o)
	if o.ID != "" || o.UniqueKey != "" {
		err = cmp.Or(err, fmt.Errorf("%w: many tasks cannot have one ID or UniqueKey", ErrBadOptions))
	}
	var messages []Message
	var at []int // where each message's result goes
	for i, in := range ins {
		m := c.base(o)
		m.ID, m.Task, out[i].Err = rand.Text(), t.name, err
		if err == nil {
			m.Input, out[i].Err = t.encode(in)
		}
		if out[i].Err == nil {
			out[i].Err = m.checkSize()
		}
		if out[i].Err == nil {
			out[i].ID = m.ID
			messages, at = append(messages, m), append(at, i)
		}
	}
	if len(messages) == 0 {
		return out
	}
	for i, failed := range c.trackAndSend(ctx, messages, o) {
		if failed != nil {
			out[at[i]] = Enqueued{Err: fmt.Errorf("task: enqueue %s: %w", t.name, failed)}
		}
	}
	return out
}

func (t *Task[In, Out]) encode(in In) (json.RawMessage, error) {
	input, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBadInput, t.name, err)
	}
	return input, nil
}
