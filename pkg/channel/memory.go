package channel

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// Memory is a [Store] and a [Poster] in the memory of one process, for tests and examples. It is safe for concurrent
// use. Like DynamoDB it may keep what is expired, and like API Gateway it knows only connections that were opened: a
// channel is gone before [Memory.Open] and after [Memory.Kill].
type Memory struct {
	mu     sync.Mutex
	groups map[string][]Member            // sorted by channel
	joined map[string]map[string]struct{} // channel -> its groups
	boxes  map[string]*inbox              // the open channels
}

type inbox struct {
	payloads [][]byte
	changed  chan struct{} // closed at the next change
}

// NewMemory makes an empty memory: no channels, no groups.
func NewMemory() *Memory {
	return &Memory{
		groups: make(map[string][]Member),
		joined: make(map[string]map[string]struct{}),
		boxes:  make(map[string]*inbox),
	}
}

// Open opens a channel with an empty inbox, as a client's connection does. A channel that is open already stays as it
// is.
func (m *Memory) Open(channel string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.boxes[channel] == nil {
		m.boxes[channel] = &inbox{changed: make(chan struct{})}
	}
}

// Kill closes a channel without a word: posts to it fail with [ErrGone] from now on, and its memberships stay.
func (m *Memory) Kill(channel string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if box := m.boxes[channel]; box != nil {
		close(box.changed)
		delete(m.boxes, channel)
	}
}

// Inbox takes all payloads out of a channel's inbox, the oldest first. It gives nil if there are none.
func (m *Memory) Inbox(channel string) [][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	box := m.boxes[channel]
	if box == nil {
		return nil
	}
	payloads := box.payloads
	box.payloads = nil
	return payloads
}

// Receive takes the oldest payload out of a channel's inbox, and waits for one if there is none. The error is
// [ErrGone] if the channel is not open or is killed meanwhile, or ctx's.
func (m *Memory) Receive(ctx context.Context, channel string) ([]byte, error) {
	for {
		payload, changed, err := m.take(channel)
		if payload != nil || err != nil {
			return payload, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take gives the oldest payload, or what to wait for.
func (m *Memory) take(channel string) (payload []byte, changed <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	box := m.boxes[channel]
	if box == nil {
		return nil, nil, ErrGone
	}
	if len(box.payloads) == 0 {
		return nil, box.changed, nil
	}
	payload = box.payloads[0]
	box.payloads = box.payloads[1:]
	return payload, nil, nil
}

// Post implements [Poster].
func (m *Memory) Post(ctx context.Context, channel string, payload []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	box := m.boxes[channel]
	if box == nil {
		return ErrGone
	}
	if len(payload) > MaxPayload {
		return ErrTooLarge
	}
	box.payloads = append(box.payloads, append([]byte{}, payload...))
	close(box.changed)
	box.changed = make(chan struct{})
	return nil
}

// Add implements [Store].
func (m *Memory) Add(ctx context.Context, group, channel string, expires time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	members := m.groups[group]
	i, found := find(members, channel)
	if found {
		members[i].Expires = expires
		return nil
	}
	m.groups[group] = slices.Insert(members, i, Member{Channel: channel, Expires: expires})
	if m.joined[channel] == nil {
		m.joined[channel] = make(map[string]struct{})
	}
	m.joined[channel][group] = struct{}{}
	return nil
}

// Remove implements [Store].
func (m *Memory) Remove(ctx context.Context, group, channel string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(group, channel)
	return nil
}

// RemoveAll implements [Store].
func (m *Memory) RemoveAll(ctx context.Context, channel string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for group := range m.joined[channel] {
		m.remove(group, channel)
	}
	return nil
}

// remove forgets what becomes empty.
func (m *Memory) remove(group, channel string) {
	members := m.groups[group]
	i, found := find(members, channel)
	if !found {
		return
	}
	if m.groups[group] = slices.Delete(members, i, i+1); len(m.groups[group]) == 0 {
		delete(m.groups, group)
	}
	if delete(m.joined[channel], group); len(m.joined[channel]) == 0 {
		delete(m.joined, channel)
	}
}

// Members implements [Store].
func (m *Memory) Members(ctx context.Context, group, from string, limit int) ([]Member, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	members := m.groups[group]
	i, _ := find(members, from)
	end := min(i+limit, len(members))
	next := ""
	if end < len(members) {
		next = members[end].Channel
	}
	return slices.Clone(members[i:end]), next, nil
}

func find(members []Member, channel string) (int, bool) {
	return slices.BinarySearchFunc(members, channel, func(m Member, channel string) int {
		return strings.Compare(m.Channel, channel)
	})
}
