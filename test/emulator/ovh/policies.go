package ovh

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/rempart/rempart/test/emulator/dataplane"
	"github.com/rempart/rempart/test/emulator/policy"
)

// A user's policy is a JSON document in a string, replaced as a whole. There is no
// way to delete it, only to replace it with an empty one.

func getPolicy(c *call) (any, error) {
	return c.inUser(func(u *user) (any, error) { return map[string]any{"policy": cmp.Or(u.policy, emptyPolicy)}, nil })
}

func replacePolicy(c *call) (any, error) {
	var asked struct {
		Policy string `json:"policy"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	return c.inReadyUser(func(u *user) (any, error) { return nil, u.setPolicy(asked.Policy) })
}

// statement is one of a policy, in the vendor's form.
type statement struct {
	Sid       string           `json:"Sid,omitempty"`
	Effect    string           `json:"Effect"`
	Action    policy.OneOrMany `json:"Action"`
	Resource  policy.OneOrMany `json:"Resource"`
	Condition json.RawMessage  `json:"Condition,omitempty"`
}

type policyDocument struct {
	Version   string      `json:"Version,omitempty"`
	Statement []statement `json:"Statement"`
}

// addBucketPolicy is the vendor's short cut to a statement in a user's policy.
func addBucketPolicy(c *call) (any, error) {
	var asked struct {
		RoleName  string `json:"roleName"`
		ObjectKey string `json:"objectKey"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	_, b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	added, err := roleStatement(asked.RoleName, b.Name, asked.ObjectKey)
	if err != nil {
		return nil, err
	}
	return c.inReadyUser(func(u *user) (any, error) {
		var document policyDocument
		if err := json.Unmarshal([]byte(cmp.Or(u.policy, emptyPolicy)), &document); err != nil {
			return nil, err
		}
		others := slices.DeleteFunc(document.Statement, func(s statement) bool { return s.Sid == added.Sid })
		encoded, err := json.Marshal(policyDocument{Statement: append(others, added)})
		if err != nil {
			return nil, err
		}
		return nil, u.setPolicy(string(encoded))
	})
}

// setPolicy replaces a user's policy. What the data plane cannot read is refused.
func (u *user) setPolicy(document string) error {
	parsed, err := dataplane.ParseUserPolicy(document)
	if err != nil {
		return errInvalidParameter("The policy is not valid: " + err.Error())
	}
	u.policy, u.parsed = document, parsed
	return nil
}
