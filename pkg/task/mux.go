package task

import (
	"context"
	"fmt"
)

// Handler is a task as a worker sees it. [Task] implements it.
type Handler interface {
	Name() string
	Run(ctx context.Context, input []byte) ([]byte, error)
}

// Mux finds a task by its name. Tasks are added before it is used; from then on it is safe for concurrent use.
type Mux struct {
	handlers map[string]Handler
}

// NewMux makes a mux with these tasks.
func NewMux(handlers ...Handler) *Mux {
	m := &Mux{handlers: map[string]Handler{}}
	for _, h := range handlers {
		m.Handle(h)
	}
	return m
}

// Handle adds a task. It panics if there is one of this name, which is a mistake of the program.
func (m *Mux) Handle(h Handler) {
	if m.handlers[h.Name()] != nil {
		panic("task: second task named " + h.Name())
	}
	m.handlers[h.Name()] = h
}

func (m *Mux) handler(name string) (Handler, error) {
	h := m.handlers[name]
	if h == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownTask, name)
	}
	return h, nil
}
