// Command tasks shows and steers the background tasks of a deployed stack, or of the local runtime: `make tasks`. It needs what
// the AWS CLI needs (a region and credentials; AWS_ENDPOINT_URL for the local runtime), and changes nothing but what it is
// asked to.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/task/dynamo"
	tasksqs "github.com/disclone/disclone/pkg/task/sqs"
)

const usage = `usage: tasks [flags] command

  list [STATE...]   tasks in these states, all if there are none
  show ID           what is known of one task
  revoke ID         have it not run any further
  queues            how many messages wait, are worked on, are dead
  dead              the tasks in the dead-letter queue, with why they failed
  redrive ID|all    have dead tasks run again

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tasks:", err)
		stop()
		os.Exit(1)
	}
}

// tool is the stack that is looked at.
type tool struct {
	client            *task.Client
	sqs               *sqs.Client
	queueURL, deadURL string
	out               io.Writer
}

var errUsage = errors.New("that is no command; see --help")

func run(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("tasks", flag.ContinueOnError)
	table := fs.String("table", "TasksTable", "the stack's output TasksTableName")
	queue := fs.String("queue", "TaskQueue", "the task queue, its name or URL: the output TaskQueueURL")
	dead := fs.String("dead-letter-queue", "TaskDeadLetterQueue", "its dead-letter queue: the output TaskDeadLetterQueueURL")
	fs.Usage = func() { fmt.Fprint(fs.Output(), usage); fs.PrintDefaults() }
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	t := &tool{sqs: sqs.NewFromConfig(cfg), out: out}
	if t.queueURL, err = t.url(ctx, *queue); err != nil {
		return err
	}
	if t.deadURL, err = t.url(ctx, *dead); err != nil {
		return err
	}
	t.client = task.NewClient(tasksqs.New(t.sqs, t.queueURL), &task.ClientOptions{Store: dynamo.New(dynamodb.NewFromConfig(cfg), *table)})
	return t.command(ctx, fs.Args())
}

func (t *tool) url(ctx context.Context, name string) (string, error) {
	if strings.Contains(name, "://") {
		return name, nil
	}
	out, err := t.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return "", fmt.Errorf("the queue %s: %w", name, err)
	}
	return *out.QueueUrl, nil
}

func (t *tool) command(ctx context.Context, args []string) error {
	name, rest := "", args
	if len(args) > 0 {
		name, rest = args[0], args[1:]
	}
	switch {
	case name == "list":
		return t.list(ctx, rest)
	case name == "queues" && len(rest) == 0:
		return t.queues(ctx)
	case name == "dead" && len(rest) == 0:
		return t.dead(ctx)
	case len(rest) != 1:
	case name == "show":
		rec, err := t.client.Get(ctx, rest[0])
		return t.show(rec, err)
	case name == "revoke":
		rec, err := t.client.Revoke(ctx, rest[0])
		return t.show(rec, err)
	case name == "redrive":
		return t.redrive(ctx, rest[0])
	}
	return errUsage
}

func (t *tool) show(rec task.Record, err error) error {
	if err != nil {
		return err
	}
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	return e.Encode(rec)
}

func (t *tool) list(ctx context.Context, states []string) error {
	var want []task.State
	for _, s := range states {
		want = append(want, task.State(s))
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTASK\tSTATE\tATTEMPTS\tCHANGED\tREASON")
	for from, first := "", true; first || from != ""; first = false {
		recs, next, err := t.client.List(ctx, from, 200, want...)
		if err != nil {
			return err
		}
		for _, r := range recs {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%.80s\n", r.ID, r.Task, r.State, r.Attempts, r.UpdatedAt.Format(time.DateTime), r.Reason)
		}
		from = next
	}
	return w.Flush()
}

func (t *tool) queues(ctx context.Context) error {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "QUEUE\tWAITING\tIN FLIGHT\tDELAYED")
	for _, url := range []string{t.queueURL, t.deadURL} {
		out, err := t.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
		if err != nil {
			return err
		}
		a := out.Attributes
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", url[strings.LastIndex(url, "/")+1:], a["ApproximateNumberOfMessages"],
			a["ApproximateNumberOfMessagesNotVisible"], a["ApproximateNumberOfMessagesDelayed"])
	}
	return w.Flush()
}

// lookFor is how long a dead letter that was looked at is hidden from others.
const lookFor = 20

// letter is a message of the dead-letter queue.
type letter struct {
	task.Message
	handle, body, reason string
}

// letters reads the dead-letter queue, each message once; they are hidden from others for a few seconds.
func (t *tool) letters(ctx context.Context) ([]letter, error) {
	var all []letter
	var seen []string
	for {
		out, err := t.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &t.deadURL, MaxNumberOfMessages: 10, VisibilityTimeout: lookFor, WaitTimeSeconds: 1, MessageAttributeNames: []string{"All"},
		})
		if err != nil || len(out.Messages) == 0 {
			return all, err
		}
		for _, m := range out.Messages {
			if slices.Contains(seen, *m.MessageId) {
				continue
			}
			seen = append(seen, *m.MessageId)
			msg, err := task.DecodeMessage([]byte(*m.Body))
			if err != nil {
				msg = task.Message{ID: "?", Task: "?"}
			}
			reason := "its worker died, or it was put back too often: SQS moved it"
			if a, ok := m.MessageAttributes["error"]; ok {
				reason = aws.ToString(a.StringValue)
			}
			all = append(all, letter{msg, *m.ReceiptHandle, *m.Body, reason})
		}
	}
}

func (t *tool) dead(ctx context.Context) error {
	all, err := t.letters(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTASK\tENQUEUED\tREASON")
	for _, l := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.120s\n", l.ID, l.Task, l.EnqueuedAt.Format(time.DateTime), l.reason)
		t.release(ctx, l)
	}
	return w.Flush()
}

// release shows a message to others again at once. If that does not succeed it is shown after a while.
func (t *tool) release(ctx context.Context, l letter) {
	_, _ = t.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &t.deadURL, ReceiptHandle: &l.handle})
}

// redrive sends dead tasks to their queue before it deletes them here: after a crash in between one is in both, and runs once.
func (t *tool) redrive(ctx context.Context, id string) error {
	all, err := t.letters(ctx)
	if err != nil {
		return err
	}
	n := 0
	for _, l := range all {
		if id != "all" && l.ID != id {
			t.release(ctx, l)
			continue
		}
		if _, err := t.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &t.queueURL, MessageBody: &l.body}); err != nil {
			return err
		}
		if _, err := t.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &t.deadURL, ReceiptHandle: &l.handle}); err != nil {
			return err
		}
		n++
	}
	if n == 0 {
		return fmt.Errorf("there is no dead task %q; `dead` lists them", id)
	}
	fmt.Fprintf(t.out, "redriven: %d\n", n)
	return nil
}
