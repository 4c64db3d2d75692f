package stream

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Memory is a [Store] in memory, for tests and for one process. It keeps everything.
type Memory struct {
	mu      sync.Mutex
	next    map[string]int64
	entries map[string][]Entry          // by number, ascending
	ids     map[string]map[string]int64 // number by id
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{next: map[string]int64{}, entries: map[string][]Entry{}, ids: map[string]map[string]int64{}}
}

// Next takes the next number.
func (m *Memory) Next(_ context.Context, stream string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next[stream]++
	return m.next[stream], nil
}

func at(e Entry, seq int64) int { return int(e.Seq - seq) }

// Put writes an entry.
func (m *Memory) Put(_ context.Context, stream string, e Entry, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.ids[stream][e.ID]; taken && e.ID != "" {
		return ErrDuplicate
	}
	i, taken := slices.BinarySearchFunc(m.entries[stream], e.Seq, at)
	if taken {
		return ErrTaken
	}
	e.Data = slices.Clone(e.Data)
	m.entries[stream] = slices.Insert(m.entries[stream], i, e)
	if e.ID == "" {
		return nil
	}
	if m.ids[stream] == nil {
		m.ids[stream] = map[string]int64{}
	}
	m.ids[stream][e.ID] = e.Seq
	return nil
}

// Find gives the entry of an id.
func (m *Memory) Find(_ context.Context, stream, id string) (Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seq, ok := m.ids[stream][id]
	if !ok {
		return Entry{}, false, nil
	}
	i, ok := slices.BinarySearchFunc(m.entries[stream], seq, at)
	if !ok {
		return Entry{}, false, nil
	}
	return m.entries[stream][i], true, nil
}

// Range gives entries.
func (m *Memory) Range(_ context.Context, stream string, q Query) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Entry
	for _, e := range m.entries[stream] {
		if e.Seq > q.After && (q.Before == 0 || e.Seq < q.Before) {
			out = append(out, e)
		}
	}
	if q.Latest {
		slices.Reverse(out)
	}
	return out[:min(len(out), q.Limit)], nil
}
