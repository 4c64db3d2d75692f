package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/dataplane/sqs"
)

// world is an endpoint with a clock that the test moves, and a real SDK client of it.
type world struct {
	*testing.T
	client *awssqs.Client
	url    string // of the endpoint
	clock  *clock.Manual
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, clock: clock.NewManual(time.Unix(1_700_000_000, 0))}
	server := httptest.NewServer(sqs.New(&sqs.Options{Clock: w.clock}))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.client = awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return w
}

func (w *world) advance(d time.Duration) {
	w.clock.Advance(d)
}

func (w *world) queue(name string, attributes map[string]string) *string {
	w.Helper()
	out, err := w.client.CreateQueue(w.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		w.Fatal(err)
	}
	return out.QueueUrl
}

func (w *world) send(url *string, body, group string) *awssqs.SendMessageOutput {
	w.Helper()
	in := &awssqs.SendMessageInput{QueueUrl: url, MessageBody: &body}
	if group != "" {
		in.MessageGroupId, in.MessageDeduplicationId = &group, &body
	}
	out, err := w.client.SendMessage(w.Context(), in)
	if err != nil {
		w.Fatal(err)
	}
	return out
}

func (w *world) receive(url *string) []types.Message {
	w.Helper()
	out, err := w.client.ReceiveMessage(w.Context(), &awssqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		w.Fatal(err)
	}
	return out.Messages
}

func (w *world) remove(url *string, m types.Message) {
	w.Helper()
	if _, err := w.client.DeleteMessage(w.Context(), &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
		w.Fatal(err)
	}
}

func bodies(messages []types.Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, *m.Body)
	}
	return strings.Join(all, " ")
}

func TestVisibilityTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q", map[string]string{"VisibilityTimeout": "10"})
	w.send(q, "a", "")
	first := w.receive(q)
	if bodies(first) != "a" || first[0].Attributes["ApproximateReceiveCount"] != "1" {
		t.Fatalf("received %+v", first)
	}
	if again := w.receive(q); len(again) != 0 {
		t.Errorf("received within the timeout: %s", bodies(again))
	}
	w.advance(10 * time.Second)
	second := w.receive(q)
	if bodies(second) != "a" || second[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Fatalf("received %+v", second)
	}
	w.remove(q, second[0])
	w.remove(q, second[0]) // no error
	w.advance(time.Minute)
	if left := w.receive(q); len(left) != 0 {
		t.Errorf("left: %s", bodies(left))
	}
}

func TestDeadLetterQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dead := w.queue("dead", nil)
	q := w.queue("q", map[string]string{
		"VisibilityTimeout": "0", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead","maxReceiveCount":"2"}`,
	})
	sent := w.send(q, "poison", "")
	for range 2 {
		if got := bodies(w.receive(q)); got != "poison" {
			t.Fatalf("received %q", got)
		}
	}
	if got := w.receive(q); len(got) != 0 {
		t.Errorf("a third receive: %s", bodies(got))
	}
	got := w.receive(dead)
	if bodies(got) != "poison" || *got[0].MessageId != *sent.MessageId || got[0].Attributes["DeadLetterQueueSourceArn"] != "arn:aws:sqs:us-east-1:123456789012:q" {
		t.Errorf("dead: %+v", got)
	}
}

func TestFifo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q.fifo", map[string]string{"FifoQueue": "true", "VisibilityTimeout": "10"})
	for _, m := range []string{"a1 a", "a2 a", "b1 b"} {
		body, group, _ := strings.Cut(m, " ")
		w.send(q, body, group)
	}
	again := w.send(q, "a1", "a") // a duplicate within five minutes
	first := w.receive(q)
	if bodies(first) != "a1 a2 b1" || *first[0].MessageId != *again.MessageId {
		t.Fatalf("received %s", bodies(first))
	}
	w.send(q, "a3", "a")
	w.send(q, "c1", "c")
	if got := bodies(w.receive(q)); got != "c1" {
		t.Errorf("received %q, want c1 alone: group a is locked", got)
	}
	w.remove(q, first[0])
	w.advance(10 * time.Second)
	if got := bodies(w.receive(q)); got != "a2 a3 b1 c1" {
		t.Errorf("received %q after the timeout", got)
	}
	w.advance(5 * time.Minute)
	w.send(q, "a1", "d")
	if got := bodies(w.receive(q)); !strings.Contains(got, "a1") {
		t.Errorf("received %q: the deduplication outlives its five minutes", got)
	}
}

