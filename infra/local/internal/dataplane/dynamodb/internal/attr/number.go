package attr

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// The faults of a number, with the service's own texts. DynamoDB keeps 38 significant digits and magnitudes from 1E-130
// to 9.9999999999999999999999999999999999999E+125.
var (
	ErrNotNumber = errors.New("not a number")
	ErrPrecision = errors.New("Attempting to store more than 38 significant digits in a Number")                            //lint:ignore ST1005 the text is the service's
	ErrOverflow  = errors.New("Number overflow. Attempting to store a number with magnitude larger than supported range")   //lint:ignore ST1005 the text is the service's
	ErrUnderflow = errors.New("Number underflow. Attempting to store a number with magnitude smaller than supported range") //lint:ignore ST1005 the text is the service's
)

const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
)

// decimal is 0.DIGITS x 10^(exp+1): digits[0] is the most significant digit and stands at 10^exp. Zero has no digits.
type decimal struct {
	digits string
	exp    int
	neg    bool
}

// ParseNumber checks a number and gives its canonical text: no leading or trailing zeros, no exponent, no plus sign.
// Its errors are [ErrNotNumber], [ErrPrecision], [ErrOverflow] and [ErrUnderflow].
func ParseNumber(s string) (string, error) {
	if plainInt(s) {
		return s, nil
	}
	d, err := parseDecimal(s)
	if err != nil {
		return "", err
	}
	return d.text(), nil
}

// plainInt recognises what is canonical already: the common case.
func plainInt(s string) bool {
	t := strings.TrimPrefix(s, "-")
	if t == "0" {
		return len(s) == 1
	}
	if t == "" || len(t) > maxDigits || t[0] == '0' {
		return false
	}
	for i := 0; i < len(t); i++ {
		if t[i] < '0' || t[i] > '9' {
			return false
		}
	}
	return true
}

func parseDecimal(s string) (decimal, error) {
	d, rest := decimal{}, s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		d.neg, rest = rest[0] == '-', rest[1:]
	}
	mantissa, power := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		p, err := strconv.Atoi(rest[i+1:])
		if err != nil {
			return d, ErrNotNumber
		}
		mantissa, power = rest[:i], p
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	all := whole + frac
	if all == "" || strings.Trim(all, "0123456789") != "" {
		return d, ErrNotNumber
	}
	trimmed := strings.TrimLeft(all, "0")
	d.exp = len(whole) - 1 - (len(all) - len(trimmed)) + power
	d.digits = strings.TrimRight(trimmed, "0")
	return d.check()
}

func (d decimal) check() (decimal, error) {
	switch {
	case d.digits == "":
		return decimal{}, nil
	case d.exp > maxExponent:
		return d, ErrOverflow
	case d.exp < minExponent:
		return d, ErrUnderflow
	case len(d.digits) > maxDigits:
		return d, ErrPrecision
	}
	return d, nil
}

func (d decimal) text() string {
	if d.digits == "" {
		return "0"
	}
	var b strings.Builder
	if d.neg {
		b.WriteByte('-')
	}
	switch n := len(d.digits); {
	case d.exp < 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -d.exp-1))
		b.WriteString(d.digits)
	case n <= d.exp+1:
		b.WriteString(d.digits)
		b.WriteString(strings.Repeat("0", d.exp+1-n))
	default:
		b.WriteString(d.digits[:d.exp+1])
		b.WriteByte('.')
		b.WriteString(d.digits[d.exp+1:])
	}
	return b.String()
}

// canonical reads a number that ParseNumber has given.
func canonical(s string) decimal {
	d, _ := parseDecimal(s)
	return d
}

func compareNumbers(a, b string) int {
	if a == b {
		return 0
	}
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	if errX == nil && errY == nil {
		return cmpInt(x, y)
	}
	return strings.Compare(string(appendNumberKey(nil, a)), string(appendNumberKey(nil, b)))
}

func cmpInt(x, y int64) int {
	if x < y {
		return -1
	}
	return 1
}

// Add gives the sum of two numbers, or their difference when minus is true. It fails where the result has more than 38
// digits or leaves the range.
func Add(a, b Value, minus bool) (Value, error) {
	x, errX := strconv.ParseInt(a.Str, 10, 62)
	y, errY := strconv.ParseInt(b.Str, 10, 62)
	if errX == nil && errY == nil {
		if minus {
			y = -y
		}
		return Value{Type: N, Str: strconv.FormatInt(x+y, 10)}, nil
	}
	s, err := addBig(canonical(a.Str), canonical(b.Str), minus)
	return Value{Type: N, Str: s}, err
}

func addBig(x, y decimal, minus bool) (string, error) {
	low := min(x.exp-len(x.digits), y.exp-len(y.digits)) + 1
	bx, by := x.scaled(low), y.scaled(low)
	if minus {
		by.Neg(by)
	}
	return ParseNumber(bx.Add(bx, by).String() + "E" + strconv.Itoa(low))
}

// scaled is the number divided by 10^low, a whole number.
func (d decimal) scaled(low int) *big.Int {
	v := new(big.Int)
	if d.digits == "" {
		return v
	}
	v.SetString(d.digits+strings.Repeat("0", d.exp-len(d.digits)+1-low), 10)
	if d.neg {
		v.Neg(v)
	}
	return v
}

// numberSize is what DynamoDB counts for a number: a byte per two digits, and one more, and one for a minus.
func numberSize(s string) int {
	d := canonical(s)
	if d.digits == "" {
		return 1
	}
	// Digits are stored in pairs that begin at even powers of ten.
	first, last := floorHalf(d.exp), floorHalf(d.exp-len(d.digits)+1)
	n := first - last + 1 + 1
	if d.neg {
		n++
	}
	return n
}

func floorHalf(e int) int {
	if e < 0 {
		return -((-e + 1) / 2)
	}
	return e / 2
}

// appendNumberKey appends a form of the number whose byte order is the numeric order, and of which none is the
// beginning of another.
func appendNumberKey(b []byte, s string) []byte {
	d := canonical(s)
	if d.digits == "" {
		return append(b, 1)
	}
	start := len(b) + 1
	if d.neg {
		b = append(b, 0)
	} else {
		b = append(b, 2)
	}
	b = append(b, byte(d.exp-minExponent))
	b = append(append(b, d.digits...), 0)
	if d.neg {
		for i := start; i < len(b); i++ {
			b[i] = ^b[i]
		}
	}
	return b
}
