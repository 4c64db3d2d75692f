package sqs

import "container/list"

// ready are the messages of a queue that are visible.
type ready interface {
	put(m *message)              // at its place
	take(m *message)             // out, if it is among them
	first(group string) *message // the next that may be received, of this group if it has one; nil for none
	hold(m *message, by int)     // so many more, or less, messages of its group are in flight
}

// line is the order of a standard queue: as messages became visible.
type line struct{ messages *list.List }

func (l line) put(m *message) { m.place = l.messages.PushBack(m) }

func (l line) take(m *message) {
	l.messages.Remove(m.place)
	m.place = nil
}

func (l line) first(string) *message {
	if e := l.messages.Front(); e != nil {
		return e.Value.(*message)
	}
	return nil
}

func (l line) hold(*message, int) {}

// group is a message group of a FIFO queue.
type group struct {
	name     string
	messages pile[*message] // visible, in the order of their sequence numbers
	flying   int            // messages in flight, which lock the group
	index    int            // among the open groups; -1 outside
}

// groups is the order of a FIFO queue: in each group by sequence number, and the groups by that of their first message.
// What it costs to put a message back does not depend on how many others are there, but for a logarithm.
type groups struct {
	byName map[string]*group
	open   pile[*group] // those with visible messages that may be received
}

func newGroups() *groups {
	return &groups{byName: map[string]*group{}, open: pile[*group]{
		less:  func(a, b *group) bool { return a.messages.top().sequence < b.messages.top().sequence },
		moved: func(g *group, i int) { g.index = i },
	}}
}

func (s *groups) of(m *message) *group {
	g := s.byName[m.group]
	if g == nil {
		g = &group{name: m.group, index: -1, messages: pile[*message]{
			less:  func(a, b *message) bool { return a.sequence < b.sequence },
			moved: func(m *message, i int) { m.inGroup = i },
		}}
		s.byName[m.group] = g
	}
	return g
}

func (s *groups) put(m *message) {
	g := s.of(m)
	g.messages.push(m)
	s.settle(g)
}

func (s *groups) take(m *message) {
	g := s.of(m)
	if g.index >= 0 {
		s.open.remove(g.index) // before its first message, by which it is ordered, changes
	}
	g.messages.remove(m.inGroup)
	s.settle(g)
}

func (s *groups) first(prefer string) *message {
	if g := s.byName[prefer]; g != nil && g.index >= 0 {
		return g.messages.top()
	}
	if s.open.len() == 0 {
		return nil
	}
	return s.open.top().messages.top()
}

// hold locks a group while messages of it are in flight.
func (s *groups) hold(m *message, by int) {
	g := s.of(m)
	g.flying += by
	s.settle(g)
}

// settle puts a group where it belongs: among the open ones, or not, or nowhere.
func (s *groups) settle(g *group) {
	switch isOpen := g.flying == 0 && g.messages.len() > 0; {
	case isOpen && g.index < 0:
		s.open.push(g)
	case isOpen:
		s.open.fix(g.index)
	case g.index >= 0:
		s.open.remove(g.index)
	}
	if g.flying == 0 && g.messages.len() == 0 {
		delete(s.byName, g.name)
	}
}
