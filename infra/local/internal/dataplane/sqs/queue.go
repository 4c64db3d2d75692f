package sqs

import (
	"container/list"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/disclone/disclone/infra/local/internal/clock"
)

const (
	maxMessage  = 1 << 20         // bytes of a message with its attributes, and of a batch (SQS quota)
	maxInFlight = 120_000         // messages of a queue (SQS quota)
	window      = 5 * time.Minute // of deduplication and of receive attempts (FIFO)
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
	received          time.Time // last
	receives          int
	changes           int // of the visibility timeout, since it was received
	visibleAt         time.Time
	sourceARN         string // of the queue that it was redriven from

	flying  bool          // received, and not visible again
	hidden  int           // in the pile of invisible messages; -1 outside
	aged    int           // in the pile by age; -1 outside
	inGroup int           // in its group's pile; -1 outside
	place   *list.Element // in the line of a standard queue; nil outside
}

// queue is one queue. Its fields are guarded by the server's lock.
type queue struct {
	name, url, arn string
	settings       settings
	created        time.Time
	modified       time.Time
	purged         time.Time
	tags           map[string]string

	messages  map[string]*message // by the id that receipt handles carry
	ready     ready
	invisible pile[*message] // delayed or in flight, by when they become visible
	aged      pile[*message] // all, by when they were sent
	flying    int            // messages in flight
	dedup     recent[dedupEntry]
	attempts  recent[[]attempt]
	sequence  uint64
	waiting   *list.List // of chan struct{}: long polls, the longest waiting first
	alarm     clock.Timer
	clock     clock.Clock
}

// dedupEntry is the message that a deduplication id stands for.
type dedupEntry struct {
	id       string
	sequence string
}

// attempt is a message as a receive with an attempt id has given it.
type attempt struct {
	message  *message
	receives int
	changes  int
}

func newQueue(name, url, arn string, s settings, c clock.Clock) *queue {
	q := &queue{
		name: name, url: url, arn: arn, settings: s, clock: c, created: c.Now(), modified: c.Now(),
		tags: map[string]string{}, messages: map[string]*message{}, waiting: list.New(),
		invisible: pile[*message]{
			less:  func(a, b *message) bool { return a.visibleAt.Before(b.visibleAt) },
			moved: func(m *message, i int) { m.hidden = i },
		},
		aged: pile[*message]{
			less:  func(a, b *message) bool { return a.sent.Before(b.sent) },
			moved: func(m *message, i int) { m.aged = i },
		},
	}
	if q.ready = (line{list.New()}); s.fifo {
		q.ready = newGroups()
	}
	return q
}

// number gives a FIFO message its place in the queue.
func (q *queue) number(m *message) {
	q.sequence++
	m.sequence = q.sequence
	m.system["SequenceNumber"] = fmt.Sprintf("%020d", 1_885_000_000_000_000_000+q.sequence)
}

// add puts a message in, to be visible after delay.
func (q *queue) add(m *message, now time.Time, delay time.Duration) {
	m.hidden, m.inGroup = -1, -1
	q.messages[m.id] = m
	q.aged.push(m)
	if delay <= 0 {
		q.ready.put(m)
		return
	}
	m.visibleAt = now.Add(delay)
	q.invisible.push(m)
}

// settle makes visible what is due, and forgets what is older than the retention period.
func (q *queue) settle(now time.Time) {
	for q.invisible.len() > 0 && !q.invisible.top().visibleAt.After(now) {
		m := q.invisible.pop()
		q.ready.put(m)
		q.land(m)
	}
	for q.aged.len() > 0 && now.Sub(q.aged.top().sent) >= q.settings.retention {
		q.remove(q.aged.top())
	}
}

// land ends a message's flight, if it was in one.
func (q *queue) land(m *message) {
	if m.flying {
		m.flying = false
		q.flying--
		q.ready.hold(m, -1)
	}
}

// take receives up to n messages. What was received too often goes to the dead-letter queue instead. Of a FIFO queue it
// gives as many as it can of one group before it goes on to the next.
func (q *queue) take(now time.Time, n int, visibility time.Duration, bury func(*message) bool) []*message {
	q.settle(now)
	var taken []*message
	group := ""
	for n = min(n, maxInFlight-q.flying); len(taken) < n; {
		m := q.ready.first(group)
		if m == nil {
			break
		}
		group = m.group
		if q.settings.maxReceive > 0 && m.receives >= q.settings.maxReceive && bury(m) {
			q.remove(m)
			continue
		}
		q.ready.take(m)
		m.receives++
		taken = append(taken, m)
	}
	// Messages of one group leave in one batch, before they lock it; and those with no timeout are not received twice.
	for _, m := range taken {
		q.fly(m, now, visibility)
	}
	return taken
}

func (q *queue) fly(m *message, now time.Time, visibility time.Duration) {
	if m.firstReceived.IsZero() {
		m.firstReceived = now
	}
	m.received, m.changes, m.flying = now, 0, true
	m.visibleAt = now.Add(visibility)
	q.flying++
	q.ready.hold(m, 1)
	q.invisible.push(m)
}

// remove takes a message out, wherever it is.
func (q *queue) remove(m *message) {
	delete(q.messages, m.id)
	q.aged.remove(m.aged)
	if m.hidden < 0 {
		q.ready.take(m)
		return
	}
	q.invisible.remove(m.hidden)
	q.land(m)
}

// setVisible moves the end of a message's flight.
func (q *queue) setVisible(m *message, at time.Time) {
	m.visibleAt = at
	q.invisible.fix(m.hidden)
}

// redelay gives the delayed messages of a FIFO queue its new delay, which holds for those already sent, too (SQS Developer
// Guide, "Amazon SQS delay queues").
func (q *queue) redelay() {
	for _, m := range slices.Clone(q.invisible.items) {
		if !m.flying {
			q.setVisible(m, m.sent.Add(q.settings.delay))
		}
	}
	now := q.clock.Now()
	q.settle(now)
	q.wake(now)
}

// visible counts the messages that are neither delayed nor in flight.
func (q *queue) visible() int { return len(q.messages) - q.invisible.len() }

func (q *queue) attributes(now time.Time) map[string]string {
	q.settle(now)
	out := map[string]string{
		"QueueArn":                              q.arn,
		"CreatedTimestamp":                      strconv.FormatInt(q.created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(q.modified.Unix(), 10),
		"ApproximateNumberOfMessages":           strconv.Itoa(q.visible()),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(q.flying),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(q.invisible.len() - q.flying),
	}
	for k, v := range q.settings.raw {
		out[k] = v
	}
	return out
}

// wake lets as many long polls look as there are ready messages, and sets the alarm for the next one.
func (q *queue) wake(now time.Time) {
	n := q.visible()
	for e := q.waiting.Front(); e != nil && n > 0; e, n = e.Next(), n-1 {
		ring(e.Value.(chan struct{}))
	}
	if q.waiting.Len() == 0 || q.invisible.len() == 0 {
		return
	}
	if q.alarm != nil {
		q.alarm.Stop()
	}
	first := q.waiting.Front().Value.(chan struct{})
	q.alarm = q.clock.AfterFunc(q.invisible.top().visibleAt.Sub(now), func() { ring(first) })
}

func (q *queue) wakeAll() {
	for e := q.waiting.Front(); e != nil; e = e.Next() {
		ring(e.Value.(chan struct{}))
	}
}

func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake, or about to be
	}
}
