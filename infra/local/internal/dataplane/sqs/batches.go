package sqs

import (
	"net/http"
	"regexp"
)

const maxBatch = 10 // entries of a batch (SQS quota)

type failedEntry struct {
	Id          string
	SenderFault bool
	Code        string
	Message     string
}

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// checkBatch holds the rules that make a whole batch fail.
func checkBatch(ids []string) error {
	switch {
	case len(ids) == 0:
		return fail("EmptyBatchRequest", "There should be at least one entry in the request.")
	case len(ids) > maxBatch:
		return fail("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(ids))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if !entryID.MatchString(id) {
			return fail("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return fail("BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		}
		seen[id] = true
	}
	return nil
}

func failed(id string, err error) failedEntry {
	e := asAPI(err)
	return failedEntry{Id: id, SenderFault: e.status < http.StatusInternalServerError, Code: e.code, Message: e.message}
}

// batch is what is done for each entry of a batch.
type batch struct {
	ids   []string
	whole func(q *queue) error // what makes all of it fail; may be nil
	one   func(q *queue, i int) error
}

// each runs one entry of a batch after the other under the lock, and wakes who waits.
func (s *Server) each(c *call, url string, b batch) ([]failedEntry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, url)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(b.ids); err != nil {
		return nil, err
	}
	if b.whole != nil {
		if err := b.whole(q); err != nil {
			return nil, err
		}
	}
	var bad []failedEntry
	for i, id := range b.ids {
		if err := b.one(q, i); err != nil {
			bad = append(bad, failed(id, err))
		}
	}
	q.wake(s.opts.Clock.Now())
	return bad, nil
}

type batchEntry struct {
	Id string
}

type sendEntry struct {
	Id                      string
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]messageAttribute `wire:"MessageAttributes,MessageAttribute"`
	MessageSystemAttributes map[string]messageAttribute `wire:"MessageSystemAttributes,MessageSystemAttribute"`
	MessageDeduplicationId  string
	MessageGroupId          string
}

type sendBatchIn struct {
	QueueUrl string
	Entries  []sendEntry `wire:"Entries,SendMessageBatchRequestEntry"`
}

type sentEntry struct {
	Id                           string
	MessageId                    string
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string
	MD5OfMessageSystemAttributes string
	SequenceNumber               string
}

type sendBatchOut struct {
	Successful []sentEntry   `wire:"Successful,SendMessageBatchResultEntry"`
	Failed     []failedEntry `wire:"Failed,BatchResultErrorEntry"`
}

func (s *Server) sendMessageBatch(c *call, in sendBatchIn) (sendBatchOut, error) {
	ids := make([]string, len(in.Entries))
	requests := make([]sendIn, len(in.Entries))
	size := 0
	for i, e := range in.Entries {
		ids[i] = e.Id
		requests[i] = sendIn{
			MessageBody: e.MessageBody, DelaySeconds: e.DelaySeconds, MessageAttributes: e.MessageAttributes,
			MessageSystemAttributes: e.MessageSystemAttributes, MessageDeduplicationId: e.MessageDeduplicationId,
			MessageGroupId: e.MessageGroupId,
		}
		size += messageSize(requests[i])
	}
	if size > maxMessage {
		return sendBatchOut{}, fail("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessage, size)
	}
	c.bytes = size
	out := sendBatchOut{Successful: []sentEntry{}}
	var err error
	whole := func(q *queue) error { return checkFifoBatch(q, requests) }
	out.Failed, err = s.each(c, in.QueueUrl, batch{ids, whole, func(q *queue, i int) error {
		sent, err := s.send(q, requests[i])
		if err == nil {
			out.Successful = append(out.Successful, sentEntry{ids[i], sent.MessageId, sent.MD5OfMessageBody, sent.MD5OfMessageAttributes, sent.MD5OfMessageSystemAttributes, sent.SequenceNumber})
		}
		return err
	}})
	return out, err
}

// checkFifoBatch says what makes a whole batch fail in a FIFO queue: an entry without a group, or that cannot be told from
// its duplicates.
func checkFifoBatch(q *queue, requests []sendIn) error {
	for _, in := range requests {
		if q.settings.fifo && in.MessageGroupId == "" {
			return invalid("The request must contain the parameter MessageGroupId.")
		}
		if q.settings.fifo && in.MessageDeduplicationId == "" && !q.settings.byContent {
			return checkFifo(q, in)
		}
	}
	return nil
}

type handleEntry struct {
	Id                string
	ReceiptHandle     string
	VisibilityTimeout *int
}

type deleteEntry struct {
	Id            string
	ReceiptHandle string
}

type deleteBatchIn struct {
	QueueUrl string
	Entries  []deleteEntry `wire:"Entries,DeleteMessageBatchRequestEntry"`
}

type deleteBatchOut struct {
	Successful []batchEntry  `wire:"Successful,DeleteMessageBatchResultEntry"`
	Failed     []failedEntry `wire:"Failed,BatchResultErrorEntry"`
}

func (s *Server) deleteMessageBatch(c *call, in deleteBatchIn) (deleteBatchOut, error) {
	entries := make([]handleEntry, len(in.Entries))
	for i, e := range in.Entries {
		entries[i] = handleEntry{Id: e.Id, ReceiptHandle: e.ReceiptHandle}
	}
	good, bad, err := s.handleBatch(c, in.QueueUrl, entries, func(q *queue, e handleEntry) error { return s.delete(q, e.ReceiptHandle) })
	return deleteBatchOut{good, bad}, err
}

type visibilityBatchIn struct {
	QueueUrl string
	Entries  []handleEntry `wire:"Entries,ChangeMessageVisibilityBatchRequestEntry"`
}

type visibilityBatchOut struct {
	Successful []batchEntry  `wire:"Successful,ChangeMessageVisibilityBatchResultEntry"`
	Failed     []failedEntry `wire:"Failed,BatchResultErrorEntry"`
}

func (s *Server) changeVisibilityBatch(c *call, in visibilityBatchIn) (visibilityBatchOut, error) {
	good, bad, err := s.handleBatch(c, in.QueueUrl, in.Entries, func(q *queue, e handleEntry) error {
		return s.changeOne(q, e.ReceiptHandle, e.VisibilityTimeout)
	})
	return visibilityBatchOut{good, bad}, err
}

func (s *Server) handleBatch(c *call, url string, entries []handleEntry, one func(*queue, handleEntry) error) ([]batchEntry, []failedEntry, error) {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.Id
	}
	good := []batchEntry{}
	bad, err := s.each(c, url, batch{ids: ids, one: func(q *queue, i int) error {
		err := one(q, entries[i])
		if err == nil {
			good = append(good, batchEntry{ids[i]})
		}
		return err
	}})
	return good, bad, err
}
