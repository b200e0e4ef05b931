package placement

import "github.com/rempart/rempart/api/v1alpha1"

// verification refuses places of which it is declared that they stand elsewhere
// than the provider's own API says: one of the two is wrong, and nobody knows
// which. It also refuses places that no API confirms, where the policy asks for
// that; the authority's own premises are declared by their owner at best.
func verification(_ Request, policy Policy, c Candidate) *Objection {
	isConfirmed := c.Verification == v1alpha1.VerificationConfirmed && !c.OnPremise
	switch {
	case c.Verification == v1alpha1.VerificationContradicted:
		return object(RuleVerification, v1alpha1.ReasonLocationContradicted, "it is not certain where this stands: %s", c.Contradiction)
	case policy.Spec.Residency.Location == v1alpha1.AssuranceConfirmed && !isConfirmed:
		return object(RuleVerification, v1alpha1.ReasonLocationUnverified,
			"where this stands is only declared, and the policy asks for a place that the provider's own API confirms")
	}
	return nil
}
