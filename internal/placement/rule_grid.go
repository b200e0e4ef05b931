package placement

import "github.com/rempart/rempart/api/v1alpha1"

// grid refuses places whose electricity costs the climate more than the policy
// allows, or an amount that is not known.
func grid(_ Request, policy Policy, c Candidate) *Objection {
	limit, intensity := policy.Spec.Environment.MaximumGridIntensity, c.Facts.GridIntensity
	switch {
	case limit == nil:
		return nil
	case intensity == nil:
		return object(RuleGrid, v1alpha1.ReasonGridTooHigh,
			"the grid intensity there is not known, and the policy allows %d g/kWh: see locations[].gridIntensity", *limit)
	case *intensity > *limit:
		return object(RuleGrid, v1alpha1.ReasonGridTooHigh, "the grid intensity there is %d g/kWh, and the policy allows %d", *intensity, *limit)
	}
	return nil
}
