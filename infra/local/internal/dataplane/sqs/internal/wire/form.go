package wire

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// node is a parameter of a form, taken apart at its dots.
type node struct {
	value string
	kids  map[string]*node
}

// ReadForm fills the struct that into points to from the parameters of a form: Entry.1.Id, Attribute.2.Value, and so on.
// A list of one may go without its number. Its errors are [UnknownError] and [TypeError].
func (s *Shape) ReadForm(form map[string][]string, into any) error {
	root := &node{}
	for key, values := range form {
		at := root
		for part := range strings.SplitSeq(key, ".") {
			if at.kids == nil {
				at.kids = map[string]*node{}
			}
			if at.kids[part] == nil {
				at.kids[part] = &node{}
			}
			at = at.kids[part]
		}
		at.value = values[0]
	}
	return s.readForm("", root, reflect.ValueOf(into).Elem())
}

func (s *Shape) readForm(where string, n *node, v reflect.Value) error {
	for _, name := range slices.Sorted(maps.Keys(n.kids)) {
		i := slices.IndexFunc(s.fields, func(f field) bool { return f.flat == name })
		if i < 0 {
			return &UnknownError{where + name}
		}
		f := &s.fields[i]
		if err := f.value.readForm(where+name, n.kids[name], v.Field(f.index)); err != nil {
			return err
		}
	}
	return nil
}

func (f *value) readForm(where string, n *node, v reflect.Value) error {
	switch f.kind {
	case texts:
		list := []string{}
		for _, one := range n.items() {
			if len(one.kids) > 0 {
				return &UnknownError{where + "." + one.any()}
			}
			list = append(list, one.value)
		}
		v.Set(reflect.ValueOf(list))
		return nil
	case structs:
		items := n.items()
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
		for i, one := range items {
			if err := f.shape.readForm(where+"."+strconv.Itoa(i+1)+".", one, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case textMap, shapeMap:
		return f.readPairs(where, n, v)
	}
	if len(n.kids) > 0 {
		return &UnknownError{where + "." + n.any()}
	}
	return f.set(where, n.value, v)
}

// readPairs reads a map: a list of pairs of a name and a value.
func (f *value) readPairs(where string, n *node, v reflect.Value) error {
	v.Set(reflect.MakeMap(v.Type()))
	for i, pair := range n.items() {
		for name := range pair.kids {
			if name != f.key && name != "Value" {
				return &UnknownError{where + "." + strconv.Itoa(i+1) + "." + name}
			}
		}
		key, content := pair.kids[f.key], pair.kids["Value"]
		if key == nil {
			return &TypeError{where, "without " + f.key, "pairs of " + f.key + " and Value"}
		}
		if content == nil {
			content = &node{}
		}
		one := reflect.New(v.Type().Elem()).Elem()
		if f.kind == textMap {
			one.SetString(content.value)
		} else if err := f.shape.readForm(where+"."+key.value+".", content, one); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(key.value), one)
	}
	return nil
}

// items gives the elements of a list in the order of their numbers, or the node itself if it has no numbers.
func (n *node) items() []*node {
	numbers := make([]int, 0, len(n.kids))
	for name := range n.kids {
		i, err := strconv.Atoi(name)
		if err != nil || i < 1 || strconv.Itoa(i) != name {
			return []*node{n}
		}
		numbers = append(numbers, i)
	}
	if len(numbers) == 0 {
		return []*node{n}
	}
	slices.Sort(numbers)
	list := make([]*node, 0, len(numbers))
	for _, i := range numbers {
		list = append(list, n.kids[strconv.Itoa(i)])
	}
	return list
}

// any gives one of the names below a node, for an error.
func (n *node) any() string { return slices.Min(slices.Collect(maps.Keys(n.kids))) }
