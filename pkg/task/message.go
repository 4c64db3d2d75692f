package task

import (
	"encoding/json"
	"fmt"
	"time"
)

const (
	messageVersion = 1
	maxID          = 128
)

// Message is an enqueued task, as it goes through a queue: JSON.
type Message struct {
	Version     int               `json:"v"`
	ID          string            `json:"id"`
	Task        string            `json:"task"`
	Input       json.RawMessage   `json:"input"`
	ReplyTo     string            `json:"replyTo,omitempty"`
	MaxAttempts int               `json:"maxAttempts,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	EnqueuedAt  time.Time         `json:"enqueuedAt"`
	Expires     *time.Time        `json:"expires,omitempty"` // it does not begin from then on
	TimeLimit   time.Duration     `json:"timeLimit,omitempty"`
	Queue       string            `json:"queue,omitempty"` // a name of [ClientOptions].Queues
	Group       string            `json:"group,omitempty"` // tasks of one group run in order, on a queue that is FIFO
	Tracked     bool              `json:"tracked,omitempty"`
	Granted     bool              `json:"granted,omitempty"` // its rate limit has let it pass already
	Run         int               `json:"run,omitempty"`     // how often it was put into the dead-letter queue

	Root    string   `json:"root,omitempty"` // the id of the composed call that it is a step of
	Next    *next    `json:"next,omitempty"`
	OnError *errback `json:"onError,omitempty"`
}

// next is what a step's result goes to: a task, or a place in a group.
type next struct {
	ID    string `json:"id"`             // of the task, or of the group
	Task  string `json:"task,omitempty"` // "" for a group
	Index int    `json:"index,omitempty"`
	Size  int    `json:"size,omitempty"`
	Then  *next  `json:"then,omitempty"`
}

// errback is the task that runs once if any step fails.
type errback struct {
	ID   string `json:"id"`
	Task string `json:"task"`
}

// Encode gives the message as a queue carries it.
func (m Message) Encode() ([]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadMessage, err)
	}
	return data, nil
}

// DecodeMessage reads what [Message.Encode] wrote. Its errors are [ErrBadMessage].
func DecodeMessage(data []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(data, &m); err != nil {
		return Message{}, fmt.Errorf("%w: %w", ErrBadMessage, err)
	}
	switch {
	case m.Version != messageVersion:
		return Message{}, fmt.Errorf("%w: version %d, want %d", ErrBadMessage, m.Version, messageVersion)
	case m.ID == "" || len(m.ID) > maxID:
		return Message{}, fmt.Errorf("%w: an id of %d bytes", ErrBadMessage, len(m.ID))
	case !validName(m.Task):
		return Message{}, fmt.Errorf("%w: the task's name is %q", ErrBadMessage, m.Task)
	case m.MaxAttempts < 0:
		return Message{}, fmt.Errorf("%w: %d attempts", ErrBadMessage, m.MaxAttempts)
	}
	return m, nil
}

func (m Message) checkSize() error {
	data, err := m.Encode()
	if err != nil {
		return err
	}
	if len(data) > MaxMessage {
		return fmt.Errorf("%w: %s has %d bytes, the limit is %d", ErrTooLarge, m.Task, len(data), MaxMessage)
	}
	return nil
}

// deadLetter is the message as it is put into the dead-letter queue: if it is ever redriven from there, it runs again.
func (m Message) deadLetter() Message {
	m.Run++
	return m
}
