package placement_test

import (
	"testing"

	"github.com/rempart/rempart/api/v1alpha1"
)

func TestVerification(t *testing.T) {
	confirmed := func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.Location = v1alpha1.AssuranceConfirmed }
	declared := func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.Location = v1alpha1.AssuranceDeclared }
	refused := []string{"p/verification/LocationUnverified"}
	holds(t, map[string]ruling{
		"what the API confirms is enough for everybody":  {candidate: place("a", "x", verified("Confirmed")), policy: policy("p", confirmed)},
		"what is declared is enough by default":          {candidate: place("a", "x", verified("Declared")), policy: policy("p")},
		"or where the policy says so":                    {candidate: place("a", "x", verified("Declared")), policy: policy("p", declared)},
		"it is not where the policy asks for more":       {candidate: place("a", "x", verified("Declared")), policy: policy("p", confirmed), want: refused},
		"nor is what nobody says":                        {candidate: place("a", "x", verified("")), policy: policy("p", confirmed), want: refused},
		"own premises are declared at best":              {candidate: place("a", "x", verified("Confirmed"), ownWalls), policy: policy("p", confirmed), want: refused},
		"and may stand there where that is enough":       {candidate: place("a", "x", verified("Declared"), ownWalls), policy: policy("p")},
		"a copy that is there is refused as well":        {candidate: place("a", "x", verified("Declared")), policy: policy("p", confirmed), placed: here(v1alpha1.RoleReplica), want: refused},
		"a contradiction is never enough":                {candidate: place("a", "x", verified("Contradicted")), policy: policy("p", declared), want: []string{"p/verification/LocationContradicted"}},
		"an unknown place is outside, and not confirmed": {candidate: place("a", "x", in(""), verified("Unknown")), policy: policy("p", confirmed), want: []string{"p/residency/LocationUnknown", "p/verification/LocationUnverified"}},
	})
}
