package expr

import (
	"fmt"
	"slices"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

// Condition reads a condition. kind is the parameter's name, such as FilterExpression, for error messages.
func (s *Scope) Condition(kind, text string) (*Node, error) {
	p, err := newParser(text)
	if err != nil {
		return nil, inExpression(kind, err)
	}
	n, err := p.condition()
	if err == nil {
		c := checker{}
		if err = s.resolve(n); err == nil {
			err = c.condition(n)
		}
	}
	if err != nil {
		return nil, inExpression(kind, err)
	}
	return n, nil
}

func inExpression(kind string, err error) error { return errorf("Invalid %s: %s", kind, err) }

// arity is the number of operands that a function takes.
func arity(name string) (n int, update, ok bool) {
	switch name {
	case "attribute_exists", "attribute_not_exists", "size":
		return 1, false, true
	case "attribute_type", "begins_with", "contains":
		return 2, false, true
	case "if_not_exists", "list_append":
		return 2, true, true
	}
	return 0, false, false
}

// resolve replaces the placeholders of a tree, and refuses reserved words.
func (s *Scope) resolve(n *Node) (err error) {
	switch n.Op {
	case Operand:
		n.Path, err = s.path(n.raw)
	case Literal:
		n.Value, err = s.value(n.Name)
	}
	for _, kid := range n.Kids {
		if err == nil {
			err = s.resolve(kid)
		}
	}
	return err
}

// checker finds the faults that DynamoDB finds without looking at an item.
type checker struct{ update bool }

// condition checks a node that has to be true or false.
func (c *checker) condition(n *Node) error {
	switch n.Op {
	case And, Or, Not:
		for _, kid := range n.Kids {
			if err := c.condition(kid); err != nil {
				return err
			}
		}
		return nil
	case Call:
		if err := c.call(n); err != nil {
			return err
		}
		if n.Name == "size" {
			return misused(n.Name)
		}
		return nil
	}
	return c.comparison(n)
}

func misused(name string) error {
	return errorf("The function is not allowed to be used this way in an expression; function: %s", name)
}

func (c *checker) comparison(n *Node) error {
	for _, kid := range n.Kids {
		if err := c.operand(kid); err != nil {
			return err
		}
	}
	if err := distinct(string(n.Op), n.Kids); err != nil {
		return err
	}
	switch n.Op {
	case "<", "<=", ">", ">=", Between:
		for _, kid := range n.Kids {
			if t := static(kid); t != 0 && !ordered(t) {
				return badType(string(n.Op), t)
			}
		}
	}
	if n.Op == Between {
		return bounds(n.Kids[1], n.Kids[2])
	}
	return nil
}

// distinct refuses to compare a path with itself.
func distinct(op string, kids []*Node) error {
	if kids[0].Op != Operand {
		return nil
	}
	for _, kid := range kids[1:] {
		if kid.Op == Operand && slices.Equal(kid.Path, kids[0].Path) {
			return errorf("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s",
				op, kids[0].Path)
		}
	}
	return nil
}

func bounds(low, high *Node) error {
	if low.Op != Literal || high.Op != Literal {
		return nil
	}
	order, same := attr.Compare(low.Value, high.Value)
	what := ""
	switch {
	case !same:
		what = "same data type for lower and upper bounds"
	case order > 0:
		what = "upper bound to be greater than or equal to lower bound"
	default:
		return nil
	}
	return errorf("The BETWEEN operator requires %s; lower bound operand: %s, upper bound operand: %s", what, shown(low.Value), shown(high.Value))
}

func shown(v attr.Value) string { return fmt.Sprintf("AttributeValue: {%s:%s}", v.Type, v.Str) }

func ordered(t attr.Type) bool { return t == attr.S || t == attr.N || t == attr.B }

func badType(op string, t attr.Type) error {
	return errorf("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", op, t)
}

// static is the type that an operand has in every item, or 0.
func static(n *Node) attr.Type {
	switch {
	case n.Op == Literal:
		return n.Value.Type
	case n.Op == Call && n.Name == "size", n.Op == "+", n.Op == "-":
		return attr.N
	case n.Op == Call && n.Name == "list_append":
		return attr.L
	}
	return 0
}

// operand checks a node that has to be a value.
func (c *checker) operand(n *Node) error {
	switch n.Op {
	case Call:
		if err := c.call(n); err != nil {
			return err
		}
		if !c.update && n.Name != "size" {
			return misused(n.Name)
		}
	case "+", "-":
		return c.arithmetic(n)
	}
	return nil
}

func (c *checker) arithmetic(n *Node) error {
	for _, kid := range n.Kids {
		if err := c.operand(kid); err != nil {
			return err
		}
	}
	for _, kid := range n.Kids {
		if t := static(kid); t != 0 && t != attr.N {
			return badType(string(n.Op), t)
		}
	}
	return nil
}

func (c *checker) call(n *Node) error {
	want, update, ok := arity(n.Name)
	switch {
	case !ok:
		return errorf("Invalid function name; function: %s", n.Name)
	case c.update && !update:
		return errorf("The function is not allowed in an update expression; function: %s", n.Name)
	case !c.update && update:
		return errorf("The function is not allowed in a condition expression; function: %s", n.Name)
	}
	if len(n.Kids) != want {
		return errorf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", n.Name, len(n.Kids))
	}
	if needsPath(n.Name) && n.Kids[0].Op != Operand {
		return errorf("Operator or function requires a document path; operator or function: %s", n.Name)
	}
	for _, kid := range n.Kids {
		if err := c.operand(kid); err != nil {
			return err
		}
	}
	return c.operands(n)
}

func needsPath(function string) bool {
	switch function {
	case "attribute_exists", "attribute_not_exists", "attribute_type", "if_not_exists":
		return true
	}
	return false
}

// operands checks the types that a function takes.
func (c *checker) operands(n *Node) error {
	for i, kid := range n.Kids {
		t := static(kid)
		if t != 0 && !takes(n.Name, i, t) {
			return badType(n.Name, t)
		}
	}
	switch n.Name {
	case "contains", "begins_with":
		return distinct(n.Name, n.Kids)
	case "attribute_type":
		return typeName(n.Kids[1])
	}
	return nil
}

func takes(function string, operand int, t attr.Type) bool {
	switch function {
	case "size":
		return t != attr.N && t != attr.BOOL && t != attr.NULL
	case "begins_with":
		return t == attr.S || t == attr.B
	case "attribute_type":
		return operand == 0 || t == attr.S
	case "list_append":
		return t == attr.L
	}
	return true
}

func typeName(n *Node) error {
	if n.Op == Literal && attr.TypeOf(n.Value.Str) == 0 {
		return errorf("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", n.Value.Str)
	}
	return nil
}
