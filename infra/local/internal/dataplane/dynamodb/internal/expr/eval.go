package expr

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

// Lookup finds the value at a path.
func Lookup(it attr.Item, p Path) (attr.Value, bool) {
	v, ok := it.Get(p[0].Name)
	for _, s := range p[1:] {
		if !ok {
			return v, false
		}
		v, ok = child(v, s)
	}
	return v, ok
}

func child(v attr.Value, s Step) (attr.Value, bool) {
	switch {
	case s.Name != "" && v.Type == attr.M:
		return v.Map.Get(s.Name)
	case s.Name == "" && v.Type == attr.L && s.Index < len(v.List):
		return v.List[s.Index], true
	}
	return attr.Value{}, false
}

// Match says whether the condition holds for an item; the nil item is one without attributes.
func (n *Node) Match(it attr.Item) bool {
	switch n.Op {
	case And:
		return n.Kids[0].Match(it) && n.Kids[1].Match(it)
	case Or:
		return n.Kids[0].Match(it) || n.Kids[1].Match(it)
	case Not:
		return !n.Kids[0].Match(it)
	case Call:
		return n.matchCall(it)
	case In:
		return n.matchIn(it)
	case Between:
		return n.matchBetween(it)
	}
	return n.matchComparison(it)
}

func (n *Node) matchIn(it attr.Item) bool {
	v, ok := n.Kids[0].operand(it)
	for _, kid := range n.Kids[1:] {
		if w, has := kid.operand(it); ok && has && attr.Equal(v, w) {
			return true
		}
	}
	return false
}

func (n *Node) matchBetween(it attr.Item) bool {
	v, ok := n.Kids[0].operand(it)
	low, okLow := n.Kids[1].operand(it)
	high, okHigh := n.Kids[2].operand(it)
	if !ok || !okLow || !okHigh {
		return false
	}
	a, sameLow := attr.Compare(v, low)
	b, sameHigh := attr.Compare(v, high)
	return sameLow && sameHigh && a >= 0 && b <= 0
}

func (n *Node) matchComparison(it attr.Item) bool {
	a, okA := n.Kids[0].operand(it)
	b, okB := n.Kids[1].operand(it)
	switch n.Op {
	case "=":
		return okA && okB && attr.Equal(a, b)
	case "<>":
		return !(okA && okB && attr.Equal(a, b))
	}
	if !okA || !okB {
		return false
	}
	order, same := attr.Compare(a, b)
	if !same {
		return false
	}
	switch n.Op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func (n *Node) matchCall(it attr.Item) bool {
	v, ok := n.Kids[0].operand(it)
	switch n.Name {
	case "attribute_exists":
		return ok
	case "attribute_not_exists":
		return !ok
	}
	w, has := n.Kids[1].operand(it)
	if !ok || !has {
		return false
	}
	switch n.Name {
	case "attribute_type":
		return v.Type.String() == w.Str
	case "begins_with":
		return v.Type == w.Type && (v.Type == attr.S || v.Type == attr.B) && strings.HasPrefix(v.Str, w.Str)
	}
	return contains(v, w)
}

func contains(v, w attr.Value) bool {
	switch v.Type {
	case attr.S, attr.B:
		return w.Type == v.Type && strings.Contains(v.Str, w.Str)
	case attr.SS, attr.NS, attr.BS:
		return v.Has(w)
	case attr.L:
		for _, e := range v.List {
			if attr.Equal(e, w) {
				return true
			}
		}
	}
	return false
}

// operand is the value of a path, a literal or size() in an item.
func (n *Node) operand(it attr.Item) (attr.Value, bool) {
	switch n.Op {
	case Operand:
		return Lookup(it, n.Path)
	case Literal:
		return n.Value, true
	}
	v, ok := n.Kids[0].operand(it)
	if !ok {
		return v, false
	}
	size, ok := sizeOf(v)
	return attr.Value{Type: attr.N, Str: strconv.Itoa(size)}, ok
}

func sizeOf(v attr.Value) (int, bool) {
	switch v.Type {
	case attr.S:
		return utf16Len(v.Str), true
	case attr.B:
		return len(v.Str), true
	case attr.M:
		return len(v.Map), true
	case attr.L, attr.SS, attr.NS, attr.BS:
		return len(v.List), true
	}
	return 0, false
}

// utf16Len counts as Java does: a character outside the basic plane is two.
func utf16Len(s string) int {
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		if r > 0xffff {
			n++
		}
	}
	return n
}
