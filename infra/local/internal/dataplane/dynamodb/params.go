package dynamodb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/expr"
)

// only refuses members that the emulator does not know, by name. Null members count as absent.
func only(n *awsjson.Node, where string, known ...string) error {
	for i := range n.Kids {
		k := &n.Kids[i]
		if k.Kind != awsjson.Null && !slices.Contains(known, k.Name) {
			return unsupported(fmt.Sprintf("the parameter %s of %s", k.Name, where))
		}
	}
	return nil
}

// text reads an optional string member.
func text(n *awsjson.Node, name string) (string, error) {
	m := n.Get(name)
	if m.Is(awsjson.None) || m.Is(awsjson.String) {
		return m.Str, nil
	}
	return "", serialization("")
}

func has(n *awsjson.Node, name string) bool { return !n.Get(name).Is(awsjson.None) }

// flag reads an optional boolean member.
func flag(n *awsjson.Node, name string, otherwise bool) (bool, error) {
	m := n.Get(name)
	switch m.Kind {
	case awsjson.None:
		return otherwise, nil
	case awsjson.Bool:
		return m.Str == "true", nil
	}
	return false, serialization("")
}

// integer reads an optional whole number; ok says whether it is there.
func integer(n *awsjson.Node, name string) (v int64, ok bool, err error) {
	m := n.Get(name)
	if m.Is(awsjson.None) {
		return 0, false, nil
	}
	if m.Is(awsjson.Number) {
		if v, err = strconv.ParseInt(m.Str, 10, 64); err == nil {
			return v, true, nil
		}
	}
	return 0, false, serialization("")
}

