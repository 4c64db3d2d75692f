package sqs_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/dataplane/sqs"
)

// bench runs call from 8 SDK clients at once, on the embedded service and on the ElasticMQ that DISCLONE_ELASTICMQ names,
// if any. Before it, prepare has the queue to itself.
func bench(b *testing.B, prepare, call func(*testing.B, *awssqs.Client, *string) error) {
	b.Helper()
	run := func(name, endpoint string) {
		b.Run(name, func(b *testing.B) {
			client := awssqs.New(awssqs.Options{
				Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
			})
			out, err := client.CreateQueue(b.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("bench")})
			if err != nil {
				b.Fatal(err)
			}
			if err := prepare(b, client, out.QueueUrl); err != nil {
				b.Fatal(err)
			}
			b.SetParallelism((8 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := call(b, client, out.QueueUrl); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
	server := httptest.NewServer(sqs.New(nil))
	defer server.Close()
	run("embedded", server.URL)
	if reference := os.Getenv("DISCLONE_ELASTICMQ"); reference != "" {
		run("ElasticMQ", reference)
	}
}

func sendOne(b *testing.B, c *awssqs.Client, url *string) error {
	_, err := c.SendMessage(b.Context(), &awssqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String(strings.Repeat("x", 200))})
	return err
}

func BenchmarkSend(b *testing.B) {
	bench(b, func(*testing.B, *awssqs.Client, *string) error { return nil }, sendOne)
}

// BenchmarkReceiveDelete receives a message and deletes it: two requests for a call.
func BenchmarkReceiveDelete(b *testing.B) {
	fill := func(b *testing.B, c *awssqs.Client, url *string) error {
		for range b.N {
			if err := sendOne(b, c, url); err != nil {
				return err
			}
		}
		return nil
	}
	bench(b, fill, func(b *testing.B, c *awssqs.Client, url *string) error {
		out, err := c.ReceiveMessage(b.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url})
		if err != nil || len(out.Messages) == 0 {
			return err
		}
		_, err = c.DeleteMessage(b.Context(), &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: out.Messages[0].ReceiptHandle})
		return err
	})
}

// BenchmarkFifoTimeout receives a FIFO message and has it time out, with n older ones before it in a locked group. What it
// costs must not depend on n.
func BenchmarkFifoTimeout(b *testing.B) {
	for _, n := range []int{1_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := clock.NewManual(time.Unix(1_700_000_000, 0))
			server := sqs.New(&sqs.Options{Clock: c})
			call := func(operation, body string) {
				r := httptest.NewRequest("POST", "/", strings.NewReader(body))
				r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
				w := httptest.NewRecorder()
				if server.ServeHTTP(w, r); w.Code != 200 {
					b.Fatal(w.Body)
				}
			}
			send := func(group string, id int) {
				call("SendMessage", fmt.Sprintf(`{"QueueUrl":"q.fifo","MessageBody":"x","MessageGroupId":"%s","MessageDeduplicationId":"%d"}`, group, id))
			}
			call("CreateQueue", `{"QueueName":"q.fifo","Attributes":{"FifoQueue":"true"}}`)
			for i := range n {
				send("locked", i)
				if i == 0 {
					call("ReceiveMessage", `{"QueueUrl":"q.fifo","VisibilityTimeout":43200}`)
				}
			}
			send("other", n)
			b.ResetTimer()
			for range b.N {
				call("ReceiveMessage", `{"QueueUrl":"q.fifo","VisibilityTimeout":1}`)
				c.Advance(time.Second)
			}
		})
	}
}
