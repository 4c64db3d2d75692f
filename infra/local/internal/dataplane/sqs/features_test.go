package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const arn = "arn:aws:sqs:us-east-1:123456789012:"

func redriveTo(name string) map[string]string {
	return map[string]string{"VisibilityTimeout": "0", "RedrivePolicy": `{"deadLetterTargetArn":"` + arn + name + `","maxReceiveCount":"1"}`}
}

// wantCode says that an error of the SDK has a code.
func (w *world) wantCode(err error, code string) {
	w.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		w.Errorf("error %v, want %s", err, code)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, err := w.client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("q"), Tags: map[string]string{"a": "1", "b": ""}})
	if err != nil {
		t.Fatal(err)
	}
	q := out.QueueUrl
	if _, err := w.client.TagQueue(t.Context(), &awssqs.TagQueueInput{QueueUrl: q, Tags: map[string]string{"a": "2", "c": "3"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.UntagQueue(t.Context(), &awssqs.UntagQueueInput{QueueUrl: q, TagKeys: []string{"c", "none"}}); err != nil {
		t.Fatal(err)
	}
	got, err := w.client.ListQueueTags(t.Context(), &awssqs.ListQueueTagsInput{QueueUrl: q})
	if err != nil || !maps.Equal(got.Tags, map[string]string{"a": "2", "b": ""}) {
		t.Errorf("%v, %v", got, err)
	}
	_, err = w.client.TagQueue(t.Context(), &awssqs.TagQueueInput{QueueUrl: q, Tags: map[string]string{"": "x"}})
	w.wantCode(err, "InvalidParameterValue")
}

// TestFairQueues: a standard queue takes a group, gives it back, and is not ordered by it.
func TestFairQueues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q", nil)
	for _, body := range []string{"1", "2"} {
		if _, err := w.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: q, MessageBody: &body, MessageGroupId: aws.String("tenant")}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"1", "2"} {
		out, err := w.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: q, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"MessageGroupId"}})
		if err != nil || bodies(out.Messages) != want || out.Messages[0].Attributes["MessageGroupId"] != "tenant" {
			t.Errorf("%+v, %v: the group must not be locked", out, err)
		}
	}
}

func TestDeduplicationScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q.fifo", map[string]string{"FifoQueue": "true"})
	out, err := w.client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: q, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil || out.Attributes["DeduplicationScope"] != "queue" || out.Attributes["FifoThroughputLimit"] != "perQueue" || out.Attributes["ContentBasedDeduplication"] != "false" {
		t.Errorf("%+v, %v", out, err)
	}
	set := func(attrs map[string]string) error {
		_, err := w.client.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: q, Attributes: attrs})
		return err
	}
	w.wantCode(set(map[string]string{"FifoThroughputLimit": "perMessageGroupId"}), "InvalidAttributeValue")
	if err := set(map[string]string{"FifoThroughputLimit": "perMessageGroupId", "DeduplicationScope": "messageGroup"}); err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{"a", "a", "b"} {
		w.send(q, "same", group)
	}
	if got := bodies(w.receive(q)); got != "same same" {
		t.Errorf("received %q, want one for each group", got)
	}
	_, err = w.client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("s"), Attributes: map[string]string{"DeduplicationScope": "queue"}})
	w.wantCode(err, "InvalidAttributeName")
}

func TestReceiveRequestAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q.fifo", map[string]string{"FifoQueue": "true", "VisibilityTimeout": "30"})
	w.send(q, "1", "a")
	w.send(q, "2", "b")
	receive := func(attempt string) []types.Message {
		t.Helper()
		out, err := w.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: q, ReceiveRequestAttemptId: &attempt})
		if err != nil {
			t.Fatal(err)
		}
		return out.Messages
	}
	first := receive("x")
	w.advance(20 * time.Second)
	again := receive("x")
	if bodies(first) != "1" || bodies(again) != "1" || *again[0].ReceiptHandle != *first[0].ReceiptHandle {
		t.Fatalf("%+v, then %+v", first, again)
	}
	w.advance(20 * time.Second) // the second attempt began the timeout anew
	w.remove(q, again[0])
	if got := bodies(receive("x")); got != "2" {
		t.Errorf("received %q: what was deleted must not come again", got)
	}
	_, err := w.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: w.queue("s", nil), ReceiveRequestAttemptId: aws.String("x")})
	w.wantCode(err, "InvalidParameterValue")
}

