package expr_test

import (
	"errors"
	"testing"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/expr"
)

func num(s string) attr.Value { return attr.Value{Type: attr.N, Str: s} }

func TestUpdate(t *testing.T) {
	t.Parallel()
	list := attr.Value{Type: attr.L, List: []attr.Value{num("1"), num("2"), num("3")}}
	set := attr.Value{Type: attr.SS, List: []attr.Value{attr.Text("a"), attr.Text("b")}}
	old := attr.Item{{Name: "l", Value: list}, {Name: "n", Value: num("5")}, {Name: "ss", Value: set}}
	values := map[string]attr.Value{":n": num("7"), ":l": {Type: attr.L, List: []attr.Value{num("9")}}, ":ab": set}
	for _, c := range []struct{ text, want string }{
		{"SET n = n + :n, o = n", `{"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]},"n":{"N":"12"},"o":{"N":"5"},"ss":{"SS":["a","b"]}}`},
		{"SET l[9] = :n, l[7] = n REMOVE l[0]", `{"l":{"L":[{"N":"2"},{"N":"3"},{"N":"5"},{"N":"7"}]},"n":{"N":"5"},"ss":{"SS":["a","b"]}}`},
		{"DELETE ss :ab REMOVE l, n", `{}`},
		{"SET l = list_append(:l, l), n = if_not_exists(x, :n)", `{"l":{"L":[{"N":"9"},{"N":"1"},{"N":"2"},{"N":"3"}]},"n":{"N":"7"},"ss":{"SS":["a","b"]}}`},
		{"ADD n :n, x :n REMOVE ss, l", `{"n":{"N":"12"},"x":{"N":"7"}}`},
	} {
		u, err := expr.NewScope(nil, values).Update(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got, err := u.Apply(old)
		if err != nil || string(attr.AppendItem(nil, got)) != c.want {
			t.Errorf("%s\ngot  %s %v\nwant %s", c.text, attr.AppendItem(nil, got), err, c.want)
		}
	}
}

// FuzzExpressions wants every text to be read or refused, and what is read to be usable.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{
		"a = :a", "NOT (a < :a OR b BETWEEN :a AND :b) AND c IN (:a, d)", "size(#n.x[1]) > :n AND attribute_type(a, :a)",
		"SET a = if_not_exists(a, :n) + :n, l[3] = list_append(:l, l) REMOVE m.x ADD n :n DELETE s :ss", "a, b.c[0], #n", "((a = :a))", "(((((a)))))",
		"a = ", "SET", "\"", "a[", "a[99999999999999999999]", ":a = :a", "\xff", "a.b.c.d", "begins_with(a, :a) OR contains(:a, a)",
	} {
		f.Add(seed)
	}
	it := attr.Item{{Name: "a", Value: attr.Text("x")}, {Name: "l", Value: attr.Value{Type: attr.L, List: []attr.Value{num("1")}}}, {Name: "n", Value: num("1")}}
	names := map[string]string{"#n": "name"}
	values := map[string]attr.Value{":a": attr.Text("x"), ":b": attr.Text("y"), ":n": num("1"), ":l": {Type: attr.L},
		":ss": {Type: attr.SS, List: []attr.Value{attr.Text("a")}}}
	f.Fuzz(func(t *testing.T, text string) {
		check := func(err error) {
			var e *expr.Error
			if err != nil && !errors.As(err, &e) {
				t.Errorf("%q: an error of type %T", text, err)
			}
		}
		s := expr.NewScope(names, values)
		c, err := s.Condition("FilterExpression", text)
		if check(err); err == nil {
			c.Match(it)
			c.Match(nil)
			_, err := expr.KeyTerms(c)
			check(err)
		}
		u, err := s.Update(text)
		if check(err); err == nil {
			before := string(attr.AppendItem(nil, it))
			got, err := u.Apply(it)
			if check(err); err == nil && !attr.EqualItems(attr.Unpack(attr.Pack(got)), got) {
				t.Errorf("%q leaves an item that is not stored as it is: %s", text, attr.AppendItem(nil, got))
			}
			if after := string(attr.AppendItem(nil, it)); after != before {
				t.Errorf("%q changed the old item to %s", text, after)
			}
		}
		p, err := s.Projection(text)
		if check(err); err == nil {
			p.Apply(it)
		}
		check(s.Unused())
	})
}
