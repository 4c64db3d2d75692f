// Package policy evaluates the IAM policy that a Lambda authorizer returns (API Gateway Developer Guide, "Output from an
// API Gateway Lambda authorizer"; IAM User Guide, "Policy evaluation logic").
package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrInvalid means that a document is no policy, or asks for what is not emulated. Its text says what.
var ErrInvalid = errors.New("policy: invalid")

// Policy is a policy document.
type Policy struct{ statements []statement }

type statement struct {
	deny                bool
	actions, resources  []string
	notAction, notResrc bool
}

// texts is a text or a list of them.
type texts []string

// UnmarshalJSON takes both forms.
func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

type wireStatement struct {
	Sid          string
	Effect       string
	Action       texts
	NotAction    texts
	Resource     texts
	NotResource  texts
	Condition    json.RawMessage
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
}

// Parse reads a policy document. Its error is [ErrInvalid]. Conditions are not emulated, and so are an error rather
// than a wrong answer.
func Parse(document []byte) (*Policy, error) {
	var wire struct{ Statement json.RawMessage }
	if err := json.Unmarshal(document, &wire); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	var many []wireStatement
	if err := json.Unmarshal(wire.Statement, &many); err != nil {
		var one wireStatement
		if err := json.Unmarshal(wire.Statement, &one); err != nil {
			return nil, fmt.Errorf("%w: Statement is no statement or list of them", ErrInvalid)
		}
		many = []wireStatement{one}
	}
	p := &Policy{}
	for i, w := range many {
		s, err := w.statement()
		if err != nil {
			return nil, fmt.Errorf("%w: statement %d: %w", ErrInvalid, i, err)
		}
		p.statements = append(p.statements, s)
	}
	return p, nil
}

func (w wireStatement) statement() (statement, error) {
	s := statement{actions: w.Action, resources: w.Resource}
	switch w.Effect {
	case "Allow":
	case "Deny":
		s.deny = true
	default:
		return s, fmt.Errorf("the Effect is %q, want Allow or Deny", w.Effect)
	}
	if len(w.NotAction) > 0 {
		s.actions, s.notAction = w.NotAction, true
	}
	if len(w.NotResource) > 0 {
		s.resources, s.notResrc = w.NotResource, true
	}
	switch {
	case len(w.Action) > 0 && len(w.NotAction) > 0 || len(s.actions) == 0:
		return s, errors.New("want one of Action and NotAction")
	case len(w.Resource) > 0 && len(w.NotResource) > 0 || len(s.resources) == 0:
		return s, errors.New("want one of Resource and NotResource")
	case len(w.Condition) > 0:
		return s, errors.New("a Condition is not emulated")
	case len(w.Principal) > 0 || len(w.NotPrincipal) > 0:
		return s, errors.New("an identity's policy has no Principal")
	}
	return s, nil
}

// Allows says whether the policy allows an action on a resource: a statement allows it, and none denies it.
func (p *Policy) Allows(action, resource string) bool {
	allowed := false
	for _, s := range p.statements {
		if !s.covers(action, resource) {
			continue
		}
		if s.deny {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s statement) covers(action, resource string) bool {
	onAction := matchesAny(s.actions, action, true) != s.notAction
	return onAction && matchesAny(s.resources, resource, false) != s.notResrc
}

// matchesAny says whether a pattern matches. The names of actions have no case.
func matchesAny(patterns []string, s string, fold bool) bool {
	for _, pattern := range patterns {
		if fold {
			pattern, s = strings.ToLower(pattern), strings.ToLower(s)
		}
		if Match(pattern, s) {
			return true
		}
	}
	return false
}

// Match says whether a pattern with the wildcards * (any text) and ? (any one byte) matches the whole of s. It takes
// time in proportion to both lengths.
func Match(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			p, mark = star+1, mark+1
			i = mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
