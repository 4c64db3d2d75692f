package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/coder/websocket"

	"github.com/disclone/disclone/infra/local/internal/clock"
	"github.com/disclone/disclone/infra/local/internal/eventsource"
	"github.com/disclone/disclone/infra/local/internal/gateway"
	"github.com/disclone/disclone/infra/local/internal/provision"
	"github.com/disclone/disclone/infra/local/internal/template"
	"github.com/disclone/disclone/pkg/channel/apigw"
	"github.com/disclone/disclone/pkg/channel/dynamo"
	"github.com/disclone/disclone/pkg/channel/layertest"
	"github.com/disclone/disclone/pkg/stream"
	streamdynamo "github.com/disclone/disclone/pkg/stream/dynamo"
	"github.com/disclone/disclone/pkg/stream/streamtest"
	"github.com/disclone/disclone/pkg/task"
	taskdynamo "github.com/disclone/disclone/pkg/task/dynamo"
	tasksqs "github.com/disclone/disclone/pkg/task/sqs"
	"github.com/disclone/disclone/pkg/task/tasktest"
)

// The library's conformance suites, on the embedded endpoints and the gateway, through the real SDK clients.

// testEndpoints serves the embedded endpoints until the test ends.
func testEndpoints(t *testing.T) *endpoints {
	t.Helper()
	e, err := openEndpoints(config{host: "127.0.0.1", region: "us-east-1"}, clock.Real())
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: e.handler}
	go func() { _ = server.Serve(e.listener) }()
	t.Cleanup(func() { _ = server.Close(); _ = e.close() })
	return e
}

// lambda is a function in this process.
type lambda func(ctx context.Context, payload []byte) ([]byte, error)

func (l lambda) Invoke(ctx context.Context, _ string, payload []byte) ([]byte, string, error) {
	response, err := l(ctx, payload)
	return response, "", err
}

func TestTaskConformance(t *testing.T) {
	t.Parallel()
	e := testEndpoints(t)
	tables, client := e.clients("us-east-1")
	ourTables(t, tables)
	taskSuite(t, tables, client, e.dataURL)
}

// taskSuite runs the suite on the table that template.yaml declares, and on queues of its own.
func taskSuite(t *testing.T, tables *awsdynamodb.Client, client *awssqs.Client, endpoint string) {
	var next sync.Mutex
	n := 0
	tasktest.Run(t, func(t *testing.T) tasktest.Env {
		next.Lock()
		n++
		name := fmt.Sprintf("tasks-%d", n)
		next.Unlock()
		app := queueApp(name, endpoint)
		if err := provision.Queues(t.Context(), client, app.Queues); err != nil {
			t.Fatal(err)
		}
		url, dead := app.Queues[0].URL, app.Queues[1].URL
		return tasktest.Env{
			Queue: tasksqs.New(client, url),
			Store: taskdynamo.New(tables, "TasksTable"),
			Serve: func(t *testing.T, w *task.Worker) {
				adapter := tasksqs.Lambda(w, &tasksqs.Options{Client: client, QueueURL: url, DeadLetterURL: dead})
				poll(t, app, client, adapter)
			},
			Dead: func(ctx context.Context, n int) ([]task.Message, error) { return receive(ctx, client, dead, n) },
			Redrive: func(ctx context.Context, m task.Message) error {
				return errors.Join(tasksqs.New(client, url).Send(ctx, []task.Outgoing{{Message: m}})...)
			},
		}
	})
}

