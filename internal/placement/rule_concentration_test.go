package placement_test

import (
	"slices"
	"testing"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

func TestConcentration(t *testing.T) {
	most := func(share int32) func(*v1alpha1.SovereigntyPolicySpec) {
		return func(s *v1alpha1.SovereigntyPolicySpec) { s.Concentration.MaximumSharePercent = share }
	}
	const want = "policy p, concentration, only a warning: Big SA holds more than the 60 % of what is stored under the policy that one operator should hold (TooConcentrated)"
	warns := does(v1alpha1.ActionWarn)
	for name, test := range map[string]struct {
		policy placement.Policy
		shares map[string]int32
		isSaid bool
	}{
		"an operator that holds more":       {policy("p", warns, most(60)), map[string]int32{"big": 61}, true},
		"one that holds as much":            {policy("p", warns, most(60)), map[string]int32{"big": 60}, false},
		"another one":                       {policy("p", warns, most(60)), map[string]int32{"other": 100}, false},
		"nothing is known":                  {policy("p", warns, most(60)), nil, false},
		"nothing is asked":                  {policy("p", warns), map[string]int32{"big": 100}, false},
		"a policy that denies tells itself": {policy("p", most(60)), map[string]int32{"big": 61}, false},
	} {
		t.Run(name, func(t *testing.T) {
			test.policy.SharePercents = test.shares
			big := place("a", "x", func(c *placement.Candidate) { c.Operator, c.RunBy.LegalEntity = "big", "Big SA" })
			decision := decide([]placement.Policy{test.policy}, []placement.Candidate{big})
			if !decision.Satisfied {
				t.Fatalf("it keeps copies away: %s", decision.Message)
			}
			says := func(o placement.Objection) bool { return o.String() == want }
			if objections := decision.Candidates[0].Objections; slices.ContainsFunc(objections, says) != test.isSaid || len(objections) > 1 {
				t.Errorf("objections %v, want one that it holds too much: %t", objections, test.isSaid)
			}
		})
	}
}
