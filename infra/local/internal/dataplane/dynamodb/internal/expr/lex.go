package expr

// token is a piece of an expression: text[start:end]. The token after the last one is empty and stands at the end.
type token struct {
	kind       tokenKind
	start, end int
}

type tokenKind uint8

const (
	eof tokenKind = iota
	word
	nameRef  // #name
	valueRef // :name
	digits
	symbol
)

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
func part(c byte) bool   { return letter(c) || digit(c) || c == '_' }

func lex(text string) []token {
	tokens := make([]token, 0, len(text)/3+2)
	for i := 0; i < len(text); {
		switch text[i] {
		case ' ', '\t', '\n', '\r':
			i++
			continue
		}
		t := next(text, i)
		tokens = append(tokens, t)
		i = t.end
	}
	return append(tokens, token{kind: eof, start: len(text), end: len(text)})
}

func next(text string, i int) token {
	c := text[i]
	switch {
	case letter(c):
		return token{word, i, span(text, i, part)}
	case digit(c):
		return token{digits, i, span(text, i, digit)}
	case c == '#':
		if end := span(text, i+1, part); end > i+1 {
			return token{nameRef, i, end}
		}
	case c == ':':
		if end := span(text, i+1, part); end > i+1 {
			return token{valueRef, i, end}
		}
	}
	if i+1 < len(text) {
		switch text[i : i+2] {
		case "<>", "<=", ">=":
			return token{symbol, i, i + 2}
		}
	}
	return token{symbol, i, min(i+runeLen(c), len(text))}
}

// runeLen keeps the bytes of one character together in error messages.
func runeLen(c byte) int {
	switch {
	case c >= 0xf0:
		return 4
	case c >= 0xe0:
		return 3
	case c >= 0xc0:
		return 2
	}
	return 1
}

func span(text string, i int, in func(byte) bool) int {
	for i < len(text) && in(text[i]) {
		i++
	}
	return i
}
