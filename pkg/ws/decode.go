package ws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// Decode reads a message, one JSON object, into the struct that v points to. Fields that v does not have are ignored,
// so that newer clients can talk to older servers; use pointers or zero values to see what is missing.
//
// What is wrong with the message is [CodeBadRequest], or [CodeTooLarge] over [MaxMessage], with a text that names the
// field. A v that cannot be decoded into is an error without a code.
func Decode(body []byte, v any) error {
	if len(body) > MaxMessage {
		return Errorf(CodeTooLarge, "the message has more than %d bytes", MaxMessage)
	}
	switch text := bytes.TrimLeft(body, " \t\r\n"); {
	case len(text) == 0:
		return Errorf(CodeBadRequest, "the message is empty; it must be a JSON object")
	case text[0] != '{' && json.Valid(text):
		return Errorf(CodeBadRequest, "the message is not a JSON object")
	}
	return decodeError(json.Unmarshal(body, v))
}

// decodeError says in the client's words what the decoder found.
func decodeError(err error) error {
	var (
		syntax *json.SyntaxError
		typ    *json.UnmarshalTypeError
		usage  *json.InvalidUnmarshalError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &usage):
		return fmt.Errorf("ws: decode: %w", err)
	case errors.As(err, &syntax):
		return Wrap(CodeBadRequest, err, "the message is not valid JSON, at byte %d", syntax.Offset)
	case errors.As(err, &typ) && typ.Field != "":
		return Wrap(CodeBadRequest, err, "the field %q must be %s, not %s", typ.Field, wanted(typ.Type), found(typ.Value))
	}
	return Wrap(CodeBadRequest, err, "a field of the message has a wrong value")
}

// wanted names in JSON's words what a Go type decodes from.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return fmt.Sprintf("an integer from 0 to %d", uint64(1)<<t.Bits()-1)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprintf("an integer of %d bits", t.Bits())
	}
	return "something else"
}

// found puts an article before the decoder's word for a JSON value: "string", "number 1.5", "array", "object", "bool".
func found(value string) string {
	switch {
	case value == "bool":
		return "a boolean"
	case value == "array" || value == "object":
		return "an " + value
	case len(value) > len("number ") && value[:len("number ")] == "number ":
		return value[len("number "):]
	}
	return "a " + value
}