// poll has an adapter handle what comes to an app's queue, until the test ends.
func poll(t *testing.T, app *template.App, client *awssqs.Client, adapter *tasksqs.Adapter) {
	t.Helper()
	poller, err := eventsource.New(app, client, lambda(adapter.Invoke), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = poller.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

// TestFIFOTasks: on a FIFO queue the tasks of one group run in order, and one that fails keeps the later ones of its group
// back until it is done, and nobody else.
func TestFIFOTasks(t *testing.T) {
	t.Parallel()
	e := testEndpoints(t)
	tables, client := e.clients("us-east-1")
	ourTables(t, tables)
	app := queueApp("ordered.fifo", e.dataURL)
	app.Queues[0].Attributes["FifoQueue"] = "true"
	delete(app.Queues[0].Attributes, "RedrivePolicy")
	app.Queues = app.Queues[:1]
	if err := provision.Queues(t.Context(), client, app.Queues); err != nil {
		t.Fatal(err)
	}
	tasks := task.NewClient(tasksqs.New(client, app.Queues[0].URL), &task.ClientOptions{Store: taskdynamo.New(tables, "TasksTable")})
	var mu sync.Mutex
	order := map[string]string{}
	append1 := task.New("append", func(ctx context.Context, in string) (string, error) {
		group, text, _ := strings.Cut(in, ":")
		if in == "a:1" && task.Attempt(ctx) < 3 {
			return "", task.RetryIn(0, fmt.Errorf("not yet"))
		}
		mu.Lock()
		defer mu.Unlock()
		order[group] += text
		return "", nil
	})
	var ids []string
	for i := range 5 {
		for _, group := range []string{"a", "b"} {
			id, err := append1.Enqueue(t.Context(), tasks, fmt.Sprintf("%s:%d", group, i), &task.Options{Group: group})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
	}
	adapter := tasksqs.Lambda(task.NewWorker(task.NewMux(append1), nil, &task.WorkerOptions{Client: tasks}), &tasksqs.Options{Client: client, QueueURL: app.Queues[0].URL})
	poll(t, app, client, adapter)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, id := range ids {
		if _, err := tasks.Wait(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if order["a"] != "01234" || order["b"] != "01234" {
		t.Errorf("they ran as %v", order)
	}
}

// TestStreamConformance runs the suite on the table that template.yaml declares.
func TestStreamConformance(t *testing.T) {
	t.Parallel()
	e := testEndpoints(t)
	client, _ := e.clients("us-east-1")
	ourTables(t, client)
	streamtest.Run(t, func(*testing.T) stream.Store { return streamdynamo.New(client, "StreamsTable") })
}

// queueApp is a template with a queue, its dead-letter queue and a mapping.
func queueApp(name, endpoint string) *template.App {
	arn := func(name string) string { return "arn:aws:sqs:us-east-1:" + accountID + ":" + name }
	url := func(name string) string { return endpoint + "/" + accountID + "/" + name }
	return &template.App{
		Region: "us-east-1",
		Queues: []template.Queue{
			{ID: name, Name: name, ARN: arn(name), URL: url(name), Attributes: map[string]string{
				"VisibilityTimeout": "1", "RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":20}`, arn(name+"-dead")),
			}},
			{ID: name + "-dead", Name: name + "-dead", ARN: arn(name + "-dead"), URL: url(name + "-dead")},
		},
		Mappings: []template.Mapping{{ID: name, Function: "worker", SourceARN: arn(name), Enabled: true, BatchSize: 10, ReportFailures: true}},
	}
}

// receive takes n messages from a queue.
func receive(ctx context.Context, client *awssqs.Client, url string, n int) ([]task.Message, error) {
	var out []task.Message
	for len(out) < n {
		got, err := client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
			QueueUrl: &url, WaitTimeSeconds: 20, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			return nil, err
		}
		for _, m := range got.Messages {
			if aws.ToString(m.MessageAttributes["error"].StringValue) == "" {
				return nil, fmt.Errorf("the message %s has no reason", *m.MessageId)
			}
			msg, err := task.DecodeMessage([]byte(*m.Body))
			if err != nil {
				return nil, err
			}
			out = append(out, msg)
		}
	}
	return out, nil
}

func TestLayerConformance(t *testing.T) {
	t.Parallel()
	e := testEndpoints(t)
	db, _ := e.clients("us-east-1")
	app, err := template.Load("../../template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := provision.Tables(t.Context(), db, app.Tables); err != nil {
		t.Fatal(err)
	}
	sockets := newSockets(t)
	store := dynamo.New(db, app.Tables[0].Name, nil)
	poster := apigw.New(apigatewaymanagementapi.NewFromConfig(aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		BaseEndpoint: aws.String(sockets.url + "/test"), HTTPClient: apigw.HTTPClient(64),
	}))
	layertest.Run(t, func(*testing.T) layertest.Env {
		return layertest.Env{Store: store, Poster: poster, Open: sockets.open, Receive: sockets.receive, Kill: sockets.kill}
	})
}

// sockets are real connections to a gateway, whose only function tells a client its connection id.
type sockets struct {
	url     string
	gateway *gateway.Gateway
	mu      sync.Mutex
	byID    map[string]*websocket.Conn
}

func newSockets(t *testing.T) *sockets {
	t.Helper()
	whoAmI := func(_ context.Context, payload []byte) ([]byte, error) {
		var event struct {
			RequestContext struct{ ConnectionID string }
		}
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		return json.Marshal(map[string]any{"statusCode": 200, "body": event.RequestContext.ConnectionID})
	}
	proxy := template.Integration{Type: "AWS_PROXY", Function: "whoAmI", Timeout: 29 * time.Second}
	gw, err := gateway.New(&template.API{
		ID: "Api", APIID: "api", RouteSelection: "$request.body.action", Stages: []template.Stage{{Name: "test"}},
		Routes: []template.Route{{Key: "$default", RouteResponse: true, Integration: proxy}},
	}, lambda(whoAmI), nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gw)
	t.Cleanup(server.Close)
	return &sockets{url: server.URL, gateway: gw, byID: map[string]*websocket.Conn{}}
}

func (s *sockets) open(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.url, "http")+"/test", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	if err := conn.Write(ctx, websocket.MessageText, []byte("who am I?")); err != nil {
		t.Fatal(err)
	}
	_, id, err := conn.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[string(id)] = conn
	return string(id)
}

func (s *sockets) receive(ctx context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	conn := s.byID[name]
	s.mu.Unlock()
	_, data, err := conn.Read(ctx)
	return data, err
}

// kill cuts a connection without a close frame, and waits until the gateway has noticed.
func (s *sockets) kill(t testing.TB, name string) {
	t.Helper()
	s.mu.Lock()
	conn := s.byID[name]
	s.mu.Unlock()
	_ = conn.CloseNow()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if !slices.ContainsFunc(s.gateway.Connections(), func(c gateway.Connection) bool { return c.ID == name }) {
			return
		}
	}
	t.Fatalf("the gateway still has the connection %s", name)
}