func TestQueueDeletedRecently(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create := func() error {
		_, err := w.client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("q")})
		return err
	}
	if _, err := w.client.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: w.queue("q", nil)}); err != nil {
		t.Fatal(err)
	}
	w.wantCode(create(), "AWS.SimpleQueueService.QueueDeletedRecently")
	w.advance(time.Minute)
	if err := create(); err != nil {
		t.Error(err)
	}
}

// TestFifoOrderUnderTimeouts has many groups time out and come back, and each in its order, whatever was deleted.
func TestFifoOrderUnderTimeouts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q.fifo", map[string]string{"FifoQueue": "true", "VisibilityTimeout": "10"})
	const groups, each = 7, 9
	for i := range groups * each {
		w.send(q, fmt.Sprintf("%d", i), fmt.Sprintf("g%d", i%groups))
	}
	next := map[string]int{}
	for round := 0; len(next) < groups || sum(next) < groups*each; round++ {
		if round > 200 {
			t.Fatalf("only %v were received", next)
		}
		for i, m := range w.receive(q) {
			var n int
			_, _ = fmt.Sscan(*m.Body, &n)
			group := m.Attributes["MessageGroupId"]
			if round%3 == 2 && i%2 == 1 {
				break // the rest times out
			}
			if n != next[group]*groups+n%groups {
				t.Fatalf("%s gave %d after %d of its messages", group, n, next[group])
			}
			next[group]++
			w.remove(q, m)
		}
		w.advance(10 * time.Second)
	}
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// TestLongPollsOutliveTheFirst: the first of two waits ends before a delayed message becomes visible, and the second has it
// at once.
func TestLongPollsOutliveTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q", map[string]string{"DelaySeconds": "5"})
	w.send(q, "late", "")
	poll := func(seconds int32) <-chan string {
		got := make(chan string, 1)
		go func() {
			out, err := w.client.ReceiveMessage(w.Context(), &awssqs.ReceiveMessageInput{QueueUrl: q, WaitTimeSeconds: seconds})
			if err != nil {
				got <- err.Error()
				return
			}
			got <- bodies(out.Messages)
		}()
		return got
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	await := func(timers int) {
		t.Helper()
		if err := w.clock.AwaitTimers(ctx, timers); err != nil {
			t.Fatal(err)
		}
	}
	first := poll(1)
	await(2) // its end, and the alarm for the message
	second := poll(20)
	await(3)
	w.advance(time.Second)
	if got := <-first; got != "" {
		t.Errorf("the first received %q", got)
	}
	await(2)
	w.advance(4 * time.Second)
	select {
	case got := <-second:
		if got != "late" {
			t.Errorf("the second received %q", got)
		}
	case <-ctx.Done():
		t.Error("the second was not woken when the message became visible")
	}
}

// TestFifoBatchWithoutGroup fails as a whole, as SQS's does.
func TestFifoBatchWithoutGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q.fifo", map[string]string{"FifoQueue": "true"})
	entry := func(id, group string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &id, MessageDeduplicationId: &id, MessageGroupId: &group}
	}
	bad := entry("b", "")
	bad.MessageGroupId = nil
	_, err := w.client.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: q, Entries: []types.SendMessageBatchRequestEntry{entry("a", "g"), bad}})
	w.wantCode(err, "InvalidParameterValue")
	if got := w.receive(q); len(got) != 0 {
		t.Errorf("received %s", bodies(got))
	}
}

// TestNewDelay: a new delay holds for what was sent before in a FIFO queue, and not in a standard one.
func TestNewDelay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, want := range map[string]string{"q": "", "q.fifo": "a"} {
		attrs, group := map[string]string{"DelaySeconds": "60"}, ""
		if name == "q.fifo" {
			attrs["FifoQueue"], group = "true", "g"
		}
		q := w.queue(name, attrs)
		w.send(q, "a", group)
		if got := bodies(w.receive(q)); got != "" {
			t.Errorf("%s: received %q in spite of the delay", name, got)
		}
		if _, err := w.client.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: q, Attributes: map[string]string{"DelaySeconds": "0"}}); err != nil {
			t.Fatal(err)
		}
		if got := bodies(w.receive(q)); got != want {
			t.Errorf("%s: received %q, want %q", name, got, want)
		}
	}
}
