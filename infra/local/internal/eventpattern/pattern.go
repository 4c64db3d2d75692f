// Package eventpattern matches EventBridge event patterns, as event source mappings filter by them (Lambda Developer
// Guide, "Control which events Lambda sends to your function"). An operator that it does not know is an error.
package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// MaxLength is the most characters of a pattern (Lambda quota).
const MaxLength = 4096

// ErrInvalid means that a text is no pattern. Its text says where.
var ErrInvalid = errors.New("eventpattern: invalid")

// Pattern is a pattern ready to match. It is immutable.
type Pattern struct{ root node }

// node matches the fields of an object: all of them, and one of each list of alternatives in or.
type node struct {
	fields map[string]field
	or     [][]node
}

// field matches one value: as an object, or by one of the tests.
type field struct {
	object *node
	tests  []test
}

// test matches one value; there says whether the field is there at all.
type test func(value any, there bool) bool

// Parse reads a pattern. Its error is [ErrInvalid].
func Parse(text string) (*Pattern, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("%w: %d characters, more than %d", ErrInvalid, len(text), MaxLength)
	}
	v, err := decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: a pattern is a JSON object", ErrInvalid)
	}
	root, err := parseNode(object)
	return &Pattern{root}, err
}

func decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, errors.New("something follows the value")
	}
	return v, nil
}

// Matches says whether a value, as encoding/json decodes it with UseNumber, matches.
func (p *Pattern) Matches(v any) bool { return p.root.matches(v) }

// MatchesJSON is Matches of a JSON text; a text that is none does not match.
func (p *Pattern) MatchesJSON(text []byte) bool {
	v, err := decode(text)
	return err == nil && p.Matches(v)
}

// AsksForObject says whether the pattern looks into a field, rather than at it as a whole: so a mapping decides whether
// to take a message's body for JSON.
func (p *Pattern) AsksForObject(name string) bool { return p.root.asks(name) }

func (n node) asks(name string) bool {
	if f, ok := n.fields[name]; ok {
		return f.object != nil
	}
	for _, alternatives := range n.or {
		for _, a := range alternatives {
			if a.asks(name) {
				return true
			}
		}
	}
	return false
}

func (n node) matches(v any) bool {
	object, ok := v.(map[string]any)
	if !ok && len(n.fields) > 0 {
		object = nil
	}
	for name, f := range n.fields {
		value, there := object[name]
		if !f.matches(value, there) {
			return false
		}
	}
	for _, alternatives := range n.or {
		any := false
		for _, a := range alternatives {
			any = any || a.matches(v)
		}
		if !any {
			return false
		}
	}
	return true
}

func (f field) matches(value any, there bool) bool {
	if f.object != nil {
		return f.object.matches(value)
	}
	values := []any{value}
	if list, ok := value.([]any); ok && len(list) > 0 {
		values = list // one element that matches is enough
	}
	for _, v := range values {
		for _, t := range f.tests {
			if t(v, there) {
				return true
			}
		}
	}
	return false
}

func parseNode(object map[string]any) (node, error) {
	n := node{fields: map[string]field{}}
	if len(object) == 0 {
		return n, fmt.Errorf("%w: an empty object", ErrInvalid)
	}
	for name, v := range object {
		if list, ok := v.([]any); ok && name == "$or" {
			alternatives, err := parseOr(list)
			if err != nil {
				return n, err
			}
			n.or = append(n.or, alternatives)
			continue
		}
		f, err := parseField(v)
		if err != nil {
			return n, fmt.Errorf("%w at %q", err, name)
		}
		n.fields[name] = f
	}
	return n, nil
}

func parseOr(list []any) ([]node, error) {
	var out []node
	for _, v := range list {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%w: $or is a list of objects", ErrInvalid)
		}
		n, err := parseNode(object)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	if len(out) < 2 {
		return nil, fmt.Errorf("%w: $or has at least two alternatives", ErrInvalid)
	}
	return out, nil
}

func parseField(v any) (field, error) {
	switch v := v.(type) {
	case map[string]any:
		n, err := parseNode(v)
		return field{object: &n}, err
	case []any:
		if len(v) == 0 {
			return field{}, fmt.Errorf("%w: an empty list", ErrInvalid)
		}
		var f field
		for _, e := range v {
			t, err := parseTest(e)
			if err != nil {
				return f, err
			}
			f.tests = append(f.tests, t)
		}
		return f, nil
	}
	return field{}, fmt.Errorf("%w: a field is matched by an object or a list of values", ErrInvalid)
}

