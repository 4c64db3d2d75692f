package awsjson

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrSyntax says that a body is no JSON text.
var ErrSyntax = errors.New("awsjson: bad JSON")

// maxNesting bounds recursion on hostile input. DynamoDB allows 32 levels of attributes, each two levels of JSON.
const maxNesting = 200

// Kind is the JSON type of a [Node].
type Kind uint8

// The kinds of node. None is the zero value: a member that is not there.
const (
	None Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// Node is one JSON value. Its strings share memory with the text it was read from.
type Node struct {
	Name string // the member's name, when the parent is an object
	Str  string // a string's value, a number's text, true or false
	Kids []Node // elements or members, in the order of the text
	Kind Kind
}

// Get finds a member. A null member counts as absent, as in the AWS SDKs. Of two members with one name the last counts.
func (n *Node) Get(name string) *Node {
	for i := len(n.Kids) - 1; i >= 0; i-- {
		if n.Kids[i].Name == name && n.Kids[i].Kind != Null {
			return &n.Kids[i]
		}
	}
	return &Node{}
}

// Is says whether the node is there and has the kind.
func (n *Node) Is(k Kind) bool { return n.Kind == k }

// Parse reads one JSON value and nothing after it. Its errors wrap [ErrSyntax].
func Parse(text string) (Node, error) {
	p := parser{s: text}
	n, err := p.value(0)
	if err != nil {
		return Node{}, err
	}
	if p.space(); p.i != len(p.s) {
		return Node{}, p.fail("text after the value")
	}
	return n, nil
}

type parser struct {
	s string
	i int
}

func (p *parser) fail(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrSyntax, what, p.i)
}

func (p *parser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	p.space()
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *parser) value(depth int) (Node, error) {
	if depth > maxNesting {
		return Node{}, p.fail("nested too deeply")
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		s, err := p.str()
		return Node{Kind: String, Str: s}, err
	case c == 't':
		return p.word("true", Bool)
	case c == 'f':
		return p.word("false", Bool)
	case c == 'n':
		return p.word("null", Null)
	case c == '-' || (c >= '0' && c <= '9'):
		return p.number()
	}
	return Node{}, p.fail("no value")
}

func (p *parser) word(w string, k Kind) (Node, error) {
	if len(p.s)-p.i < len(w) || p.s[p.i:p.i+len(w)] != w {
		return Node{}, p.fail("bad word")
	}
	p.i += len(w)
	return Node{Kind: k, Str: w}, nil
}

func (p *parser) number() (Node, error) {
	start := p.i
	for p.i < len(p.s) {
		c := p.s[p.i]
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		p.i++
	}
	text := p.s[start:p.i]
	if _, err := strconv.ParseFloat(text, 64); err != nil && !errors.Is(err, strconv.ErrRange) {
		return Node{}, p.fail("bad number")
	}
	return Node{Kind: Number, Str: text}, nil
}

func (p *parser) array(depth int) (Node, error) {
	n := Node{Kind: Array}
	p.i++
	if p.peek() == ']' {
		p.i++
		return n, nil
	}
	for {
		kid, err := p.value(depth + 1)
		if err != nil {
			return n, err
		}
		n.Kids = append(n.Kids, kid)
		if done, err := p.more(']'); done || err != nil {
			return n, err
		}
	}
}

func (p *parser) object(depth int) (Node, error) {
	n := Node{Kind: Object}
	p.i++
	if p.peek() == '}' {
		p.i++
		return n, nil
	}
	for {
		kid, err := p.member(depth)
		if err != nil {
			return n, err
		}
		n.Kids = append(n.Kids, kid)
		if done, err := p.more('}'); done || err != nil {
			return n, err
		}
	}
}

func (p *parser) member(depth int) (Node, error) {
	if p.peek() != '"' {
		return Node{}, p.fail("no member name")
	}
	name, err := p.str()
	if err != nil {
		return Node{}, err
	}
	if p.peek() != ':' {
		return Node{}, p.fail("no colon")
	}
	p.i++
	kid, err := p.value(depth + 1)
	kid.Name = name
	return kid, err
}

// more steps over a comma, or over the closing bracket and reports that the list is done.
func (p *parser) more(end byte) (bool, error) {
	c := p.peek()
	p.i++
	switch c {
	case end:
		return true, nil
	case ',':
		return false, nil
	}
	p.i--
	return false, p.fail("no comma or end")
}

func (p *parser) str() (string, error) {
	p.i++
	start := p.i
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"':
			s := p.s[start:p.i]
			p.i++
			if !utf8.ValidString(s) {
				return "", p.fail("string is not UTF-8")
			}
			return s, nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.fail("control character in a string")
		}
		p.i++
	}
	return "", p.fail("string without end")
}

func (p *parser) escaped(start int) (string, error) {
	buf := append(make([]byte, 0, p.i-start+32), p.s[start:p.i]...)
	for p.i < len(p.s) {
		c := p.s[p.i]
		switch {
		case c == '"':
			p.i++
			if !utf8.Valid(buf) {
				return "", p.fail("string is not UTF-8")
			}
			return string(buf), nil
		case c == '\\':
			var err error
			if buf, err = p.escape(buf); err != nil {
				return "", err
			}
		case c < ' ':
			return "", p.fail("control character in a string")
		default:
			buf = append(buf, c)
			p.i++
		}
	}
	return "", p.fail("string without end")
}

func (p *parser) escape(buf []byte) ([]byte, error) {
	if p.i+1 >= len(p.s) {
		return nil, p.fail("bad escape")
	}
	c := p.s[p.i+1]
	p.i += 2
	switch c {
	case '"', '\\', '/':
		return append(buf, c), nil
	case 'b':
		return append(buf, '\b'), nil
	case 'f':
		return append(buf, '\f'), nil
	case 'n':
		return append(buf, '\n'), nil
	case 'r':
		return append(buf, '\r'), nil
	case 't':
		return append(buf, '\t'), nil
	case 'u':
		r, err := p.unicode()
		return utf8.AppendRune(buf, r), err
	}
	return nil, p.fail("bad escape")
}

func (p *parser) unicode() (rune, error) {
	r, err := p.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if p.i+1 < len(p.s) && p.s[p.i] == '\\' && p.s[p.i+1] == 'u' {
		p.i += 2
		low, err := p.hex4()
		return utf16.DecodeRune(r, low), err
	}
	return utf8.RuneError, nil
}

func (p *parser) hex4() (rune, error) {
	if p.i+4 > len(p.s) {
		return 0, p.fail("bad escape")
	}
	v, err := strconv.ParseUint(p.s[p.i:p.i+4], 16, 32)
	if err != nil {
		return 0, p.fail("bad escape")
	}
	p.i += 4
	return rune(v), nil
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, s[start:]...), '"')
}
