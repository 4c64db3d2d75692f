package sqs

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

const (
	maxMoves     = 10                    // message move tasks of a queue that are remembered
	maxMoveRate  = 500                   // messages a second (SQS API Reference, StartMessageMoveTask)
	moveInterval = 10 * time.Millisecond // between two looks at a task with a rate, at least
)

// move is a message move task. Its fields are guarded by the server's lock.
type move struct {
	id, handle    string
	source        *queue
	destination   string // ARN; "" for where each message came from
	rate          *int
	moved, toMove int
	started       time.Time
	status        string
	reason        string
}

const (
	moveRunning   = "RUNNING"
	moveCompleted = "COMPLETED"
	moveCancelled = "CANCELLED"
	moveFailed    = "FAILED"
)

type startMoveIn struct {
	SourceArn                    string
	DestinationArn               string
	MaxNumberOfMessagesPerSecond *int
}

type moveOut struct{ TaskHandle string }

// startMove moves all visible messages at once, or, with a rate, as many as are due every so often.
func (s *Server) startMove(c *call, in startMoveIn) (moveOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	source, err := s.moveSource(c, in.SourceArn)
	if err != nil {
		return moveOut{}, err
	}
	if err := s.checkMove(source, in); err != nil {
		return moveOut{}, err
	}
	source.settle(s.opts.Clock.Now())
	m := &move{
		id: requestID(), source: source, destination: in.DestinationArn, rate: in.MaxNumberOfMessagesPerSecond,
		started: s.opts.Clock.Now(), status: moveRunning, toMove: source.visible(),
	}
	m.handle = moveHandle(m.id, source.arn)
	tasks := append(s.moves[source.name], m)
	s.moves[source.name] = tasks[max(0, len(tasks)-maxMoves):]
	s.step(m)
	return moveOut{m.handle}, nil
}

