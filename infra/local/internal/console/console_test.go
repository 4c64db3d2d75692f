package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/coder/websocket"

	"github.com/disclone/disclone/infra/local/internal/chaos"
	"github.com/disclone/disclone/infra/local/internal/console"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb"
	"github.com/disclone/disclone/infra/local/internal/dataplane/sqs"
	"github.com/disclone/disclone/infra/local/internal/gateway"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// page is a console on the embedded endpoints and a gateway.
type page struct {
	t        *testing.T
	url      string
	recorder *console.Recorder
	chaos    *chaos.Chaos
	db       *awsdynamodb.Client
	sqs      *awssqs.Client
	socket   string
	app      *template.App
	queues   map[string]*string
}

func newPage(t *testing.T) *page {
	t.Helper()
	p := &page{t: t, recorder: console.NewRecorder(), chaos: chaos.New(1), queues: map[string]*string{}}
	db := dynamodb.New(nil)
	t.Cleanup(func() { _ = db.Close() })
	dbServer, queueServer := httptest.NewServer(db), httptest.NewServer(sqs.New(nil))
	t.Cleanup(dbServer.Close)
	t.Cleanup(queueServer.Close)
	keys := credentials.NewStaticCredentialsProvider("local", "local", "")
	p.db = awsdynamodb.New(awsdynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String(dbServer.URL), Credentials: keys})
	p.sqs = awssqs.New(awssqs.Options{Region: "us-east-1", BaseEndpoint: aws.String(queueServer.URL), Credentials: keys})
	app := &template.App{StackName: "test", Functions: []template.Function{{ID: "F"}}}
	for _, name := range []string{"dead", "work"} {
		in := &awssqs.CreateQueueInput{QueueName: &name}
		if name == "work" {
			in.Attributes = map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead","maxReceiveCount":1}`}
		}
		out, err := p.sqs.CreateQueue(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		p.queues[name] = out.QueueUrl
		app.Queues = append(app.Queues, template.Queue{ID: name, Name: name, ARN: "arn:" + name, URL: *out.QueueUrl})
	}
	app.Queues[1].Attributes = map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:dead","maxReceiveCount":1}`}
	app.Mappings = []template.Mapping{{Function: "F", SourceARN: "arn:work"}}
	p.app = app
	api := template.API{ID: "Api", APIID: "abcdefghij", RouteSelection: "$request.body.action", Stages: []template.Stage{{Name: "prod"}}}
	gw, err := gateway.New(&api, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	gwServer := httptest.NewServer(gw)
	t.Cleanup(gwServer.Close)
	p.socket = gwServer.URL + "/prod"
	app.APIs = []template.API{api}
	server := httptest.NewServer(console.New(console.Deps{
		App: func() *template.App { return app }, Recorder: p.recorder, DynamoDB: p.db, SQS: p.sqs, Chaos: p.chaos,
		APIs: func() []console.API { return []console.API{{ID: "Api", Gateway: gw}} },
	}))
	t.Cleanup(server.Close)
	p.url = server.URL + console.Path
	return p
}

// call makes a request as the page does, and decodes the answer.
func (p *page) call(method, path, body string, into any) int {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+"api/"+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("X-Console", "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if into != nil {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			p.t.Fatal(err)
		}
	}
	return resp.StatusCode
}

type glance struct {
	Counts      console.Counts
	Connections []struct{ ID string }
	Invocations []console.Entry
	Queues      []struct {
		ID          string
		To, Sources []string
		Visible     int
	}
}

func TestInvocationsAreRecorded(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	p.recorder.Line("r1", "before its end")
	p.recorder.Record(console.Entry{ID: "r1", API: "Api", Route: "join", Function: "F", Outcome: "ok", Payload: []byte(`{"a":1}`), Response: []byte(strings.Repeat("x", 100_000))})
	p.recorder.Line("r1", "<script>after</script>")
	p.recorder.Record(console.Entry{ID: "r2", Source: "FTasks", Function: "F", Outcome: "Runtime.ExitError"})
	var s glance
	p.call("GET", "state", "", &s)
	if s.Counts.Routes["Api join"] != 1 || s.Counts.Functions["F"] != 2 || s.Counts.Failures["F"] != 1 || s.Counts.Sources["FTasks"] != 1 {
		t.Errorf("%+v", s.Counts)
	}
	if len(s.Invocations) != 2 || s.Invocations[0].ID != "r2" {
		t.Errorf("%+v", s.Invocations)
	}
	var one struct {
		Payload, Response, Lines string
		ResponseBytes            int
	}
	p.call("GET", "invocations/r1", "", &one)
	if one.Payload != `{"a":1}` || len(one.Response) != 8*1024 || one.ResponseBytes != 100_000 || one.Lines != "before its end\n<script>after</script>" {
		t.Errorf("%q, %d bytes, %q", one.Payload, len(one.Response), one.Lines)
	}
	for i := range 600 {
		p.recorder.Record(console.Entry{ID: fmt.Sprint("x", i), Function: "F", Outcome: "ok"})
	}
	if status := p.call("GET", "invocations/r1", "", nil); status != 404 {
		t.Errorf("an old one: %d", status)
	}
	if status := p.call("GET", "invocations/x599", "", nil); status != 200 {
		t.Errorf("the latest: %d", status)
	}
}

