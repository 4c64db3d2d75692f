package policy_test

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/disclone/disclone/infra/local/internal/policy"
)

const arn = "arn:aws:execute-api:us-east-1:123456789012:abcdefghij/prod/$connect"

// J12, C5, C6: what an authorizer's policy allows.
func TestAllows(t *testing.T) {
	t.Parallel()
	statement := func(effect, action, resource string) string {
		return `{"Effect":"` + effect + `","Action":` + action + `,"Resource":` + resource + `}`
	}
	for name, tc := range map[string]struct {
		statements []string
		want       bool
	}{
		"exact":           {[]string{statement("Allow", `"execute-api:Invoke"`, `"`+arn+`"`)}, true},
		"lists":           {[]string{statement("Allow", `["a:B","execute-api:Invoke"]`, `["x","`+arn+`"]`)}, true},
		"star":            {[]string{statement("Allow", `"*"`, `"*"`)}, true},
		"action case":     {[]string{statement("Allow", `"Execute-API:invoke"`, `"*"`)}, true},
		"stage star":      {[]string{statement("Allow", `"execute-api:*"`, `"arn:aws:execute-api:us-east-1:123456789012:abcdefghij/prod/*"`)}, true},
		"two stars":       {[]string{statement("Allow", `"execute-api:Invoke"`, `"arn:aws:execute-api:us-east-1:123456789012:abcdefghij/prod/*/*"`)}, false},
		"question mark":   {[]string{statement("Allow", `"execute-api:Invoke"`, `"arn:aws:execute-api:us-east-1:123456789012:abcdefghij/pro?/$connec?"`)}, true},
		"resource case":   {[]string{statement("Allow", `"execute-api:Invoke"`, `"`+strings.ToUpper(arn)+`"`)}, false},
		"other action":    {[]string{statement("Allow", `"execute-api:ManageConnections"`, `"*"`)}, false},
		"deny wins":       {[]string{statement("Allow", `"*"`, `"*"`), statement("Deny", `"*"`, `"*/$connect"`)}, false},
		"deny elsewhere":  {[]string{statement("Allow", `"*"`, `"*"`), statement("Deny", `"*"`, `"*/other"`)}, true},
		"deny only":       {[]string{statement("Deny", `"*"`, `"*/other"`)}, false},
		"nothing":         {nil, false},
		"not action":      {[]string{`{"Effect":"Allow","NotAction":"execute-api:Invoke","Resource":"*"}`}, false},
		"not this":        {[]string{`{"Effect":"Deny","Action":"*","NotResource":"` + arn + `"}`, statement("Allow", `"*"`, `"*"`)}, true},
		"prefix is short": {[]string{statement("Allow", `"*"`, `"arn:aws:execute-api"`)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + strings.Join(tc.statements, ",") + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Allows("execute-api:Invoke", arn); got != tc.want {
				t.Errorf("allows %v, want %v", got, tc.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		``, `null`, `{}`, `"x"`, `{"Statement":"x"}`, `{"Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}`,
		`{"Statement":[{"Effect":"Allow","Resource":"*"}]}`, `{"Statement":[{"Effect":"Allow","Action":"*"}]}`,
		`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{}}}]}`,
		`{"Statement":[{"Effect":"Allow","Action":7,"Resource":"*"}]}`,
		`{"Statement":[{"Effect":"Allow","Action":"a","NotAction":"b","Resource":"*"}]}`,
	} {
		if _, err := policy.Parse([]byte(document)); !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", document, err)
		}
	}
	if _, err := policy.Parse([]byte(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)); err != nil {
		t.Errorf("one statement without a list: %v", err)
	}
}

// FuzzPolicy: no document makes it panic, and none that has no Allow allows.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, arn)
	f.Add(`{"Statement":{"Effect":"Deny","Action":["a*b?"],"NotResource":"**"}}`, "a")
	f.Fuzz(func(t *testing.T, document, resource string) {
		p, err := policy.Parse([]byte(document))
		if err != nil {
			return
		}
		if p.Allows("execute-api:Invoke", resource) && !strings.Contains(document, "Allow") && !strings.Contains(document, `\u`) {
			t.Error("allowed by nothing")
		}
	})
}

// FuzzMatch compares with the standard library's matcher where the two mean the same.
func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**", "")
	f.Add("*a*a*a*", "aaaaaaaaaaaaaaaaaaaaaaaaab")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		got := policy.Match(pattern, s)
		for i := range len(pattern) + len(s) {
			if b := (pattern + s)[i]; b >= 0x80 || strings.IndexByte(`[]\/`, b) >= 0 {
				return
			}
		}
		if want, err := path.Match(pattern, s); err == nil && got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}
