package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/disclone/disclone/infra/local/internal/chaos"
	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/eventsource"
	"github.com/disclone/disclone/infra/local/internal/provision"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// source is a mapping on the embedded SQS, with time running a hundred times as fast. It keeps what the function sees.
type source struct {
	t      *testing.T
	client *awssqs.Client
	urls   map[string]string
	mu     sync.Mutex
	seen   []string
	change chan struct{}
}

func newSource(t *testing.T, queues []template.Queue, m template.Mapping, faults *chaos.Chaos, fails func(body string, receives string) bool) *source {
	t.Helper()
	c := clock.Fast(100)
	e, err := openEndpoints(config{host: "127.0.0.1", region: "us-east-1"}, c)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: e.handler}
	go func() { _ = server.Serve(e.listener) }()
	t.Cleanup(func() { _ = server.Close(); _ = e.close() })
	s := &source{t: t, urls: map[string]string{}, change: make(chan struct{}, 100)}
	_, s.client = e.clients("us-east-1")
	for i := range queues {
		queues[i].ARN = "arn:aws:sqs:us-east-1:" + accountID + ":" + queues[i].Name
		queues[i].URL = e.url + "/" + accountID + "/" + queues[i].Name
		s.urls[queues[i].Name] = queues[i].URL
	}
	if err := provision.Queues(t.Context(), s.client, queues); err != nil {
		t.Fatal(err)
	}
	m.ID, m.Function, m.SourceARN, m.Enabled, m.ReportFailures = "M", "F", queues[len(queues)-1].ARN, true, true
	app := &template.App{Region: "us-east-1", Queues: queues, Mappings: []template.Mapping{m}}
	poller, err := eventsource.New(app, s.client, s.function(fails), &eventsource.Options{Clock: c, Chaos: faults})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- poller.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return s
}

type invokeFunc func(ctx context.Context, function string, payload []byte) ([]byte, string, error)

func (f invokeFunc) Invoke(ctx context.Context, function string, payload []byte) ([]byte, string, error) {
	return f(ctx, function, payload)
}

// function stops at the first record that fails and gives back it and all after it, as FIFO handlers must.
func (s *source) function(fails func(body, receives string) bool) invokeFunc {
	return func(_ context.Context, _ string, payload []byte) ([]byte, string, error) {
		var e events.SQSEvent
		if err := json.Unmarshal(payload, &e); err != nil {
			return nil, "", err
		}
		var out events.SQSEventResponse
		s.mu.Lock()
		for i, r := range e.Records {
			receives := r.Attributes["ApproximateReceiveCount"]
			s.seen = append(s.seen, r.Body+" "+receives)
			if fails(r.Body, receives) {
				for _, rest := range e.Records[i:] {
					out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: rest.MessageId})
				}
				break
			}
		}
		s.mu.Unlock()
		s.change <- struct{}{}
		response, err := json.Marshal(out)
		return response, "", err
	}
}

func (s *source) send(queue, group string, bodies ...string) {
	s.t.Helper()
	for i, body := range bodies {
		in := &awssqs.SendMessageInput{QueueUrl: aws.String(s.urls[queue]), MessageBody: aws.String(body)}
		if group != "" {
			in.MessageGroupId, in.MessageDeduplicationId = &group, aws.String(fmt.Sprint(group, i))
		}
		if _, err := s.client.SendMessage(s.t.Context(), in); err != nil {
			s.t.Fatal(err)
		}
	}
}

// until waits until what the function has seen satisfies ok.
func (s *source) until(ok func(seen []string) bool) []string {
	s.t.Helper()
	late := time.After(3 * patience)
	for {
		s.mu.Lock()
		seen := slices.Clone(s.seen)
		s.mu.Unlock()
		if ok(seen) {
			return seen
		}
		select {
		case <-s.change:
		case <-late:
			s.t.Fatalf("the function has seen %v", seen)
		}
	}
}

func of(seen []string, prefix string) (out []string) {
	for _, one := range seen {
		if strings.HasPrefix(one, prefix) {
			out = append(out, one)
		}
	}
	return out
}

// J16, G6: a message that fails blocks its group, and no other, until it goes to the dead-letter queue; the group goes on
// in order then.
func TestFIFOGroupBlocksUntilItsDeadLetter(t *testing.T) {
	t.Parallel()
	s := newSource(t, []template.Queue{
		{ID: "dead", Name: "dead.fifo", Attributes: map[string]string{"FifoQueue": "true"}},
		{ID: "work", Name: "work.fifo", Attributes: map[string]string{
			"FifoQueue": "true", "VisibilityTimeout": "10",
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:` + accountID + `:dead.fifo","maxReceiveCount":2}`,
		}},
	}, template.Mapping{BatchSize: 1}, nil, func(body, _ string) bool { return body == "a1" })
	s.send("work.fifo", "a", "a1", "a2", "a3")
	s.send("work.fifo", "b", "b1", "b2")
	seen := s.until(func(seen []string) bool { return len(of(seen, "a3")) == 1 && len(of(seen, "b2")) == 1 })
	if want := []string{"a1 1", "a1 2", "a2 1", "a3 1"}; !slices.Equal(of(seen, "a"), want) {
		t.Errorf("group a: %v, want %v", of(seen, "a"), want)
	}
	if want := []string{"b1 1", "b2 1"}; !slices.Equal(of(seen, "b"), want) {
		t.Errorf("group b: %v, want %v", of(seen, "b"), want)
	}
	if slices.Index(seen, "b2 1") > slices.Index(seen, "a2 1") {
		t.Errorf("group b has waited for group a: %v", seen)
	}
	out, err := s.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: aws.String(s.urls["dead.fifo"]), WaitTimeSeconds: 20})
	if err != nil || len(out.Messages) != 1 || *out.Messages[0].Body != "a1" {
		t.Errorf("dead letters: %+v, %v", out, err)
	}
}

// J16, G4, G5: what failed comes back after the visibility timeout, alone; the rest of its batch is deleted.
func TestPartialFailureComesBackAlone(t *testing.T) {
	t.Parallel()
	s := newSource(t, []template.Queue{{ID: "q", Name: "q", Attributes: map[string]string{"VisibilityTimeout": "10"}}},
		template.Mapping{BatchSize: 10}, nil, func(body, receives string) bool { return body == "bad" && receives == "1" })
	s.send("q", "", "good", "bad")
	seen := s.until(func(seen []string) bool { return slices.Contains(seen, "bad 2") })
	if got := of(seen, "good"); len(got) == 0 || slices.Contains(seen, "bad 3") {
		t.Errorf("%v", seen)
	}
}

// J17, G9: with chaos a batch comes twice, though it was handled.
func TestDuplicatedBatches(t *testing.T) {
	t.Parallel()
	faults := chaos.New(1)
	if err := faults.SetRate(string(chaos.DuplicateSQS), 1); err != nil {
		t.Fatal(err)
	}
	s := newSource(t, []template.Queue{{ID: "q", Name: "q"}}, template.Mapping{BatchSize: 10}, faults, func(string, string) bool { return false })
	s.send("q", "", "once")
	seen := s.until(func(seen []string) bool { return len(seen) >= 2 })
	if !slices.Equal(seen, []string{"once 1", "once 1"}) {
		t.Errorf("%v", seen)
	}
}
