// Package wire is the form that the requests and answers of a query-compatible AWS service have: a Go struct is read
// from JSON or from a form, and written as JSON or XML. One struct serves both protocols.
//
// A field is named as in Go on both wires, unless its tag says otherwise: `wire:"tags,Tag"` is tags in JSON and Tag.1,
// Tag.2, ... in a form and in XML, where lists and maps are flat. It knows no operation; package sqs has those.
package wire

import (
	"fmt"
	"reflect"
	"strings"
)

// UnknownError says that a request has a parameter that its struct has no field for.
type UnknownError struct {
	Name string // with what it is in, such as Entries.1.Colour
}

// Error names the parameter.
func (e *UnknownError) Error() string { return "wire: unknown parameter " + e.Name }

// TypeError says that a parameter is not of its type.
type TypeError struct {
	Name  string
	Value string // the kind of JSON value, or the text of a form
	Want  string // such as an integer
}

// Error names the parameter and what was wanted.
func (e *TypeError) Error() string {
	return fmt.Sprintf("wire: %s is %s, want %s", e.Name, e.Value, e.Want)
}

// Shape is how a struct is on the wire. It does not change, and is safe for concurrent use.
type Shape struct {
	fields []field
}

type field struct {
	index      int
	json, flat string
	value      value
}

// value is how a field's value is on the wire.
type value struct {
	kind  kind
	shape *Shape // of the structs of a list or map
	key   string // of a map in a form: Name, or Key for tags
}

type kind uint8

const (
	text     kind = iota // string; "" is left out
	optText              // *string
	number               // int
	optNum               // *int
	flag                 // bool
	binary               // []byte, in base64
	texts                // []string
	structs              // []struct
	textMap              // map[string]string
	shapeMap             // map[string]struct
)

// Of gives the shape of a struct type. It panics if a field is of a type that it does not know: call it when wiring.
func Of[T any]() *Shape { return shapeOf(reflect.TypeFor[T]()) }

// Empty says that the shape has no fields.
func (s *Shape) Empty() bool { return len(s.fields) == 0 }

func shapeOf(t reflect.Type) *Shape {
	s := &Shape{}
	for i := range t.NumField() {
		f := t.Field(i)
		one := field{index: i, json: f.Name, flat: f.Name}
		if tag, ok := f.Tag.Lookup("wire"); ok {
			one.json, one.flat, _ = strings.Cut(tag, ",")
		}
		one.value = valueOf(f.Type)
		if one.value.key = "Name"; one.flat == "Tag" {
			one.value.key = "Key"
		}
		s.fields = append(s.fields, one)
	}
	return s
}

func valueOf(t reflect.Type) value {
	switch t {
	case reflect.TypeFor[string]():
		return value{kind: text}
	case reflect.TypeFor[*string]():
		return value{kind: optText}
	case reflect.TypeFor[int]():
		return value{kind: number}
	case reflect.TypeFor[*int]():
		return value{kind: optNum}
	case reflect.TypeFor[bool]():
		return value{kind: flag}
	case reflect.TypeFor[[]byte]():
		return value{kind: binary}
	case reflect.TypeFor[[]string]():
		return value{kind: texts}
	case reflect.TypeFor[map[string]string]():
		return value{kind: textMap}
	}
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return value{kind: structs, shape: shapeOf(t.Elem())}
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct:
		return value{kind: shapeMap, shape: shapeOf(t.Elem())}
	}
	panic("wire: no form for " + t.String())
}
