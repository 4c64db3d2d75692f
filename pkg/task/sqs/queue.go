package sqs

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/disclone/disclone/pkg/task"
)

// maxDelay is SQS's quota for DelaySeconds.
const maxDelay = 15 * time.Minute

// Queue is a [task.Queue] on SQS. It has no state of its own and is safe for concurrent use.
type Queue struct {
	client *sqs.Client
	url    string
}

// New makes a queue. It makes no request.
func New(client *sqs.Client, queueURL string) *Queue { return &Queue{client: client, url: queueURL} }

// MaxDelay implements [task.Queue]: SQS's quota for DelaySeconds, 15 minutes. A FIFO queue takes no delay for one message.
func (q *Queue) MaxDelay() time.Duration {
	if q.fifo() {
		return 0
	}
	return maxDelay
}

func (q *Queue) fifo() bool { return strings.HasSuffix(q.url, ".fifo") }

// Send implements [task.Queue] with one SendMessageBatch for ten messages or 1 MiB, whichever is less, and SendMessage for
// a single one. A delay is rounded up to seconds. On a FIFO queue (its name ends in .fifo) a task's group is its message
// group, and its id, with how often it came back from the dead-letter queue, its deduplication id.
func (q *Queue) Send(ctx context.Context, out []task.Outgoing) []error {
	errs := make([]error, len(out))
	var batch []entry
	size, failed := 0, false
	flush := func() {
		failed = q.send(ctx, batch, errs) || failed
		batch, size = nil, 0
	}
	for i, o := range out {
		body, err := o.Encode()
		if err != nil {
			errs[i], failed = err, true
			continue
		}
		if len(batch) == maxBatch || size+len(body) > task.MaxMessage {
			flush()
		}
		batch, size = append(batch, entry{i, o, string(body)}), size+len(body)
	}
	flush()
	if !failed {
		return nil
	}
	return errs
}

const maxBatch = 10 // SQS's quota

// entry is a message on its way: the index of its error, and its encoded form.
type entry struct {
	index int
	out   task.Outgoing
	body  string
}

// send sends one batch, and says whether anything failed.
func (q *Queue) send(ctx context.Context, batch []entry, errs []error) (failed bool) {
	switch len(batch) {
	case 0:
		return false
	case 1:
		errs[batch[0].index] = q.sendOne(ctx, batch[0])
		return errs[batch[0].index] != nil
	}
	in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
	for i, e := range batch {
		group, dedup := q.order(e.out)
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: &e.body, DelaySeconds: q.delay(e.out), MessageGroupId: group, MessageDeduplicationId: dedup,
		})
	}
	out, err := q.client.SendMessageBatch(ctx, in)
	if err != nil {
		for _, e := range batch {
			errs[e.index] = fmt.Errorf("sqs: send: %w", err)
		}
		return true
	}
	for _, f := range out.Failed {
		if i, err := strconv.Atoi(aws.ToString(f.Id)); err == nil && i < len(batch) {
			errs[batch[i].index] = fmt.Errorf("sqs: send: %s: %s", aws.ToString(f.Code), aws.ToString(f.Message))
		}
	}
	return len(out.Failed) > 0
}

func (q *Queue) sendOne(ctx context.Context, e entry) error {
	group, dedup := q.order(e.out)
	_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.url, MessageBody: &e.body, DelaySeconds: q.delay(e.out), MessageGroupId: group, MessageDeduplicationId: dedup,
	})
	if err != nil {
		return fmt.Errorf("sqs: send: %w", err)
	}
	return nil
}

// order gives the message group and the deduplication id on a FIFO queue, nil on another.
func (q *Queue) order(out task.Outgoing) (group, dedup *string) {
	if !q.fifo() {
		return nil, nil
	}
	id := out.ID
	if out.Run > 0 {
		id = fmt.Sprintf("%.120s.%d", id, out.Run)
	}
	return aws.String(cmp.Or(out.Group, out.ID)), &id
}

func (q *Queue) delay(out task.Outgoing) int32 {
	if q.fifo() {
		return 0
	}
	return seconds(out.Delay)
}

func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }
