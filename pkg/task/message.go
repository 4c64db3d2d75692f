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
