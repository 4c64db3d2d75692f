package wire

import (
	"encoding/base64"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
)

// ReadJSON fills the struct that into points to. Its errors are [UnknownError] and [TypeError].
func (s *Shape) ReadJSON(n *awsjson.Node, into any) error {
	if !n.Is(awsjson.Object) {
		return &TypeError{Name: "the request", Value: kindName(n.Kind), Want: "an object"}
	}
	return s.readJSON("", n, reflect.ValueOf(into).Elem())
}

func (s *Shape) readJSON(where string, n *awsjson.Node, v reflect.Value) error {
	for i := range n.Kids {
		kid := &n.Kids[i]
		if kid.Kind == awsjson.Null {
			continue
		}
		f := slices.IndexFunc(s.fields, func(f field) bool { return f.json == kid.Name })
		if f < 0 {
			return &UnknownError{where + kid.Name}
		}
		if err := s.fields[f].value.readJSON(where+kid.Name, kid, v.Field(s.fields[f].index)); err != nil {
			return err
		}
	}
	return nil
}

func (f *value) readJSON(where string, n *awsjson.Node, v reflect.Value) error {
	if want, name := f.wants(); n.Kind != want {
		return &TypeError{where, kindName(n.Kind), name}
	}
	switch f.kind {
	case structs:
		v.Set(reflect.MakeSlice(v.Type(), len(n.Kids), len(n.Kids)))
		for i := range n.Kids {
			if !n.Kids[i].Is(awsjson.Object) {
				return &TypeError{where, kindName(n.Kids[i].Kind), "a list of objects"}
			}
			if err := f.shape.readJSON(where+"."+strconv.Itoa(i+1)+".", &n.Kids[i], v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case texts:
		return f.readTexts(where, n, v)
	case textMap, shapeMap:
		return f.readMap(where, n, v)
	}
	return f.set(where, n.Str, v)
}

func (f *value) readTexts(where string, n *awsjson.Node, v reflect.Value) error {
	list := make([]string, len(n.Kids))
	for i := range n.Kids {
		if !n.Kids[i].Is(awsjson.String) {
			return &TypeError{where, kindName(n.Kids[i].Kind), "a list of strings"}
		}
		list[i] = n.Kids[i].Str
	}
	v.Set(reflect.ValueOf(list))
	return nil
}

func (f *value) readMap(where string, n *awsjson.Node, v reflect.Value) error {
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Kids)))
	for i := range n.Kids {
		kid := &n.Kids[i]
		one := reflect.New(v.Type().Elem()).Elem()
		switch {
		case f.kind == textMap && kid.Is(awsjson.String):
			one.SetString(kid.Str)
		case f.kind == shapeMap && kid.Is(awsjson.Object):
			if err := f.shape.readJSON(where+"."+kid.Name+".", kid, one); err != nil {
				return err
			}
		default:
			return &TypeError{where + "." + kid.Name, kindName(kid.Kind), "a value of the map"}
		}
		v.SetMapIndex(reflect.ValueOf(kid.Name), one)
	}
	return nil
}

// wants gives the JSON kind of a value, and what a person calls it.
func (f *value) wants() (awsjson.Kind, string) {
	switch f.kind {
	case number, optNum:
		return awsjson.Number, "an integer"
	case flag:
		return awsjson.Bool, "a boolean"
	case texts, structs:
		return awsjson.Array, "a list"
	case textMap, shapeMap:
		return awsjson.Object, "an object"
	}
	return awsjson.String, "a string"
}

// set sets a single value from its text, which both protocols have in the same form.
func (f *value) set(where, s string, v reflect.Value) error {
	switch f.kind {
	case text:
		v.SetString(s)
	case optText:
		v.Set(reflect.ValueOf(&s))
	case flag:
		v.SetBool(s == "true")
	case binary:
		data, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return &TypeError{where, s, "base64"}
		}
		v.SetBytes(data)
	default:
		n, err := strconv.Atoi(s)
		if err != nil {
			return &TypeError{where, s, "an integer"}
		}
		if f.kind == optNum {
			v.Set(reflect.ValueOf(&n))
		} else {
			v.SetInt(int64(n))
		}
	}
	return nil
}

func kindName(k awsjson.Kind) string {
	return [...]string{"nothing", "null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// AppendJSON appends a struct. Empty strings, nil pointers, nil lists and nil maps are left out.
func (s *Shape) AppendJSON(b []byte, v any) []byte { return s.appendJSON(b, reflect.ValueOf(v)) }

func (s *Shape) appendJSON(b []byte, v reflect.Value) []byte {
	b = append(b, '{')
	first := true
	for i := range s.fields {
		f := &s.fields[i]
		one := v.Field(f.index)
		if f.value.absent(one) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(awsjson.AppendString(b, f.json), ':')
		b = f.value.appendJSON(b, one)
	}
	return append(b, '}')
}

// absent says that a value is left out of an answer.
func (f *value) absent(v reflect.Value) bool {
	switch f.kind {
	case text:
		return v.Len() == 0
	case number, flag:
		return false
	}
	return v.IsNil()
}

func (f *value) appendJSON(b []byte, v reflect.Value) []byte {
	switch f.kind {
	case number, optNum, flag:
		return append(b, f.format(v)...)
	case texts, structs:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			if f.kind == texts {
				b = awsjson.AppendString(b, v.Index(i).String())
			} else {
				b = f.shape.appendJSON(b, v.Index(i))
			}
		}
		return append(b, ']')
	case textMap, shapeMap:
		b = append(b, '{')
		for i, name := range names(v) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(awsjson.AppendString(b, name), ':')
			if one := v.MapIndex(reflect.ValueOf(name)); f.kind == textMap {
				b = awsjson.AppendString(b, one.String())
			} else {
				b = f.shape.appendJSON(b, one)
			}
		}
		return append(b, '}')
	}
	return awsjson.AppendString(b, f.format(v))
}

// format is the text of a single value.
func (f *value) format(v reflect.Value) string {
	switch f.kind {
	case number:
		return strconv.FormatInt(v.Int(), 10)
	case optNum:
		return strconv.FormatInt(v.Elem().Int(), 10)
	case flag:
		return strconv.FormatBool(v.Bool())
	case binary:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case optText:
		return v.Elem().String()
	}
	return v.String()
}

// names gives the keys of a map, in order.
func names(v reflect.Value) []string {
	if m, ok := v.Interface().(map[string]string); ok {
		return slices.Sorted(maps.Keys(m))
	}
	keys := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	return keys
}
