package eventsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/disclone/disclone/infra/local/internal/chaos"
	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/template"
)

const (
	// maxReceive is SQS's limit for one ReceiveMessage and one DeleteMessageBatch.
	maxReceive = 10
	// waitTime is SQS's longest long poll, in seconds.
	waitTime = 20
	// concurrency is how many batches of one mapping run at a time; AWS starts with 5.
	concurrency = 5
	// gather is how long messages may gather for the next batch while one is running. Without it every message of a busy
	// queue would be an invocation of its own; with it, a batch that takes its time holds nobody up for long.
	gather = 4 * time.Millisecond
	// backOff is the pause after a failed request to SQS or a throttled invocation.
	backOff = 500 * time.Millisecond
)

// ErrUnsupported means that a mapping asks for something that is not emulated.
var ErrUnsupported = errors.New("eventsource: unsupported")

// Invoker runs a function. functionError is "" or "Unhandled"; err is a fault of the call, and may have a method
// Throttled() bool. It may be called concurrently.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (response []byte, functionError string, err error)
}

// Options are the optional parts of a [Poller].
type Options struct {
	Log   *slog.Logger // slog.Default() if nil
	Clock clock.Clock  // what windows and schedules go by; the real clock if nil
	Chaos *chaos.Chaos // delays and repeats batches; nil does not
	// StreamsURL is where DynamoDB and its streams are. Mappings of streams are refused without it.
	StreamsURL string
}

// Poller serves all event source mappings and schedules of an app.
type Poller struct {
	mappings  []mapping
	streams   []stream
	schedules []due
	client    *sqs.Client
	invoker   Invoker
	opts      Options
	log       *slog.Logger
}

type mapping struct {
	template.Mapping
	queue   template.Queue
	region  string
	filters filters
}

// New makes a poller of the app's enabled mappings and schedules. It fails with [ErrUnsupported] for one that it cannot
// serve.
func New(app *template.App, client *sqs.Client, inv Invoker, opts *Options) (*Poller, error) {
	p := &Poller{client: client, invoker: inv}
	if opts != nil {
		p.opts = *opts
	}
	if p.log = p.opts.Log; p.log == nil {
		p.log = slog.Default()
	}
	if p.opts.Clock == nil {
		p.opts.Clock = clock.Real()
	}
	if err := p.addSchedules(app); err != nil {
		return nil, err
	}
	for _, m := range app.Mappings {
		if !m.Enabled {
			continue
		}
		filters, err := parseFilters(m)
		if err != nil {
			return nil, err
		}
		if table, ok := tableOfStream(m.SourceARN); ok && p.opts.StreamsURL != "" {
			p.streams = append(p.streams, stream{Mapping: m, table: table, region: app.Region, filters: filters})
			continue
		}
		queue, ok := queueOf(app, m.SourceARN)
		if !ok {
			return nil, fmt.Errorf("%w: %s: %s: the source %s is no queue of this template", ErrUnsupported, m.Pos, m.ID, m.SourceARN)
		}
		p.mappings = append(p.mappings, mapping{Mapping: m, queue: queue, region: app.Region, filters: filters})
	}
	return p, nil
}

func queueOf(app *template.App, arn string) (template.Queue, bool) {
	for _, q := range app.Queues {
		if q.ARN == arn {
			return q, true
		}
	}
	return template.Queue{}, false
}

// Run polls until ctx ends, and returns when the invocations that it started have ended.
func (p *Poller) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, m := range p.mappings {
		group.Go(func() error { return p.poll(ctx, m) })
	}
	for _, s := range p.streams {
		group.Go(func() error { return p.follow(ctx, s) })
	}
	for _, d := range p.schedules {
		group.Go(func() error { return p.keepTime(ctx, d) })
	}
	return group.Wait()
}

// poll receives batches of one mapping and hands them on. While all its invocations are busy it receives nothing, so
// that no message waits here with its visibility running out.
func (p *Poller) poll(ctx context.Context, m mapping) error {
	limit := concurrency
	if m.MaxConcurrency > 0 {
		limit = m.MaxConcurrency
	}
	slots := make(chan struct{}, limit)
	ended := make(chan struct{}, 1)
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		if len(slots) > 1 {
			waitFor(ctx, ended, gather)
		}
		batch, err := p.collect(ctx, m)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			p.log.Warn("eventsource: receive", "queue", m.queue.Name, "error", err)
			pause(ctx, backOff)
		}
		running.Go(func() {
			defer func() {
				<-slots
				signal(ended)
			}()
			p.serve(withSource(context.WithoutCancel(ctx), m.ID), m, batch)
		})
	}
}

