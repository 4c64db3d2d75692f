package dynamo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/channel/dynamo"
)

// What a store does is shown by layertest, on an endpoint that is a DynamoDB. Here is what no working endpoint shows:
// the requests themselves, which cost money and need rights, and answers that are rare.

// call is one request: its operation and its body.
type call struct {
	Op   string
	Body map[string]any
}

// table answers requests one after another with what a test prepared, and keeps them.
type table struct {
	mu      sync.Mutex
	answers []string // bodies; one that begins with a digit is a status and a body
	calls   []call
}

func (tb *table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	raw, _ := io.ReadAll(r.Body)
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c := call{Op: op}
	_ = json.Unmarshal(raw, &c.Body)
	tb.calls = append(tb.calls, c)
	answer := `{}`
	if len(tb.answers) > 0 {
		answer, tb.answers = tb.answers[0], tb.answers[1:]
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if answer[0] != '{' {
		status, body, _ := strings.Cut(answer, " ")
		var code int
		_, _ = fmt.Sscan(status, &code)
		w.WriteHeader(code)
		answer = body
	}
	_, _ = io.WriteString(w, answer)
}

func newStore(t *testing.T, opts *dynamo.Options, answers ...string) (*dynamo.Store, *table) {
	t.Helper()
	tb := &table{answers: answers}
	server := httptest.NewServer(tb)
	t.Cleanup(server.Close)
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		Retryer:     aws.NopRetryer{},
		HTTPClient:  server.Client(),
	})
	return dynamo.New(client, "t", opts), tb
}

