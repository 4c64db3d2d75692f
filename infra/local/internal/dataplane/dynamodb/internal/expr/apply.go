package expr

import (
	"slices"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

// edit is a change at a place in a document: of the value itself when leaf is set, else of what is within.
type edit struct {
	step   Step
	leaf   bool
	remove bool
	value  attr.Value
	kids   []*edit
}

// Apply gives the item as the update leaves it. Every right-hand side sees the old item. The faults are of type *[Error].
func (u *Update) Apply(old attr.Item) (attr.Item, error) {
	root := &edit{}
	for i := range u.actions { // every path is looked at before any value
		if err := parent(u.actions[i].path, old); err != nil {
			return nil, err
		}
	}
	for i := range u.actions {
		if err := root.plan(&u.actions[i], old); err != nil {
			return nil, err
		}
	}
	v, err := root.within(attr.Value{Type: attr.M, Map: old})
	return v.Map, err
}

// plan works out one action against the old item and hangs it into the tree of edits.
func (e *edit) plan(a *action, old attr.Item) error {
	leaf := &edit{leaf: true, step: a.path[len(a.path)-1]}
	was, exists := Lookup(old, a.path)
	var err error
	switch a.section {
	case "REMOVE":
		leaf.remove = true
	case "SET":
		leaf.value, err = a.rhs.result(old)
	case "ADD":
		leaf.value, err = add(was, exists, a.rhs.Value)
	case "DELETE":
		leaf.value, leaf.remove, err = subtract(was, exists, a.rhs.Value)
	}
	if err != nil {
		return err
	}
	at := e
	for _, s := range a.path[:len(a.path)-1] {
		at = at.kid(s)
	}
	at.kids = append(at.kids, leaf)
	return nil
}

// parent checks that what the path's last step goes into is there: a map for a name, a list for an index.
func parent(p Path, old attr.Item) error {
	if len(p) == 1 {
		return nil
	}
	v, ok := Lookup(old, p[:len(p)-1])
	want := attr.M
	if p[len(p)-1].Name == "" {
		want = attr.L
	}
	if !ok || v.Type != want {
		return errorf(textPath)
	}
	return nil
}

func (e *edit) kid(s Step) *edit {
	for _, k := range e.kids {
		if k.step == s && !k.leaf {
			return k
		}
	}
	k := &edit{step: s}
	e.kids = append(e.kids, k)
	return k
}

func add(was attr.Value, exists bool, v attr.Value) (attr.Value, error) {
	switch {
	case !exists:
		return v, nil
	case was.Type != v.Type:
		return v, errorf(textWrongType)
	case v.Type == attr.N:
		sum, err := attr.Add(was, v, false)
		if err != nil {
			return v, errorf("%s", err)
		}
		return sum, nil
	}
	all := slices.Clone(was.List)
	for _, e := range v.List {
		if !was.Has(e) {
			all = append(all, e)
		}
	}
	set, _ := attr.Set(v.Type, all)
	return set, nil
}

func subtract(was attr.Value, exists bool, v attr.Value) (left attr.Value, remove bool, err error) {
	switch {
	case !exists:
		return was, true, nil
	case was.Type != v.Type:
		return was, false, errorf(textWrongType)
	}
	left = attr.Value{Type: was.Type}
	for _, e := range was.List {
		if !v.Has(e) {
			left.List = append(left.List, e)
		}
	}
	return left, len(left.List) == 0, nil
}

// within applies the edits to what a map or list holds.
func (e *edit) within(v attr.Value) (attr.Value, error) {
	byIndex := e.kids[0].step.Name == ""
	switch {
	case !byIndex && v.Type == attr.M:
		return e.inMap(v)
	case byIndex && v.Type == attr.L:
		return e.inList(v)
	}
	return v, errorf(textPath)
}

func (e *edit) inMap(v attr.Value) (attr.Value, error) {
	m := v.Map
	for _, k := range e.kids {
		was, exists := m.Get(k.step.Name)
		now, err := k.change(was, exists)
		switch {
		case err != nil:
			return v, err
		case k.leaf && k.remove:
			m = m.Without(k.step.Name)
		default:
			m = m.With(k.step.Name, now)
		}
	}
	return attr.Value{Type: attr.M, Map: m}, nil
}

// inList applies edits by the indexes of the old list: those past its end append in order, and removals close up last.
func (e *edit) inList(v attr.Value) (attr.Value, error) {
	kids := slices.Clone(e.kids)
	slices.SortStableFunc(kids, func(a, b *edit) int { return a.step.Index - b.step.Index })
	list, gone := slices.Clone(v.List), map[int]bool{}
	for _, k := range kids {
		i := k.step.Index
		if i >= len(v.List) {
			if !k.leaf {
				return v, errorf(textPath)
			}
			if !k.remove {
				list = append(list, k.value)
			}
			continue
		}
		now, err := k.change(v.List[i], true)
		if err != nil {
			return v, err
		}
		list[i], gone[i] = now, k.leaf && k.remove
	}
	out := list[:0]
	for i := range list {
		if !gone[i] {
			out = append(out, list[i])
		}
	}
	return attr.Value{Type: attr.L, List: out}, nil
}

func (e *edit) change(was attr.Value, exists bool) (attr.Value, error) {
	switch {
	case e.leaf:
		return e.value, nil
	case !exists:
		return was, errorf(textPath)
	}
	return e.within(was)
}

// result is the value of a right-hand side of SET.
func (n *Node) result(old attr.Item) (attr.Value, error) {
	switch n.Op {
	case Literal:
		return n.Value, nil
	case Operand:
		if v, ok := Lookup(old, n.Path); ok {
			return v, nil
		}
		return attr.Value{}, errorf(textMissing)
	case Call:
		return n.resultOfCall(old)
	}
	a, b, err := n.both(old)
	if err != nil {
		return a, err
	}
	if a.Type != attr.N || b.Type != attr.N {
		return a, errorf(textWrongType)
	}
	v, err := attr.Add(a, b, n.Op == "-")
	if err != nil {
		return v, errorf("%s", err)
	}
	return v, nil
}

func (n *Node) both(old attr.Item) (a, b attr.Value, err error) {
	if a, err = n.Kids[0].result(old); err != nil {
		return a, b, err
	}
	b, err = n.Kids[1].result(old)
	return a, b, err
}

func (n *Node) resultOfCall(old attr.Item) (attr.Value, error) {
	if n.Name == "if_not_exists" {
		if v, ok := Lookup(old, n.Kids[0].Path); ok {
			return v, nil
		}
		return n.Kids[1].result(old)
	}
	a, b, err := n.both(old)
	if err != nil {
		return a, err
	}
	if a.Type != attr.L || b.Type != attr.L {
		return a, errorf(textWrongType)
	}
	return attr.Value{Type: attr.L, List: slices.Concat(a.List, b.List)}, nil
}