// TestLongPollWakesUp has a receive wait, and a send that ends the wait.
func TestLongPollWakesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q", nil)
	got := make(chan string, 1)
	go func() {
		out, err := w.client.ReceiveMessage(w.Context(), &awssqs.ReceiveMessageInput{QueueUrl: q, WaitTimeSeconds: 20})
		if err != nil {
			got <- err.Error()
			return
		}
		got <- bodies(out.Messages)
	}()
	w.send(q, "now", "")
	select {
	case body := <-got:
		if body != "now" {
			t.Errorf("received %q", body)
		}
	case <-time.After(10 * time.Second):
		t.Error("the long poll did not wake up")
	}
}

func TestAttributesAndDigests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q", nil)
	attrs := map[string]types.MessageAttributeValue{
		"text":  {DataType: aws.String("String"), StringValue: aws.String("ä")},
		"n":     {DataType: aws.String("Number.int"), StringValue: aws.String("42")},
		"bytes": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 2}},
	}
	// The SDK compares both digests with its own.
	if _, err := w.client.SendMessage(w.Context(), &awssqs.SendMessageInput{QueueUrl: q, MessageBody: aws.String("b"), MessageAttributes: attrs}); err != nil {
		t.Fatal(err)
	}
	got := w.receive(q)
	if len(got) != 1 || *got[0].MessageAttributes["n"].StringValue != "42" || string(got[0].MessageAttributes["bytes"].BinaryValue) != "\x00\x01\x02" {
		t.Errorf("received %+v", got)
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q", nil)
	entry := func(id, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
	}
	out, err := w.client.SendMessageBatch(w.Context(), &awssqs.SendMessageBatchInput{QueueUrl: q, Entries: []types.SendMessageBatchRequestEntry{
		entry("1", "one"), entry("2", "\x01"), entry("3", "three"),
	}})
	if err != nil || len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "2" {
		t.Fatalf("%+v, %v", out, err)
	}
	var del []types.DeleteMessageBatchRequestEntry
	for i, m := range w.receive(q) {
		del = append(del, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
	}
	gone, err := w.client.DeleteMessageBatch(w.Context(), &awssqs.DeleteMessageBatchInput{QueueUrl: q, Entries: del})
	if err != nil || len(gone.Successful) != 2 {
		t.Errorf("%+v, %v", gone, err)
	}
}

// TestErrors: the codes that programs match on.
func TestErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.queue("q", nil)
	ctx := t.Context()
	many := make([]types.SendMessageBatchRequestEntry, 11)
	for i := range many {
		many[i] = types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: aws.String("x")}
	}
	for name, tc := range map[string]struct {
		call func(context.Context) error
		want string
	}{
		"no such queue": {func(ctx context.Context) error {
			_, err := w.client.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: aws.String("http://x/1/none"), MessageBody: aws.String("x")})
			return err
		}, "AWS.SimpleQueueService.NonExistentQueue"},
		"too many": {func(ctx context.Context) error {
			_, err := w.client.SendMessageBatch(ctx, &awssqs.SendMessageBatchInput{QueueUrl: q, Entries: many})
			return err
		}, "TooManyEntriesInBatchRequest"},
		"bad handle": {func(ctx context.Context) error {
			_, err := w.client.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: q, ReceiptHandle: aws.String("x")})
			return err
		}, "ReceiptHandleIsInvalid"},
		"unsupported operation": {func(ctx context.Context) error {
			_, err := w.client.RemovePermission(ctx, &awssqs.RemovePermissionInput{QueueUrl: q, Label: aws.String("l")})
			return err
		}, "AWS.SimpleQueueService.UnsupportedOperation"},
		"too large": {func(ctx context.Context) error {
			_, err := w.client.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: q, MessageBody: aws.String(strings.Repeat("x", 1<<20+1))})
			return err
		}, "InvalidParameterValue"},
		"other attributes": {func(ctx context.Context) error {
			_, err := w.client.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"DelaySeconds": "5"}})
			return err
		}, "QueueAlreadyExists"},
	} {
		var api smithy.APIError
		if err := tc.call(ctx); !errors.As(err, &api) || !strings.Contains(api.ErrorCode(), tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

// TestTypedErrors: the SDK gives an error its type by the name in the body, and its code by the header.
func TestTypedErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.client.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("none")})
	var none *types.QueueDoesNotExist
	if !errors.As(err, &none) {
		t.Errorf("error %v is no QueueDoesNotExist", err)
	}
}

// TestUnknownParameter: what is not supported is refused by name, never left out.
func TestUnknownParameter(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(sqs.New(nil))
	defer server.Close()
	req, err := http.NewRequest(http.MethodPost, server.URL, strings.NewReader(`{"QueueName":"q","Colour":"red"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "AmazonSQS.CreateQueue")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || !strings.HasPrefix(resp.Header.Get("X-Amzn-Query-Error"), "AWS.SimpleQueueService.UnsupportedOperation;Sender") {
		t.Errorf("status %d, %v", resp.StatusCode, resp.Header)
	}
}
