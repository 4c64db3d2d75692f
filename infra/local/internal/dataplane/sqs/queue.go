package sqs

import (
	"container/heap"
	"container/list"
	"strconv"
	"time"

	"github.com/disclone/disclone/infra/local/internal/clock"
)

const (
	maxMessage  = 1 << 20         // bytes of a message with its attributes, and of a batch (SQS quota)
	maxInFlight = 120_000         // of a standard queue (SQS quota); a FIFO queue has the same since 2024
	dedupWindow = 5 * time.Minute // of a FIFO queue
)

// message is one message in a queue. Its place is given by what holds it: ready, delayed or in flight.
type message struct {
	id, body, bodyMD5 string
	attrs             map[string]messageAttribute
	attrsMD5          string
	system            map[string]string // AWSTraceHeader, MessageGroupId, ...
	group             string            // of a FIFO queue
	sequence          uint64
	sent              time.Time
	firstReceived     time.Time
	receives          int
	visibleAt         time.Time
	index             int           // in the heap of invisible messages; -1 outside
	ready             *list.Element // in the list of ready messages; nil outside
	sourceARN         string        // of the queue that it was redriven from
}

// queue is one queue. Its fields are guarded by the server's lock.
type queue struct {
	name, url, arn string
	settings       settings
	created        time.Time
	modified       time.Time
	tags           map[string]string

	messages  map[string]*message // by the id that receipt handles carry
	ready     *list.List          // messages that may be received, in order
	invisible timers              // delayed or in flight, by when they become visible
	inFlight  map[string]int      // FIFO: messages of a group in flight
	dedup     map[string]dedupEntry
	sequence  uint64
	waiting   *list.List // of chan struct{}: long polls, the longest waiting first
	alarm     clock.Timer
	clock     clock.Clock
}

type dedupEntry struct {
	id       string
	sequence string
	until    time.Time
}

func newQueue(name, url, arn string, s settings, c clock.Clock) *queue {
	now := c.Now()
	return &queue{
		clock: c,
		name:  name, url: url, arn: arn, settings: s, created: now, modified: now, tags: map[string]string{},
		messages: map[string]*message{}, ready: list.New(), waiting: list.New(),
		inFlight: map[string]int{}, dedup: map[string]dedupEntry{},
	}
}

// add puts a message in, to be visible after delay.
func (q *queue) add(m *message, now time.Time, delay time.Duration) {
	q.messages[m.id] = m
	m.index = -1
	if delay > 0 {
		m.visibleAt = now.Add(delay)
		heap.Push(&q.invisible, m)
		return
	}
	m.ready = q.ready.PushBack(m)
}

// settle makes visible what is due, and forgets what is older than the retention period.
func (q *queue) settle(now time.Time) {
	for len(q.invisible) > 0 && !q.invisible[0].visibleAt.After(now) {
		m := heap.Pop(&q.invisible).(*message)
		q.land(m)
		q.insert(m)
	}
	for e := q.ready.Front(); e != nil; e = q.ready.Front() {
		m := e.Value.(*message)
		if now.Sub(m.sent) < q.settings.retention {
			return
		}
		q.remove(m)
	}
}

// land ends a message's flight, if it was in one.
func (q *queue) land(m *message) {
	if q.settings.fifo && m.receives > 0 {
		if q.inFlight[m.group]--; q.inFlight[m.group] <= 0 {
			delete(q.inFlight, m.group)
		}
	}
}

// insert puts a message back among the ready ones: at its place in a FIFO queue, at the end otherwise.
func (q *queue) insert(m *message) {
	if q.settings.fifo {
		for e := q.ready.Front(); e != nil; e = e.Next() {
			if e.Value.(*message).sequence > m.sequence {
				m.ready = q.ready.InsertBefore(m, e)
				return
			}
		}
	}
	m.ready = q.ready.PushBack(m)
}

// take receives up to n messages. What was received too often goes to the dead-letter queue instead.
func (q *queue) take(now time.Time, n int, visibility time.Duration, bury func(*message) bool) []*message {
	q.settle(now)
	var taken []*message
	blocked := map[string]bool{}
	var next *list.Element
	for e := q.ready.Front(); e != nil && len(taken) < n; e = next {
		next = e.Next()
		m := e.Value.(*message)
		if q.settings.fifo && (q.inFlight[m.group] > 0 || blocked[m.group]) {
			continue
		}
		if q.settings.maxReceive > 0 && m.receives >= q.settings.maxReceive && bury(m) {
			q.remove(m)
			continue
		}
		q.fly(m, now, visibility)
		taken = append(taken, m)
	}
	// Messages of one group may leave in one batch, in order, before the group is locked.
	if q.settings.fifo {
		for _, m := range taken {
			q.inFlight[m.group]++
		}
	}
	return taken
}

func (q *queue) fly(m *message, now time.Time, visibility time.Duration) {
	q.ready.Remove(m.ready)
	m.ready = nil
	m.receives++
	if m.firstReceived.IsZero() {
		m.firstReceived = now
	}
	m.visibleAt = now.Add(visibility)
	heap.Push(&q.invisible, m)
}

// remove takes a message out, wherever it is.
func (q *queue) remove(m *message) {
	delete(q.messages, m.id)
	if m.ready != nil {
		q.ready.Remove(m.ready)
		m.ready = nil
		return
	}
	if m.index >= 0 {
		heap.Remove(&q.invisible, m.index)
		q.land(m)
	}
}

// setVisible moves the end of a message's flight.
func (q *queue) setVisible(m *message, at time.Time) {
	m.visibleAt = at
	heap.Fix(&q.invisible, m.index)
}

// counts gives how many messages are ready, in flight and delayed.
func (q *queue) counts() (ready, flying, delayed int) {
	for _, m := range q.invisible {
		if m.receives > 0 {
			flying++
		} else {
			delayed++
		}
	}
	return q.ready.Len(), flying, delayed
}

func (q *queue) attributes(now time.Time) map[string]string {
	q.settle(now)
	ready, flying, delayed := q.counts()
	out := map[string]string{
		"QueueArn":                              q.arn,
		"CreatedTimestamp":                      strconv.FormatInt(q.created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(q.modified.Unix(), 10),
		"ApproximateNumberOfMessages":           strconv.Itoa(ready),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(flying),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
	}
	for k, v := range q.settings.raw {
		out[k] = v
	}
	return out
}

// timers is a heap of messages by the time they become visible.
type timers []*message

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].visibleAt.Before(t[j].visibleAt) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].index, t[j].index = i, j
}

// Push implements heap.Interface.
func (t *timers) Push(x any) {
	m := x.(*message)
	m.index = len(*t)
	*t = append(*t, m)
}

// Pop implements heap.Interface.
func (t *timers) Pop() any {
	old := *t
	m := old[len(old)-1]
	m.index = -1
	*t = old[:len(old)-1]
	return m
}
