package console

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/disclone/disclone/infra/local/internal/gateway"
	"github.com/disclone/disclone/infra/local/internal/template"
)

const (
	maxItems    = 50   // of a table that are shown
	maxScanned  = 5000 // of a table that are searched
	maxMessages = 10   // of a queue, which is what one receive gives
)

// invocations gives the entries of a function that contain a text: in what is known of them, in the payload, in the
// response or in what was printed.
func (c *Console) invocations(r *http.Request) (any, error) {
	fn, text := r.FormValue("function"), strings.ToLower(r.FormValue("text"))
	found := []Entry{}
	for _, e := range c.deps.Recorder.list() {
		if (fn == "" || e.Function == fn) && e.mentions(text) && len(found) < maxInvocations {
			found = append(found, e)
		}
	}
	return map[string][]Entry{"invocations": found}, nil
}

// mentions says whether a text in lower case is somewhere in the entry.
func (e *Entry) mentions(text string) bool {
	for _, s := range []string{e.ID, e.API, e.Route, e.Source, e.Connection, e.Function, e.Outcome, e.Error, strconv.Itoa(e.Status)} {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	for _, b := range [][]byte{e.Payload, e.Response, e.lines} {
		if bytes.Contains(bytes.ToLower(b), []byte(text)) {
			return true
		}
	}
	return false
}

type details struct {
	Entry
	Payload  string `json:"payload"`
	Response string `json:"response"`
	Lines    string `json:"lines"`
}

func (c *Console) invocation(r *http.Request) (any, error) {
	e, lines, ok := c.deps.Recorder.find(r.PathValue("id"))
	if !ok {
		return nil, errNotFound
	}
	return details{e, shown(e.Payload), shown(e.Response), lines}, nil
}

func shown(data []byte) string {
	if !utf8.Valid(data) && len(data) < maxShown {
		return base64.StdEncoding.EncodeToString(data)
	}
	return string(data)
}

// items gives items of a table: the first, or, of as many as may be searched, the first that contain a text.
func (c *Console) items(r *http.Request) (any, error) {
	name, text := r.PathValue("name"), r.FormValue("contains")
	items, searched, more := []map[string]any{}, 0, false
	values := facets{}
	in := &dynamodb.ScanInput{TableName: &name}
	for {
		out, err := c.deps.DynamoDB.Scan(r.Context(), in)
		if err != nil {
			return nil, err
		}
		for _, item := range out.Items {
			searched++
			values.add(item)
			one := plain(&ddb.AttributeValueMemberM{Value: item}).(map[string]any)
			switch {
			case text != "" && !contains(one, text):
			case len(items) < maxItems:
				items = append(items, one)
			default:
				more = true
			}
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
		if len(in.ExclusiveStartKey) == 0 {
			return itemList{items, searched, more, values.few()}, nil
		}
		if searched >= maxScanned {
			return itemList{items, searched, true, values.few()}, nil
		}
	}
}

type itemList struct {
	Items    []map[string]any `json:"items"`
	Searched int              `json:"searched"`
	More     bool             `json:"more"` // there are more, or may be
	Facets   facets           `json:"facets"`
}

// facets are how often a text is the value of an attribute, among the items that were searched.
type facets map[string]map[string]int

const (
	maxFacets = 8  // values of an attribute, of which it is worth to say how many there are
	maxValue  = 32 // bytes of such a value
)

func (f facets) add(item map[string]ddb.AttributeValue) {
	for name, v := range item {
		text, ok := v.(*ddb.AttributeValueMemberS)
		if !ok || len(text.Value) > maxValue || len(f[name]) > maxFacets {
			continue
		}
		if f[name] == nil {
			f[name] = map[string]int{}
		}
		f[name][text.Value]++
	}
}

// few are those of the attributes that have few values, and some value twice.
func (f facets) few() facets {
	out := facets{}
	for name, values := range f {
		repeated := false
		for _, n := range values {
			repeated = repeated || n > 1
		}
		if len(values) <= maxFacets && repeated {
			out[name] = values
		}
	}
	return out
}

// contains says whether a text is in one of the values.
func contains(v any, text string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, text)
	case []string:
		return slices.ContainsFunc(v, func(e string) bool { return contains(e, text) })
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return contains(e, text) })
	case map[string]any:
		for _, e := range v {
			if contains(e, text) {
				return true
			}
		}
	}
	return false
}