func wantCalls(t *testing.T, tb *table, want ...call) {
	t.Helper()
	if diff := cmp.Diff(want, tb.calls); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

type m = map[string]any

func s(v string) m { return m{"S": v} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAddAndRemove(t *testing.T) {
	t.Parallel()
	store, tb := newStore(t, nil)
	must(t, store.Add(t.Context(), "g", "c=", time.Unix(1700000000, 1)))
	must(t, store.Add(t.Context(), "g", "c=", time.Unix(1700000000, 0)))
	must(t, store.Add(t.Context(), "g", "c=", time.Time{}))
	must(t, store.Remove(t.Context(), "g", "c="))
	wantCalls(t, tb,
		call{"PutItem", m{"TableName": "t", "Item": m{"group": s("g"), "channel": s("c="), "expires": m{"N": "1700000001"}}}},
		call{"PutItem", m{"TableName": "t", "Item": m{"group": s("g"), "channel": s("c="), "expires": m{"N": "1700000000"}}}},
		call{"PutItem", m{"TableName": "t", "Item": m{"group": s("g"), "channel": s("c=")}}},
		call{"DeleteItem", m{"TableName": "t", "Key": m{"group": s("g"), "channel": s("c=")}}},
	)
}

func TestMembers(t *testing.T) {
	t.Parallel()
	store, tb := newStore(t, nil,
		`{"Items":[{"channel":{"S":"a="},"expires":{"N":"1700000000"}},{"channel":{"S":"b="}}],
		  "LastEvaluatedKey":{"group":{"S":"g"},"channel":{"S":"b="}}}`,
		`{"Items":[]}`)
	got, next, err := store.Members(t.Context(), "g", "", 2)
	must(t, err)
	want := []channel.Member{{Channel: "a=", Expires: time.Unix(1700000000, 0)}, {Channel: "b="}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if next <= "b=" || next > "b=-" {
		t.Errorf("next is %q, want more than the last and at most the least name after it", next)
	}
	if got, next, err := store.Members(t.Context(), "g", next, 2); len(got) != 0 || next != "" || err != nil {
		t.Errorf("last page is %v, %q, %v", got, next, err)
	}
	first := m{
		"TableName": "t", "ConsistentRead": true, "Limit": 2.0,
		"KeyConditionExpression": "#group = :group", "ProjectionExpression": "#channel, #expires",
		"ExpressionAttributeNames":  m{"#group": "group", "#channel": "channel", "#expires": "expires"},
		"ExpressionAttributeValues": m{":group": s("g")},
	}
	second := m{}
	for k, v := range first {
		second[k] = v
	}
	second["KeyConditionExpression"] = "#group = :group AND #channel >= :from"
	second["ExpressionAttributeValues"] = m{":group": s("g"), ":from": s(next)}
	wantCalls(t, tb, call{"Query", first}, call{"Query", second})
}

func TestMembersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, item := range []string{
		`{"expires":{"N":"1"}}`, `{"channel":{"N":"1"}}`,
		`{"channel":{"S":"c="},"expires":{"S":"1"}}`, `{"channel":{"S":"c="},"expires":{"N":"1.5"}}`,
	} {
		store, _ := newStore(t, nil, `{"Items":[`+item+`]}`)
		if got, _, err := store.Members(t.Context(), "g", "", 1); err == nil || !strings.HasPrefix(err.Error(), "dynamo: ") {
			t.Errorf("item %s is member %v, error %v", item, got, err)
		}
	}
}

// keys gives n keys of the index, as JSON.
func keys(from, n int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(`{"group":{"S":"g%d"},"channel":{"S":"c="}}`, from+i)
	}
	return strings.Join(items, ",")
}

func deletes(from, n int) m {
	requests := make([]any, n)
	for i := range requests {
		requests[i] = m{"DeleteRequest": m{"Key": m{"group": s(fmt.Sprintf("g%d", from+i)), "channel": s("c=")}}}
	}
	return m{"RequestItems": m{"t": requests}}
}

func unprocessed(from, n int) string {
	requests := make([]string, n)
	for i := range requests {
		requests[i] = `{"DeleteRequest":{"Key":` + keys(from+i, 1) + `}}`
	}
	return `{"UnprocessedItems":{"t":[` + strings.Join(requests, ",") + `]}}`
}

func TestRemoveAll(t *testing.T) {
	t.Parallel()
	store, tb := newStore(t, &dynamo.Options{Index: "byC"},
		`{"Items":[`+keys(0, 30)+`],"LastEvaluatedKey":{"channel":{"S":"c="},"group":{"S":"g29"}}}`,
		unprocessed(23, 2), // of the first batch
		unprocessed(24, 1),
		`{}`,
		`{}`, // the second batch
		`{"Items":[`+keys(30, 1)+`]}`,
		`{}`)
	must(t, store.RemoveAll(t.Context(), "c="))
	query := m{
		"TableName": "t", "IndexName": "byC",
		"KeyConditionExpression": "#channel = :channel", "ProjectionExpression": "#group, #channel",
		"ExpressionAttributeNames":  m{"#group": "group", "#channel": "channel"},
		"ExpressionAttributeValues": m{":channel": s("c=")},
	}
	next := m{"ExclusiveStartKey": m{"channel": s("c="), "group": s("g29")}}
	for k, v := range query {
		next[k] = v
	}
	wantCalls(t, tb,
		call{"Query", query},
		call{"BatchWriteItem", deletes(0, 25)},
		call{"BatchWriteItem", deletes(23, 2)},
		call{"BatchWriteItem", deletes(24, 1)},
		call{"BatchWriteItem", deletes(25, 5)},
		call{"Query", next},
		call{"BatchWriteItem", deletes(30, 1)},
	)
}

func TestRemoveAllOfNothing(t *testing.T) {
	t.Parallel()
	store, tb := newStore(t, nil, `{"Items":[]}`)
	must(t, store.RemoveAll(t.Context(), "c="))
	if len(tb.calls) != 1 || tb.calls[0].Body["IndexName"] != dynamo.DefaultIndex {
		t.Errorf("requests are %v, want one Query of the index", tb.calls)
	}
}

func TestRemoveAllGivesUp(t *testing.T) {
	t.Parallel()
	answers := []string{`{"Items":[` + keys(0, 1) + `]}`}
	for range 20 {
		answers = append(answers, unprocessed(0, 1))
	}
	store, tb := newStore(t, nil, answers...)
	if err := store.RemoveAll(t.Context(), "c="); err == nil || !strings.Contains(err.Error(), "unprocessed") {
		t.Errorf("error is %v", err)
	}
	if n := len(tb.calls); n < 4 || n > 12 {
		t.Errorf("%d requests until it gave up", n)
	}
}

func TestErrorsKeepTheirCause(t *testing.T) {
	t.Parallel()
	const denied = `400 {"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}`
	store, _ := newStore(t, nil, denied, denied, denied, denied, `{"Items":[`+keys(0, 1)+`]}`, denied)
	_, _, membersErr := store.Members(t.Context(), "g", "", 1)
	for i, err := range []error{
		membersErr,
		store.Add(t.Context(), "g", "c=", time.Now()),
		store.Remove(t.Context(), "g", "c="),
		store.RemoveAll(t.Context(), "c="),
		store.RemoveAll(t.Context(), "c="), // its BatchWriteItem
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "dynamo: ") || !strings.Contains(err.Error(), "slow down") {
			t.Errorf("call %d: error is %v", i, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.RemoveAll(ctx, "c="); !errors.Is(err, context.Canceled) {
		t.Errorf("under a cancelled context: %v", err)
	}
}
