package sqs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (w *world) move(source, to string, rate int32) (string, error) {
	in := &awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn + source)}
	if to != "" {
		in.DestinationArn = aws.String(arn + to)
	}
	if rate > 0 {
		in.MaxNumberOfMessagesPerSecond = &rate
	}
	out, err := w.client.StartMessageMoveTask(w.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.TaskHandle, nil
}

func (w *world) lastMove(source string) types.ListMessageMoveTasksResultEntry {
	w.Helper()
	out, err := w.client.ListMessageMoveTasks(w.Context(), &awssqs.ListMessageMoveTasksInput{SourceArn: aws.String(arn + source)})
	if err != nil || len(out.Results) != 1 {
		w.Fatalf("%+v, %v", out, err)
	}
	return out.Results[0]
}

// TestMoveBackToTheSources: dead letters go back to the queue each came from, and one that somebody sent ends the task.
func TestMoveBackToTheSources(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dead := w.queue("dead", nil)
	if _, err := w.move("dead", "", 0); true {
		w.wantCode(err, "InvalidParameterValue")
	}
	a, b := w.queue("a", redriveTo("dead")), w.queue("b", redriveTo("dead"))
	sent := w.send(a, "of a", "")
	w.send(b, "of b", "")
	for range 2 {
		w.receive(a)
		w.receive(b)
	}
	w.send(dead, "of nobody", "")
	if _, err := w.move("dead", "", 0); err != nil {
		t.Fatal(err)
	}
	task := w.lastMove("dead")
	if *task.Status != "FAILED" || *task.FailureReason != "CouldNotDetermineMessageSource" || task.ApproximateNumberOfMessagesMoved != 2 || *task.ApproximateNumberOfMessagesToMove != 3 || task.TaskHandle != nil {
		t.Errorf("%+v", task)
	}
	got := w.receive(a)
	if bodies(got) != "of a" || *got[0].MessageId == *sent.MessageId || got[0].Attributes["ApproximateReceiveCount"] != "1" || bodies(w.receive(b)) != "of b" || bodies(w.receive(dead)) != "of nobody" {
		t.Errorf("%+v", got)
	}
}

func TestMoveWithARateAndCancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dead, _, to := w.queue("dead", nil), w.queue("q", redriveTo("dead")), w.queue("to", nil)
	for i := range 5 {
		w.send(dead, fmt.Sprint(i), "")
	}
	handle, err := w.move("dead", "to", 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.move("dead", "to", 0); true {
		w.wantCode(err, "InvalidParameterValue")
	}
	w.advance(500 * time.Millisecond)
	if task := w.lastMove("dead"); task.ApproximateNumberOfMessagesMoved != 1 || *task.Status != "RUNNING" || *task.TaskHandle != handle || *task.MaxNumberOfMessagesPerSecond != 2 {
		t.Errorf("%+v", task)
	}
	out, err := w.client.CancelMessageMoveTask(t.Context(), &awssqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
	if err != nil || out.ApproximateNumberOfMessagesMoved != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	w.advance(time.Minute)
	if task := w.lastMove("dead"); *task.Status != "CANCELLED" || bodies(w.receive(to)) != "0" || bodies(w.receive(dead)) != "1 2 3 4" {
		t.Errorf("%+v", task)
	}
	_, err = w.client.CancelMessageMoveTask(t.Context(), &awssqs.CancelMessageMoveTaskInput{TaskHandle: aws.String("x")})
	w.wantCode(err, "InvalidParameterValue")
	_, err = w.move("dead", "nowhere", 0)
	w.wantCode(err, "ResourceNotFoundException")
}

func TestRedriveAllowPolicyAndSources(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dead := w.queue("dead", map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["` + arn + `a"]}`})
	a := w.queue("a", redriveTo("dead"))
	for _, policy := range []string{"dead", "none", "q.fifo"} {
		_, err := w.client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("b"), Attributes: redriveTo(policy)})
		w.wantCode(err, "InvalidParameterValue")
	}
	_, err := w.client.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: dead, Attributes: map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"byQueue"}`}})
	w.wantCode(err, "InvalidParameterValue")
	out, err := w.client.ListDeadLetterSourceQueues(t.Context(), &awssqs.ListDeadLetterSourceQueuesInput{QueueUrl: dead})
	if err != nil || strings.Join(out.QueueUrls, " ") != *a {
		t.Errorf("%+v, %v", out, err)
	}
}
