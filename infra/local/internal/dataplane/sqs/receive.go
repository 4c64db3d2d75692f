package sqs

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

type receiveIn struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string `wire:"AttributeNames,AttributeName"`
	MessageSystemAttributeNames []string `wire:"MessageSystemAttributeNames,MessageSystemAttributeName"`
	MessageAttributeNames       []string `wire:"MessageAttributeNames,MessageAttributeName"`
	ReceiveRequestAttemptId     string
}

type receivedMessage struct {
	MessageId              string
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string `wire:"Attributes,Attribute"`
	MD5OfMessageAttributes string
	MessageAttributes      map[string]messageAttribute `wire:"MessageAttributes,MessageAttribute"`
}

type receiveOut struct {
	Messages []receivedMessage `wire:"Messages,Message"`
}

// request is what a receive asks for, checked. A negative number of seconds is the queue's to say.
type request struct {
	receiveIn
	n, visibility, wait int
}

func (s *Server) receiveMessage(c *call, in receiveIn) (receiveOut, error) {
	want := request{receiveIn: in}
	var err error
	for _, p := range []struct {
		name              string
		from              *int
		low, high, others int
		to                *int
	}{
		{"MaxNumberOfMessages", in.MaxNumberOfMessages, 1, 10, 1, &want.n},
		{"WaitTimeSeconds", in.WaitTimeSeconds, 0, 20, -1, &want.wait},
		{"VisibilityTimeout", in.VisibilityTimeout, 0, 43200, -1, &want.visibility},
	} {
		if *p.to, err = between(p.name, p.from, p.low, p.high, p.others); err != nil {
			return receiveOut{}, err
		}
	}
	taken, err := s.take(c, want)
	if err != nil {
		return receiveOut{}, err
	}
	out := s.received(in, taken)
	for _, t := range taken {
		c.bytes += t.message.size()
	}
	return out, nil
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
func (s *Server) take(c *call, want request) ([]taken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var deadline time.Time
	for {
		q, err := s.queue(c, want.QueueUrl)
		if err != nil {
			return nil, err
		}
		longest := seconds(want.wait, q.settings.wait)
		now := s.opts.Clock.Now()
		if deadline.IsZero() {
			deadline = now.Add(longest)
		}
		out, err := s.takeNow(q, want, now)
		if err != nil || len(out) > 0 {
			q.wake(now)
			return handles(q, out), err
		}
		if longest <= 0 && !q.settings.fifo && q.flying >= maxInFlight {
			return nil, fail("OverLimit", "Too many messages in flight: a queue may have %d.", maxInFlight)
		}
		if !now.Before(deadline) || !s.sleep(c, q, deadline.Sub(now)) {
			return nil, nil
		}
	}
}

// seconds gives a time that a request may set, or the queue's.
func seconds(n int, otherwise time.Duration) time.Duration {
	if n >= 0 {
		return time.Duration(n) * time.Second
	}
	return otherwise
}

// takeNow takes what there is: what the same attempt took before, if it is still as it was.
func (s *Server) takeNow(q *queue, want request, now time.Time) ([]*message, error) {
	id := want.ReceiveRequestAttemptId
	visibility := seconds(want.visibility, q.settings.visibility)
	switch {
	case id != "" && !q.settings.fifo:
		return nil, invalid("Value %s for parameter ReceiveRequestAttemptId is invalid. Reason: The request include parameter that is not valid for this queue type.", id)
	case id != "" && !fifoID.MatchString(id):
		return nil, badID("ReceiveRequestAttemptId", id)
	}
	q.settle(now)
	if again := q.repeat(id, now); len(again) > 0 {
		for _, m := range again {
			q.setVisible(m, now.Add(visibility))
		}
		return again, nil
	}
	out := q.take(now, want.n, visibility, func(m *message) bool { return s.bury(q, m) })
	if id != "" && len(out) > 0 {
		seen := make([]attempt, len(out))
		for i, m := range out {
			seen[i] = attempt{m, m.receives, m.changes}
		}
		q.attempts.put(id, seen, now.Add(window))
	}
	return out, nil
}

// repeat gives the messages of an earlier attempt, if none was deleted, changed or became visible since.
func (q *queue) repeat(id string, now time.Time) []*message {
	if id == "" {
		return nil
	}
	seen, _ := q.attempts.get(now, id)
	out := make([]*message, 0, len(seen))
	for _, a := range seen {
		m := a.message
		if q.messages[m.id] != m || !m.flying || m.receives != a.receives || m.changes != a.changes {
			return nil
		}
		out = append(out, m)
	}
	return out
}

// sleep gives the lock away until the queue may have a message, and says whether it is worth looking.
func (s *Server) sleep(c *call, q *queue, longest time.Duration) bool {
	woken := make(chan struct{}, 1)
	e := q.waiting.PushBack(woken)
	q.wake(s.opts.Clock.Now()) // sets the alarm for what becomes visible meanwhile
	s.mu.Unlock()
	over := make(chan struct{})
	timer := s.opts.Clock.AfterFunc(longest, func() { close(over) })
	leaves, again := true, true
	select {
	case <-woken:
		leaves = false
	case <-over:
	case <-c.ctx.Done():
		again = false
	}
	timer.Stop()
	s.mu.Lock()
	q.waiting.Remove(e)
	if leaves {
		q.wake(s.opts.Clock.Now()) // a wake-up or an alarm meant for the one who leaves
	}
	return again
}

// taken is a received message with the handle it was received under.
type taken struct {
	message message
	handle  string
}

func handles(q *queue, messages []*message) []taken {
	out := make([]taken, len(messages))
	for i, m := range messages {
		out[i] = taken{*m, receiptHandle(q, m)}
	}
	return out
}

func (s *Server) received(in receiveIn, messages []taken) receiveOut {
	var out receiveOut
	names := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for _, t := range messages {
		m := t.message
		got := receivedMessage{MessageId: m.id, ReceiptHandle: t.handle, Body: m.body, MD5OfBody: m.bodyMD5}
		got.Attributes = chosen(systemAttributes(m, s.opts.AccountID), names, false)
		got.MessageAttributes = chosen(m.attrs, in.MessageAttributeNames, true)
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

// chosen keeps the attributes that a request asks for: by name, All, or, where they may, by prefix.*; nil if there are none.
func chosen[V any](attrs map[string]V, names []string, prefixes bool) map[string]V {
	var out map[string]V
	for k, v := range attrs {
		if !slices.ContainsFunc(names, func(name string) bool {
			prefix, any := strings.CutSuffix(name, ".*")
			return name == "All" || name == k || (prefixes && any && strings.HasPrefix(k, prefix))
		}) {
			continue
		}
		if out == nil {
			out = make(map[string]V, len(attrs))
		}
		out[k] = v
	}
	return out
}

// size is what a message counts: its body and its attributes, in bytes.
func (m *message) size() int {
	return messageSize(sendIn{MessageBody: m.body, MessageAttributes: m.attrs})
}