// collect receives one batch: what is there at once, or, with a window, what comes until it closes.
func (p *Poller) collect(ctx context.Context, m mapping) ([]types.Message, error) {
	batch, err := p.receive(ctx, m, min(m.BatchSize, maxReceive), waitTime)
	if err != nil || len(batch) == 0 {
		return nil, err
	}
	closes := p.opts.Clock.Now().Add(m.Window)
	for len(batch) < m.BatchSize && (m.Window > 0 || m.BatchSize > maxReceive) {
		left := closes.Sub(p.opts.Clock.Now())
		more, err := p.receive(ctx, m, min(m.BatchSize-len(batch), maxReceive), int32(max(left, 0)/time.Second))
		if err != nil {
			return batch, err
		}
		batch = append(batch, more...)
		if left <= 0 || (len(more) == 0 && left < time.Second) {
			break
		}
	}
	return batch, nil
}

func (p *Poller) receive(ctx context.Context, m mapping, n int, wait int32) ([]types.Message, error) {
	out, err := p.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &m.queue.URL, MaxNumberOfMessages: int32(n), WaitTimeSeconds: wait,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// serve takes a batch on its way: what the mapping's filters do not want is deleted, the rest delivered.
func (p *Poller) serve(ctx context.Context, m mapping, batch []types.Message) {
	batch, unwanted := m.filters.split(batch)
	p.remove(ctx, m, unwanted)
	if len(batch) == 0 {
		return
	}
	p.opts.Chaos.Wait(ctx, chaos.DelaySQS)
	p.opts.Chaos.Hop(ctx)
	p.deliver(ctx, m, batch)
	if p.opts.Chaos.Hit(chaos.DuplicateSQS) { // at least once: the messages are gone, and come again
		p.deliver(ctx, m, batch)
	}
}

// deliver invokes the function with a batch and deletes what it handled. A throttled invocation is tried again while
// the messages are invisible.
func (p *Poller) deliver(ctx context.Context, m mapping, batch []types.Message) {
	payload, err := event(m, batch)
	if err != nil {
		p.log.Error("eventsource: encode", "queue", m.queue.Name, "error", err)
		return
	}
	response, functionError, err := p.invoker.Invoke(ctx, m.Function, payload)
	for throttled(err) {
		pause(ctx, backOff)
		response, functionError, err = p.invoker.Invoke(ctx, m.Function, payload)
	}
	if err != nil {
		p.log.Error("eventsource: invoke", "function", m.Function, "error", err)
		return
	}
	if functionError != "" {
		return // nothing is deleted: the messages come back after the visibility timeout
	}
	p.remove(ctx, m, succeeded(m, batch, response))
}

func throttled(err error) bool {
	var t interface{ Throttled() bool }
	return errors.As(err, &t) && t.Throttled()
}

// succeeded gives the messages that the function handled. An answer that makes no sense means none.
func succeeded(m mapping, batch []types.Message, response []byte) []types.Message {
	if !m.ReportFailures || len(response) == 0 {
		return batch
	}
	var out struct {
		BatchItemFailures []struct {
			ItemIdentifier *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(response, &out); err != nil {
		return nil
	}
	left := map[string]types.Message{}
	for _, msg := range batch {
		left[aws.ToString(msg.MessageId)] = msg
	}
	for _, f := range out.BatchItemFailures {
		if _, ok := left[aws.ToString(f.ItemIdentifier)]; !ok {
			return nil
		}
		delete(left, *f.ItemIdentifier)
	}
	var done []types.Message
	for _, msg := range batch {
		if _, ok := left[aws.ToString(msg.MessageId)]; ok {
			done = append(done, msg)
		}
	}
	return done
}

func (p *Poller) remove(ctx context.Context, m mapping, done []types.Message) {
	for len(done) > 0 {
		n := min(len(done), maxReceive)
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &m.queue.URL}
		for i, msg := range done[:n] {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{
				Id: aws.String(fmt.Sprint(i)), ReceiptHandle: msg.ReceiptHandle,
			})
		}
		if out, err := p.client.DeleteMessageBatch(ctx, in); err != nil {
			p.log.Warn("eventsource: delete", "queue", m.queue.Name, "error", err)
		} else if len(out.Failed) > 0 {
			p.log.Warn("eventsource: delete", "queue", m.queue.Name, "failed", len(out.Failed))
		}
		done = done[n:]
	}
}

func pause(ctx context.Context, d time.Duration) { waitFor(ctx, nil, d) }

// waitFor waits for a signal, for d at most.
func waitFor(ctx context.Context, signalled <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-signalled:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
