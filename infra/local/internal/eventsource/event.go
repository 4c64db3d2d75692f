package eventsource

import (
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// record is one message in the event of an SQS mapping (Lambda Developer Guide, "Using Lambda with Amazon SQS").
type record struct {
	MessageID              string               `json:"messageId"`
	ReceiptHandle          string               `json:"receiptHandle"`
	Body                   string               `json:"body"`
	Attributes             map[string]string    `json:"attributes"`
	MessageAttributes      map[string]attribute `json:"messageAttributes"`
	MD5OfBody              string               `json:"md5OfBody"`
	MD5OfMessageAttributes string               `json:"md5OfMessageAttributes,omitempty"`
	EventSource            string               `json:"eventSource"`
	EventSourceARN         string               `json:"eventSourceARN"`
	AWSRegion              string               `json:"awsRegion"`
}

type attribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

func event(m mapping, batch []types.Message) ([]byte, error) {
	records := make([]record, len(batch))
	for i, msg := range batch {
		records[i] = record{
			MessageID: aws.ToString(msg.MessageId), ReceiptHandle: aws.ToString(msg.ReceiptHandle),
			Body: aws.ToString(msg.Body), Attributes: msg.Attributes, MessageAttributes: map[string]attribute{},
			MD5OfBody: aws.ToString(msg.MD5OfBody), MD5OfMessageAttributes: aws.ToString(msg.MD5OfMessageAttributes),
			EventSource: "aws:sqs", EventSourceARN: m.SourceARN, AWSRegion: m.region,
		}
		for name, v := range msg.MessageAttributes {
			records[i].MessageAttributes[name] = attribute{
				StringValue: v.StringValue, BinaryValue: v.BinaryValue, StringListValues: []string{},
				BinaryListValues: [][]byte{}, DataType: aws.ToString(v.DataType),
			}
		}
	}
	return json.Marshal(map[string][]record{"Records": records})
}
