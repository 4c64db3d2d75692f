package sqs

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxInvisible is how long a message may be in flight in all, however often that is extended (SQS quota).
const maxInvisible = 12 * time.Hour

// receiptHandle names one receive of one message.
func receiptHandle(q *queue, m *message) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s %s %d", q.name, m.id, m.receives))
}

// find gives the message that a handle was made for: nil if it is deleted. A standard queue takes old handles, too.
func (q *queue) find(handle string) (m *message, current bool, err error) {
	if handle == "" {
		return nil, false, missing("ReceiptHandle")
	}
	bad := fail("ReceiptHandleIsInvalid", "The input receipt handle %q is not a valid receipt handle.", handle)
	data, err := base64.StdEncoding.DecodeString(handle)
	if err != nil {
		return nil, false, bad
	}
	parts := strings.Split(string(data), " ")
	if len(parts) != 3 || parts[0] != q.name {
		return nil, false, bad
	}
	receives, err := strconv.Atoi(parts[2])
	if err != nil {
		return nil, false, bad
	}
	m = q.messages[parts[1]]
	return m, m != nil && m.receives == receives, nil
}

type handleIn struct {
	QueueUrl      string
	ReceiptHandle string
}

func (s *Server) deleteMessage(c *call, in handleIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	return empty{}, s.delete(q, in.ReceiptHandle)
}

// delete deletes a message; one that is deleted already is no error. With an old handle a standard queue keeps the
// message, as SQS may, and a FIFO queue refuses one whose visibility timeout ran out.
func (s *Server) delete(q *queue, handle string) error {
	now := s.opts.Clock.Now()
	q.settle(now)
	m, current, err := q.find(handle)
	if err != nil || m == nil {
		return err
	}
	if q.settings.fifo && (!current || !m.flying) {
		return invalid("Value %s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", handle)
	}
	if current {
		q.remove(m)
		q.wake(now) // of a FIFO group, the next may come
	}
	return nil
}

type visibilityIn struct {
	QueueUrl          string
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (s *Server) changeVisibility(c *call, in visibilityIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	return empty{}, s.changeOne(q, in.ReceiptHandle, in.VisibilityTimeout)
}

func (s *Server) changeOne(q *queue, handle string, timeout *int) error {
	if timeout == nil {
		return missing("VisibilityTimeout")
	}
	n, err := between("VisibilityTimeout", timeout, 0, 43200, 0)
	if err != nil {
		return err
	}
	now := s.opts.Clock.Now()
	q.settle(now)
	m, current, err := q.find(handle)
	if err != nil {
		return err
	}
	if m == nil || !current || !m.flying {
		return fail("MessageNotInflight", "Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", handle)
	}
	until := now.Add(time.Duration(n) * time.Second)
	if until.Sub(m.received) > maxInvisible {
		return invalid("Value %d for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].", n)
	}
	m.changes++
	q.setVisible(m, until)
	q.settle(now)
	q.wake(now)
	return nil
}