func TestInvocationsAreFound(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	p.recorder.Record(console.Entry{ID: "r1", Route: "join", Function: "F", Outcome: "ok", Payload: []byte(`{"text":"Needle"}`)})
	p.recorder.Record(console.Entry{ID: "r2", Route: "join", Function: "G", Outcome: "ok"})
	p.recorder.Record(console.Entry{ID: "r3", Route: "leave", Function: "F", Outcome: "ok"})
	p.recorder.Line("r3", "a needle, too")
	for query, want := range map[string]string{
		"": "r3 r2 r1", "?text=needle": "r3 r1", "?text=NEEDLE&function=F": "r3 r1", "?function=G": "r2", "?text=leave": "r3", "?text=none": "",
	} {
		var found struct{ Invocations []struct{ ID string } }
		p.call("GET", "invocations"+query, "", &found)
		var ids []string
		for _, e := range found.Invocations {
			ids = append(ids, e.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}

// What functions print after the last of their entries is gone, or without one, does not keep out what others print.
func TestLinesOfNobodyAreForgotten(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	for i := range 5000 {
		p.recorder.Line(fmt.Sprint("nobody", i), "lost")
	}
	p.recorder.Line("r1", "kept")
	p.recorder.Record(console.Entry{ID: "r1", Function: "F", Outcome: "ok"})
	var one struct{ Lines string }
	if p.call("GET", "invocations/r1", "", &one); one.Lines != "kept" {
		t.Errorf("%q", one.Lines)
	}
}

func TestItemsOfATable(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	if _, err := p.db.CreateTable(t.Context(), &awsdynamodb.CreateTableInput{
		TableName: aws.String("members"), BillingMode: ddb.BillingModePayPerRequest,
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: ddb.KeyTypeHash}},
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: ddb.ScalarAttributeTypeS}},
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 120 {
		item := map[string]ddb.AttributeValue{
			"id":    &ddb.AttributeValueMemberS{Value: fmt.Sprint("member-", i)},
			"seats": &ddb.AttributeValueMemberL{Value: []ddb.AttributeValue{&ddb.AttributeValueMemberSS{Value: []string{fmt.Sprintf("<c%d=>", i)}}}},
			"n":     &ddb.AttributeValueMemberN{Value: "12345678901234567890123"},
			"role":  &ddb.AttributeValueMemberS{Value: []string{"guest", "owner"}[i/100]},
		}
		if _, err := p.db.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: aws.String("members"), Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	var all, one struct {
		Items  []map[string]any
		More   bool
		Facets map[string]map[string]int
	}
	p.call("GET", "tables/members", "", &all)
	if want := map[string]map[string]int{"role": {"guest": 100, "owner": 20}}; !reflect.DeepEqual(all.Facets, want) {
		t.Errorf("facets %v, want %v", all.Facets, want)
	}
	if len(all.Items) != 50 || !all.More || all.Items[0]["n"] != "12345678901234567890123" {
		t.Errorf("%d items, %+v", len(all.Items), all.Items[0])
	}
	p.call("GET", "tables/members?contains="+url.QueryEscape("<c7=>"), "", &one)
	if len(one.Items) != 1 || one.More || one.Items[0]["id"] != "member-7" {
		t.Errorf("%+v", one)
	}
	if status := p.call("GET", "tables/none", "", nil); status != http.StatusBadGateway {
		t.Errorf("a table that is not there: %d", status)
	}
}

func TestConnectionsArePostedToAndClosed(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, p.socket, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	var s glance
	p.call("GET", "state", "", &s)
	if len(s.Connections) != 1 {
		t.Fatalf("%+v", s.Connections)
	}
	id := strings.ReplaceAll(s.Connections[0].ID, "=", "%3D")
	p.call("POST", "connections/"+id, "hello", nil)
	if _, data, err := conn.Read(ctx); string(data) != "hello" {
		t.Errorf("%q, %v", data, err)
	}
	p.call("DELETE", "connections/"+id, "", nil)
	if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("%v", err)
	}
	if status := p.call("POST", "connections/"+id, "hello", nil); status != 404 {
		t.Errorf("a post to a closed one: %d", status)
	}
}

func TestDeadLettersAreShownAndRedriven(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	if _, err := p.sqs.SendMessage(t.Context(), &awssqs.SendMessageInput{
		QueueUrl: p.queues["dead"], MessageBody: aws.String("lost"),
		MessageAttributes: map[string]types.MessageAttributeValue{"error": {DataType: aws.String("String"), StringValue: aws.String("boom")}},
	}); err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Messages []struct {
			Body       string
			Attributes map[string]string
		}
	}
	for range 2 { // a look takes nothing away
		p.call("GET", "queues/dead", "", &seen)
		if len(seen.Messages) != 1 || seen.Messages[0].Body != "lost" || seen.Messages[0].Attributes["error"] != "boom" {
			t.Fatalf("%+v", seen)
		}
	}
	if status := p.call("GET", "queues/work", "", nil); status != 400 {
		t.Errorf("a look at a queue that a function reads: %d", status)
	}
	if status := p.call("POST", "queues/work/redrive", "", nil); status != 400 {
		t.Errorf("redrive of a queue that holds no dead letters: %d", status)
	}
	var moved struct{ Moved int }
	p.call("POST", "queues/dead/redrive", "", &moved)
	var s glance
	p.call("GET", "state", "", &s)
	if moved.Moved != 1 || s.Queues[0].Visible != 0 || !slices.Equal(s.Queues[0].Sources, []string{"work"}) ||
		s.Queues[1].Visible != 1 || !slices.Equal(s.Queues[1].To, []string{"F"}) {
		t.Errorf("%+v, %+v", moved, s.Queues)
	}
}

