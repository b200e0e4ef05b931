package placement

import "github.com/rempart/rempart/api/v1alpha1"

// concentration shows at the places of an operator that it holds more of all that is
// stored than a policy wants which does not deny. One that denies keeps nothing away by
// it either: its status tells, and scores are lower.
func concentration(_ Request, policy Policy, c Candidate) *Objection {
	most := policy.Spec.Concentration.MaximumSharePercent
	if policy.Denies() || most == 0 || policy.SharePercents[c.Operator] <= most {
		return nil
	}
	return object(RuleConcentration, v1alpha1.ReasonTooConcentrated,
		"%s holds more than the %d %% of what is stored under the policy that one operator should hold", c.operatorName(), most)
}
