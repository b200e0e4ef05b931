package s3

import (
	"net/http"
	"slices"
	"strings"
)

// verdict is what policies say of one action; a denial outweighs everything.
type verdict int

const (
	silent verdict = iota
	allowed
	denied
)

// access is one question to the policies.
type access struct {
	who      *identity
	action   string
	resource string // bucket or bucket/key
	facts    map[string]string
}

// evaluate returns the policy's verdict. A nil policy is silent.
func (p *policy) evaluate(a access) verdict {
	if p == nil {
		return silent
	}
	v := silent
	for _, st := range p.statements {
		if !st.concerns(a) {
			continue
		}
		if st.deny {
			return denied
		}
		v = allowed
	}
	return v
}

func (st *statement) concerns(a access) bool {
	if st.principals != nil && !slices.ContainsFunc(st.principals, func(id string) bool {
		return id == "*" || (id == a.who.id && id != "")
	}) {
		return false
	}
	if !slices.ContainsFunc(st.actions, func(pattern string) bool {
		return wildcardMatch(strings.ToLower(pattern), strings.ToLower(a.action))
	}) {
		return false
	}
	if !slices.ContainsFunc(st.resources, func(pattern string) bool {
		return wildcardMatch(pattern, arnPrefix+a.resource)
	}) {
		return false
	}
	return !slices.ContainsFunc(st.conditions, func(c condition) bool { return !c.holds(a.facts) })
}

// wildcardMatch knows "*" for any run of bytes, "/" included, and "?" for one.
func wildcardMatch(pattern, s string) bool {
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

// conditionOperators and conditionKeys are what is evaluated; others are
// refused when the policy is set.
var (
	conditionOperators = map[string]func(pattern, value string) bool{
		"StringEquals": func(p, v string) bool { return p == v },
		"StringLike":   wildcardMatch,
		"Bool":         strings.EqualFold,
	}
	conditionKeys = []string{"s3:prefix", "s3:delimiter", "aws:SecureTransport"}
)

func parseConditions(raw map[string]map[string]oneOrMany) ([]condition, error) {
	var out []condition
	for operator, keys := range raw {
		positive := strings.Replace(operator, "StringNot", "String", 1)
		if _, ok := conditionOperators[positive]; !ok {
			return nil, malformedPolicy("Invalid Condition type: %s", operator)
		}
		for key, values := range keys {
			if !slices.Contains(conditionKeys, key) {
				return nil, malformedPolicy("Policy has an invalid condition key: %s", key)
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

// facts are what conditions may ask of this request.
func (c *call) facts() map[string]string {
	facts := map[string]string{"aws:SecureTransport": "false"}
	if c.r.TLS != nil {
		facts["aws:SecureTransport"] = "true"
	}
	for _, name := range []string{"prefix", "delimiter"} {
		if c.query.Has(name) {
			facts["s3:"+name] = c.query.Get(name)
		}
	}
	return facts
}

// authorize checks the operation's own permission and that its bucket exists.
func (c *call) authorize() error {
	if c.op.action == "" {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.buckets[c.bucket] == nil {
		return errNoSuchBucket
	}
	action := c.op.action
	if c.query.Get("versionId") != "" && c.op.level == objectLevel {
		action = versionActions[action]
	}
	return c.require(action, c.bucket, c.key)
}

// versionActions are the permissions for an older version of an object.
var versionActions = map[string]string{
	"s3:GetObject":           "s3:GetObjectVersion",
	"s3:DeleteObject":        "s3:DeleteObjectVersion",
	"s3:GetObjectTagging":    "s3:GetObjectVersionTagging",
	"s3:PutObjectTagging":    "s3:PutObjectVersionTagging",
	"s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
	"s3:PutObjectRetention":  "s3:PutObjectRetention",
	"s3:GetObjectRetention":  "s3:GetObjectRetention",
	"s3:PutObjectLegalHold":  "s3:PutObjectLegalHold",
	"s3:GetObjectLegalHold":  "s3:GetObjectLegalHold",
}

// require is permits as an error. The caller holds mu.
func (c *call) require(action, bucket, key string) error {
	if !c.permits(action, bucket, key) {
		return errAccessDenied
	}
	return nil
}

// permits decides: a denial, then an allowance, then ownership. The owner keeps
// the bucket policy's own operations, or a careless denial could never be
// undone. The caller holds mu.
func (c *call) permits(action, bucket, key string) bool {
	if c.who.admin {
		return true
	}
	resource := bucket
	if key != "" {
		resource += "/" + key
	}
	a := access{who: c.who, action: action, resource: resource, facts: c.facts()}
	b := c.buckets[bucket]
	owns := b != nil && b.owner == c.who.id && c.who != anonymous
	if owns && strings.HasSuffix(action, "BucketPolicy") {
		return true
	}
	verdicts := []verdict{c.who.policy.evaluate(a)}
	if b != nil {
		verdicts = append(verdicts, b.policy.evaluate(a))
	}
	if slices.Contains(verdicts, denied) {
		return false
	}
	return owns || slices.Contains(verdicts, allowed)
}

// mayOpen decides operations that name no existing bucket: a user's own policy
// must allow them when he has one, and Versity's plain users may not create.
func (c *call) mayOpen(action, resource string) bool {
	switch {
	case c.who.admin:
		return true
	case c.who == anonymous, c.who.maxBuckets < 0 && action == "s3:CreateBucket":
		return false
	case c.who.role == roleUser:
		return c.op.method == http.MethodGet
	case c.who.policy == nil:
		return true
	}
	return c.who.policy.evaluate(access{who: c.who, action: action, resource: resource, facts: c.facts()}) == allowed
}
