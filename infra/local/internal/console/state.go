package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

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
	Schedules   []edge       `json:"schedules"`
	Counts      Counts       `json:"counts"`
	Connections []connState  `json:"connections"`
	Total       int          `json:"totalConnections"`
	Invocations []Entry      `json:"invocations"`
	Chaos       *chaosState  `json:"chaos"`
}

type apiState struct {
	ID     string       `json:"id"`
	URL    string       `json:"url"`
	Routes []routeState `json:"routes"`
}

type routeState struct {
	Key        string `json:"key"`
	Function   string `json:"function"`
	Authorizer string `json:"authorizer"`
}

type fnState struct {
	ID      string   `json:"id"`
	Runtime string   `json:"runtime"`
	Uses    []string `json:"uses"` // ids of tables and queues that its environment names
}

type tableState struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Items int64  `json:"items"`
	To    string `json:"to"` // the function that its stream invokes
}

type queueState struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Visible  int    `json:"visible"`
	InFlight int    `json:"inFlight"`
	Delayed  int    `json:"delayed"`
	To       string `json:"to"`     // the function that it invokes
	DeadOf   string `json:"deadOf"` // the queue whose dead letters it holds
}

type edge struct {
	ID       string `json:"id"`
	Label    string `json:"label"`
	Function string `json:"function"`
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
	s := state{Stack: app.StackName, Functions: []fnState{}, Tables: []tableState{}, Queues: []queueState{}, Schedules: []edge{}}
	s.Invocations, s.Counts = c.deps.Recorder.list(maxInvocations)
	for _, api := range c.deps.APIs() {
		s.addAPI(app, api)
	}
	for _, fn := range app.Functions {
		s.Functions = append(s.Functions, fnState{ID: fn.ID, Runtime: fn.Runtime, Uses: uses(app, fn)})
	}
	for _, t := range app.Tables {
		s.Tables = append(s.Tables, tableState{ID: t.ID, Name: t.Name, Items: c.count(r.Context(), t.Name), To: invoked(app, t.ARN+"/")})
	}
	for _, q := range app.Queues {
		s.Queues = append(s.Queues, c.queue(r.Context(), app, q))
	}
	for _, d := range app.Schedules {
		s.Schedules = append(s.Schedules, edge{d.ID, d.Expression, d.Function})
	}
	if c.deps.Chaos != nil {
		s.Chaos = &chaosState{c.deps.Chaos.Rates(), c.deps.Chaos.Injected()}
	}
	return s, nil
}

func (s *state) addAPI(app *template.App, api API) {
	one := apiState{ID: api.ID, URL: api.URL, Routes: []routeState{}}
	for _, a := range app.APIs {
		if a.ID != api.ID {
			continue
		}
		for _, route := range a.Routes {
			one.Routes = append(one.Routes, routeState{route.Key, route.Integration.Function, route.Auth.Function})
		}
	}
	s.APIs = append(s.APIs, one)
	open := api.Gateway.Connections()
	s.Total += len(open)
	for _, conn := range open[:min(len(open), maxConnections)] {
		s.Connections = append(s.Connections, connState{api.ID, conn})
	}
}

// uses guesses what a function works with: the tables and queues that its environment names.
func uses(app *template.App, fn template.Function) []string {
	found := []string{}
	for _, value := range fn.Env {
		for _, t := range app.Tables {
			if value == t.Name || value == t.ARN {
				found = append(found, t.ID)
			}
		}
		for _, q := range app.Queues {
			if value == q.Name || value == q.ARN || value == q.URL {
				found = append(found, q.ID)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// invoked gives the function that a source's mapping invokes.
func invoked(app *template.App, arn string) string {
	for _, m := range app.Mappings {
		if m.SourceARN == arn || (strings.HasSuffix(arn, "/") && strings.HasPrefix(m.SourceARN, arn)) {
			return m.Function
		}
	}
	return ""
}

// count gives how many items a table has, -1 if it cannot be asked.
func (c *Console) count(ctx context.Context, table string) int64 {
	out, err := c.deps.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return -1
	}
	return aws.ToInt64(out.Table.ItemCount)
}

func (c *Console) queue(ctx context.Context, app *template.App, q template.Queue) queueState {
	s := queueState{ID: q.ID, Name: q.Name, To: invoked(app, q.ARN)}
	for _, source := range app.Queues {
		if strings.Contains(source.Attributes["RedrivePolicy"], `"`+q.ARN+`"`) {
			s.DeadOf = source.ID
		}
	}
	out, err := c.deps.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		},
	})
	if err != nil {
		return s // shown as empty
	}
	number := func(name types.QueueAttributeName) int {
		n, _ := strconv.Atoi(out.Attributes[string(name)]) // SQS gives numbers
		return n
	}
	s.Visible = number(types.QueueAttributeNameApproximateNumberOfMessages)
	s.InFlight = number(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)
	s.Delayed = number(types.QueueAttributeNameApproximateNumberOfMessagesDelayed)
	return s
}
