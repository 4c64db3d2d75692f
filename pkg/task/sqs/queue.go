package sqs

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

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

// Send implements [task.Queue] with one SendMessage. A delay is rounded up to seconds, and is at most 15 minutes.
func (q *Queue) Send(ctx context.Context, m task.Message, delay time.Duration) error {
	if delay > maxDelay {
		return fmt.Errorf("sqs: %w: a delay of %v is over the limit of %v", task.ErrBadOptions, delay, maxDelay)
	}
	body, err := m.Encode()
	if err != nil {
		return err
	}
	in := &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body)), DelaySeconds: seconds(delay)}
	if _, err := q.client.SendMessage(ctx, in); err != nil {
		return fmt.Errorf("sqs: send: %w", err)
	}
	return nil
}

func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }
