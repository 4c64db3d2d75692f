package template

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// noValue is what AWS::NoValue gives: the property is as if it were not there.
type noValue struct{}

// short are the intrinsic functions by their YAML tags.
var short = map[string]string{
	"!Ref": "Ref", "!Condition": "Condition", "!GetAtt": "Fn::GetAtt", "!Sub": "Fn::Sub", "!Join": "Fn::Join",
	"!Select": "Fn::Select", "!Split": "Fn::Split", "!If": "Fn::If", "!Equals": "Fn::Equals", "!And": "Fn::And",
	"!Or": "Fn::Or", "!Not": "Fn::Not", "!FindInMap": "Fn::FindInMap", "!ImportValue": "Fn::ImportValue",
	"!Base64": "Fn::Base64", "!GetAZs": "Fn::GetAZs", "!Transform": "Fn::Transform", "!Cidr": "Fn::Cidr",
}

// intrinsic gives the function that a node calls, and its argument.
func intrinsic(n *yaml.Node) (name string, arg *yaml.Node, ok bool) {
	if name, ok := short[n.Tag]; ok {
		return name, n, true
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		key := n.Content[0].Value
		if key == "Ref" || key == "Condition" || strings.HasPrefix(key, "Fn::") {
			return key, n.Content[1], true
		}
	}
	return "", nil, false
}

func isIntrinsic(n *yaml.Node) bool {
	_, _, ok := intrinsic(n)
	return ok
}

// eval resolves a node to a string, bool, int, float64, map[string]any, []any, nil or noValue.
func (r *reader) eval(n *yaml.Node) any {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		r.mistake(r.pos(n), "", "CloudFormation does not support YAML aliases")
		return ""
	}
	if name, arg, ok := intrinsic(n); ok {
		return r.call(name, arg)
	}
	return r.literal(n)
}

// literal resolves a node without looking at its own tag.
func (r *reader) literal(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if v := r.eval(n.Content[i+1]); v != (any)(noValue{}) {
				out[n.Content[i].Value] = v
			}
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			if v := r.eval(c); v != (any)(noValue{}) {
				out = append(out, v)
			}
		}
		return out
	}
	return scalar(n)
}

func scalar(n *yaml.Node) any {
	switch n.Tag {
	case "!!bool":
		return n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
	case "!!int":
		if i, err := strconv.Atoi(n.Value); err == nil {
			return i
		}
	case "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return f
		}
	case "!!null":
		return nil
	}
	return n.Value
}

// call runs an intrinsic function.
func (r *reader) call(name string, arg *yaml.Node) any {
	switch name {
	case "Ref":
		return r.ref(arg.Value, r.pos(arg))
	case "Condition":
		return r.condition(arg.Value, r.pos(arg))
	case "Fn::GetAtt":
		return r.getAttNode(arg)
	case "Fn::Sub":
		return r.sub(arg)
	case "Fn::ImportValue":
		return r.importValue(arg)
	case "Fn::Base64":
		return base64.StdEncoding.EncodeToString([]byte(text(r.inner(arg))))
	case "Fn::GetAZs":
		return []any{r.opts.Region + "a", r.opts.Region + "b", r.opts.Region + "c"}
	case "Fn::If":
		return r.ifElse(arg)
	}
	args, ok := r.inner(arg).([]any)
	if !ok {
		r.mistake(r.pos(arg), "", "%s wants a list", name)
		return ""
	}
	return r.callList(name, arg, args)
}

// callList runs the functions whose argument is a list.
func (r *reader) callList(name string, arg *yaml.Node, args []any) any {
	bad := func(want string) any {
		r.mistake(r.pos(arg), "", "%s wants %s", name, want)
		return ""
	}
	switch name {
	case "Fn::Join":
		list, ok := at(args, 1).([]any)
		if len(args) != 2 || !ok {
			return bad("a delimiter and a list")
		}
		parts := make([]string, len(list))
		for i, v := range list {
			parts[i] = text(v)
		}
		return strings.Join(parts, text(args[0]))
	case "Fn::Split":
		if len(args) != 2 {
			return bad("a delimiter and a text")
		}
		var out []any
		for part := range strings.SplitSeq(text(args[1]), text(args[0])) {
			out = append(out, part)
		}
		return out
	case "Fn::Select":
		i, err := strconv.Atoi(text(at(args, 0)))
		list, ok := at(args, 1).([]any)
		if err != nil || !ok || i < 0 || i >= len(list) {
			return bad("an index within a list")
		}
		return list[i]
	case "Fn::FindInMap":
		return r.findInMap(arg, args)
	}
	return r.callLogic(name, arg, args)
}

