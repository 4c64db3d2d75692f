package sqs

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// messageAttribute is an attribute of a message, of the user's or of SQS's own.
type messageAttribute struct {
	StringValue *string
	BinaryValue []byte
	DataType    string
}

type sendIn struct {
	QueueUrl                string
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]messageAttribute `wire:"MessageAttributes,MessageAttribute"`
	MessageSystemAttributes map[string]messageAttribute `wire:"MessageSystemAttributes,MessageSystemAttribute"`
	MessageDeduplicationId  string
	MessageGroupId          string
}

type sendOut struct {
	MessageId                    string
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string
	MD5OfMessageSystemAttributes string
	SequenceNumber               string
}

func (s *Server) sendMessage(c *call, in sendIn) (sendOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return sendOut{}, err
	}
	c.bytes = messageSize(in)
	out, err := s.send(q, in)
	q.wake(s.opts.Clock.Now())
	return out, err
}

// send puts one message into a queue. The caller holds the lock and wakes who waits.
func (s *Server) send(q *queue, in sendIn) (sendOut, error) {
	if err := checkSend(q, in); err != nil {
		return sendOut{}, err
	}
	now := s.opts.Clock.Now()
	m := &message{
		id: requestID(), body: in.MessageBody, bodyMD5: md5Hex(in.MessageBody), attrs: in.MessageAttributes,
		attrsMD5: md5Attributes(in.MessageAttributes), system: map[string]string{}, sent: now,
	}
	if v := in.MessageSystemAttributes["AWSTraceHeader"]; v.StringValue != nil {
		m.system["AWSTraceHeader"] = *v.StringValue
	}
	if in.MessageGroupId != "" {
		m.system["MessageGroupId"] = in.MessageGroupId
	}
	out := sendOut{
		MessageId: m.id, MD5OfMessageBody: m.bodyMD5, MD5OfMessageAttributes: m.attrsMD5,
		MD5OfMessageSystemAttributes: md5Attributes(in.MessageSystemAttributes),
	}
	if q.settings.fifo {
		if before, ok := q.admit(m, in, now); ok {
			out.MessageId, out.SequenceNumber = before.id, before.sequence
			return out, nil
		}
		out.SequenceNumber = m.system["SequenceNumber"]
	}
	delay := q.settings.delay
	if in.DelaySeconds != nil {
		delay = time.Duration(*in.DelaySeconds) * time.Second
	}
	q.add(m, now, delay)
	return out, nil
}

// admit gives a FIFO message its place, or says which message it repeats.
func (q *queue) admit(m *message, in sendIn, now time.Time) (dedupEntry, bool) {
	id := in.MessageDeduplicationId
	if id == "" {
		id = sha256Hex(in.MessageBody)
	}
	key := id
	if q.settings.byGroup {
		key = in.MessageGroupId + " " + id // neither has a space
	}
	if e, ok := q.dedup.get(now, key); ok {
		return e, true
	}
	m.group = in.MessageGroupId
	q.number(m)
	m.system["MessageDeduplicationId"] = id
	q.dedup.put(key, dedupEntry{m.id, m.system["SequenceNumber"]}, now.Add(window))
	return dedupEntry{}, false
}

func checkSend(q *queue, in sendIn) error {
	switch {
	case in.MessageBody == "":
		return missing("MessageBody")
	case messageSize(in) > q.settings.maxSize:
		return invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.settings.maxSize)
	case !validText(in.MessageBody):
		return fail("InvalidMessageContents", "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	case in.DelaySeconds != nil && (*in.DelaySeconds < 0 || *in.DelaySeconds > 900):
		return invalid("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *in.DelaySeconds)
	}
	if err := checkFifo(q, in); err != nil {
		return err
	}
	for name, a := range in.MessageSystemAttributes {
		if name != "AWSTraceHeader" || a.DataType != "String" || a.StringValue == nil {
			return invalid("Value %s for parameter MessageSystemAttributes is invalid. Reason: want AWSTraceHeader, with a DataType of String and a StringValue.", name)
		}
	}
	return checkAttributes(in.MessageAttributes)
}

// fifoID is what group and deduplication ids may be (SQS API Reference, SendMessage).
var fifoID = regexp.MustCompile("^[a-zA-Z0-9!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]{1,128}$")

func checkFifo(q *queue, in sendIn) error {
	switch {
	case in.MessageGroupId != "" && !fifoID.MatchString(in.MessageGroupId):
		return badID("MessageGroupId", in.MessageGroupId)
	case in.MessageDeduplicationId != "" && !fifoID.MatchString(in.MessageDeduplicationId):
		return badID("MessageDeduplicationId", in.MessageDeduplicationId)
	case !q.settings.fifo && in.MessageDeduplicationId != "":
		return invalid("Value %s for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type.", in.MessageDeduplicationId)
	case !q.settings.fifo:
		return nil
	case in.MessageGroupId == "":
		return missing("MessageGroupId")
	case in.MessageDeduplicationId == "" && !q.settings.byContent:
		return invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case in.DelaySeconds != nil && *in.DelaySeconds != 0:
		return invalid("Value %d for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", *in.DelaySeconds)
	}
	return nil
}

func badID(name, value string) error {
	return invalid("Value %s for parameter %s is invalid. Reason: %s can only include alphanumeric and punctuation characters. 1 to 128 in length.", value, name, name)
}

func checkAttributes(attrs map[string]messageAttribute) error {
	if len(attrs) > 10 {
		return invalid("Number of message attributes [%d] exceeds the allowed maximum [10].", len(attrs))
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		if err := checkAttribute(name, attrs[name]); err != nil {
			return err
		}
	}
	return nil
}

// attributeName is what a message attribute may be called, but for dots at its ends or one after the other, and AWS's own
// prefixes (SQS Developer Guide, "Message attribute components").
var attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)

func checkAttribute(name string, a messageAttribute) error {
	lower := strings.ToLower(name)
	if !attributeName.MatchString(name) || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
		strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
		return invalid("The message attribute name '%s' is invalid.", name)
	}
	kind, _, _ := strings.Cut(a.DataType, ".")
	switch {
	case kind != "String" && kind != "Number" && kind != "Binary" || len(a.DataType) > 256:
		return invalid("The type of message (user) attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
	case kind == "Binary" && (len(a.BinaryValue) == 0 || a.StringValue != nil),
		kind != "Binary" && (a.StringValue == nil || *a.StringValue == "" || a.BinaryValue != nil):
		return invalid("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, kind)
	case kind == "Binary":
		return nil
	case !validText(*a.StringValue):
		return fail("InvalidMessageContents", "Invalid characters found in the message attribute '%s'.", name)
	}
	if _, err := strconv.ParseFloat(*a.StringValue, 64); kind == "Number" && err != nil {
		return invalid("Can't cast the value of message (user) attribute '%s' to a number.", name)
	}
	return nil
}

func messageSize(in sendIn) int {
	n := len(in.MessageBody)
	for name, a := range in.MessageAttributes {
		n += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			n += len(*a.StringValue)
		}
	}
	return n
}

func validText(s string) bool {
	for _, r := range s {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return utf8.ValidString(s)
}
