package task

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Options are the optional parts of a call. The zero value is ready to use, and nil is the zero value.
type Options struct {
	ID      string        // the task's id, 1 to 100 bytes; a random one if empty. A second call with it runs no second time
	ReplyTo string        // where its events go, in the words of the worker's [Replier]; nobody if empty
	Delay   time.Duration // how long it waits before it may run; any length, if the client has a [Store]
	At      time.Time     // or: when it may run; at once if that has passed
	Expires time.Duration // it does not begin later than this from now, and is revoked instead; never if 0
	// MaxAttempts is how often it is tried; 0 leaves it to the worker. The queue's own limit (SQS: maxReceiveCount)
	// holds as well.
	MaxAttempts int
	TimeLimit   time.Duration     // of one attempt, if shorter than the worker's own
	Queue       string            // one of [ClientOptions].Queues; "" is the client's own
	Group       string            // on a FIFO queue: tasks of one group run in order; the task's id if empty
	Headers     map[string]string // for the task's own use, with [Headers]
	Track       bool              // store it as pending at once, which costs two more writes, so that [Client.Get] knows it
	// UniqueKey makes one task of all calls with this key, at most 200 bytes, that come within UniqueFor of the first (an
	// hour if 0): each call gives the first one's id, and it runs once.
	UniqueKey string
	UniqueFor time.Duration
}

// Outgoing is a message that is to be delivered after a delay.
type Outgoing struct {
	Message
	Delay time.Duration
}

// Queue takes messages to the workers. It may be called concurrently.
type Queue interface {
	// Send takes messages, each to be delivered at least once and not before its delay has passed. It gives an error for
	// each message that it did not take, at the same index; nil if it took all.
	Send(ctx context.Context, out []Outgoing) []error
	// MaxDelay is the longest delay that it can keep.
	MaxDelay() time.Duration
}

// Client enqueues tasks, and tells what became of them. It is safe for concurrent use.
type Client struct {
	queue  Queue
	queues map[string]Queue
	records
}

// ClientOptions are the optional parts of a [Client].
type ClientOptions struct {
	Queues    map[string]Queue // by the name in [Options].Queue
	Store     Store            // of states and results; nil keeps none
	Retention time.Duration    // how long a task's record is kept after its last change; 7 days if 0
	Now       func() time.Time // the clock; time.Now if nil
}

