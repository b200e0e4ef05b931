package policy

import (
	"net/netip"
	"slices"
	"strings"
)

// Verdict is what policies say of one action; a denial outweighs everything.
type Verdict int

// The verdicts, the weakest first.
const (
	Silent Verdict = iota
	Allowed
	Denied
)

// Access is one question to the policies.
type Access struct {
	// Who is an identity's id, empty for nobody.
	Who      string
	Action   string
	Resource string // bucket or bucket/key
	// Facts are what conditions may ask of the request, by their key.
	Facts map[string]string
}

// Evaluate returns the policy's verdict. A nil policy is silent.
func (p *Policy) Evaluate(a Access) Verdict {
	if p == nil {
		return Silent
	}
	v := Silent
	for _, st := range p.Statements {
		if !st.concerns(a) {
			continue
		}
		if st.Deny {
			return Denied
		}
		v = Allowed
	}
	return v
}

func (st *Statement) concerns(a Access) bool {
	if st.Principals != nil && !slices.ContainsFunc(st.Principals, func(id string) bool {
		return id == "*" || (id == a.Who && id != "")
	}) {
		return false
	}
	if !slices.ContainsFunc(st.Actions, func(pattern string) bool {
		return Matches(strings.ToLower(pattern), strings.ToLower(a.Action))
	}) {
		return false
	}
	if !slices.ContainsFunc(st.Resources, func(pattern string) bool {
		return Matches(pattern, ARNPrefix+a.Resource)
	}) {
		return false
	}
	return !slices.ContainsFunc(st.conditions, func(c condition) bool { return !c.holds(a.Facts) })
}

// Matches tells whether a text fits a pattern, in which "*" is any run of bytes, "/"
// included, and "?" is one.
func Matches(pattern, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// condition is one test of a statement: an operator on a key of the request.
type condition struct {
	operator string
	key      string
	values   []string
}

// conditionOperators are what is evaluated; a dialect names those of them that it
// takes, and others are refused when the policy is set.
var conditionOperators = map[string]func(pattern, value string) bool{
	"StringEquals": func(p, v string) bool { return p == v },
	"StringLike":   Matches,
	"Bool":         strings.EqualFold,
	"IpAddress":    inNetwork,
}

var (
	commonOperators = []string{"StringEquals", "StringLike", "Bool"}
	commonKeys      = []string{"s3:prefix", "s3:delimiter", "aws:SecureTransport"}
)

// inNetwork tells whether an address is the one given, or in the network given.
func inNetwork(pattern, value string) bool {
	address, err := netip.ParseAddr(value)
	if err != nil {
		return false
	}
	address = address.Unmap()
	if network, err := netip.ParsePrefix(pattern); err == nil {
		return network.Contains(address)
	}
	only, err := netip.ParseAddr(pattern)
	return err == nil && only.Unmap() == address
}

func (d Dialect) parseConditions(raw map[string]map[string]OneOrMany) ([]condition, error) {
	var out []condition
	for operator, keys := range raw {
		positive := strings.Replace(operator, "StringNot", "String", 1)
		if !slices.Contains(d.operators, positive) {
			return nil, malformed("Invalid Condition type: %s", operator)
		}
		for key, values := range keys {
			if !slices.Contains(d.keys, key) {
				return nil, malformed("Policy has an invalid condition key: %s", key)
			}
			out = append(out, condition{operator, key, values})
		}
	}
	return out, nil
}

// holds follows IAM: a key the request does not have fails a positive operator
// and passes a negated one.
func (c condition) holds(facts map[string]string) bool {
	positive := strings.Replace(c.operator, "StringNot", "String", 1)
	value, present := facts[c.key]
	matched := present && slices.ContainsFunc(c.values, func(pattern string) bool {
		return conditionOperators[positive](pattern, value)
	})
	return matched == (positive == c.operator)
}
