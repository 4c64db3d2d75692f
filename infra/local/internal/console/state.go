package console

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/disclone/disclone/infra/local/internal/gateway"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// state is what the page shows at a glance.
type state struct {
	Stack       string       `json:"stack"`
	APIs        []apiState   `json:"apis"`
	Functions   []fnState    `json:"functions"`
	Tables      []tableState `json:"tables"`
	Queues      []queueState `json:"queues"`
	Schedules   []schedule   `json:"schedules"`
	Links       []link       `json:"links"`
	Counts      Counts       `json:"counts"`
	Connections []connState  `json:"connections"`
	Total       int          `json:"totalConnections"`
	Invocations []Entry      `json:"invocations"`
	Chaos       *chaosState  `json:"chaos"`
}

type apiState struct {
	ID     string       `json:"id"`
	URLs   []string     `json:"urls"` // of its stages
	Routes []routeState `json:"routes"`
}

type routeState struct {
	Key  string `json:"key"`
	Type string `json:"type"` // of the integration
}

type fnState struct {
	ID      string `json:"id"`
	Runtime string `json:"runtime"`
}

type tableState struct {
	ID    string   `json:"id"`
	Name  string   `json:"name"`
	Keys  []string `json:"keys"`
	Items int64    `json:"items"` // -1 if nobody knows
}

type queueState struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	To      []string `json:"to"`      // the functions that it invokes
	Sources []string `json:"sources"` // the queues whose dead letters it holds
	depth
}

type depth struct {
	Visible  int `json:"visible"`
	InFlight int `json:"inFlight"`
	Delayed  int `json:"delayed"`
}

type schedule struct {
	ID         string `json:"id"`
	Expression string `json:"expression"`
}

type connState struct {
	API string `json:"api"`
	gateway.Connection
}

type chaosState struct {
	Rates    map[string]float64 `json:"rates"`
	Injected map[string]int     `json:"injected"`
}

const (
	maxInvocations = 200 // shown at a glance
	maxConnections = 200
)

func (c *Console) state(r *http.Request) (any, error) {
	app := c.deps.App()
	s := state{
		Stack: app.StackName, APIs: []apiState{}, Functions: []fnState{}, Tables: []tableState{}, Queues: []queueState{},
		Schedules: []schedule{}, Connections: []connState{}, Counts: c.deps.Recorder.counted(),
	}
	latest := c.deps.Recorder.list()
	s.Invocations = latest[:min(len(latest), maxInvocations)]
	s.Links = links(app, s.Counts)
	for _, api := range c.deps.APIs() {
		s.addAPI(app, api)
	}
	for _, fn := range app.Functions {
		s.Functions = append(s.Functions, fnState{fn.ID, fn.Runtime})
	}
	s.addStores(app, c.levels(r.Context(), app))
	for _, d := range app.Schedules {
		s.Schedules = append(s.Schedules, schedule{d.ID, d.Expression})
	}
	if c.deps.Chaos != nil {
		s.Chaos = &chaosState{c.deps.Chaos.Rates(), c.deps.Chaos.Injected()}
	}
	return s, nil
}

func (s *state) addAPI(app *template.App, api API) {
	one := apiState{ID: api.ID, URLs: []string{}, Routes: []routeState{}}
	for _, a := range app.APIs {
		if a.ID != api.ID {
			continue
		}
		for _, route := range a.Routes {
			one.Routes = append(one.Routes, routeState{route.Key, route.Integration.Type})
		}
		for _, stage := range a.Stages {
			one.URLs = append(one.URLs, api.URL+"/"+stage.Name)
		}
	}
	s.APIs = append(s.APIs, one)
	open := api.Gateway.Connections()
	s.Total += len(open)
	for _, conn := range open[:min(len(open), maxConnections)] {
		s.Connections = append(s.Connections, connState{api.ID, conn})
	}
}

func (s *state) addStores(app *template.App, now levels) {
	for _, t := range app.Tables {
		keys := []string{}
		for _, part := range t.Key {
			keys = append(keys, part.Attribute)
		}
		items, ok := now.items[t.Name]
		if !ok {
			items = -1
		}
		s.Tables = append(s.Tables, tableState{t.ID, t.Name, keys, items})
	}
	for _, q := range app.Queues {
		one := queueState{ID: q.ID, Name: q.Name, To: invoked(app, q), Sources: []string{}, depth: now.depths[q.Name]}
		for _, source := range sources(app, q) {
			one.Sources = append(one.Sources, source.ID)
		}
		s.Queues = append(s.Queues, one)
	}
}

// invoked gives the functions that a queue's mappings invoke.
func invoked(app *template.App, q template.Queue) []string {
	functions := []string{}
	for _, m := range app.Mappings {
		if m.SourceARN == q.ARN {
			functions = append(functions, m.Function)
		}
	}
	return functions
}

// sources gives the queues whose dead letters a queue holds.
func sources(app *template.App, dead template.Queue) []template.Queue {
	var out []template.Queue
	for _, q := range app.Queues {
		if deadLetters(q) == dead.ARN {
			out = append(out, q)
		}
	}
	return out
}

// deadLetters gives the ARN of the queue for a queue's dead letters, "" for none.
func deadLetters(q template.Queue) string {
	var policy struct {
		ARN string `json:"deadLetterTargetArn"`
	}
	_ = json.Unmarshal([]byte(q.Attributes["RedrivePolicy"]), &policy) // none, if it is none
	return policy.ARN
}

// askEvery is how often tables and queues are asked how full they are, however many pages are open; askTimeout is how
// long they have.
const (
	askEvery   = time.Second
	askTimeout = 2 * time.Second
)

// stores remembers how full tables and queues were.
type stores struct {
	mu   sync.Mutex
	at   time.Time
	last levels
}

type levels struct {
	items  map[string]int64 // by table name
	depths map[string]depth // by queue name
}

// levels says how full tables and queues are. What cannot be asked is left out.
func (c *Console) levels(ctx context.Context, app *template.App) levels {
	c.stores.mu.Lock()
	defer c.stores.mu.Unlock()
	if time.Since(c.stores.at) < askEvery {
		return c.stores.last
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout) // other pages will see it, too
	defer cancel()
	now := levels{items: map[string]int64{}, depths: map[string]depth{}}
	for _, t := range app.Tables {
		if out, err := c.deps.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.Name}); err == nil {
			now.items[t.Name] = aws.ToInt64(out.Table.ItemCount)
		}
	}
	for _, q := range app.Queues {
		if d, err := c.depth(ctx, q); err == nil {
			now.depths[q.Name] = d
		}
	}
	c.stores.at, c.stores.last = time.Now(), now
	return now
}

// forget makes the next page ask again: something was changed.
func (c *Console) forget() {
	c.stores.mu.Lock()
	defer c.stores.mu.Unlock()
	c.stores.at = time.Time{}
}

func (c *Console) depth(ctx context.Context, q template.Queue) (depth, error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	out, err := c.deps.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.URL, AttributeNames: names})
	if err != nil {
		return depth{}, err
	}
	var n [3]int
	for i, name := range names {
		n[i], _ = strconv.Atoi(out.Attributes[string(name)]) // SQS gives numbers
	}
	return depth{Visible: n[0], InFlight: n[1], Delayed: n[2]}, nil
}