// choice reads an optional enumerated string.
func choice(n *awsjson.Node, name string, values ...string) (string, error) {
	s, err := text(n, name)
	if err != nil || !has(n, name) || slices.Contains(values, s) {
		return s, err
	}
	return "", constraint(s, lowerFirst(name), "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"]")
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// tableName reads the required TableName member: a name or the table's ARN.
func tableName(n *awsjson.Node) (string, error) {
	s, err := text(n, "TableName")
	if err != nil {
		return "", err
	}
	if !has(n, "TableName") {
		return "", missing("tableName")
	}
	return checkTableName(s)
}

func checkTableName(s string) (string, error) {
	if strings.HasPrefix(s, "arn:") {
		_, name, ok := strings.Cut(s, ":table/")
		if !ok || strings.Contains(name, "/") {
			return "", invalid("Invalid TableArn: %s", s)
		}
		s = name
	}
	if len(s) < 3 || len(s) > 255 {
		return "", invalid("TableName must be at least 3 characters long and at most 255 characters long")
	}
	if !validName(s) {
		return "", constraint(s, "tableName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	return s, nil
}

func validName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// item reads a required item or key member.
func item(n *awsjson.Node, name string) (attr.Item, error) {
	m := n.Get(name)
	if m.Is(awsjson.None) {
		return nil, missing(lowerFirst(name))
	}
	it, err := attr.DecodeItem(m)
	if err != nil {
		return nil, wire(err)
	}
	return it, noEmptyNames(it)
}

func noEmptyNames(it attr.Item) error {
	for i := range it {
		if it[i].Name == "" {
			return invalid(badParameter + "Empty attribute name")
		}
		if len(it[i].Name) > 65535 {
			return invalid(badParameter + "Attribute name is too large")
		}
		if err := noEmptyNames(it[i].Value.Map); err != nil {
			return err
		}
		for j := range it[i].Value.List {
			if err := noEmptyNames(it[i].Value.List[j].Map); err != nil {
				return err
			}
		}
	}
	return nil
}

// scope reads the placeholders. kinds are the expression parameters that this operation has.
func scope(n *awsjson.Node, kinds ...string) (*expr.Scope, error) {
	var absent []string
	for _, k := range kinds {
		if !has(n, k) {
			absent = append(absent, k)
		}
	}
	none := len(absent) == len(kinds)
	names, err := placeholderNames(n.Get("ExpressionAttributeNames"), none)
	if err != nil {
		return nil, err
	}
	values, err := placeholderValues(n.Get("ExpressionAttributeValues"), valueUsers(kinds, absent))
	return expr.NewScope(names, values), err
}

// valueUsers names the absent expressions that could use values, or nothing when one is there.
func valueUsers(kinds, absent []string) string {
	var out []string
	for _, k := range kinds {
		if k == "ProjectionExpression" {
			continue
		}
		if !slices.Contains(absent, k) {
			return ""
		}
		out = append(out, k)
	}
	switch len(out) {
	case 0:
		return ""
	case 1:
		return out[0] + " is null"
	}
	return strings.Join(out, " and ") + " are null"
}

func placeholderNames(n *awsjson.Node, none bool) (map[string]string, error) {
	switch {
	case n.Is(awsjson.None):
		return nil, nil
	case !n.Is(awsjson.Object):
		return nil, serialization("")
	case none:
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
	case len(n.Kids) == 0:
		return nil, invalid("ExpressionAttributeNames must not be empty")
	}
	out := make(map[string]string, len(n.Kids))
	for i := range n.Kids {
		k := &n.Kids[i]
		switch {
		case !placeholder(k.Name, '#'):
			return nil, invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: \"%s\"", k.Name)
		case !k.Is(awsjson.String):
			return nil, serialization("")
		case k.Str == "":
			return nil, invalid("ExpressionAttributeNames contains invalid value: Empty attribute name for key %s", k.Name)
		}
		out[k.Name] = k.Str
	}
	return out, nil
}

func placeholderValues(n *awsjson.Node, absent string) (map[string]attr.Value, error) {
	switch {
	case n.Is(awsjson.None):
		return nil, nil
	case !n.Is(awsjson.Object):
		return nil, serialization("")
	case absent != "":
		return nil, invalid("ExpressionAttributeValues can only be specified when using expressions: %s", absent)
	case len(n.Kids) == 0:
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	out := make(map[string]attr.Value, len(n.Kids))
	for i := range n.Kids {
		k := &n.Kids[i]
		if !placeholder(k.Name, ':') {
			return nil, invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: \"%s\"", k.Name)
		}
		v, err := attr.Decode(k)
		if problem, ok := err.(*attr.Problem); ok {
			return nil, invalid("ExpressionAttributeValues contains invalid value: %s for key %s", problem.Text, k.Name)
		}
		if err != nil {
			return nil, wire(err)
		}
		out[k.Name] = v
	}
	return out, nil
}

func placeholder(s string, sign byte) bool {
	if len(s) < 2 || s[0] != sign {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// condition reads an optional condition expression.
func condition(n *awsjson.Node, kind string, s *expr.Scope) (*expr.Node, error) {
	t, err := text(n, kind)
	if err != nil || !has(n, kind) {
		return nil, err
	}
	c, err := s.Condition(kind, t)
	return c, wire(err)
}

// projection reads an optional ProjectionExpression.
func projection(n *awsjson.Node, s *expr.Scope) (expr.Projection, error) {
	t, err := text(n, "ProjectionExpression")
	if err != nil || !has(n, "ProjectionExpression") {
		return nil, err
	}
	p, err := s.Projection(t)
	return p, wire(err)
}

// out builds a JSON object or array.
type out struct{ b []byte }

func (o *out) comma() {
	if len(o.b) > 0 {
		switch o.b[len(o.b)-1] {
		case '{', '[', ':', ',':
			return
		}
		o.b = append(o.b, ',')
	}
}

func (o *out) key(name string) {
	o.comma()
	o.b = append(awsjson.AppendString(o.b, name), ':')
}

func (o *out) str(name, v string) {
	o.key(name)
	o.b = awsjson.AppendString(o.b, v)
}

func (o *out) int(name string, v int64) {
	o.key(name)
	o.b = strconv.AppendInt(o.b, v, 10)
}

func (o *out) float(name string, v float64) {
	o.key(name)
	o.b = strconv.AppendFloat(o.b, v, 'f', -1, 64)
	if v == float64(int64(v)) {
		o.b = append(o.b, ".0"...)
	}
}

func (o *out) bool(name string, v bool) {
	o.key(name)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *out) item(name string, it attr.Item) {
	o.key(name)
	o.b = attr.AppendItem(o.b, it)
}

func (o *out) open(c byte) {
	o.comma()
	o.b = append(o.b, c)
}

func (o *out) close(c byte) { o.b = append(o.b, c) }
