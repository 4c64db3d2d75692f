// Package attr is DynamoDB's data model: attribute values and items, their JSON form, their size as DynamoDB counts it,
// their order, and the compact forms in which items and keys are stored.
//
// It knows nothing of tables, requests or expressions; package expr is next.
package attr

import (
	"slices"
	"strings"
)

// Type is an attribute's data type. Its String is the name used on the wire.
type Type byte

// The ten data types. A Value of type 0 is no value at all.
const (
	S Type = iota + 1
	N
	B
	BOOL
	NULL
	L
	M
	SS
	NS
	BS
)

// String is the wire name: S, N, B, BOOL, NULL, L, M, SS, NS or BS.
func (t Type) String() string {
	switch t {
	case S:
		return "S"
	case N:
		return "N"
	case B:
		return "B"
	case BOOL:
		return "BOOL"
	case NULL:
		return "NULL"
	case L:
		return "L"
	case M:
		return "M"
	case SS:
		return "SS"
	case NS:
		return "NS"
	case BS:
		return "BS"
	}
	return ""
}

// TypeOf is the type with a wire name, or 0.
func TypeOf(name string) Type {
	for t := S; t <= BS; t++ {
		if t.String() == name {
			return t
		}
	}
	return 0
}

// Elem is the type of a set's elements, and 0 for a type that is no set.
func (t Type) Elem() Type {
	switch t {
	case SS:
		return S
	case NS:
		return N
	case BS:
		return B
	}
	return 0
}

// Value is one attribute value. Values are never changed once built; they may be shared between goroutines.
type Value struct {
	Str  string  // S: the text; N: canonical text; B: the bytes; BOOL: "true" or "false"
	List []Value // L: elements in order; SS, NS, BS: elements in ascending order
	Map  Item    // M
	Type Type
}

// Attr is a named value.
type Attr struct {
	Name  string
	Value Value
}

// Item is a set of attributes in ascending order of their names.
type Item []Attr

// Text gives a string value.
func Text(s string) Value { return Value{Type: S, Str: s} }

// Bool gives a BOOL value.
func Bool(b bool) Value {
	if b {
		return Value{Type: BOOL, Str: "true"}
	}
	return Value{Type: BOOL, Str: "false"}
}

// Get finds an attribute by name.
func (it Item) Get(name string) (Value, bool) {
	if i, ok := it.find(name); ok {
		return it[i].Value, true
	}
	return Value{}, false
}

func (it Item) find(name string) (int, bool) {
	if len(it) > 8 {
		return slices.BinarySearchFunc(it, name, func(a Attr, n string) int { return strings.Compare(a.Name, n) })
	}
	for i := range it {
		if it[i].Name >= name {
			return i, it[i].Name == name
		}
	}
	return len(it), false
}

// With returns a copy of the item that has the attribute; the item itself is left as it is.
func (it Item) With(name string, v Value) Item {
	i, ok := it.find(name)
	if ok {
		out := slices.Clone(it)
		out[i].Value = v
		return out
	}
	out := make(Item, 0, len(it)+1)
	out = append(out, it[:i]...)
	out = append(out, Attr{Name: name, Value: v})
	return append(out, it[i:]...)
}

// Without returns a copy of the item that lacks the attribute.
func (it Item) Without(name string) Item {
	i, ok := it.find(name)
	if !ok {
		return it
	}
	out := make(Item, 0, len(it)-1)
	return append(append(out, it[:i]...), it[i+1:]...)
}

// Equal says whether two values are the same: type and content, sets and maps in any order.
func Equal(a, b Value) bool {
	if a.Type != b.Type || a.Str != b.Str || len(a.List) != len(b.List) || len(a.Map) != len(b.Map) {
		return false
	}
	for i := range a.List {
		if !Equal(a.List[i], b.List[i]) {
			return false
		}
	}
	return EqualItems(a.Map, b.Map)
}

// EqualItems says whether two items have the same attributes.
func EqualItems(a, b Item) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || !Equal(a[i].Value, b[i].Value) {
			return false
		}
	}
	return true
}

// Compare orders two values of one scalar type: strings and binaries by bytes, numbers by value. ok is false for values
// that have no order, such as two maps or a string and a number.
func Compare(a, b Value) (order int, ok bool) {
	if a.Type != b.Type {
		return 0, false
	}
	switch a.Type {
	case S, B:
		return strings.Compare(a.Str, b.Str), true
	case N:
		return compareNumbers(a.Str, b.Str), true
	}
	return 0, false
}

// Set builds a set from elements in any order, dropping none; dup is true when two are equal.
func Set(t Type, elems []Value) (v Value, dup bool) {
	slices.SortFunc(elems, func(a, b Value) int { c, _ := Compare(a, b); return c })
	for i := 1; i < len(elems); i++ {
		if elems[i].Str == elems[i-1].Str {
			dup = true
		}
	}
	return Value{Type: t, List: elems}, dup
}

// Has says whether a set holds an element.
func (v Value) Has(e Value) bool {
	return slices.ContainsFunc(v.List, func(x Value) bool { return x.Type == e.Type && x.Str == e.Str })
}

// sortItem orders attributes by name; of two with one name the later stays.
func sortItem(it Item) Item {
	slices.SortStableFunc(it, func(a, b Attr) int { return strings.Compare(a.Name, b.Name) })
	out := it[:0]
	for i := range it {
		if i+1 < len(it) && it[i+1].Name == it[i].Name {
			continue
		}
		out = append(out, it[i])
	}
	return out
}
