package expr

import "strings"

// maxLength is DynamoDB's limit on the text of an expression, in bytes (Developer Guide, "Quotas": 4 KB).
const maxLength = 4096

// maxOperators is DynamoDB's limit on operators and functions in one expression (Developer Guide, "Quotas": 300).
const maxOperators = 300

type parser struct {
	text      string
	tokens    []token
	i         int
	operators int
}

func newParser(text string) (*parser, error) {
	if len(text) > maxLength {
		return nil, errorf("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	p := &parser{text: text, tokens: lex(text)}
	if len(p.tokens) == 1 {
		return nil, errorf("The expression can not be empty;")
	}
	return p, nil
}

func (p *parser) at() token { return p.tokens[p.i] }

func (p *parser) str(t token) string { return p.text[t.start:t.end] }

func (p *parser) is(s string) bool { return p.at().kind == symbol && p.str(p.at()) == s }

func (p *parser) keyword(s string) bool {
	return p.at().kind == word && strings.EqualFold(p.str(p.at()), s)
}

func (p *parser) accept(s string) bool {
	if p.is(s) {
		p.i++
		return true
	}
	return false
}

func (p *parser) acceptWord(s string) bool {
	if p.keyword(s) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(s string) error {
	if !p.accept(s) {
		return p.syntax()
	}
	return nil
}

// syntax is the service's error for the token at hand: it shows the token and its two neighbours.
func (p *parser) syntax() error {
	t, from, to := p.at(), p.at().start, p.at().end
	if p.i > 0 {
		from = p.tokens[p.i-1].start
	}
	if p.i+1 < len(p.tokens) {
		to = p.tokens[p.i+1].end
		if p.tokens[p.i+1].kind == eof {
			to = t.end
		}
	}
	shown := p.str(t)
	if t.kind == eof {
		shown = "<EOF>"
	}
	return errorf("Syntax error; token: \"%s\", near: \"%s\"", shown, p.text[from:to])
}

func (p *parser) count() error {
	if p.operators++; p.operators > maxOperators {
		return errorf("The expression contains too many operators; operator count: %d", p.operators)
	}
	return nil
}

// condition reads a whole condition.
func (p *parser) condition() (*Node, error) {
	n, err := p.or()
	if err == nil && p.at().kind != eof {
		err = p.syntax()
	}
	return n, err
}

func (p *parser) or() (*Node, error)  { return p.chain(Or, (*parser).and) }
func (p *parser) and() (*Node, error) { return p.chain(And, (*parser).not) }

func (p *parser) chain(op Op, sub func(*parser) (*Node, error)) (*Node, error) {
	n, err := sub(p)
	for err == nil && p.acceptWord(string(op)) {
		if err = p.count(); err != nil {
			return nil, err
		}
		var right *Node
		right, err = sub(p)
		n = &Node{Op: op, Kids: []*Node{n, right}}
	}
	return n, err
}

func (p *parser) not() (*Node, error) {
	if !p.acceptWord("NOT") {
		return p.primary()
	}
	if err := p.count(); err != nil {
		return nil, err
	}
	n, err := p.not()
	return &Node{Op: Not, Kids: []*Node{n}}, err
}

// primary reads a condition in parentheses, a function, or a comparison.
func (p *parser) primary() (*Node, error) {
	if p.is("(") && !p.operandParens() {
		return p.group()
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	if left.Op == Call && !p.comparing() {
		return left, nil
	}
	return p.comparison(left)
}

// operandParens says whether the parenthesis at hand holds an operand, as in (a) = :v, and not a condition.
func (p *parser) operandParens() bool {
	start, ops := p.i, p.operators
	n, err := p.operand()
	p.operators = ops
	ok := err == nil && n.parens && (n.Op != Call || p.comparing())
	if ok && !p.comparing() {
		ok = n.Op != Call
	}
	p.i = start
	return ok
}

func (p *parser) group() (*Node, error) {
	p.i++
	return p.parenthesised((*parser).or)
}

func (p *parser) comparing() bool {
	t := p.at()
	if t.kind == symbol {
		switch p.str(t) {
		case "=", "<>", "<", "<=", ">", ">=":
			return true
		}
		return false
	}
	return p.keyword("BETWEEN") || p.keyword("IN")
}

func (p *parser) comparison(left *Node) (*Node, error) {
	if !p.comparing() {
		return nil, p.syntax()
	}
	if err := p.count(); err != nil {
		return nil, err
	}
	op := Op(strings.ToUpper(p.str(p.at())))
	p.i++
	n := &Node{Op: op, Kids: []*Node{left}}
	switch op {
	case Between:
		return n, p.bounds(n)
	case In:
		return n, p.list(n)
	}
	right, err := p.operand()
	n.Kids = append(n.Kids, right)
	return n, err
}

func (p *parser) bounds(n *Node) error {
	low, err := p.operand()
	if err != nil {
		return err
	}
	if !p.acceptWord("AND") {
		return p.syntax()
	}
	high, err := p.operand()
	n.Kids = append(n.Kids, low, high)
	return err
}

func (p *parser) list(n *Node) error {
	if err := p.expect("("); err != nil {
		return err
	}
	for {
		kid, err := p.operand()
		if err != nil {
			return err
		}
		n.Kids = append(n.Kids, kid)
		if p.accept(")") {
			return nil
		}
		if err := p.expect(","); err != nil {
			return err
		}
	}
}

// operand reads a path, a value or a function call, perhaps in parentheses.
func (p *parser) operand() (*Node, error) {
	switch t := p.at(); {
	case p.accept("("):
		return p.parenthesised((*parser).operand)
	case t.kind == valueRef:
		p.i++
		return &Node{Op: Literal, Name: p.str(t)}, nil
	case t.kind == word && p.tokens[p.i+1].kind == symbol && p.str(p.tokens[p.i+1]) == "(" && !p.logical():
		return p.call()
	case t.kind == word && p.logical():
		return nil, p.syntax()
	case t.kind == word || t.kind == nameRef:
		raw, err := p.rawPath()
		return &Node{Op: Operand, raw: raw}, err
	}
	return nil, p.syntax()
}

func (p *parser) parenthesised(sub func(*parser) (*Node, error)) (*Node, error) {
	n, err := sub(p)
	if err != nil {
		return nil, err
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	if n.parens {
		return nil, errorf("The expression has redundant parentheses;")
	}
	n.parens = true
	return n, nil
}

// logical says whether the word at hand belongs to the grammar and cannot be a name.
func (p *parser) logical() bool {
	if p.at().kind != word {
		return false
	}
	switch strings.ToUpper(p.str(p.at())) {
	case "AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE":
		return true
	}
	return false
}

func (p *parser) call() (*Node, error) {
	if err := p.count(); err != nil {
		return nil, err
	}
	n := &Node{Op: Call, Name: p.str(p.at())}
	p.i++
	return n, p.list(n)
}

func (p *parser) rawPath() ([]rawStep, error) {
	var raw []rawStep
	for {
		t := p.at()
		if (t.kind != word && t.kind != nameRef) || p.logical() {
			return nil, p.syntax()
		}
		p.i++
		raw = append(raw, rawStep{name: p.str(t)})
		for p.accept("[") {
			t := p.at()
			if t.kind != digits {
				return nil, p.syntax()
			}
			p.i++
			raw = append(raw, rawStep{text: p.str(t)})
			if err := p.expect("]"); err != nil {
				return nil, err
			}
		}
		if !p.accept(".") {
			return raw, nil
		}
	}
}
