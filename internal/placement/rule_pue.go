package placement

import "github.com/rempart/rempart/api/v1alpha1"

// pue refuses data centres that use more power beside that of their machines than
// the policy allows, or an amount that is not known.
func pue(_ Request, policy Policy, c Candidate) *Objection {
	limit, usage := policy.Spec.Environment.MaximumPUE, c.Facts.PUE
	if limit == "" {
		return nil
	}
	isWithin, isKnown := within(usage, limit)
	switch {
	case !isKnown:
		return object(RulePUE, v1alpha1.ReasonPUETooHigh, "the PUE there is not known, and the policy allows %s: see locations[].pue", limit)
	case !isWithin:
		return object(RulePUE, v1alpha1.ReasonPUETooHigh, "the PUE there is %s, and the policy allows %s", usage, limit)
	}
	return nil
}
