package console

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	maxItems    = 50  // of a table
	maxMessages = 10  // of a queue, which is what one receive gives
	maxRedrive  = 500 // messages at a time
)

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

// items gives the first items of a table.
func (c *Console) items(r *http.Request) (any, error) {
	name := r.PathValue("name")
	out, err := c.deps.DynamoDB.Scan(r.Context(), &dynamodb.ScanInput{TableName: &name, Limit: aws.Int32(maxItems)})
	if err != nil {
		return nil, err
	}
	items := []map[string]any{}
	for _, item := range out.Items {
		one := map[string]any{}
		for k, v := range item {
			one[k] = plain(v)
		}
		items = append(items, one)
	}
	return map[string]any{"items": items, "more": len(out.LastEvaluatedKey) > 0}, nil
}

// plain is an attribute as a person reads it.
func plain(v ddb.AttributeValue) any {
	switch v := v.(type) {
	case *ddb.AttributeValueMemberS:
		return v.Value
	case *ddb.AttributeValueMemberN:
		return json.Number(v.Value)
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
	if invoked(c.deps.App(), q.ARN) != "" {
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

// redrive moves the messages of a dead-letter queue back to the queue they came from.
func (c *Console) redrive(r *http.Request) (any, error) {
	dead, err := c.findQueue(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	var source template.Queue
	for _, q := range c.deps.App().Queues {
		if q.ID == c.queue(r.Context(), c.deps.App(), dead).DeadOf {
			source = q
		}
	}
	if source.URL == "" {
		return nil, fmt.Errorf("%w: no queue has %s for its dead letters", errBad, dead.Name)
	}
	moved := 0
	for moved < maxRedrive {
		messages, err := c.receive(r, dead)
		if err != nil || len(messages) == 0 {
			return map[string]int{"moved": moved}, err
		}
		for _, m := range messages {
			if err := c.move(r, dead, source, m); err != nil {
				return nil, err
			}
			moved++
		}
	}
	return map[string]int{"moved": moved}, nil
}

// move sends first and deletes then: at worst a message is there twice.
func (c *Console) move(r *http.Request, from, to template.Queue, m types.Message) error {
	in := &sqs.SendMessageInput{QueueUrl: &to.URL, MessageBody: m.Body, MessageAttributes: m.MessageAttributes}
	if group, ok := m.Attributes["MessageGroupId"]; ok {
		in.MessageGroupId, in.MessageDeduplicationId = &group, m.MessageId
	}
	if _, err := c.deps.SQS.SendMessage(r.Context(), in); err != nil {
		return err
	}
	_, err := c.deps.SQS.DeleteMessage(r.Context(), &sqs.DeleteMessageInput{QueueUrl: &from.URL, ReceiptHandle: m.ReceiptHandle})
	return err
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
