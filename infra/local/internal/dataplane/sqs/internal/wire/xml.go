package wire

import (
	"bytes"
	"encoding/xml"
	"reflect"
)

// AppendXML appends the fields of a struct as elements, without one around them. What is left out of JSON is left out.
func (s *Shape) AppendXML(b []byte, v any) []byte { return s.appendXML(b, reflect.ValueOf(v)) }

func (s *Shape) appendXML(b []byte, v reflect.Value) []byte {
	for i := range s.fields {
		f := &s.fields[i]
		if one := v.Field(f.index); !f.value.absent(one) {
			b = f.value.appendXML(b, f.flat, one)
		}
	}
	return b
}

func (f *value) appendXML(b []byte, name string, v reflect.Value) []byte {
	switch f.kind {
	case texts:
		for i := range v.Len() {
			b = AppendElement(b, name, v.Index(i).String())
		}
		return b
	case structs:
		for i := range v.Len() {
			b = append(append(append(b, '<'), name...), '>')
			b = f.shape.appendXML(b, v.Index(i))
			b = append(append(append(b, "</"...), name...), '>')
		}
		return b
	case textMap, shapeMap:
		for _, key := range names(v) {
			b = append(append(append(b, '<'), name...), '>')
			b = AppendElement(b, f.key, key)
			if one := v.MapIndex(reflect.ValueOf(key)); f.kind == textMap {
				b = AppendElement(b, "Value", one.String())
			} else {
				b = append(b, "<Value>"...)
				b = append(f.shape.appendXML(b, one), "</Value>"...)
			}
			b = append(append(append(b, "</"...), name...), '>')
		}
		return b
	}
	return AppendElement(b, name, f.format(v))
}

// AppendElement appends an element that holds a text.
func AppendElement(b []byte, name, content string) []byte {
	var escaped bytes.Buffer
	_ = xml.EscapeText(&escaped, []byte(content)) // a buffer takes everything
	b = append(append(append(b, '<'), name...), '>')
	b = append(b, escaped.Bytes()...)
	return append(append(append(b, "</"...), name...), '>')
}
