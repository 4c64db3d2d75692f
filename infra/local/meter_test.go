package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/disclone/disclone/infra/local/internal/clock"
)

// TestMeterOfQueues: a payload is billed by its 64 KB, a batch by the sum of its entries, and an empty receive as one.
func TestMeterOfQueues(t *testing.T) {
	t.Parallel()
	e, err := openEndpoints(config{host: "127.0.0.1", region: "us-east-1"}, clock.Real())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.close() })
	server := httptest.NewServer(e.handler)
	t.Cleanup(server.Close)
	e.dataURL = server.URL
	_, c := e.clients("us-east-1")
	created, err := c.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	q, half := created.QueueUrl, strings.Repeat("x", 32<<10)
	if _, err := c.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: q, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: &half}, {Id: aws.String("b"), MessageBody: &half}, {Id: aws.String("c"), MessageBody: aws.String("x")},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: q, MaxNumberOfMessages: 2}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: q}); err != nil {
			t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, httptest.NewRequest("GET", meterPath, nil))
	want := `{"dynamodb":{},"sqs":{"q":{"CreateQueue":{"requests":1,"units":1},"ReceiveMessage":{"requests":3,"units":3},"SendMessageBatch":{"requests":1,"units":2}}}}`
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("metered\n%s, want\n%s", got, want)
	}
}
