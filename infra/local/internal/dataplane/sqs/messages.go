package sqs

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// messageAttribute is an attribute of a message, as the JSON protocol has it.
type messageAttribute struct {
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
	DataType    string
}

type sendIn struct {
	QueueUrl                string
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]messageAttribute
	MessageSystemAttributes map[string]messageAttribute
	MessageDeduplicationId  string
	MessageGroupId          string
}

type sendOut struct {
	MessageId              string
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty"`
	SequenceNumber         string `json:",omitempty"`
}

func (s *Server) sendMessage(_ *http.Request, in sendIn) (sendOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return sendOut{}, err
	}
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
	out := sendOut{MessageId: m.id, MD5OfMessageBody: m.bodyMD5, MD5OfMessageAttributes: m.attrsMD5}
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
		id = m.bodyMD5 // content based; AWS takes SHA-256 of the body, which comes to the same
	}
	for key, e := range q.dedup {
		if !e.until.After(now) {
			delete(q.dedup, key)
		}
	}
	if e, ok := q.dedup[id]; ok {
		return e, true
	}
	q.sequence++
	m.group, m.sequence = in.MessageGroupId, q.sequence
	m.system["SequenceNumber"] = fmt.Sprintf("%020d", 1_885_000_000_000_000_000+q.sequence)
	m.system["MessageDeduplicationId"] = id
	q.dedup[id] = dedupEntry{id: m.id, sequence: m.system["SequenceNumber"], until: now.Add(dedupWindow)}
	return dedupEntry{}, false
}

func checkSend(q *queue, in sendIn) error {
	switch {
	case in.MessageBody == "":
		return &apiError{code: "MissingParameter", message: "The request must contain the parameter MessageBody."}
	case messageSize(in) > q.settings.maxSize:
		return invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.settings.maxSize)
	case !validText(in.MessageBody):
		return &apiError{code: "InvalidMessageContents", message: "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"}
	case in.DelaySeconds != nil && (*in.DelaySeconds < 0 || *in.DelaySeconds > 900):
		return invalid("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *in.DelaySeconds)
	}
	if err := checkFifo(q, in); err != nil {
		return err
	}
	for name := range in.MessageSystemAttributes {
		if name != "AWSTraceHeader" {
			return invalid("Value %s for parameter MessageSystemAttributeName is invalid.", name)
		}
	}
	return checkAttributes(in.MessageAttributes)
}

func checkFifo(q *queue, in sendIn) error {
	switch {
	case !q.settings.fifo && in.MessageDeduplicationId != "":
		return invalid("Value %s for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type.", in.MessageDeduplicationId)
	case !q.settings.fifo:
		return nil
	case in.MessageGroupId == "":
		return &apiError{code: "MissingParameter", message: "The request must contain the parameter MessageGroupId."}
	case in.MessageDeduplicationId == "" && !q.settings.byContent:
		return invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case in.DelaySeconds != nil && *in.DelaySeconds != 0:
		return invalid("Value %d for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", *in.DelaySeconds)
	}
	return nil
}

