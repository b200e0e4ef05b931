package placement

import (
	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
)

// residency refuses places outside the policy's perimeter. Unknown is outside.
func residency(_ Request, policy Policy, c Candidate) *Objection {
	perimeter := geo.Perimeter(policy.Spec.Residency.Perimeter)
	switch {
	case !c.Territory.Known():
		return object(RuleResidency, v1alpha1.ReasonLocationUnknown,
			"it is not known in which country this stands, and unknown is outside %s", perimeter)
	case !perimeter.Contains(c.Territory.Perimeter):
		return object(RuleResidency, v1alpha1.ReasonOutsidePerimeter,
			"%s is outside %s", c.Territory.Country, perimeter)
	}
	return nil
}