// plain is an attribute as a person reads it.
func plain(v ddb.AttributeValue) any {
	switch v := v.(type) {
	case *ddb.AttributeValueMemberS:
		return v.Value
	case *ddb.AttributeValueMemberN:
		return v.Value // a number of the page has fewer digits
	case *ddb.AttributeValueMemberBOOL:
		return v.Value
	case *ddb.AttributeValueMemberB:
		return "base64:" + base64.StdEncoding.EncodeToString(v.Value)
	case *ddb.AttributeValueMemberSS:
		return v.Value
	case *ddb.AttributeValueMemberNS:
		return v.Value
	case *ddb.AttributeValueMemberBS:
		return v.Value
	case *ddb.AttributeValueMemberL:
		list := []any{}
		for _, e := range v.Value {
			list = append(list, plain(e))
		}
		return list
	case *ddb.AttributeValueMemberM:
		m := map[string]any{}
		for k, e := range v.Value {
			m[k] = plain(e)
		}
		return m
	}
	return nil
}

func (c *Console) findQueue(name string) (template.Queue, error) {
	for _, q := range c.deps.App().Queues {
		if q.Name == name {
			return q, nil
		}
	}
	return template.Queue{}, errNotFound
}

type message struct {
	ID         string            `json:"id"`
	Body       string            `json:"body"`
	Attributes map[string]string `json:"attributes"`
}

// messages looks at some messages of a queue. SQS can only be looked at by receiving: each look counts as a receive, so
// the page does this for dead letters only.
func (c *Console) messages(r *http.Request) (any, error) {
	q, err := c.findQueue(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	if len(invoked(c.deps.App(), q)) > 0 {
		return nil, fmt.Errorf("%w: a function reads this queue, and a look would take messages from it", errBad)
	}
	out, err := c.receive(r, q)
	if err != nil {
		return nil, err
	}
	messages := []message{}
	for _, m := range out {
		if _, err := c.deps.SQS.ChangeMessageVisibility(r.Context(), &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &q.URL, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0, // for the next look
		}); err != nil {
			return nil, err
		}
		one := message{ID: aws.ToString(m.MessageId), Body: aws.ToString(m.Body), Attributes: map[string]string{}}
		for name, v := range m.MessageAttributes {
			one.Attributes[name] = aws.ToString(v.StringValue)
		}
		messages = append(messages, one)
	}
	return map[string]any{"messages": messages}, nil
}

func (c *Console) receive(r *http.Request, q template.Queue) ([]types.Message, error) {
	out, err := c.deps.SQS.ReceiveMessage(r.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &q.URL, MaxNumberOfMessages: maxMessages,
		MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// post sends the body to a connection, as a post to @connections would.
func (c *Console) post(r *http.Request) (any, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBad, err)
	}
	return c.onConnection(r, func(g *gateway.Gateway, id string) error { return g.Post(id, data) })
}

func (c *Console) close(r *http.Request) (any, error) {
	return c.onConnection(r, (*gateway.Gateway).Disconnect)
}

func (c *Console) onConnection(r *http.Request, do func(g *gateway.Gateway, id string) error) (any, error) {
	for _, api := range c.deps.APIs() {
		err := do(api.Gateway, r.PathValue("id"))
		if err == nil {
			return map[string]bool{"ok": true}, nil
		}
		if !errors.Is(err, gateway.ErrGone) {
			return nil, err
		}
	}
	return nil, errNotFound
}

func (c *Console) setRate(r *http.Request) (any, error) {
	if c.deps.Chaos == nil {
		return nil, errNotFound
	}
	var in struct{ Rate *float64 }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Rate == nil {
		return nil, fmt.Errorf("%w: want {\"rate\": 0.1}", errBad)
	}
	if err := c.deps.Chaos.SetRate(r.PathValue("name"), *in.Rate); err != nil {
		return nil, fmt.Errorf("%w: %w", errBad, err)
	}
	return c.deps.Chaos.Rates(), nil
}
