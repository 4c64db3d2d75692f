package eventpattern_test

import (
	"errors"
	"testing"

	"github.com/disclone/disclone/infra/local/internal/eventpattern"
)

// G8: the operators of filters.
func TestMatches(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, event string
		want           bool
	}{
		{`{"a":["x"]}`, `{"a":"x"}`, true},
		{`{"a":["x","y"]}`, `{"a":"y","b":1}`, true},
		{`{"a":["x"]}`, `{"a":"X"}`, false},
		{`{"a":["x"]}`, `{}`, false},
		{`{"a":["x"]}`, `{"a":["z","x"]}`, true},
		{`{"a":["x"]}`, `"x"`, false},
		{`{"a":[""]}`, `{"a":""}`, true},
		{`{"a":[null]}`, `{"a":null}`, true},
		{`{"a":[null]}`, `{}`, false},
		{`{"a":[true]}`, `{"a":true}`, true},
		{`{"a":[300]}`, `{"a":3.0e2}`, true},
		{`{"a":[300]}`, `{"a":"300"}`, false},
		{`{"a":{"b":["x"]}}`, `{"a":{"b":"x"}}`, true},
		{`{"a":{"b":["x"]}}`, `{"a":"x"}`, false},
		{`{"a":["x"],"b":["y"]}`, `{"a":"x","b":"z"}`, false},
		{`{"a":[{"prefix":"ab"}]}`, `{"a":"abc"}`, true},
		{`{"a":[{"prefix":"ab"}]}`, `{"a":1}`, false},
		{`{"a":[{"prefix":{"equals-ignore-case":"AB"}}]}`, `{"a":"abc"}`, true},
		{`{"a":[{"suffix":".png"}]}`, `{"a":"x.png"}`, true},
		{`{"a":[{"equals-ignore-case":"aB"}]}`, `{"a":"Ab"}`, true},
		{`{"a":[{"exists":true}]}`, `{"a":null}`, true},
		{`{"a":[{"exists":false}]}`, `{}`, true},
		{`{"a":[{"exists":false}]}`, `{"a":1}`, false},
		{`{"a":{"b":[{"exists":false}]}}`, `{}`, true},
		{`{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":5}`, true},
		{`{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":0}`, false},
		{`{"a":[{"numeric":["=",1.5]}]}`, `{"a":1.50}`, true},
		{`{"a":[{"numeric":[">",0]}]}`, `{"a":"1"}`, false},
		{`{"a":[{"anything-but":"x"}]}`, `{"a":"y"}`, true},
		{`{"a":[{"anything-but":["x",1]}]}`, `{"a":1}`, false},
		{`{"a":[{"anything-but":"x"}]}`, `{}`, false},
		{`{"a":[{"anything-but":{"prefix":"x"}}]}`, `{"a":"xy"}`, false},
		{`{"a":[{"wildcard":"a*c*"}]}`, `{"a":"abbcd"}`, true},
		{`{"a":[{"wildcard":"a*c"}]}`, `{"a":"ab"}`, false},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"y"}`, true},
		{`{"$or":[{"a":["x"]},{"b":["y"]}],"c":[1]}`, `{"b":"y"}`, false},
	} {
		p, err := eventpattern.Parse(tc.pattern)
		if err != nil {
			t.Errorf("%s: %v", tc.pattern, err)
			continue
		}
		if got := p.MatchesJSON([]byte(tc.event)); got != tc.want {
			t.Errorf("%s on %s: %v, want %v", tc.pattern, tc.event, got, tc.want)
		}
	}
}

func TestRefusedPatterns(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `[]`, `{}`, `{"a":"x"}`, `{"a":[]}`, `{"a":[{"cidr":"10.0.0.0/8"}]}`, `{"a":[{"prefix":1}]}`, `{"a":[{"numeric":[">"]}]}`,
		`{"a":[{"numeric":["~",1]}]}`, `{"a":[{"exists":1}]}`, `{"$or":[{"a":[1]}]}`, `{"a":[["x"]]}`, `{"a":[{"prefix":"a","suffix":"b"}]}`,
		`{"a":[{"anything-but":[]}]}`, `{"a":["x"]} x`,
	} {
		if _, err := eventpattern.Parse(text); !errors.Is(err, eventpattern.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", text, err)
		}
	}
}

// FuzzPattern: no pattern and no event makes it panic, and the same event gets the same answer.
func FuzzPattern(f *testing.F) {
	f.Add(`{"a":[{"numeric":[">",0]},"x"],"$or":[{"b":[1]},{"c":[{"exists":false}]}]}`, `{"a":1e400}`)
	f.Fuzz(func(t *testing.T, pattern, event string) {
		p, err := eventpattern.Parse(pattern)
		if err != nil {
			if !errors.Is(err, eventpattern.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		again, err := eventpattern.Parse(pattern)
		if err != nil || p.MatchesJSON([]byte(event)) != again.MatchesJSON([]byte(event)) {
			t.Errorf("two answers, %v", err)
		}
	})
}
