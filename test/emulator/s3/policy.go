package s3

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const arnPrefix = "arn:aws:s3:::"

// policy is a parsed policy document of a bucket or of an identity.
type policy struct {
	statements []statement
}

type statement struct {
	deny bool
	// principals are identity ids or "*"; nil in an identity's policy.
	principals []string
	actions    []string
	resources  []string
	conditions []condition
}

// policyKind says whose policy a document is.
type policyKind int

const (
	forBucket policyKind = iota
	forIdentity
)

// oneOrMany is a JSON string, or a list of them.
type oneOrMany []string

// UnmarshalJSON accepts both forms.
func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMany{one}
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
	Action    oneOrMany
	Resource  oneOrMany
	Condition map[string]map[string]oneOrMany
}

// parsePolicy refuses what it does not evaluate, such as NotAction: a policy
// that is half understood would prove nothing.
func parsePolicy(document []byte, kind policyKind) (*policy, error) {
	var raw struct {
		Version    string
		ID         string `json:"Id"`
		Statement  []json.RawMessage
		Statements json.RawMessage
	}
	if err := json.Unmarshal(document, &raw); err != nil {
		return nil, malformedPolicy("Policies must be valid JSON and the first byte must be '{'")
	}
	if len(raw.Statement) == 0 || raw.Statements != nil {
		return nil, malformedPolicy("Missing required field Statement")
	}
	p := &policy{}
	for _, text := range raw.Statement {
		st, err := parseStatement(text, kind)
		if err != nil {
			return nil, err
		}
		p.statements = append(p.statements, st)
	}
	return p, nil
}

func malformedPolicy(format string, args ...any) *apiError {
	return badRequest("MalformedPolicy", format, args...)
}

func parseStatement(text json.RawMessage, kind policyKind) (statement, error) {
	var raw statementJSON
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&raw); err != nil {
		return statement{}, malformedPolicy("Unknown field or wrong type in a statement: %v", err)
	}
	st := statement{deny: raw.Effect == "Deny", actions: raw.Action, resources: raw.Resource}
	if !st.deny && raw.Effect != "Allow" {
		return statement{}, malformedPolicy("Invalid effect: %s", raw.Effect)
	}
	if err := st.checkTargets(); err != nil {
		return statement{}, err
	}
	var err error
	if st.conditions, err = parseConditions(raw.Condition); err != nil {
		return statement{}, err
	}
	if kind == forIdentity {
		if raw.Principal != nil {
			return statement{}, malformedPolicy("A user's policy must not have a Principal")
		}
		return st, nil
	}
	st.principals, err = parsePrincipals(raw.Principal)
	return st, err
}

func (st *statement) checkTargets() error {
	if len(st.actions) == 0 || len(st.resources) == 0 {
		return malformedPolicy("Missing required field Action or Resource")
	}
	for _, action := range st.actions {
		if action != "*" && !strings.HasPrefix(strings.ToLower(action), "s3:") {
			return malformedPolicy("Policy has invalid action: %s", action)
		}
	}
	for _, resource := range st.resources {
		if resource != "*" && !strings.HasPrefix(resource, arnPrefix) {
			return malformedPolicy("Policy has invalid resource: %s", resource)
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
	var kinds map[string]oneOrMany
	if err := json.Unmarshal(raw, &kinds); err != nil || len(kinds) == 0 {
		return nil, malformedPolicy("Invalid principal in policy")
	}
	var ids []string
	for kind, names := range kinds {
		if kind != "AWS" && kind != "CanonicalUser" {
			return nil, malformedPolicy("Invalid principal in policy: %s", kind)
		}
		for _, name := range names {
			ids = append(ids, name[strings.LastIndexByte(name, '/')+1:])
		}
	}
	if len(ids) == 0 {
		return nil, malformedPolicy("Invalid principal in policy")
	}
	slices.Sort(ids)
	return ids, nil
}

// coversOnly refuses a bucket's policy that speaks of another bucket.
func (p *policy) coversOnly(bucket string) error {
	for _, st := range p.statements {
		for _, resource := range st.resources {
			rest, ok := strings.CutPrefix(resource, arnPrefix+bucket)
			if !ok || rest != "" && rest[0] != '/' && rest[0] != '*' {
				return malformedPolicy("Policy has invalid resource: %s", resource)
			}
		}
	}
	return nil
}

// principals returns all ids the policy names.
func (p *policy) principals() []string {
	var ids []string
	for _, st := range p.statements {
		ids = append(ids, st.principals...)
	}
	return ids
}
