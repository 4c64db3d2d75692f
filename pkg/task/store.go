package task

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrConflict is a store's answer to a write over another version than the one that is there.
var ErrConflict = errors.New("task: version conflict")

// Item is what a [Store] keeps: some JSON under a key of two parts.
type Item struct {
	Partition, Sort string    // 1 to 256 bytes each
	Version         int64     // from 1, one more with each write
	Expires         time.Time // in seconds; from then on it may be gone
	Data            []byte    // JSON, at most MaxResult bytes and a little
	// Label is for the people who look into the store: a task's state. A store shows it beside the data, or leaves it out.
	Label string
}

// Query selects the items of a partition with From <= Sort <= To, in the order of Sort; To "" is no bound. Partition ""
// is all items, in any order, from wherever the last page ended: for administration, since it reads the whole store.
type Query struct {
	Partition, From, To string
	Limit               int
	Next                string // of the page before
}

// Store keeps what is known of tasks. Package task/dynamo has one for DynamoDB; [NewMemoryStore] makes another. It is safe
// for concurrent use. Its reads see every write that was acknowledged before, but a Query of everything need not.
type Store interface {
	// Get gives an item, and no if there is none.
	Get(ctx context.Context, partition, sort string) (Item, bool, error)
	// Put writes an item of version it.Version+1 over it.Version, where 0 is no item. If another version is there the
	// error is [ErrConflict], and the item is the one that is there.
	Put(ctx context.Context, it Item) (Item, error)
	// Delete removes an item. One that is not there is no error.
	Delete(ctx context.Context, partition, sort string) error
	// Query gives a page of items, and where the next begins; "" if there is none.
	Query(ctx context.Context, q Query) (items []Item, next string, err error)
}

// MemoryStore is a [Store] in this process, for tests and for programs without AWS. It forgets nothing by itself.
type MemoryStore struct {
	mu    sync.Mutex
	items map[[2]string]Item
}

// NewMemoryStore makes an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{items: map[[2]string]Item{}} }

// Get implements [Store].
func (s *MemoryStore) Get(ctx context.Context, partition, sort string) (Item, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it, ok := s.items[[2]string{partition, sort}]
	return it, ok, ctx.Err()
}

// Put implements [Store].
func (s *MemoryStore) Put(ctx context.Context, it Item) (Item, error) {
	if err := ctx.Err(); err != nil {
		return Item{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := [2]string{it.Partition, it.Sort}
	if now := s.items[key]; now.Version != it.Version {
		return now, ErrConflict
	}
	it.Version++
	it.Data = slices.Clone(it.Data)
	s.items[key] = it
	return it, nil
}

// Delete implements [Store].
func (s *MemoryStore) Delete(ctx context.Context, partition, sort string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.items, [2]string{partition, sort})
	return ctx.Err()
}

// Query implements [Store].
func (s *MemoryStore) Query(ctx context.Context, q Query) ([]Item, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Item
	for _, it := range s.items {
		if q.Partition == "" || it.Partition == q.Partition && it.Sort >= q.From && (q.To == "" || it.Sort <= q.To) {
			out = append(out, it)
		}
	}
	key := func(it Item) string { return it.Partition + "\x00" + it.Sort }
	slices.SortFunc(out, func(a, b Item) int { return strings.Compare(key(a), key(b)) })
	if q.Next != "" {
		i, found := slices.BinarySearchFunc(out, q.Next, func(it Item, next string) int { return strings.Compare(key(it), next) })
		if found {
			i++
		}
		out = out[i:]
	}
	if len(out) <= q.Limit {
		return out, "", ctx.Err()
	}
	return out[:q.Limit], key(out[q.Limit-1]), ctx.Err()
}
