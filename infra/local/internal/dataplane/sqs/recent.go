package sqs

import "time"

// recent remembers values for a time. What is too old is forgotten at each use, the oldest first.
type recent[V any] struct {
	entries map[string]remembered[V]
	order   []remembered[V]
}

type remembered[V any] struct {
	key   string
	value V
	until time.Time
}

func (r *recent[V]) get(now time.Time, key string) (V, bool) {
	r.forget(now)
	e, ok := r.entries[key]
	return e.value, ok
}

func (r *recent[V]) put(key string, v V, until time.Time) {
	if r.entries == nil {
		r.entries = map[string]remembered[V]{}
	}
	e := remembered[V]{key, v, until}
	r.entries[key] = e
	r.order = append(r.order, e)
}

func (r *recent[V]) forget(now time.Time) {
	for len(r.order) > 0 && !r.order[0].until.After(now) {
		if e := r.order[0]; r.entries[e.key].until.Equal(e.until) { // else it was put again, later
			delete(r.entries, e.key)
		}
		r.order = r.order[1:]
	}
}
