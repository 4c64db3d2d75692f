// Package expr is DynamoDB's expression language: condition, filter, key condition, projection and update expressions,
// read into trees, checked as the service checks them, and evaluated against items.
//
// It knows nothing of tables or requests; package dynamodb is next.
package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

// Error is an expression, or a use of one, that DynamoDB refuses with a ValidationException. The text is the service's.
type Error struct{ Text string }

// Error gives the text.
func (e *Error) Error() string { return e.Text }

func errorf(format string, a ...any) error { return &Error{Text: fmt.Sprintf(format, a...)} }

// Step is one element of a document path: a name, or an index when Name is empty.
type Step struct {
	Name  string
	Index int
}

// Path is a document path. Its first step is a name.
type Path []Step

// String is the path as error messages show it: [a, [0], b].
func (p Path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.text()
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (s Step) text() string {
	if s.Name == "" {
		return "[" + strconv.Itoa(s.Index) + "]"
	}
	return s.Name
}

// Top is the name of the attribute in which the path begins.
func (p Path) Top() string { return p[0].Name }

// Op is what a [Node] does: "and", "or", "not", a comparator such as "<=", "between", "in", "call", "path", "value",
// "+" or "-".
type Op string

// The operators that are no symbols.
const (
	And     Op = "AND"
	Or      Op = "OR"
	Not     Op = "NOT"
	Between Op = "BETWEEN"
	In      Op = "IN"
	Call    Op = "call"
	Operand Op = "path"
	Literal Op = "value"
)

// Node is one node of an expression's tree.
type Node struct {
	Op     Op
	Kids   []*Node
	Name   string     // Call: the function; Literal: the placeholder
	Path   Path       // Operand, once checked
	Value  attr.Value // Literal, once checked
	raw    []rawStep  // Operand, as written
	parens bool       // written in parentheses
}

type rawStep struct {
	name string // as written, perhaps #placeholder
	text string // the digits of an index, when name is empty
}

// Scope holds the placeholders of one request and remembers which were used.
type Scope struct {
	names      map[string]string
	values     map[string]attr.Value
	usedNames  map[string]bool
	usedValues map[string]bool
}

// NewScope takes ExpressionAttributeNames and ExpressionAttributeValues, with their # and : signs. Both may be nil.
func NewScope(names map[string]string, values map[string]attr.Value) *Scope {
	return &Scope{names: names, values: values, usedNames: map[string]bool{}, usedValues: map[string]bool{}}
}

// Unused returns an error that names the placeholders no expression used, or nil. Call it after all expressions are read.
func (s *Scope) Unused() error {
	var left []string
	for k := range s.names {
		if !s.usedNames[k] {
			left = append(left, k)
		}
	}
	if len(left) > 0 {
		return unused("Names", left)
	}
	for k := range s.values {
		if !s.usedValues[k] {
			left = append(left, k)
		}
	}
	if len(left) > 0 {
		return unused("Values", left)
	}
	return nil
}

func unused(what string, keys []string) error {
	slices.Sort(keys)
	return errorf("Value provided in ExpressionAttribute%s unused in expressions: keys: {%s}", what, strings.Join(keys, ", "))
}

func (s *Scope) path(raw []rawStep) (Path, error) {
	p := make(Path, len(raw))
	for i, r := range raw {
		step, err := s.step(r)
		if err != nil {
			return nil, err
		}
		p[i] = step
	}
	if len(p) > 32 {
		return nil, errorf("The document path has too many nesting elements; nesting levels: %d", len(p))
	}
	return p, nil
}

func (s *Scope) step(r rawStep) (Step, error) {
	switch {
	case r.name == "":
		i, err := strconv.ParseInt(r.text, 10, 31)
		if err != nil {
			return Step{}, errorf("List index is not within the allowable range; index: [%s]", r.text)
		}
		return Step{Index: int(i)}, nil
	case r.name[0] == '#':
		name, ok := s.names[r.name]
		if !ok {
			return Step{}, errorf("An expression attribute name used in the document path is not defined; attribute name: %s", r.name)
		}
		s.usedNames[r.name] = true
		return Step{Name: name}, nil
	case reserved(r.name):
		return Step{}, errorf("Attribute name is a reserved keyword; reserved keyword: %s", r.name)
	}
	return Step{Name: r.name}, nil
}

func (s *Scope) value(name string) (attr.Value, error) {
	v, ok := s.values[name]
	if !ok {
		return v, errorf("An expression attribute value used in expression is not defined; attribute value: %s", name)
	}
	s.usedValues[name] = true
	return v, nil
}

// overlap finds two paths of which one contains the other, or that disagree on whether an element is a map or a list.
func overlap(paths []Path) error {
	for i := range paths {
		for j := range i {
			if err := clash(paths[j], paths[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func clash(a, b Path) error {
	n := min(len(a), len(b))
	for k := range n {
		if (a[k].Name == "") != (b[k].Name == "") {
			return twoPaths("conflict", a, b)
		}
		if a[k] != b[k] {
			return nil
		}
	}
	return twoPaths("overlap", a, b)
}

func twoPaths(how string, a, b Path) error {
	return errorf("Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", how, a, b)
}
