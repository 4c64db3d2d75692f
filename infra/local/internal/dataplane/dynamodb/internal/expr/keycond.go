package expr

import "github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"

// KeyTerm is one condition on a key attribute: =, <, <=, >, >=, BETWEEN (two values) or begins_with.
type KeyTerm struct {
	Name   string
	Op     string
	Values []attr.Value
	Nested bool // the path goes on behind the name, which no key allows
}

// KeyTerms takes a KeyConditionExpression apart: one term, or two with AND. Which attributes they may name is up to the
// table.
func KeyTerms(n *Node) ([]KeyTerm, error) {
	nodes, err := conjuncts(nil, n)
	if err != nil {
		return nil, err
	}
	terms := make([]KeyTerm, len(nodes))
	for i, n := range nodes {
		if terms[i], err = keyTerm(n); err != nil {
			return nil, err
		}
		for _, t := range terms[:i] {
			if t.Name == terms[i].Name {
				return nil, errorf("KeyConditionExpressions must only contain one condition per key")
			}
		}
	}
	if len(terms) > 2 {
		return nil, errorf("Conditions can be of length 1 or 2 only")
	}
	return terms, nil
}

func conjuncts(out []*Node, n *Node) ([]*Node, error) {
	switch n.Op {
	case And:
		out, err := conjuncts(out, n.Kids[0])
		if err != nil {
			return nil, err
		}
		return conjuncts(out, n.Kids[1])
	case Or, Not, In, "<>":
		return nil, badKeyOp(string(n.Op))
	case Call:
		if n.Name != "begins_with" {
			return nil, badKeyOp(n.Name)
		}
	}
	return append(out, n), nil
}

func badKeyOp(op string) error {
	return errorf("Invalid operator used in KeyConditionExpression: %s", op)
}

func keyTerm(n *Node) (KeyTerm, error) {
	t := KeyTerm{Op: string(n.Op)}
	if n.Op == Call {
		t.Op = n.Name
	}
	for i, kid := range n.Kids {
		switch {
		case kid.Op == Call:
			return t, errorf("KeyConditionExpressions cannot contain nested operations")
		case kid.Op == Literal:
			t.Values = append(t.Values, kid.Value)
		case t.Name != "":
			return t, errorf("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		case i > 0 && (n.Op == Call || n.Op == Between):
			return t, errorf("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", t.Op)
		default:
			t.Name, t.Nested = kid.Path.Top(), len(kid.Path) > 1
			if i > 0 {
				t.Op = mirrored(t.Op)
			}
		}
	}
	if t.Name == "" {
		return t, errorf("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	return t, nil
}

func mirrored(op string) string {
	switch op {
	case "<":
		return ">"
	case "<=":
		return ">="
	case ">":
		return "<"
	case ">=":
		return "<="
	}
	return op
}

// Tops gives the names of the top-level attributes that a condition reads, once each.
func (n *Node) Tops() []string {
	var out []string
	seen := map[string]bool{}
	var walk func(*Node)
	walk = func(n *Node) {
		if n.Op == Operand && !seen[n.Path.Top()] {
			seen[n.Path.Top()] = true
			out = append(out, n.Path.Top())
		}
		for _, kid := range n.Kids {
			walk(kid)
		}
	}
	walk(n)
	return out
}
