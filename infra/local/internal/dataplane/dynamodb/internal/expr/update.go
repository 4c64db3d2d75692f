package expr

import (
	"strings"

	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

// Faults of an update that show only on the item, with the service's texts.
const (
	textMissing   = "The provided expression refers to an attribute that does not exist in the item"
	textPath      = "The document path provided in the update expression is invalid for update"
	textWrongType = "An operand in the update expression has an incorrect data type"
)

// Update is an update expression.
type Update struct{ actions []action }

type action struct {
	section string // SET, REMOVE, ADD or DELETE
	path    Path
	rhs     *Node // nil for REMOVE
	raw     []rawStep
}

// Update reads an UpdateExpression.
func (s *Scope) Update(text string) (*Update, error) {
	p, err := newParser(text)
	if err != nil {
		return nil, inExpression("UpdateExpression", err)
	}
	u, err := p.update()
	if err == nil {
		err = s.checkUpdate(u)
	}
	if err != nil {
		return nil, inExpression("UpdateExpression", err)
	}
	return u, nil
}

// Paths gives the paths that the update writes, in the order of the text.
func (u *Update) Paths() Projection {
	out := make(Projection, len(u.actions))
	for i := range u.actions {
		out[i] = u.actions[i].path
	}
	return out
}

func (p *parser) update() (*Update, error) {
	u, seen := &Update{}, map[string]bool{}
	for p.at().kind != eof {
		section := strings.ToUpper(p.str(p.at()))
		if p.at().kind != word || !strings.Contains(" SET REMOVE ADD DELETE ", " "+section+" ") {
			return nil, p.syntax()
		}
		p.i++
		if err := p.actions(u, section); err != nil {
			return nil, err
		}
		if seen[section] {
			return nil, errorf("The \"%s\" section can only be used once in an update expression;", section)
		}
		seen[section] = true
	}
	return u, nil
}

func (p *parser) actions(u *Update, section string) error {
	for {
		raw, err := p.rawPath()
		if err != nil {
			return err
		}
		a := action{section: section, raw: raw}
		if a.rhs, err = p.rhs(section); err != nil {
			return err
		}
		u.actions = append(u.actions, a)
		if !p.accept(",") {
			return nil
		}
	}
}

func (p *parser) rhs(section string) (*Node, error) {
	switch section {
	case "REMOVE":
		return nil, nil
	case "SET":
		if err := p.expect("="); err != nil {
			return nil, err
		}
		return p.sum()
	}
	t := p.at()
	if t.kind != valueRef {
		return nil, p.syntax()
	}
	p.i++
	return &Node{Op: Literal, Name: p.str(t)}, nil
}

// sum reads an operand, or two with a plus or a minus between them.
func (p *parser) sum() (*Node, error) {
	if p.is("(") {
		start := p.i
		p.i++
		n, err := p.parenthesised((*parser).sum)
		if err != nil {
			return nil, err
		}
		if n.Op == "+" || n.Op == "-" {
			return n, nil
		}
		p.i = start
	}
	left, err := p.operand()
	if err != nil || (!p.is("+") && !p.is("-")) {
		return left, err
	}
	if err := p.count(); err != nil {
		return nil, err
	}
	op := Op(p.str(p.at()))
	p.i++
	right, err := p.operand()
	return &Node{Op: op, Kids: []*Node{left, right}}, err
}

func (s *Scope) checkUpdate(u *Update) (err error) {
	for i := range u.actions {
		a := &u.actions[i]
		if a.path, err = s.path(a.raw); err != nil {
			return err
		}
		if a.rhs == nil {
			continue
		}
		if err := s.resolve(a.rhs); err != nil {
			return err
		}
	}
	c := checker{update: true}
	for i := range u.actions {
		if u.actions[i].rhs == nil {
			continue
		}
		if err := c.operand(u.actions[i].rhs); err != nil {
			return err
		}
	}
	if err := overlap(u.Paths()); err != nil {
		return err
	}
	for i := range u.actions {
		if err := u.actions[i].operandType(); err != nil {
			return err
		}
	}
	return nil
}

func (a *action) operandType() error {
	if a.rhs == nil || a.section == "SET" {
		return nil
	}
	t := a.rhs.Value.Type
	if t.Elem() != 0 || (a.section == "ADD" && t == attr.N) {
		return nil
	}
	return errorf("Incorrect operand type for operator or function; operator: %s, operand type: %s, typeSet: ALLOWED_FOR_%s_OPERAND",
		a.section, longName(t), a.section)
}

func longName(t attr.Type) string {
	switch t {
	case attr.S:
		return "STRING"
	case attr.N:
		return "NUMBER"
	case attr.B:
		return "BINARY"
	case attr.BOOL:
		return "BOOLEAN"
	case attr.L:
		return "LIST"
	case attr.M:
		return "MAP"
	}
	return t.String()
}