func (r *reader) callLogic(name string, arg *yaml.Node, args []any) any {
	switch {
	case name == "Fn::Equals" && len(args) == 2:
		return text(args[0]) == text(args[1])
	case name == "Fn::Not" && len(args) == 1:
		return !truth(args[0])
	case name == "Fn::And" && len(args) > 0:
		return !slices.ContainsFunc(args, func(v any) bool { return !truth(v) })
	case name == "Fn::Or" && len(args) > 0:
		return slices.ContainsFunc(args, truth)
	}
	r.mistake(r.pos(arg), "", "%s is not supported, or has the wrong arguments", name)
	return ""
}

// inner resolves the argument of a function: a short form carries the function's tag on the argument itself.
func (r *reader) inner(arg *yaml.Node) any {
	if _, ok := short[arg.Tag]; ok {
		return r.literal(untagged(arg))
	}
	return r.eval(arg)
}

// untagged is a node without its short tag: a scalar is text then.
func untagged(n *yaml.Node) *yaml.Node {
	out := *n
	out.Tag = ""
	return &out
}

func (r *reader) ifElse(arg *yaml.Node) any {
	if arg.Kind != yaml.SequenceNode || len(arg.Content) != 3 {
		r.mistake(r.pos(arg), "", "Fn::If wants a condition and two values")
		return noValue{}
	}
	if r.condition(arg.Content[0].Value, r.pos(arg.Content[0])) {
		return r.eval(arg.Content[1])
	}
	return r.eval(arg.Content[2])
}

func (r *reader) findInMap(arg *yaml.Node, args []any) any {
	node := child(r.root, "Mappings")
	for _, key := range args[:min(len(args), 3)] {
		if node = child(node, text(key)); node == nil {
			if fallback, ok := at(args, 3).(map[string]any); ok {
				return fallback["DefaultValue"]
			}
			r.mistake(r.pos(arg), "", "Fn::FindInMap finds no %v", args)
			return ""
		}
	}
	return r.eval(node)
}

func (r *reader) importValue(arg *yaml.Node) any {
	name := text(r.inner(arg))
	value, ok := r.opts.Imports[name]
	if !ok {
		r.mistake(r.pos(arg), "", "Fn::ImportValue: nobody exports %s here; give it a value with --import %s=VALUE", name, name)
	}
	return value
}

func (r *reader) getAttNode(arg *yaml.Node) any {
	if arg.Kind == yaml.SequenceNode && len(arg.Content) == 2 {
		return r.getAtt(arg.Content[0].Value, text(r.eval(arg.Content[1])), r.pos(arg))
	}
	id, attr, ok := strings.Cut(arg.Value, ".")
	if !ok {
		r.mistake(r.pos(arg), "", "Fn::GetAtt wants Resource.Attribute")
		return ""
	}
	return r.getAtt(id, attr, r.pos(arg))
}

// sub fills ${Name}, ${Resource.Attribute} and ${!literal} in a text.
func (r *reader) sub(arg *yaml.Node) any {
	source, vars := arg.Value, map[string]any{}
	if arg.Kind == yaml.SequenceNode && len(arg.Content) == 2 {
		source = arg.Content[0].Value
		vars, _ = r.eval(arg.Content[1]).(map[string]any)
	}
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(source, "${")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			out.WriteString("${" + rest)
			return out.String()
		}
		out.WriteString(r.subVariable(name, vars, r.pos(arg)))
		source = after
	}
}

func (r *reader) subVariable(name string, vars map[string]any, pos Pos) string {
	if literal, ok := strings.CutPrefix(name, "!"); ok {
		return "${" + literal + "}"
	}
	name = strings.TrimSpace(name)
	if v, ok := vars[name]; ok {
		return text(v)
	}
	if id, attr, ok := strings.Cut(name, "."); ok {
		return text(r.getAtt(id, attr, pos))
	}
	return text(r.ref(name, pos))
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// text is a value where CloudFormation wants a string.
func text(v any) string {
	switch v := v.(type) {
	case nil, noValue:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = text(v[i])
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(v)
}

func truth(v any) bool { return v == true || v == "true" }
