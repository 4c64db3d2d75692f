package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/disclone/disclone/pkg/task"
)

// Options are the optional parts of [Lambda]. The zero value is ready to use.
type Options struct {
	// Client and QueueURL let a task choose when it is tried again, by ChangeMessageVisibility. Without them it is after
	// the queue's visibility timeout.
	Client   *sqs.Client
	QueueURL string
	// DeadLetterURL is where a task goes that failed for good, with the attributes attempts and error. Without it,
	// or without Client, such a task is delivered and run again until SQS moves it (maxReceiveCount).
	DeadLetterURL string
	Parallel      int          // records that run at a time in one invocation; 10 if 0
	Log           *slog.Logger // slog.Default() if nil
}

// Lambda makes the handler of a function behind an event source mapping, for lambda.Start. The records of a batch run in
// parallel, those of one FIFO message group one after the other; the mapping must have ReportBatchItemFailures, and gets
// back what has to come again. A task that failed for good goes to the dead-letter queue with its reason; one whose worker
// died each time is moved there by SQS (maxReceiveCount), without one.
func Lambda(w *task.Worker, opts *Options) *Adapter {
	a := &Adapter{worker: w}
	if opts != nil {
		a.opts = *opts
	}
	if a.opts.Parallel < 1 {
		a.opts.Parallel = 10
	}
	if a.opts.Log == nil {
		a.opts.Log = slog.Default()
	}
	return a
}

// Adapter is the handler that [Lambda] makes. It is safe for concurrent use.
type Adapter struct {
	worker *task.Worker
	opts   Options
}

// Invoke implements lambda.Handler.
func (a *Adapter) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event events.SQSEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("sqs: decode event: %w", err)
	}
	return json.Marshal(a.handle(ctx, event))
}

func (a *Adapter) handle(ctx context.Context, event events.SQSEvent) events.SQSEventResponse {
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, a.opts.Parallel)
	for _, group := range groups(event.Records) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			failed := a.handleGroup(ctx, group)
			mu.Lock()
			defer mu.Unlock()
			response.BatchItemFailures = append(response.BatchItemFailures, failed...)
		})
	}
	wg.Wait()
	return response
}

// groups puts the records of one FIFO message group together, and every other record by itself.
func groups(records []events.SQSMessage) [][]events.SQSMessage {
	var out [][]events.SQSMessage
	at := map[string]int{}
	for _, r := range records {
		id, fifo := fifoGroup(r)
		if i, ok := at[id]; ok && fifo {
			out[i] = append(out[i], r)
			continue
		}
		if fifo {
			at[id] = len(out)
		}
		out = append(out, []events.SQSMessage{r})
	}
	return out
}

// fifoGroup gives the message group of a record of a FIFO queue, and no for one of a standard queue, which may have a group
// too, for fairness.
func fifoGroup(r events.SQSMessage) (id string, fifo bool) {
	id, grouped := r.Attributes["MessageGroupId"]
	_, sequenced := r.Attributes["SequenceNumber"]
	return id, grouped && sequenced
}

// handleGroup runs records one after the other. After a failure the rest of the group must come again, in order.
func (a *Adapter) handleGroup(ctx context.Context, records []events.SQSMessage) []events.SQSBatchItemFailure {
	for i, r := range records {
		out := a.worker.Handle(ctx, []byte(r.Body), attempt(r))
		if out.Err == nil || (out.Dead && a.bury(ctx, r, out)) {
			continue
		}
		a.retryAfter(ctx, r, out)
		var failed []events.SQSBatchItemFailure
		for _, rest := range records[i:] {
			failed = append(failed, events.SQSBatchItemFailure{ItemIdentifier: rest.MessageId})
		}
		return failed
	}
	return nil
}

// attempt is how often SQS delivered the record, from 1.
func attempt(r events.SQSMessage) int {
	n, err := strconv.Atoi(r.Attributes["ApproximateReceiveCount"])
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// bury puts a task that failed for good into the dead-letter queue, and says whether it is there.
func (a *Adapter) bury(ctx context.Context, r events.SQSMessage, out task.Outcome) bool {
	if a.opts.Client == nil || a.opts.DeadLetterURL == "" {
		return false
	}
	text := func(s string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
	}
	in := &sqs.SendMessageInput{
		QueueUrl: &a.opts.DeadLetterURL, MessageBody: aws.String(string(out.Letter)),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"attempts": text(strconv.Itoa(attempt(r))), "error": text(shorten(out.Err.Error())),
		},
	}
	if group, fifo := fifoGroup(r); fifo { // its dead-letter queue is one, too
		in.MessageGroupId, in.MessageDeduplicationId = &group, aws.String(fmt.Sprintf("%s.%d", r.MessageId, attempt(r)))
	}
	_, err := a.opts.Client.SendMessage(ctx, in)
	if err != nil {
		a.opts.Log.Error("sqs: dead-letter queue", "messageId", r.MessageId, "error", err)
	}
	return err == nil
}

// maxReason keeps an error's text well within a message's size.
const maxReason = 1000

func shorten(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxReason)], "")
	if s == "" {
		return "unknown" // SQS refuses an empty attribute
	}
	return s
}

// maxVisibility is SQS's quota, from when the message was received.
const maxVisibility = 12 * time.Hour

// retryAfter moves the record's next delivery. If that does not succeed the visibility timeout holds, so it is no
// failure.
func (a *Adapter) retryAfter(ctx context.Context, r events.SQSMessage, out task.Outcome) {
	if a.opts.Client == nil {
		return
	}
	timeout := seconds(max(0, min(out.RetryAfter, maxVisibility-time.Minute)))
	_, err := a.opts.Client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &a.opts.QueueURL, ReceiptHandle: &r.ReceiptHandle, VisibilityTimeout: timeout,
	})
	if err != nil {
		a.opts.Log.Warn("sqs: change visibility", "messageId", r.MessageId, "error", err)
	}
}