// TestRedriveOfSeveralSources: each dead letter goes back to its own queue, and one that nobody knows the source of ends it.
func TestRedriveOfSeveralSources(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	policy := map[string]string{"VisibilityTimeout": "0", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead","maxReceiveCount":1}`}
	other, err := p.sqs.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("other"), Attributes: policy})
	if err != nil {
		t.Fatal(err)
	}
	p.app.Queues = append(p.app.Queues, template.Queue{ID: "other", Name: "other", ARN: "arn:other", URL: *other.QueueUrl, Attributes: p.app.Queues[1].Attributes})
	send := func(url *string) {
		t.Helper()
		if _, err := p.sqs.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x")}); err != nil {
			t.Fatal(err)
		}
	}
	send(other.QueueUrl)
	for range 2 {
		if _, err := p.sqs.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: other.QueueUrl}); err != nil {
			t.Fatal(err)
		}
	}
	var out struct {
		Moved int
		Error string
	}
	if p.call("POST", "queues/dead/redrive", "", &out); out.Moved != 1 {
		t.Errorf("%+v", out)
	}
	send(p.queues["dead"])
	if status := p.call("POST", "queues/dead/redrive", "", &out); status != 502 || !strings.Contains(out.Error, "CouldNotDetermineMessageSource") {
		t.Errorf("%d %+v", status, out)
	}
}

func TestChaosIsSwitched(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	if status := p.call("PUT", "chaos/kill", `{"rate":1}`, nil); status != 200 || !p.chaos.Hit(chaos.Kill) {
		t.Errorf("status %d", status)
	}
	for path, body := range map[string]string{"chaos/kill": `{"rate":2}`, "chaos/none": `{"rate":1}`, "chaos/cold": `{}`} {
		if status := p.call("PUT", path, body, nil); status != 400 {
			t.Errorf("%s %s: %d, want 400", path, body, status)
		}
	}
}

// What another page in the same browser could send is refused.
func TestForeignPagesAreRefused(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	for name, change := range map[string]func(*http.Request){
		"no header": func(r *http.Request) {
			r.Method = http.MethodPut
			r.Body = io.NopCloser(strings.NewReader(`{"rate":1}`))
		},
		"another host":   func(r *http.Request) { r.Host = "evil.example" },
		"another origin": func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
		"a sandbox":      func(r *http.Request) { r.Header.Set("Origin", "null") },
		"a change of another origin": func(r *http.Request) {
			r.Method = http.MethodPut
			r.Header.Set("X-Console", "1")
			r.Header.Set("Origin", "http://evil.example")
		},
	} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"api/chaos/kill", nil)
		change(req)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, resp.StatusCode)
		}
	}
	resp, err := http.Get(p.url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if policy := resp.Header.Get("Content-Security-Policy"); resp.StatusCode != 200 || !strings.Contains(policy, "default-src 'self'") {
		t.Errorf("%d, %q", resp.StatusCode, policy)
	}
}
