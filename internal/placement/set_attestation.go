package placement

import (
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
)

// attestedOnce are the attestations that a policy asks of at least one copy.
func attestedOnce(now time.Time, policy Policy) []want {
	var wants []want
	for _, asked := range policy.Spec.Attestations {
		if asked.AppliesTo == v1alpha1.AttestAnyCopy && asked.Requirement != v1alpha1.Preferred {
			wants = append(wants, want{
				policy: policy.Name, what: message.Of("with an attestation of %s", name(asked)),
				has:  func(c *Candidate) bool { return unattested(now, asked, *c) == nil },
				rule: RuleAttestation, reason: v1alpha1.ReasonAttestationMissing,
			})
		}
	}
	return wants
}
