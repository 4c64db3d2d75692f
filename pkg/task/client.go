package task

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// Options are the optional parts of a call. The zero value is ready to use, and nil is the zero value.
type Options struct {
	ID      string        // the task's id, 1 to 128 bytes; a random one if empty
	ReplyTo string        // where its events go, in the words of the worker's [Replier]; nobody if empty
	Delay   time.Duration // how long it waits before it may run; a queue has a limit (SQS: 15 minutes)
	// MaxAttempts is how often it is tried; 0 leaves it to the worker. The queue's own limit (SQS: maxReceiveCount)
	// holds as well.
	MaxAttempts int
	Headers     map[string]string // for the task's own use, with [Headers]
}

// Queue takes messages to the workers. It may be called concurrently.
type Queue interface {
	// Send takes a message, to be delivered at least once and not before delay has passed. It refuses a delay that it
	// cannot keep with an error that is [ErrBadOptions].
	Send(ctx context.Context, m Message, delay time.Duration) error
}

// Client enqueues tasks. It is safe for concurrent use.
type Client struct {
	queue Queue
	now   func() time.Time
}

// ClientOptions are the optional parts of a [Client].
type ClientOptions struct {
	Now func() time.Time // the clock; time.Now if nil
}

// NewClient makes a client of a queue.
func NewClient(q Queue, opts *ClientOptions) *Client {
	c := &Client{queue: q, now: time.Now}
	if opts != nil && opts.Now != nil {
		c.now = opts.Now
	}
	return c
}

func (c *Client) enqueue(ctx context.Context, name string, input []byte, opts *Options) (string, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if err := o.check(); err != nil {
		return "", err
	}
	m := Message{
		Version: messageVersion, ID: o.ID, Task: name, Input: input, ReplyTo: o.ReplyTo,
		MaxAttempts: o.MaxAttempts, Headers: o.Headers, EnqueuedAt: c.now().UTC(),
	}
	if m.ID == "" {
		m.ID = rand.Text()
	}
	if err := m.checkSize(); err != nil {
		return "", err
	}
	if err := c.queue.Send(ctx, m, o.Delay); err != nil {
		return "", fmt.Errorf("task: enqueue %s: %w", name, err)
	}
	return m.ID, nil
}

func (o *Options) check() error {
	switch {
	case len(o.ID) > maxID:
		return fmt.Errorf("%w: an id has at most %d bytes", ErrBadOptions, maxID)
	case o.Delay < 0:
		return fmt.Errorf("%w: the delay %v is negative", ErrBadOptions, o.Delay)
	case o.MaxAttempts < 0:
		return fmt.Errorf("%w: %d attempts", ErrBadOptions, o.MaxAttempts)
	}
	return nil
}
