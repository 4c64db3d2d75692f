package gateway

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// expression is a route selection expression (Developer Guide, "WebSocket selection expressions"): texts, and paths into
// the message's body. Supported paths are .name, ['name'], [n] and [*].
type expression []part

type part struct {
	text string
	path []step // nil for a text
}

// step goes one level down: by a name, an index, or to all of a list.
type step struct {
	name  string
	index int
	all   bool
	list  bool
}

const bodyPrefix = "request.body"

// parseExpression reads an expression. It refuses what it does not support, rather than route wrongly.
func parseExpression(s string) (expression, error) {
	var e expression
	for s != "" {
		switch {
		case strings.HasPrefix(s, `\$`):
			e, s = append(e, part{text: "$"}), s[2:]
		case strings.HasPrefix(s, "${"):
			inside, rest, ok := strings.Cut(s[2:], "}")
			if !ok {
				return nil, fmt.Errorf("%w: %q has no closing brace", ErrUnsupported, s)
			}
			path, err := parsePath(inside)
			if err != nil {
				return nil, err
			}
			e, s = append(e, part{path: path}), rest
		case s[0] == '$':
			path, err := parsePath(s[1:])
			if err != nil {
				return nil, err
			}
			return append(e, part{path: path}), nil
		default:
			n := strings.IndexAny(s, `$\`)
			if n < 0 {
				n = len(s)
			}
			n = max(n, 1)
			e, s = append(e, part{text: s[:n]}), s[n:]
		}
	}
	if len(e) == 0 {
		return nil, fmt.Errorf("%w: an empty expression", ErrUnsupported)
	}
	return e, nil
}

func parsePath(s string) ([]step, error) {
	rest, ok := strings.CutPrefix(s, bodyPrefix)
	if !ok {
		return nil, fmt.Errorf("%w: %q: only request.body can be selected by", ErrUnsupported, s)
	}
	path := []step{}
	for rest != "" {
		next, after, err := parseStep(rest)
		if err != nil {
			return nil, fmt.Errorf("%w in %q", err, s)
		}
		path, rest = append(path, next), after
	}
	return path, nil
}

func parseStep(s string) (next step, rest string, err error) {
	if s[0] == '.' {
		n := strings.IndexAny(s[1:], ".[")
		if n < 0 {
			n = len(s) - 1
		}
		name := s[1 : 1+n]
		if name == "" || strings.ContainsAny(name, "*?()@ ") {
			return step{}, "", fmt.Errorf("%w: the step %q", ErrUnsupported, s)
		}
		return step{name: name}, s[1+n:], nil
	}
	inside, after, ok := strings.Cut(strings.TrimPrefix(s, "["), "]")
	if s[0] != '[' || !ok {
		return step{}, "", fmt.Errorf("%w: the step %q", ErrUnsupported, s)
	}
	if inside == "*" {
		return step{all: true}, after, nil
	}
	if n := len(inside); n >= 2 && (inside[0] == '\'' || inside[0] == '"') && inside[n-1] == inside[0] {
		return step{name: inside[1 : n-1]}, after, nil
	}
	i, err := strconv.Atoi(inside)
	if err != nil || i < 0 {
		return step{}, "", fmt.Errorf("%w: the step %q", ErrUnsupported, s)
	}
	return step{index: i, list: true}, after, nil
}

// evaluate gives the expression's text for a body. A path that leads nowhere is "".
func (e expression) evaluate(body any) string {
	var out strings.Builder
	for _, p := range e {
		if p.path == nil {
			out.WriteString(p.text)
			continue
		}
		out.WriteString(selected(follow(body, p.path)))
	}
	return out.String()
}

func follow(v any, path []step) any {
	for i, s := range path {
		switch {
		case s.all:
			list, _ := v.([]any)
			out := []any{}
			for _, e := range list {
				out = append(out, follow(e, path[i+1:]))
			}
			return out
		case s.list:
			list, _ := v.([]any)
			if s.index >= len(list) {
				return nil
			}
			v = list[s.index]
		default:
			m, _ := v.(map[string]any)
			v = m[s.name]
		}
	}
	return v
}

// selected turns a value into text. Only texts and lists are documented; the rest is as JSON writes it.
func selected(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = selected(v[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	data, _ := json.Marshal(v) // it came from JSON
	return string(data)
}