func (s *Server) moveSource(c *call, arn string) (*queue, error) {
	if arn == "" {
		return nil, missing("SourceArn")
	}
	q := s.byARN(arn)
	if q == nil {
		return nil, fail("ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	c.queue = q.name
	return q, nil
}

func (s *Server) checkMove(source *queue, in startMoveIn) error {
	if _, err := between("MaxNumberOfMessagesPerSecond", in.MaxNumberOfMessagesPerSecond, 1, maxMoveRate, 0); err != nil {
		return err
	}
	if len(s.sources(source)) == 0 {
		return invalid("Source queue must be configured as a Dead Letter Queue.")
	}
	if in.DestinationArn != "" {
		to := s.byARN(in.DestinationArn)
		switch {
		case to == nil:
			return fail("ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist.")
		case to == source:
			return invalid("Source queue arn and destination queue arn cannot be the same.")
		case to.settings.fifo != source.settings.fifo:
			return invalid("Source and destination must be queues of the same type.")
		}
	}
	for _, m := range s.moves[source.name] {
		if m.status == moveRunning {
			return invalid("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	return nil
}

// step moves what is due, and sees to it that it is called again if that was not all. The caller holds the lock.
func (s *Server) step(m *move) {
	if m.status != moveRunning || s.queues[m.source.name] != m.source {
		return
	}
	now := s.opts.Clock.Now()
	m.source.settle(now)
	due := m.source.visible()
	if m.rate != nil {
		due = int(now.Sub(m.started)*time.Duration(*m.rate)/time.Second) - m.moved
	}
	for ; due > 0 && m.status == moveRunning; due-- {
		s.moveOne(m, now)
	}
	if m.status == moveRunning && m.source.ready.first("") == nil {
		m.status = moveCompleted
	}
	if m.status != moveRunning {
		return
	}
	wait := max(moveInterval, time.Second/time.Duration(*m.rate))
	s.opts.Clock.AfterFunc(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.step(m)
	})
}

// moveOne moves the next message, under a new id and with a new age (SQS Developer Guide, "Dead-letter queue redrive"). It
// ends the task if that cannot be done.
func (s *Server) moveOne(m *move, now time.Time) {
	one := m.source.ready.first("")
	if one == nil {
		m.status = moveCompleted
		return
	}
	arn := m.destination
	if arn == "" {
		arn = one.sourceARN
	}
	to := s.byARN(arn)
	switch {
	case arn == "":
		m.status, m.reason = moveFailed, "CouldNotDetermineMessageSource"
		return
	case to == nil:
		m.status, m.reason = moveFailed, servicePrefix+"NonExistentQueue"
		return
	}
	m.source.remove(one)
	next := one.copy()
	next.id, next.sent, next.sourceARN = requestID(), now, ""
	if to.settings.fifo {
		to.number(next)
	}
	to.add(next, now, 0)
	to.wake(now)
	m.moved++
}

// taskID is what a task handle says.
type taskID struct {
	TaskID    string `json:"taskId"`
	SourceARN string `json:"sourceArn"`
}

func moveHandle(id, source string) string {
	data, _ := json.Marshal(taskID{id, source}) // two strings
	return base64.StdEncoding.EncodeToString(data)
}

type cancelMoveOut struct{ ApproximateNumberOfMessagesMoved int }

func (s *Server) cancelMove(c *call, in moveOut) (cancelMoveOut, error) {
	var id taskID
	data, err := base64.StdEncoding.DecodeString(in.TaskHandle)
	if err == nil {
		err = json.Unmarshal(data, &id)
	}
	if err != nil || id.TaskID == "" || id.SourceARN == "" {
		return cancelMoveOut{}, invalid("Value for parameter TaskHandle is invalid.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	source, err := s.moveSource(c, id.SourceARN)
	if err != nil {
		return cancelMoveOut{}, err
	}
	tasks := s.moves[source.name]
	i := slices.IndexFunc(tasks, func(m *move) bool { return m.id == id.TaskID })
	if i < 0 {
		return cancelMoveOut{}, fail("ResourceNotFoundException", "Task does not exist.")
	}
	if tasks[i].status != moveRunning {
		return cancelMoveOut{}, invalid("The task is %s. Only a running task can be cancelled.", tasks[i].status)
	}
	tasks[i].status = moveCancelled
	return cancelMoveOut{tasks[i].moved}, nil
}

type listMovesIn struct {
	SourceArn  string
	MaxResults *int
}

type moveEntry struct {
	TaskHandle                        string
	Status                            string
	SourceArn                         string
	DestinationArn                    string
	MaxNumberOfMessagesPerSecond      *int
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	FailureReason                     string
	StartedTimestamp                  int
}

type listMovesOut struct {
	Results []moveEntry `wire:"Results,ListMessageMoveTasksResultEntry"`
}

// listMoves gives the latest tasks first. Only a running one has a handle.
func (s *Server) listMoves(c *call, in listMovesIn) (listMovesOut, error) {
	limit, err := between("MaxResults", in.MaxResults, 1, maxMoves, 1)
	if err != nil {
		return listMovesOut{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	source, err := s.moveSource(c, in.SourceArn)
	if err != nil {
		return listMovesOut{}, err
	}
	out := listMovesOut{Results: []moveEntry{}}
	for _, m := range slices.Backward(s.moves[source.name]) {
		if len(out.Results) == limit {
			break
		}
		e := moveEntry{
			Status: m.status, SourceArn: source.arn, DestinationArn: m.destination, MaxNumberOfMessagesPerSecond: m.rate,
			ApproximateNumberOfMessagesMoved: m.moved, ApproximateNumberOfMessagesToMove: m.toMove,
			FailureReason: m.reason, StartedTimestamp: int(m.started.UnixMilli()),
		}
		if m.status == moveRunning {
			e.TaskHandle = m.handle
		}
		out.Results = append(out.Results, e)
	}
	return out, nil
}
