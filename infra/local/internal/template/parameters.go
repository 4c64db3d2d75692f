package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readParameters gives each parameter its value: the override, else the default.
func (r *reader) readParameters() error {
	section := child(r.root, "Parameters")
	known := map[string]bool{}
	if section != nil {
		for i := 0; i+1 < len(section.Content); i += 2 {
			name := section.Content[i].Value
			known[name] = true
			value, err := r.parameter(name, section.Content[i+1])
			if err != nil {
				return fmt.Errorf("%w: %s: parameter %s: %w", ErrTemplate, r.pos(section.Content[i]), name, err)
			}
			r.params[name] = value
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.opts.Parameters)) {
		if !known[name] {
			return fmt.Errorf("%w: %s has no parameter %s; it has %s", ErrTemplate, r.file, name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	return nil
}

func (r *reader) parameter(name string, decl *yaml.Node) (any, error) {
	kind := "String"
	if t := child(decl, "Type"); t != nil {
		kind = t.Value
	}
	value, ok := r.opts.Parameters[name]
	if !ok {
		initial := child(decl, "Default")
		if initial == nil {
			return nil, fmt.Errorf("it has no default; give it a value with --parameter-overrides %s=VALUE", name)
		}
		if strings.HasPrefix(kind, "AWS::SSM::") {
			return nil, fmt.Errorf("its value is in SSM (%s); give it one with --parameter-overrides %s=VALUE", initial.Value, name)
		}
		value = initial.Value
	}
	if err := checkParameter(decl, kind, value); err != nil {
		return nil, err
	}
	if kind == "CommaDelimitedList" || strings.HasPrefix(kind, "List<") {
		var list []any
		for part := range strings.SplitSeq(value, ",") {
			list = append(list, strings.TrimSpace(part))
		}
		return list, nil
	}
	return value, nil
}

func checkParameter(decl *yaml.Node, kind, value string) error {
	if allowed := child(decl, "AllowedValues"); allowed != nil {
		var values []string
		for _, v := range allowed.Content {
			values = append(values, v.Value)
		}
		if !slices.Contains(values, value) {
			return fmt.Errorf("%q is not one of %s", value, strings.Join(values, ", "))
		}
	}
	if pattern := child(decl, "AllowedPattern"); pattern != nil {
		if re, err := regexp.Compile("^(?:" + pattern.Value + ")$"); err == nil && !re.MatchString(value) {
			return fmt.Errorf("%q does not match %s", value, pattern.Value)
		}
	}
	number := float64(len(value))
	low, high := child(decl, "MinLength"), child(decl, "MaxLength")
	if kind == "Number" {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("%q is no number", value)
		}
		number, low, high = n, child(decl, "MinValue"), child(decl, "MaxValue")
	}
	if low != nil {
		if n, err := strconv.ParseFloat(low.Value, 64); err == nil && number < n {
			return fmt.Errorf("%q is below the minimum of %s", value, low.Value)
		}
	}
	if high != nil {
		if n, err := strconv.ParseFloat(high.Value, 64); err == nil && number > n {
			return fmt.Errorf("%q is above the maximum of %s", value, high.Value)
		}
	}
	return nil
}

// condition says whether a named condition holds.
func (r *reader) condition(name string, pos Pos) bool {
	node := child(child(r.root, "Conditions"), name)
	if node == nil {
		r.mistake(pos, "", "unknown condition %s", name)
		return false
	}
	if r.evaluates[name] {
		r.mistake(pos, "", "the condition %s depends on itself", name)
		return false
	}
	r.evaluates[name] = true
	defer delete(r.evaluates, name)
	return truth(r.eval(node))
}
