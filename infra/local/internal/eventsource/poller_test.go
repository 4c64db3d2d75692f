package eventsource_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/eventsource"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// fakeSQS is the part of SQS that a poller uses: it hands out one batch, and remembers what was deleted. (The embedded SQS
// is another package's; infra/local's tests put the two together.)
type fakeSQS struct {
	mu      sync.Mutex
	pending []types.Message
	deleted []string
	asked   chan struct{} // one for each delete request
}

func (f *fakeSQS) client(t *testing.T) *sqs.Client {
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

// run polls a queue with these messages until done says so, and gives what was deleted.
func run(t *testing.T, bodies []string, change func(*template.Mapping), fn func(n int, event events.SQSEvent) (string, string, error), done func(calls int, f *fakeSQS) bool) []string {
	t.Helper()
	f := &fakeSQS{asked: make(chan struct{}, 100)}
	for i, body := range bodies {
		f.add(fmt.Sprintf("m%d", i), body)
	}
	m := template.Mapping{ID: "M", Function: "F", SourceARN: "arn:aws:sqs:us-east-1:123456789012:q", Enabled: true, BatchSize: 10, ReportFailures: true}
	if change != nil {
		change(&m)
	}
	app := &template.App{
		Region:   "us-east-1",
		Queues:   []template.Queue{{ID: "q", Name: "q", ARN: m.SourceARN, URL: "http://localhost/123456789012/q"}},
		Mappings: []template.Mapping{m},
	}
	var mu sync.Mutex
	calls := 0
	invoker := invoke(func(_ context.Context, function string, payload []byte) ([]byte, string, error) {
		var event events.SQSEvent
		dec := json.NewDecoder(bytes.NewReader(payload))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&event); err != nil {
			t.Errorf("event: %v\n%s", err, payload)
		}
		mu.Lock()
		calls++
		n := calls
		mu.Unlock()
		response, functionError, err := fn(n, event)
		return []byte(response), functionError, err
	})
	p, err := eventsource.New(app, f.client(t), invoker, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	until(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return done(calls, f)
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(f.deleted)
	return f.deleted
}

type invoke func(ctx context.Context, function string, payload []byte) ([]byte, string, error)

func (f invoke) Invoke(ctx context.Context, function string, payload []byte) ([]byte, string, error) {
	return f(ctx, function, payload)
}

type throttle struct{}

func (throttle) Error() string   { return "throttled" }
func (throttle) Throttled() bool { return true }

func until(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatal("waited in vain")
}

// TestResponses is the table of the Lambda Developer Guide for partial batch responses.
func TestResponses(t *testing.T) {
	t.Parallel()
	all := []string{"m0", "m1", "m2"}
	for name, tc := range map[string]struct {
		response, functionError string
		ignored                 bool // the mapping has no ReportBatchItemFailures
		want                    []string
	}{
		"empty list":                  {response: `{"batchItemFailures":[]}`, want: all},
		"null list":                   {response: `{"batchItemFailures":null}`, want: all},
		"empty object":                {response: `{}`, want: all},
		"null":                        {response: `null`, want: all},
		"nothing":                     {response: ``, want: all},
		"one failed":                  {response: `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`, want: []string{"m0", "m2"}},
		"all failed":                  {response: `{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}`},
		"no JSON":                     {response: `oops`},
		"an empty id":                 {response: `{"batchItemFailures":[{"itemIdentifier":""}]}`},
		"a null id":                   {response: `{"batchItemFailures":[{"itemIdentifier":null}]}`},
		"another key":                 {response: `{"batchItemFailures":[{"id":"m1"}]}`},
		"an id that is not there":     {response: `{"batchItemFailures":[{"itemIdentifier":"m9"}]}`},
		"an exception":                {response: `{"errorMessage":"boom"}`, functionError: "Unhandled"},
		"a body that nobody asked of": {response: `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`, ignored: true, want: all},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, all, func(m *template.Mapping) { m.ReportFailures = !tc.ignored },
				func(int, events.SQSEvent) (string, string, error) { return tc.response, tc.functionError, nil },
				func(calls int, f *fakeSQS) bool { return calls > 0 && (len(tc.want) == 0 || len(f.asked) > 0) })
			if !slices.Equal(got, tc.want) {
				t.Errorf("deleted %v, want %v", got, tc.want)
			}
		})
	}
}

// TestThrottledIsTriedAgain: a throttled invocation is no failure.
func TestThrottledIsTriedAgain(t *testing.T) {
	t.Parallel()
	got := run(t, []string{"a"}, nil, func(n int, _ events.SQSEvent) (string, string, error) {
		if n == 1 {
			return "", "", throttle{}
		}
		return "", "", nil
	}, func(_ int, f *fakeSQS) bool { return len(f.asked) > 0 })
	if !slices.Equal(got, []string{"m0"}) {
		t.Errorf("deleted %v", got)
	}
}

// TestEvent: the record has what SQS gave, under the names of the Lambda Developer Guide.
func TestEvent(t *testing.T) {
	t.Parallel()
	var seen events.SQSMessage
	run(t, []string{"hello"}, nil, func(_ int, event events.SQSEvent) (string, string, error) {
		seen = event.Records[0]
		return "", "", nil
	}, func(_ int, f *fakeSQS) bool { return len(f.asked) > 0 })
	if seen.Body != "hello" || seen.EventSource != "aws:sqs" || seen.EventSourceARN != "arn:aws:sqs:us-east-1:123456789012:q" ||
		seen.AWSRegion != "us-east-1" || seen.Attributes["ApproximateReceiveCount"] != "1" || *seen.MessageAttributes["kind"].StringValue != "test" {
		t.Errorf("record %+v", seen)
	}
}

