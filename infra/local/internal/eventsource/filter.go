package eventsource

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/disclone/disclone/infra/local/internal/eventpattern"
	"github.com/disclone/disclone/infra/local/internal/template"
)

// maxFilters is the most filters of one mapping (Lambda: 5, and 10 on request).
const maxFilters = 10

// filters are a mapping's FilterCriteria: a record is wanted if one of them matches. None wants every record.
type filters []*eventpattern.Pattern

func parseFilters(m template.Mapping) (filters, error) {
	if len(m.Filters) > maxFilters {
		return nil, fmt.Errorf("%w: %s: %s: %d filters, more than %d", ErrUnsupported, m.Pos, m.ID, len(m.Filters), maxFilters)
	}
	var out filters
	for _, text := range m.Filters {
		p, err := eventpattern.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %s: FilterCriteria: %w", ErrUnsupported, m.Pos, m.ID, err)
		}
		out = append(out, p)
	}
	return out, nil
}

// split parts a batch into the messages that a filter matches, and the others.
func (f filters) split(batch []types.Message) (wanted, unwanted []types.Message) {
	if len(f) == 0 {
		return batch, nil
	}
	for _, msg := range batch {
		if f.want(msg) {
			wanted = append(wanted, msg)
		} else {
			unwanted = append(unwanted, msg)
		}
	}
	return wanted, unwanted
}

func (f filters) want(msg types.Message) bool {
	for _, p := range f {
		if fields, ok := fieldsOf(msg, p.AsksForObject("body")); ok && p.Matches(fields) {
			return true
		}
	}
	return false
}

// fieldsOf is a message as filters see it. Where the pattern looks into the body, a body that is no JSON matches
// nothing; where it does not, a body that is JSON does not match a text.
func fieldsOf(msg types.Message, bodyIsObject bool) (map[string]any, bool) {
	attributes := map[string]any{}
	for name, v := range msg.Attributes {
		attributes[name] = v
	}
	named := map[string]any{}
	for name, v := range msg.MessageAttributes {
		named[name] = map[string]any{"stringValue": aws.ToString(v.StringValue), "dataType": aws.ToString(v.DataType)}
	}
	fields := map[string]any{
		"messageId": aws.ToString(msg.MessageId), "body": aws.ToString(msg.Body), "attributes": attributes, "messageAttributes": named,
	}
	if !bodyIsObject {
		return fields, true
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(aws.ToString(msg.Body))))
	dec.UseNumber()
	var body map[string]any
	if dec.Decode(&body) != nil {
		return nil, false
	}
	fields["body"] = body
	return fields, true
}