// NewClient makes a client of a queue.
func NewClient(q Queue, opts *ClientOptions) *Client {
	var o ClientOptions
	if opts != nil {
		o = *opts
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Client{queue: q, queues: o.Queues, records: records{store: o.Store, now: o.Now, retention: cmp.Or(o.Retention, defaultRetention)}}
}

// EnqueueNamed is [Task.Enqueue] for a task whose type is not at hand. The input is JSON.
func (c *Client) EnqueueNamed(ctx context.Context, name string, input json.RawMessage, opts *Options) (string, error) {
	p := plan{task: name, input: input}
	switch {
	case !validName(name):
		p.err = fmt.Errorf("%w: the task's name is %q", ErrBadInput, name)
	case !json.Valid(input):
		p.err = fmt.Errorf("%w: %s: the input is no JSON", ErrBadInput, name)
	}
	return c.enqueue(ctx, p, opts)
}

func (c *Client) enqueue(ctx context.Context, p plan, opts *Options) (string, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if err := cmp.Or(p.err, c.check(p, &o)); err != nil {
		return "", err
	}
	id, err := c.identify(ctx, o)
	if err != nil {
		return "", err
	}
	if p.empty() && len(p.then) == 0 {
		return id, c.completeEmpty(ctx, c.base(o), id)
	}
	messages := p.filled().messages(c.base(o), id, nil)
	if p.composed() {
		for i := range messages {
			messages[i].Root = id
			if p.onError != "" {
				messages[i].OnError = &errback{ID: id + "~error", Task: p.onError}
			}
		}
	}
	for _, m := range messages {
		if err := m.checkSize(); err != nil {
			return "", err
		}
	}
	if err := errors.Join(c.trackAndSend(ctx, messages, o)...); err != nil {
		return "", fmt.Errorf("task: enqueue %s: %w", cmp.Or(p.task, groupName), err)
	}
	return id, nil
}

// base is what all messages of a call have.
func (c *Client) base(o Options) Message {
	now := c.now().UTC()
	m := Message{
		Version: messageVersion, ReplyTo: o.ReplyTo, MaxAttempts: o.MaxAttempts, Headers: o.Headers, EnqueuedAt: now,
		TimeLimit: o.TimeLimit, Queue: o.Queue, Group: o.Group, Tracked: o.Track,
	}
	if o.Expires > 0 {
		at := now.Add(o.Expires)
		m.Expires = &at
	}
	return m
}

func (c *Client) check(p plan, o *Options) error {
	if !o.At.IsZero() {
		if o.Delay != 0 {
			return fmt.Errorf("%w: both Delay and At", ErrBadOptions)
		}
		o.Delay = max(0, o.At.Sub(c.now()))
	}
	if (p.composed() || o.Track || o.UniqueKey != "") && c.store == nil {
		return fmt.Errorf("%w: a composed call, Track and UniqueKey need one", ErrNoStore)
	}
	q, err := c.queueOf(o.Queue)
	if err == nil && o.Delay > q.MaxDelay() && c.store == nil {
		err = fmt.Errorf("%w: a delay of %v is over the queue's limit of %v, and there is no store", ErrBadOptions, o.Delay, q.MaxDelay())
	}
	return cmp.Or(err, o.check())
}

func (o *Options) check() error {
	const longestID, longestKey = 100, 200
	switch {
	case len(o.ID) > longestID:
		return fmt.Errorf("%w: an id has at most %d bytes", ErrBadOptions, longestID)
	case len(o.UniqueKey) > longestKey:
		return fmt.Errorf("%w: a unique key has at most %d bytes", ErrBadOptions, longestKey)
	case o.ID != "" && o.UniqueKey != "":
		return fmt.Errorf("%w: both ID and UniqueKey", ErrBadOptions)
	case o.Delay < 0 || o.Expires < 0 || o.TimeLimit < 0 || o.UniqueFor < 0:
		return fmt.Errorf("%w: a negative time", ErrBadOptions)
	case o.Expires > 0 && o.Expires < o.Delay:
		return fmt.Errorf("%w: it would expire (%v) before it may run (%v)", ErrBadOptions, o.Expires, o.Delay)
	case o.MaxAttempts < 0:
		return fmt.Errorf("%w: %d attempts", ErrBadOptions, o.MaxAttempts)
	}
	return nil
}

// identify gives the id of the call: its own, a random one, or that of the first call with its unique key. A second call
// is enqueued like the first, since that one may have died before it was: which of them runs, runs alone.
func (c *Client) identify(ctx context.Context, o Options) (string, error) {
	id := cmp.Or(o.ID, rand.Text())
	if o.UniqueKey == "" {
		return id, nil
	}
	err := c.swap(ctx, Item{Partition: "unique#" + o.UniqueKey, Sort: "unique"}, func(it *Item) (bool, error) {
		if it.Version > 0 && c.now().Before(it.Expires) {
			var first struct{ ID string }
			err := json.Unmarshal(it.Data, &first)
			id = first.ID
			return false, err
		}
		it.Data, it.Expires = fmt.Appendf(nil, `{"id":%q}`, id), c.now().Add(cmp.Or(o.UniqueFor, time.Hour))
		return true, nil
	})
	if err != nil {
		return "", fmt.Errorf("task: unique key: %w", err)
	}
	return id, nil
}

// trackAndSend enqueues messages of one queue. It gives the errors by index, or nil.
func (c *Client) trackAndSend(ctx context.Context, messages []Message, o Options) []error {
	if o.Track {
		if err := c.track(ctx, messages); err != nil {
			return slices.Repeat([]error{err}, len(messages))
		}
	}
	return c.send(ctx, messages, o.Delay)
}

// track stores the tasks as pending. One that is stored already stays as it is.
func (c *Client) track(ctx context.Context, messages []Message) error {
	for _, m := range messages {
		_, err := c.put(ctx, Record{ID: m.ID, Task: m.Task, Root: m.Root, State: StatePending, ReplyTo: m.ReplyTo})
		if err != nil && !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return nil
}

func (c *Client) queueOf(name string) (Queue, error) {
	if name == "" {
		return c.queue, nil
	}
	if q := c.queues[name]; q != nil {
		return q, nil
	}
	return nil, fmt.Errorf("%w: there is no queue named %q", ErrBadOptions, name)
}

// send sends messages of one queue, or stores them if their delay is longer than the queue can keep. It gives the errors
// by index, or nil.
func (c *Client) send(ctx context.Context, messages []Message, delay time.Duration) []error {
	q, err := c.queueOf(messages[0].Queue)
	if err != nil {
		return slices.Repeat([]error{err}, len(messages))
	}
	if delay > q.MaxDelay() {
		return c.sendLater(ctx, messages, delay)
	}
	out := make([]Outgoing, len(messages))
	for i, m := range messages {
		out[i] = Outgoing{m, delay}
	}
	return q.Send(ctx, out)
}
