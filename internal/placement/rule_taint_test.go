package placement_test

import (
	"testing"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

func tainted(effect v1alpha1.TaintEffect, keys ...string) func(*placement.Candidate) {
	return func(c *placement.Candidate) {
		for _, key := range keys {
			c.Taints = append(c.Taints, v1alpha1.Taint{Key: key, Effect: effect})
		}
	}
}

func TestTaint(t *testing.T) {
	refused := []string{"/taint/Tainted"}
	holds(t, map[string]ruling{
		"no taint":                       {candidate: place("a", "x"), policy: policy("p")},
		"no new copy":                    {candidate: place("a", "x", tainted("NoSchedule", "maintenance")), policy: policy("p"), want: refused, message: "provider a takes no new copies: maintenance"},
		"several reasons":                {candidate: place("a", "x", tainted("NoSchedule", "maintenance", "migration")), policy: policy("p"), want: refused, message: "provider a takes no new copies: maintenance, migration"},
		"a replica that is there stays":  {candidate: place("a", "x", tainted("NoSchedule", "maintenance")), policy: policy("p"), placed: here(v1alpha1.RoleReplica)},
		"a primary that is there stays":  {candidate: place("a", "x", tainted("NoSchedule", "maintenance")), policy: policy("p"), placed: here(v1alpha1.RolePrimary)},
		"one elsewhere changes nothing":  {candidate: place("a", "y", tainted("NoSchedule", "maintenance")), policy: policy("p"), placed: here(v1alpha1.RoleReplica), want: refused},
		"preferring others keeps no one": {candidate: place("a", "x", tainted("PreferNoSchedule", "old")), policy: policy("p")},
	})
}

func TestWhatIsPreferredRanksAndRefusesNothing(t *testing.T) {
	now := func(r *placement.Request) { r.Now = noon }
	preferring := policy("p", asks(v1alpha1.AttestationRule{Scheme: "HDS", Requirement: "Preferred", AppliesTo: "CloudCopies"}))
	advice := preferring
	advice.IsBaseline, advice.Spec.ValidationActions = true, []v1alpha1.ValidationAction{v1alpha1.ActionWarn}
	for name, test := range map[string]struct {
		policies   []placement.Policy
		candidates []placement.Candidate
		want       []string
	}{
		"a provider that asks for others": {
			[]placement.Policy{policy("p")},
			[]placement.Candidate{place("a", "x", tainted("PreferNoSchedule", "old")), place("b", "x")},
			[]string{"b/x", "a/x"},
		},
		"an attestation": {
			[]placement.Policy{preferring},
			[]placement.Candidate{place("a", "x"), place("b", "x", attested("HDS 2.0 2027-06-30"))},
			[]string{"b/x", "a/x"},
		},
		"one that own premises need not have": {
			[]placement.Policy{preferring},
			[]placement.Candidate{place("a", "x", ownWalls), place("b", "x", attested("HDS 2.0 2027-06-30"))},
			[]string{"a/x", "b/x"},
		},
		"one that is over": {
			[]placement.Policy{preferring},
			[]placement.Candidate{place("a", "x"), place("b", "x", attested("HDS 2.0 2020-06-30"))},
			[]string{"a/x", "b/x"},
		},
		"one that a baseline which only warns prefers": {
			[]placement.Policy{policy("q"), advice},
			[]placement.Candidate{place("a", "x"), place("b", "x", attested("HDS 2.0 2027-06-30"))},
			[]string{"a/x", "b/x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			decision := decide(test.policies, test.candidates, now)
			var got []string
			for _, candidate := range decision.Candidates {
				if !candidate.Eligible() {
					t.Errorf("%s is refused", candidate)
				}
				got = append(got, candidate.String())
			}
			if got[0] != test.want[0] || got[1] != test.want[1] {
				t.Errorf("the candidates are ranked %v, want %v", got, test.want)
			}
		})
	}
}