func parseTest(v any) (test, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) != 1 {
			return nil, fmt.Errorf("%w: one operator in an object", ErrInvalid)
		}
		for name, operand := range v {
			return parseOperator(name, operand)
		}
	case []any:
		return nil, fmt.Errorf("%w: a list within a list", ErrInvalid)
	}
	return equals(v), nil
}

func equals(want any) test {
	return func(v any, there bool) bool { return there && same(want, v) }
}

// same compares two values as JSON has them; numbers by their value.
func same(a, b any) bool {
	x, ok := number(a)
	if y, also := number(b); ok && also {
		return x.Cmp(y) == 0
	}
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

func number(v any) (*big.Float, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return nil, false
	}
	f, _, err := big.ParseFloat(n.String(), 10, 128, big.ToNearestEven)
	return f, err == nil
}

func parseOperator(name string, operand any) (test, error) {
	switch name {
	case "prefix", "suffix", "equals-ignore-case":
		return textTest(name, operand)
	case "exists":
		want, ok := operand.(bool)
		if !ok {
			return nil, fmt.Errorf("%w: exists is true or false", ErrInvalid)
		}
		return func(_ any, there bool) bool { return there == want }, nil
	case "numeric":
		return numericTest(operand)
	case "anything-but":
		return butTest(operand)
	case "wildcard":
		pattern, ok := operand.(string)
		if !ok {
			return nil, fmt.Errorf("%w: wildcard takes a text", ErrInvalid)
		}
		return onText(func(s string) bool { return wildcard(strings.Split(pattern, "*"), s) }), nil
	}
	return nil, fmt.Errorf("%w: the operator %q is not emulated", ErrInvalid, name)
}

func onText(f func(string) bool) test {
	return func(v any, there bool) bool {
		s, ok := v.(string)
		return there && ok && f(s)
	}
}

func textTest(name string, operand any) (test, error) {
	fold := false
	if object, ok := operand.(map[string]any); ok && len(object) == 1 && name != "equals-ignore-case" {
		operand, fold = object["equals-ignore-case"], true
	}
	want, ok := operand.(string)
	if !ok {
		return nil, fmt.Errorf("%w: %s takes a text", ErrInvalid, name)
	}
	if fold {
		want = strings.ToLower(want)
	}
	return onText(func(s string) bool {
		if fold {
			s = strings.ToLower(s)
		}
		switch name {
		case "prefix":
			return strings.HasPrefix(s, want)
		case "suffix":
			return strings.HasSuffix(s, want)
		}
		return strings.EqualFold(s, want)
	}), nil
}

// butTest is anything-but: values that are there and are none of these.
func butTest(operand any) (test, error) {
	list, ok := operand.([]any)
	if !ok {
		list = []any{operand}
	}
	var not []test
	for _, v := range list {
		if object, ok := v.(map[string]any); ok {
			for name, of := range object {
				for _, each := range asList(of) {
					t, err := parseOperator(name, each)
					if err != nil || name == "exists" || name == "anything-but" || name == "numeric" {
						return nil, errors.Join(err, fmt.Errorf("%w: anything-but of %s", ErrInvalid, name))
					}
					not = append(not, t)
				}
			}
			continue
		}
		not = append(not, equals(v))
	}
	if len(not) == 0 {
		return nil, fmt.Errorf("%w: anything-but of nothing", ErrInvalid)
	}
	return func(v any, there bool) bool {
		for _, t := range not {
			if t(v, there) {
				return false
			}
		}
		return there
	}, nil
}

func asList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// numericTest reads [">", 0, "<=", 5].
func numericTest(operand any) (test, error) {
	list, _ := operand.([]any)
	if len(list) != 2 && len(list) != 4 {
		return nil, fmt.Errorf("%w: numeric takes one or two comparisons", ErrInvalid)
	}
	type comparison struct {
		op   string
		with *big.Float
	}
	var all []comparison
	for i := 0; i < len(list); i += 2 {
		op, _ := list[i].(string)
		with, ok := number(list[i+1])
		if !ok || !strings.Contains(" = < <= > >= ", " "+op+" ") || op == "" {
			return nil, fmt.Errorf("%w: numeric compares by =, <, <=, > or >= with a number", ErrInvalid)
		}
		all = append(all, comparison{op, with})
	}
	return func(v any, there bool) bool {
		n, ok := number(v)
		if !there || !ok {
			return false
		}
		for _, c := range all {
			if !compare(n.Cmp(c.with), c.op) {
				return false
			}
		}
		return true
	}, nil
}

func compare(order int, op string) bool {
	switch op {
	case "=":
		return order == 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// wildcard matches the parts of a pattern between its stars.
func wildcard(parts []string, s string) bool {
	if len(parts) == 1 {
		return s == parts[0]
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
