package sqs

import (
	"errors"
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
		return &apiError{code: "AWS.SimpleQueueService.EmptyBatchRequest", kind: "EmptyBatchRequest", message: "There should be at least one entry in the request."}
	case len(ids) > maxBatch:
		return &apiError{code: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", kind: "TooManyEntriesInBatchRequest", message: "Maximum number of entries per request are 10."}
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if !entryID.MatchString(id) {
			return &apiError{code: "AWS.SimpleQueueService.InvalidBatchEntryId", kind: "InvalidBatchEntryId", message: "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."}
		}
		if seen[id] {
			return &apiError{code: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", kind: "BatchEntryIdsNotDistinct", message: "Id " + id + " repeated."}
		}
		seen[id] = true
	}
	return nil
}

func failed(id string, err error) failedEntry {
	var e *apiError
	if !errors.As(err, &e) {
		return failedEntry{Id: id, Code: "InternalFailure"}
	}
	return failedEntry{Id: id, SenderFault: true, Code: e.code, Message: e.message}
}

// each runs one entry of a batch after the other under the lock, and wakes who waits.
func (s *Server) each(url string, ids []string, one func(q *queue, i int) error) ([]failedEntry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(url)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	var bad []failedEntry
	for i, id := range ids {
		if err := one(q, i); err != nil {
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
	MessageAttributes       map[string]messageAttribute
	MessageSystemAttributes map[string]messageAttribute
	MessageDeduplicationId  string
	MessageGroupId          string
}

type sendBatchIn struct {
	QueueUrl string
	Entries  []sendEntry
}

type sentEntry struct {
	Id string
	sendOut
}

type sendBatchOut struct {
	Successful []sentEntry
	Failed     []failedEntry
}

func (s *Server) sendMessageBatch(_ *http.Request, in sendBatchIn) (sendBatchOut, error) {
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
		return sendBatchOut{}, &apiError{code: "AWS.SimpleQueueService.BatchRequestTooLong", kind: "BatchRequestTooLong", message: "Batch requests cannot be longer than 1048576 bytes."}
	}
	out := sendBatchOut{Successful: []sentEntry{}}
	var err error
	out.Failed, err = s.each(in.QueueUrl, ids, func(q *queue, i int) error {
		sent, err := s.send(q, requests[i])
		if err == nil {
			out.Successful = append(out.Successful, sentEntry{ids[i], sent})
		}
		return err
	})
	return out, err
}

type handleEntry struct {
	Id                string
	ReceiptHandle     string
	VisibilityTimeout *int
}

type handleBatchIn struct {
	QueueUrl string
	Entries  []handleEntry
}

type handleBatchOut struct {
	Successful []batchEntry
	Failed     []failedEntry
}

func (s *Server) deleteMessageBatch(_ *http.Request, in handleBatchIn) (handleBatchOut, error) {
	return s.handleBatch(in, func(q *queue, e handleEntry) error { return s.delete(q, e.ReceiptHandle) })
}

func (s *Server) changeVisibilityBatch(_ *http.Request, in handleBatchIn) (handleBatchOut, error) {
	return s.handleBatch(in, func(q *queue, e handleEntry) error { return s.changeOne(q, e.ReceiptHandle, e.VisibilityTimeout) })
}

func (s *Server) handleBatch(in handleBatchIn, one func(*queue, handleEntry) error) (handleBatchOut, error) {
	ids := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.Id
	}
	out := handleBatchOut{Successful: []batchEntry{}}
	var err error
	out.Failed, err = s.each(in.QueueUrl, ids, func(q *queue, i int) error {
		err := one(q, in.Entries[i])
		if err == nil {
			out.Successful = append(out.Successful, batchEntry{ids[i]})
		}
		return err
	})
	return out, err
}