func checkAttributes(attrs map[string]messageAttribute) error {
	if len(attrs) > 10 {
		return invalid("Number of message attributes [%d] exceeds the allowed maximum [10].", len(attrs))
	}
	for name, a := range attrs {
		kind, _, _ := strings.Cut(a.DataType, ".")
		switch {
		case kind == "Binary" && len(a.BinaryValue) > 0 && a.StringValue == nil:
		case (kind == "String" || kind == "Number") && a.StringValue != nil && *a.StringValue != "" && a.BinaryValue == nil:
		default:
			return invalid("The message attribute '%s' must contain a non-empty value of its type, one of Binary, Number, String.", name)
		}
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

type receiveIn struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	ReceiveRequestAttemptId     string
}

type receivedMessage struct {
	MessageId              string
	ReceiptHandle          string
	Body                   string
	MD5OfBody              string
	Attributes             map[string]string           `json:",omitempty"`
	MessageAttributes      map[string]messageAttribute `json:",omitempty"`
	MD5OfMessageAttributes string                      `json:",omitempty"`
}

type receiveOut struct {
	Messages []receivedMessage `json:",omitempty"`
}

func (s *Server) receiveMessage(r *http.Request, in receiveIn) (receiveOut, error) {
	n, err := between("MaxNumberOfMessages", in.MaxNumberOfMessages, 1, 10, 1)
	if err != nil {
		return receiveOut{}, err
	}
	wait, err := between("WaitTimeSeconds", in.WaitTimeSeconds, 0, 20, -1)
	if err != nil {
		return receiveOut{}, err
	}
	visibility, err := between("VisibilityTimeout", in.VisibilityTimeout, 0, 43200, -1)
	if err != nil {
		return receiveOut{}, err
	}
	taken, err := s.take(r, in.QueueUrl, n, visibility, wait)
	if err != nil {
		return receiveOut{}, err
	}
	return s.received(in, taken), nil
}

func between(name string, v *int, low, high, initial int) (int, error) {
	if v == nil {
		return initial, nil
	}
	if *v < low || *v > high {
		return 0, invalid("Value %d for parameter %s is invalid. Reason: Must be between %d and %d, if provided.", *v, name, low, high)
	}
	return *v, nil
}

// take receives messages, and waits for the first one as long as the request or the queue says.
func (s *Server) take(r *http.Request, url string, n, visibility, wait int) ([]taken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var deadline time.Time
	for {
		q, err := s.queue(url)
		if err != nil {
			return nil, err
		}
		hidden, longest := q.settings.visibility, q.settings.wait
		if visibility >= 0 {
			hidden = time.Duration(visibility) * time.Second
		}
		if wait >= 0 {
			longest = time.Duration(wait) * time.Second
		}
		now := s.opts.Clock.Now()
		if deadline.IsZero() {
			deadline = now.Add(longest)
		}
		if out := q.take(now, n, hidden, func(m *message) bool { return s.bury(q, m) }); len(out) > 0 {
			q.wake(now)
			return s.handles(q, out), nil
		}
		if !now.Before(deadline) || !s.sleep(r, q, deadline.Sub(now)) {
			return nil, nil
		}
	}
}

// sleep gives the lock away until the queue may have a message, and says whether it is worth looking.
func (s *Server) sleep(r *http.Request, q *queue, longest time.Duration) bool {
	woken := make(chan struct{}, 1)
	e := q.waiting.PushBack(woken)
	q.wake(s.opts.Clock.Now()) // sets the alarm for what becomes visible meanwhile
	s.mu.Unlock()
	over := make(chan struct{})
	timer := s.opts.Clock.AfterFunc(longest, func() { close(over) })
	again := true
	select {
	case <-woken:
	case <-over:
	case <-r.Context().Done():
		again = false
	}
	timer.Stop()
	s.mu.Lock()
	q.waiting.Remove(e)
	if !again {
		q.wake(s.opts.Clock.Now()) // a wake-up meant for the one who left
	}
	return again
}

// bury moves a message to the dead-letter queue, if there is one.
func (s *Server) bury(q *queue, m *message) bool {
	name := q.settings.deadARN[strings.LastIndexByte(q.settings.deadARN, ':')+1:]
	dead := s.queues[name]
	if dead == nil {
		return false
	}
	moved := *m
	moved.ready, moved.sourceARN = nil, q.arn
	moved.receives, moved.firstReceived = 0, time.Time{}
	dead.add(&moved, s.opts.Clock.Now(), 0)
	dead.wake(s.opts.Clock.Now())
	return true
}

// taken is a received message with the handle it was received under.
type taken struct {
	message message
	handle  string
}

func (s *Server) handles(q *queue, messages []*message) []taken {
	out := make([]taken, len(messages))
	for i, m := range messages {
		out[i] = taken{*m, receiptHandle(q, m)}
	}
	return out
}

// wake lets as many long polls look as there are ready messages, and sets the alarm for the next one.
func (q *queue) wake(now time.Time) {
	n := q.ready.Len()
	for e := q.waiting.Front(); e != nil && n > 0; e, n = e.Next(), n-1 {
		select {
		case e.Value.(chan struct{}) <- struct{}{}:
		default:
		}
	}
	if q.waiting.Len() == 0 || len(q.invisible) == 0 {
		return
	}
	if q.alarm != nil {
		q.alarm.Stop()
	}
	first := q.waiting.Front().Value.(chan struct{})
	q.alarm = q.clock.AfterFunc(q.invisible[0].visibleAt.Sub(now), func() {
		select {
		case first <- struct{}{}:
		default:
		}
	})
}

func (q *queue) wakeAll() {
	for e := q.waiting.Front(); e != nil; e = e.Next() {
		select {
		case e.Value.(chan struct{}) <- struct{}{}:
		default:
		}
	}
}

func (s *Server) received(in receiveIn, messages []taken) receiveOut {
	var out receiveOut
	names := append(in.AttributeNames, in.MessageSystemAttributeNames...)
	for _, t := range messages {
		m := t.message
		got := receivedMessage{MessageId: m.id, ReceiptHandle: t.handle, Body: m.body, MD5OfBody: m.bodyMD5}
		got.Attributes = chosen(systemAttributes(m, s.opts.AccountID), names)
		got.MessageAttributes = chosen(m.attrs, in.MessageAttributeNames)
		got.MD5OfMessageAttributes = md5Attributes(got.MessageAttributes)
		out.Messages = append(out.Messages, got)
	}
	return out
}

func systemAttributes(m message, sender string) map[string]string {
	out := map[string]string{
		"SenderId":                         sender,
		"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.receives),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.firstReceived.UnixMilli(), 10),
	}
	for k, v := range m.system {
		out[k] = v
	}
	if m.sourceARN != "" {
		out["DeadLetterQueueSourceArn"] = m.sourceARN
	}
	return out
}

// chosen keeps the attributes that a request asks for: by name, by prefix.* or All.
func chosen[V any](attrs map[string]V, names []string) map[string]V {
	out := map[string]V{}
	for k, v := range attrs {
		for _, name := range names {
			prefix, any := strings.CutSuffix(name, ".*")
			if name == "All" || name == k || (any && strings.HasPrefix(k, prefix)) {
				out[k] = v
			}
		}
	}
	return out
}
