package attr

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
)

// maxDepth is DynamoDB's limit on nested lists and maps (Developer Guide, "Quotas": 32 levels).
const maxDepth = 32

// Problem is a value that DynamoDB refuses with a ValidationException; the text is the service's own.
type Problem struct{ Text string }

// Error gives the text.
func (p *Problem) Error() string { return p.Text }

// ErrShape says that JSON is not of the form of an attribute value: what AWS calls a SerializationException.
var ErrShape = errors.New("attr: not an attribute value")

const invalid = "One or more parameter values were invalid: "

func problem(format string, a ...any) error { return &Problem{Text: fmt.Sprintf(format, a...)} }

// DecodeItem reads an item, {"name":{"S":"x"},...}. It returns a *[Problem] or an error that wraps [ErrShape].
func DecodeItem(n *awsjson.Node) (Item, error) { return decodeItem(n, 0) }

// Decode reads one attribute value, {"S":"x"}. It returns a *[Problem] or an error that wraps [ErrShape].
func Decode(n *awsjson.Node) (Value, error) { return decode(n, 0) }

func decodeItem(n *awsjson.Node, depth int) (Item, error) {
	if !n.Is(awsjson.Object) {
		return nil, ErrShape
	}
	it := make(Item, len(n.Kids))
	sorted := true
	for i := range n.Kids {
		v, err := decode(&n.Kids[i], depth)
		if err != nil {
			return nil, err
		}
		it[i] = Attr{Name: n.Kids[i].Name, Value: v}
		sorted = sorted && (i == 0 || it[i-1].Name < it[i].Name)
	}
	if !sorted {
		it = sortItem(it)
	}
	return it, nil
}

func decode(n *awsjson.Node, depth int) (Value, error) {
	if !n.Is(awsjson.Object) {
		return Value{}, ErrShape
	}
	member, err := only(n)
	if err != nil {
		return Value{}, err
	}
	t := TypeOf(member.Name)
	switch t {
	case S, N, B:
		return decodeScalar(t, member)
	case BOOL, NULL:
		return decodeWord(t, member)
	case SS, NS, BS:
		return decodeSet(t, member)
	}
	if depth++; depth >= maxDepth {
		return Value{}, problem("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
	}
	if t == M {
		m, err := decodeItem(member, depth)
		return Value{Type: M, Map: m}, err
	}
	return decodeList(member, depth)
}

// only gives the single data type member of a value.
func only(n *awsjson.Node) (*awsjson.Node, error) {
	var found *awsjson.Node
	for i := range n.Kids {
		k := &n.Kids[i]
		if k.Kind == awsjson.Null || TypeOf(k.Name) == 0 {
			continue
		}
		if found != nil {
			return nil, problem("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
		}
		found = k
	}
	if found == nil {
		return nil, problem("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	return found, nil
}

func decodeScalar(t Type, n *awsjson.Node) (Value, error) {
	if !n.Is(awsjson.String) {
		return Value{}, ErrShape
	}
	switch t {
	case N:
		s, err := number(n.Str)
		return Value{Type: N, Str: s}, err
	case B:
		raw, err := base64.StdEncoding.DecodeString(n.Str)
		if err != nil {
			return Value{}, ErrShape
		}
		return Value{Type: B, Str: string(raw)}, nil
	}
	return Value{Type: t, Str: n.Str}, nil
}

func number(text string) (string, error) {
	s, err := ParseNumber(text)
	switch {
	case errors.Is(err, ErrNotNumber) && text == "":
		return "", problem("The parameter cannot be converted to a numeric value")
	case errors.Is(err, ErrNotNumber):
		return "", problem("The parameter cannot be converted to a numeric value: %s", text)
	case err != nil:
		return "", problem("%s", err)
	}
	return s, nil
}

func decodeWord(t Type, n *awsjson.Node) (Value, error) {
	if !n.Is(awsjson.Bool) {
		return Value{}, ErrShape
	}
	if t == BOOL {
		return Bool(n.Str == "true"), nil
	}
	if n.Str != "true" {
		return Value{}, problem(invalid + "Null attribute value types must have the value of true")
	}
	return Value{Type: NULL}, nil
}

func decodeList(n *awsjson.Node, depth int) (Value, error) {
	if !n.Is(awsjson.Array) {
		return Value{}, ErrShape
	}
	v := Value{Type: L, List: make([]Value, len(n.Kids))}
	for i := range n.Kids {
		e, err := decode(&n.Kids[i], depth)
		if err != nil {
			return v, err
		}
		v.List[i] = e
	}
	return v, nil
}

func decodeSet(t Type, n *awsjson.Node) (Value, error) {
	if !n.Is(awsjson.Array) {
		return Value{}, ErrShape
	}
	if len(n.Kids) == 0 {
		return Value{}, problem(invalid+"An %s set  may not be empty", setName(t))
	}
	elems := make([]Value, len(n.Kids))
	for i := range n.Kids {
		e, err := decodeScalar(t.Elem(), &n.Kids[i])
		if err != nil {
			return Value{}, err
		}
		elems[i] = e
	}
	v, dup := Set(t, elems)
	if dup {
		return Value{}, problem(invalid+"Input collection %s contains duplicates.", listing(t, n))
	}
	return v, nil
}

func setName(t Type) string {
	switch t {
	case SS:
		return "string"
	case NS:
		return "number"
	}
	return "binary"
}

func listing(t Type, n *awsjson.Node) string {
	texts := make([]string, len(n.Kids))
	for i := range n.Kids {
		texts[i] = n.Kids[i].Str
	}
	s := "[" + strings.Join(texts, ", ") + "]"
	if t == BS {
		return s + "of type BS"
	}
	return s
}

// AppendItem appends an item as JSON.
func AppendItem(b []byte, it Item) []byte {
	b = append(b, '{')
	for i := range it {
		if i > 0 {
			b = append(b, ',')
		}
		b = awsjson.AppendString(b, it[i].Name)
		b = append(b, ':')
		b = Append(b, &it[i].Value)
	}
	return append(b, '}')
}

// Append appends one value as JSON, {"S":"x"}.
func Append(b []byte, v *Value) []byte {
	b = append(b, '{', '"')
	b = append(append(b, v.Type.String()...), '"', ':')
	switch v.Type {
	case M:
		b = AppendItem(b, v.Map)
	case L:
		b = append(b, '[')
		for i := range v.List {
			if i > 0 {
				b = append(b, ',')
			}
			b = Append(b, &v.List[i])
		}
		b = append(b, ']')
	case SS, NS, BS:
		b = append(b, '[')
		for i := range v.List {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendScalar(b, &v.List[i])
		}
		b = append(b, ']')
	default:
		b = appendScalar(b, v)
	}
	return append(b, '}')
}

func appendScalar(b []byte, v *Value) []byte {
	switch v.Type {
	case BOOL:
		return append(b, v.Str...)
	case NULL:
		return append(b, "true"...)
	case B:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, []byte(v.Str))
		return append(b, '"')
	}
	return awsjson.AppendString(b, v.Str)
}
