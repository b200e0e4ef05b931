package placement

import "github.com/rempart/rempart/api/v1alpha1"

// onPremise refuses places on the wrong side of the authority's own walls. That
// at least one copy is inside is asked of the whole set, in set.go.
func onPremise(_ Request, policy Policy, c Candidate) *Objection {
	switch {
	case policy.Spec.Copies.OnPremise == v1alpha1.Only && !c.OnPremise:
		return object(RuleOnPremise, v1alpha1.ReasonOnPremiseRequired, "only the authority's own premises are allowed")
	case policy.Spec.Copies.OnPremise == v1alpha1.Forbidden && c.OnPremise:
		return object(RuleOnPremise, v1alpha1.ReasonOnPremiseForbidden, "the authority's own premises are not allowed")
	}
	return nil
}
