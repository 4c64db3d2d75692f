package template

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// prop resolves a property and notes that it was read. It is nil if it is not there.
func (r *reader) prop(res *resource, name string) any {
	res.used[name] = true
	v := r.eval(child(res.props, name))
	if v == (any)(noValue{}) {
		return nil
	}
	return v
}

// propPos is where a property stands, or its resource.
func (r *reader) propPos(res *resource, name string) Pos {
	if n := child(res.props, name); n != nil {
		return r.pos(n)
	}
	return res.pos
}

func (r *reader) propString(res *resource, name, initial string) string {
	if v := r.prop(res, name); v != nil {
		return text(v)
	}
	return initial
}

// propNumber reads a whole number within limits.
func (r *reader) propNumber(res *resource, name string, initial, low, high int) int {
	v := r.prop(res, name)
	if v == nil {
		return initial
	}
	n, err := strconv.Atoi(text(v))
	if err != nil || n < low || n > high {
		r.mistake(r.propPos(res, name), res.id, "%s is %v; want %d to %d", name, v, low, high)
		return initial
	}
	return n
}

func (r *reader) propSeconds(res *resource, name string, initial, low, high int) time.Duration {
	return time.Duration(r.propNumber(res, name, initial, low, high)) * time.Second
}

// rest reports the properties that nobody read and that are not known to be harmless here.
func (r *reader) rest(res *resource, harmless ...string) {
	for i := 0; i+1 < len(res.props.Content); i += 2 {
		key := res.props.Content[i]
		if !res.used[key.Value] && !slices.Contains(harmless, key.Value) {
			r.notEmulated(r.pos(key), res.id, "%s of %s", key.Value, res.kind)
		}
	}
}

// within makes a resource of a mapping inside another, to read it with the same tools.
func (r *reader) within(id, kind string, pos Pos, props *yaml.Node) *resource {
	if props == nil || props.Kind != yaml.MappingNode {
		props = &yaml.Node{Kind: yaml.MappingNode, Line: pos.Line}
	}
	return &resource{id: id, kind: kind, pos: pos, props: props, used: map[string]bool{}}
}

func stringMap(v any) map[string]string {
	in, _ := v.(map[string]any)
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for k, v := range in {
		out[k] = text(v)
	}
	return out
}

func stringList(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, text(e))
		}
		return out
	}
	return strings.Split(text(v), ",")
}

func field(v any, name string) any {
	m, _ := v.(map[string]any)
	return m[name]
}