// G8: what no filter matches is deleted, and the function does not see it.
func TestFiltersDelete(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		filters []string
		bodies  []string
		want    []string // what the function sees
	}{
		"object":          {[]string{`{"body":{"kind":["a"]}}`}, []string{`{"kind":"a"}`, `{"kind":"b"}`, `text`, `"a"`}, []string{`{"kind":"a"}`}},
		"text":            {[]string{`{"body":["text"]}`}, []string{`text`, `{"kind":"a"}`}, []string{`text`}},
		"two filters":     {[]string{`{"body":["x"]}`, `{"body":{"n":[{"numeric":[">",1]}]}}`}, []string{`x`, `{"n":2}`, `{"n":1}`}, []string{`x`, `{"n":2}`}},
		"attributes":      {[]string{`{"messageAttributes":{"kind":{"stringValue":["test"]}}}`}, []string{`x`}, []string{`x`}},
		"other attribute": {[]string{`{"messageAttributes":{"kind":{"stringValue":["other"]}}}`}, []string{`x`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var seen []string
			deleted := run(t, tc.bodies, func(m *template.Mapping) { m.Filters = tc.filters },
				func(_ int, event events.SQSEvent) (string, string, error) {
					mu.Lock()
					defer mu.Unlock()
					for _, r := range event.Records {
						seen = append(seen, r.Body)
					}
					return "", "", nil
				},
				func(_ int, f *fakeSQS) bool {
					f.mu.Lock()
					defer f.mu.Unlock()
					return len(f.deleted) == len(tc.bodies)
				})
			mu.Lock()
			defer mu.Unlock()
			if len(deleted) != len(tc.bodies) || !slices.Equal(seen, tc.want) {
				t.Errorf("deleted %v, the function saw %v, want %v", deleted, seen, tc.want)
			}
		})
	}
}

// A schedule invokes its function at each due time, once, and a failing one three times.
func TestSchedules(t *testing.T) {
	t.Parallel()
	at := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC))
	app := &template.App{Region: "us-east-1", AccountID: "123456789012", Schedules: []template.Schedule{
		{ID: "Hourly", Function: "F", Expression: "cron(0 * * * ? *)", Enabled: true},
		{ID: "V2", Function: "G", Expression: "rate(5 minutes)", Input: `{"due":"<aws.scheduler.scheduled-time>"}`, Enabled: true, V2: true},
		{ID: "Off", Function: "H", Expression: "rate(1 minute)"},
	}}
	calls := make(chan string, 100)
	p, err := eventsource.New(app, nil, invoke(func(_ context.Context, function string, payload []byte) ([]byte, string, error) {
		var e struct {
			Time       string
			DetailType string `json:"detail-type"`
		}
		_ = json.Unmarshal(payload, &e)
		due := regexp.MustCompile(`^{"due":"2026-01-01T0\d:\d[05]:30Z"}$`)
		calls <- function + " " + e.DetailType + e.Time + fmt.Sprint(function == "G" && due.Match(payload))
		if function == "F" {
			return nil, "Unhandled", nil
		}
		return nil, "", nil
	}), &eventsource.Options{Clock: at})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	want := map[string]int{"F Scheduled Event2026-01-01T01:00:00Zfalse": 3, "G true": 12}
	for range 12 {
		if err := at.AwaitTimers(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		at.Advance(5 * time.Minute)
	}
	got := map[string]int{}
	for range 15 {
		select {
		case call := <-calls:
			got[call]++
		case <-time.After(20 * time.Second):
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if !maps.Equal(got, want) || len(calls) != 0 {
		t.Errorf("got %v and %d more, want %v", got, len(calls), want)
	}
}

func TestUnsupportedMappings(t *testing.T) {
	t.Parallel()
	queue := []template.Queue{{ARN: "arn"}}
	for name, app := range map[string]*template.App{
		"another source":  {Mappings: []template.Mapping{{Enabled: true, SourceARN: "arn:aws:kinesis:::x"}}},
		"filter":          {Queues: queue, Mappings: []template.Mapping{{Enabled: true, SourceARN: "arn", Filters: []string{`{"body":[{"cidr":"x"}]}`}}}},
		"eleven filters":  {Queues: queue, Mappings: []template.Mapping{{Enabled: true, SourceARN: "arn", Filters: slices.Repeat([]string{`{"body":["x"]}`}, 11)}}},
		"stream, no URL":  {Mappings: []template.Mapping{{Enabled: true, SourceARN: "arn:aws:dynamodb:r:1:table/T/stream/x"}}},
		"schedule":        {Schedules: []template.Schedule{{Enabled: true, Expression: "rate(5)"}}},
		"schedule's zone": {Schedules: []template.Schedule{{Enabled: true, Expression: "rate(1 hour)", TimeZone: "Mars/Base"}}},
	} {
		if _, err := eventsource.New(app, nil, nil, nil); !errors.Is(err, eventsource.ErrUnsupported) {
			t.Errorf("%s: %v, want ErrUnsupported", name, err)
		}
	}
	off := &template.App{Mappings: []template.Mapping{{SourceARN: "arn:aws:kinesis:::x"}}}
	if _, err := eventsource.New(off, nil, nil, nil); err != nil {
		t.Errorf("a mapping that is off: %v", err)
	}
}
