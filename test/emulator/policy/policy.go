// Package policy reads policy documents as S3 stores have them and says what they
// mean for one action.
//
// Start reading at Parse, Dialect and Policy.Evaluate.
package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3error"
)

// ARNPrefix is what every resource begins with.
const ARNPrefix = "arn:aws:s3:::"

// Policy is a parsed policy document of a bucket or of a user. The zero value, as
// nil, is silent about everything.
type Policy struct {
	Statements []Statement
}

// Statement allows or denies some actions on some resources.
type Statement struct {
	Deny bool
	// Principals are identity ids or "*"; nil in a user's policy.
	Principals []string
	Actions    []string
	Resources  []string
	conditions []condition
}

// Dialect says whose policy a document is, and what may stand in it.
type Dialect struct {
	// principals tells that every statement names whom it is about.
	principals bool
	// mayBeEmpty takes a document without statements.
	mayBeEmpty bool
	operators  []string
	keys       []string
}

// The dialects there are.
var (
	OfBucket = Dialect{principals: true, operators: commonOperators, keys: commonKeys}
	OfUser   = Dialect{operators: commonOperators, keys: commonKeys}
	// OfOVHcloudUser is the policy of a user of OVHcloud's object storage. An empty
	// list of statements takes the policy back, since there is no other way to;
	// IpAddress on aws:SourceIp is the only condition that is documented.
	OfOVHcloudUser = Dialect{mayBeEmpty: true, operators: []string{"IpAddress"}, keys: []string{"aws:SourceIp"}}
)

// OneOrMany is a JSON string, or a list of them, as policies may have either.
type OneOrMany []string

// UnmarshalJSON accepts both forms.
func (o *OneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = OneOrMany{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return fmt.Errorf("want a string or a list of strings: %w", err)
	}
	*o = many
	return nil
}

type statementJSON struct {
	Sid       string
	Effect    string
	Principal json.RawMessage
	Action    OneOrMany
	Resource  OneOrMany
	Condition map[string]map[string]OneOrMany
}

// Parse reads a document. It refuses what it does not evaluate, such as NotAction,
// with a *s3error.Error: a policy that is half understood would prove nothing.
func Parse(document []byte, d Dialect) (*Policy, error) {
	var raw struct {
		Version    string
		ID         string `json:"Id"`
		Statement  []json.RawMessage
		Statements json.RawMessage
	}
	if err := json.Unmarshal(document, &raw); err != nil {
		return nil, malformed("Policies must be valid JSON and the first byte must be '{'")
	}
	if raw.Statement == nil || len(raw.Statement) == 0 && !d.mayBeEmpty || raw.Statements != nil {
		return nil, malformed("Missing required field Statement")
	}
	p := &Policy{}
	for _, text := range raw.Statement {
		st, err := parseStatement(text, d)
		if err != nil {
			return nil, err
		}
		p.Statements = append(p.Statements, st)
	}
	return p, nil
}

func malformed(format string, args ...any) *s3error.Error {
	return s3error.BadRequest("MalformedPolicy", format, args...)
}

func parseStatement(text json.RawMessage, d Dialect) (Statement, error) {
	var raw statementJSON
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&raw); err != nil {
		return Statement{}, malformed("Unknown field or wrong type in a statement: %v", err)
	}
	st := Statement{Deny: raw.Effect == "Deny", Actions: raw.Action, Resources: raw.Resource}
	if !st.Deny && raw.Effect != "Allow" {
		return Statement{}, malformed("Invalid effect: %s", raw.Effect)
	}
	if err := st.checkTargets(); err != nil {
		return Statement{}, err
	}
	var err error
	if st.conditions, err = d.parseConditions(raw.Condition); err != nil {
		return Statement{}, err
	}
	if !d.principals {
		if raw.Principal != nil {
			return Statement{}, malformed("A user's policy must not have a Principal")
		}
		return st, nil
	}
	st.Principals, err = parsePrincipals(raw.Principal)
	return st, err
}

func (st *Statement) checkTargets() error {
	if len(st.Actions) == 0 || len(st.Resources) == 0 {
		return malformed("Missing required field Action or Resource")
	}
	for _, action := range st.Actions {
		if action != "*" && !strings.HasPrefix(strings.ToLower(action), "s3:") {
			return malformed("Policy has invalid action: %s", action)
		}
	}
	for _, resource := range st.Resources {
		if resource != "*" && !strings.HasPrefix(resource, ARNPrefix) {
			return malformed("Policy has invalid resource: %s", resource)
		}
	}
	return nil
}

// parsePrincipals reduces every form to identity ids: "*", an access key, or
// the name at the end of an ARN.
func parsePrincipals(raw json.RawMessage) ([]string, error) {
	var everyone string
	if json.Unmarshal(raw, &everyone) == nil && everyone == "*" {
		return []string{"*"}, nil
	}
	var kinds map[string]OneOrMany
	if err := json.Unmarshal(raw, &kinds); err != nil || len(kinds) == 0 {
		return nil, malformed("Invalid principal in policy")
	}
	var ids []string
	for kind, names := range kinds {
		if kind != "AWS" && kind != "CanonicalUser" {
			return nil, malformed("Invalid principal in policy: %s", kind)
		}
		for _, name := range names {
			ids = append(ids, name[strings.LastIndexByte(name, '/')+1:])
		}
	}
	if len(ids) == 0 {
		return nil, malformed("Invalid principal in policy")
	}
	slices.Sort(ids)
	return ids, nil
}

// CoversOnly refuses a bucket's policy that speaks of another bucket.
func (p *Policy) CoversOnly(bucket string) error {
	for _, st := range p.Statements {
		for _, resource := range st.Resources {
			rest, ok := strings.CutPrefix(resource, ARNPrefix+bucket)
			if !ok || rest != "" && rest[0] != '/' && rest[0] != '*' {
				return malformed("Policy has invalid resource: %s", resource)
			}
		}
	}
	return nil
}

// Principals returns all ids the policy names.
func (p *Policy) Principals() []string {
	var ids []string
	for _, st := range p.Statements {
		ids = append(ids, st.Principals...)
	}
	return ids
}
