package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/disclone/disclone/infra/local/internal/template"
)

const (
	lookAtMove  = 50 * time.Millisecond // between two looks at a message move task
	waitForMove = 10 * time.Second      // for its end; it goes on without the page
)

// redrive moves the messages of a dead-letter queue back to where they came from, by a message move task of SQS. With one
// source they all came from there. With more, SQS knows where those came from that it moved itself, and the task ends at
// the first that somebody sent.
func (c *Console) redrive(r *http.Request) (any, error) {
	dead, err := c.findQueue(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	sources := sources(c.deps.App(), dead)
	if len(sources) == 0 {
		return nil, fmt.Errorf("%w: no queue has %s for its dead letters", errBad, dead.Name)
	}
	defer c.forget()
	in := &sqs.StartMessageMoveTaskInput{}
	if in.SourceArn, err = c.arn(r.Context(), dead); err != nil {
		return nil, err
	}
	if len(sources) == 1 {
		if in.DestinationArn, err = c.arn(r.Context(), sources[0]); err != nil {
			return nil, err
		}
	}
	if _, err := c.deps.SQS.StartMessageMoveTask(r.Context(), in); err != nil {
		return nil, err
	}
	return c.followMove(r.Context(), in.SourceArn)
}

// arn asks for a queue's ARN: an endpoint of somebody else's has accounts of its own.
func (c *Console) arn(ctx context.Context, q template.Queue) (*string, error) {
	out, err := c.deps.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return nil, err
	}
	return aws.String(out.Attributes[string(types.QueueAttributeNameQueueArn)]), nil
}

// followMove says how many messages were moved when the latest task has ended, or has been waited for long enough.
func (c *Console) followMove(ctx context.Context, source *string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, waitForMove)
	defer cancel()
	again := time.NewTicker(lookAtMove)
	defer again.Stop()
	for {
		out, err := c.deps.SQS.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: source})
		if err != nil {
			return nil, err
		}
		if len(out.Results) == 0 {
			return nil, fmt.Errorf("the message move task of %s is gone", *source)
		}
		task := out.Results[0]
		switch aws.ToString(task.Status) {
		case "RUNNING", "CANCELLING":
		case "FAILED":
			return nil, fmt.Errorf("%d moved, then SQS gave up: %s", task.ApproximateNumberOfMessagesMoved, aws.ToString(task.FailureReason))
		default:
			return map[string]int64{"moved": task.ApproximateNumberOfMessagesMoved}, nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return map[string]int64{"moved": task.ApproximateNumberOfMessagesMoved}, nil
		}
	}
}
