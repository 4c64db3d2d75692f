package attr_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/disclone/disclone/infra/local/internal/dataplane/awsjson"
	"github.com/disclone/disclone/infra/local/internal/dataplane/dynamodb/internal/attr"
)

func TestParseNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, want string
		err      error
	}{
		{"0", "0", nil}, {"-0", "0", nil}, {"007", "7", nil}, {"+5", "5", nil}, {".5", "0.5", nil}, {"5.", "5", nil}, {"1.50", "1.5", nil},
		{"1e5", "100000", nil}, {"1.5E-3", "0.0015", nil}, {"-12.30e1", "-123", nil}, {"100", "100", nil},
		{strings.Repeat("9", 38), strings.Repeat("9", 38), nil}, {"1e125", "1" + strings.Repeat("0", 125), nil},
		{"1e-130", "0." + strings.Repeat("0", 129) + "1", nil}, {"0e999999", "0", nil},
		{"1e126", "", attr.ErrOverflow}, {"-1e126", "", attr.ErrOverflow}, {"1e-131", "", attr.ErrUnderflow},
		{strings.Repeat("1", 39), "", attr.ErrPrecision}, {"", "", attr.ErrNotNumber}, {"x", "", attr.ErrNotNumber}, {" 5", "", attr.ErrNotNumber},
		{"1e", "", attr.ErrNotNumber}, {".", "", attr.ErrNotNumber}, {"0x1", "", attr.ErrNotNumber}, {"NaN", "", attr.ErrNotNumber}, {"1-1", "", attr.ErrNotNumber},
	} {
		got, err := attr.ParseNumber(c.in)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("ParseNumber(%q) = %q, %v, want %q, %v", c.in, got, err, c.want, c.err)
		}
	}
}

func TestNumbersKeepTheirOrderAsKeys(t *testing.T) {
	t.Parallel()
	ascending := []string{"-1e125", "-100", "-99.5", "-10", "-9", "-1.01", "-1", "-0.5", "-0.05", "-1e-130", "0", "1e-130", "0.05", "0.5",
		"0.51", "1", "1.01", "9", "9.99", "10", "11", "99", "100", "12345678901234567890123456789012345678", "1e125"}
	var last []byte
	for i, text := range ascending {
		canonical, err := attr.ParseNumber(text)
		if err != nil {
			t.Fatal(err)
		}
		v := attr.Value{Type: attr.N, Str: canonical}
		k := attr.AppendKey(nil, v)
		if i > 0 && bytes.Compare(last, k) >= 0 {
			t.Errorf("the key of %s does not come after that of %s", text, ascending[i-1])
		}
		if i > 0 {
			before, _ := attr.ParseNumber(ascending[i-1])
			if order, _ := attr.Compare(attr.Value{Type: attr.N, Str: before}, v); order >= 0 {
				t.Errorf("%s does not compare less than %s", before, text)
			}
		}
		last = k
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, sum, difference string }{
		{"1", "2", "3", "-1"}, {"0.1", "0.2", "0.3", "-0.1"}, {"-5", "5", "0", "-10"}, {"9223372036854775807", "1", "9223372036854775808", "9223372036854775806"},
		{"10000000000000000000000000000000000001", "1", "10000000000000000000000000000000000002", "10000000000000000000000000000000000000"},
		{"1" + strings.Repeat("0", 60), "1", "", ""},
	} {
		a, b := attr.Value{Type: attr.N, Str: c.a}, attr.Value{Type: attr.N, Str: c.b}
		sum, err := attr.Add(a, b, false)
		difference, err2 := attr.Add(a, b, true)
		if c.sum == "" {
			if !errors.Is(err, attr.ErrPrecision) || !errors.Is(err2, attr.ErrPrecision) {
				t.Errorf("%s and %s: %v, %v", c.a, c.b, err, err2)
			}
			continue
		}
		if sum.Str != c.sum || difference.Str != c.difference || err != nil || err2 != nil {
			t.Errorf("%s and %s: %s and %s, %v %v", c.a, c.b, sum.Str, difference.Str, err, err2)
		}
	}
}

func TestItemsSurviveStorage(t *testing.T) {
	t.Parallel()
	const text = `{"b":{"B":"AAEC"},"e":{"S":""},"f":{"BOOL":false},"l":{"L":[{"N":"1.5"},{"NULL":true},{"M":{}}]},"m":{"M":{"x":{"S":"\u0000\"\\\n"}}},` +
		`"ns":{"NS":["-1","2","10"]},"ss":{"SS":["","a"]},"t":{"BOOL":true}}`
	n, err := awsjson.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	it, err := attr.DecodeItem(&n)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(attr.AppendItem(nil, attr.Unpack(attr.Pack(it)))); got != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
}
