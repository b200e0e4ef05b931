package placement

import "github.com/rempart/rempart/api/v1alpha1"

// verification refuses places of which it is declared that they stand elsewhere
// than the provider's own API says: one of the two is wrong, and nobody knows
// which.
func verification(_ Request, _ Policy, c Candidate) *Objection {
	if c.Verification != v1alpha1.VerificationContradicted {
		return nil
	}
	return object(RuleVerification, v1alpha1.ReasonLocationContradicted, "it is not certain where this stands: %s", c.Contradiction)
}
