package sqs

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// redriveAllow is who may have a queue for its dead letters: everybody if it is empty.
type redriveAllow struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

// parseAllow reads the redrive allow policy (SQS API Reference, SetQueueAttributes: ten sources, and with byQueue only).
func (s *settings) parseAllow() error {
	text, ok := s.raw["RedriveAllowPolicy"]
	if !ok {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	var allow redriveAllow
	err := d.Decode(&allow)
	byQueue := allow.Permission == "byQueue"
	switch {
	case err != nil || !slices.Contains([]string{"allowAll", "denyAll", "byQueue"}, allow.Permission):
		err = invalid("Value %s for parameter RedriveAllowPolicy is invalid. Reason: want a redrivePermission of allowAll, denyAll or byQueue.", text)
	case byQueue != (len(allow.Sources) > 0) || len(allow.Sources) > 10:
		err = invalid("Value %s for parameter RedriveAllowPolicy is invalid. Reason: want 1 to 10 sourceQueueArns with byQueue, and none otherwise.", text)
	}
	s.allow = allow
	return err
}

// admits says whether a queue may have its dead letters here.
func (a redriveAllow) admits(arn string) bool {
	switch a.Permission {
	case "denyAll":
		return false
	case "byQueue":
		return slices.Contains(a.Sources, arn)
	}
	return true
}

// checkRedrive says whether the queue with this ARN may have the settings' dead-letter queue.
func (s *Server) checkRedrive(arn string, next settings) error {
	if next.deadARN == "" {
		return nil
	}
	bad := func(reason string) error {
		return invalid("Value %s for parameter RedrivePolicy is invalid. Reason: %s", next.raw["RedrivePolicy"], reason)
	}
	dead := s.byARN(next.deadARN)
	switch {
	case dead == nil:
		return bad("Dead letter target does not exist.")
	case dead.settings.fifo != next.fifo:
		return bad("Dead-letter queue must be same type of queue as the source.")
	case !dead.settings.allow.admits(arn):
		return bad("The redrive allow policy of the dead letter target does not allow this queue.")
	}
	return nil
}

// byARN finds a queue; nil if there is none.
func (s *Server) byARN(arn string) *queue {
	q := s.queues[arn[strings.LastIndexByte(arn, ':')+1:]]
	if q == nil || q.arn != arn {
		return nil
	}
	return q
}

// sources gives the queues whose dead letters a queue holds, in order.
func (s *Server) sources(dead *queue) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if s.queues[name].settings.deadARN == dead.arn {
			names = append(names, name)
		}
	}
	return names
}

type listSourcesIn struct {
	QueueUrl   string
	MaxResults *int
	NextToken  string
}

type listSourcesOut struct {
	QueueUrls []string `wire:"queueUrls,QueueUrl"`
	NextToken string
}

func (s *Server) listSources(c *call, in listSourcesIn) (listSourcesOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return listSourcesOut{}, err
	}
	urls, token, err := s.page(s.sources(q), in.MaxResults, in.NextToken)
	if urls == nil {
		urls = []string{}
	}
	return listSourcesOut{urls, token}, err
}

// page gives the URLs of some of the queues, and what to continue with if there are more and a page was asked for.
func (s *Server) page(names []string, limit *int, token string) (urls []string, next string, err error) {
	n, err := between("MaxResults", limit, 1, 1000, 1000)
	if err != nil {
		return nil, "", err
	}
	for _, name := range names {
		switch {
		case name <= token:
		case len(urls) < n:
			urls = append(urls, s.queues[name].url)
		case limit != nil:
			last := urls[n-1]
			return urls, last[strings.LastIndexByte(last, '/')+1:], nil
		default:
			return urls, "", nil
		}
	}
	return urls, "", nil
}

// bury moves a message to the dead-letter queue, if there is one. A standard queue's keeps its age, a FIFO queue's begins
// anew (SQS Developer Guide, "Message retention periods for dead-letter queues").
func (s *Server) bury(q *queue, m *message) bool {
	dead := s.byARN(q.settings.deadARN)
	if dead == nil {
		return false
	}
	now := s.opts.Clock.Now()
	moved := m.copy()
	moved.sourceARN = q.arn
	if dead.settings.fifo {
		dead.number(moved)
		moved.sent = now
	}
	dead.add(moved, now, 0)
	dead.wake(now)
	return true
}

// copy gives the message as it is when it comes to another queue: never received.
func (m *message) copy() *message {
	next := &message{
		id: m.id, body: m.body, bodyMD5: m.bodyMD5, attrs: m.attrs, attrsMD5: m.attrsMD5, system: maps.Clone(m.system),
		group: m.group, sent: m.sent, sourceARN: m.sourceARN,
	}
	return next
}
