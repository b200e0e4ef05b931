package placement

import (
	"slices"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
)

// attestedOnce are the attestations that policies ask of at least one copy.
func attestedOnce(policies []Policy) []v1alpha1.AttestationRule {
	var asked []v1alpha1.AttestationRule
	for _, policy := range policies {
		if !policy.Denies() {
			continue
		}
		for _, rule := range policy.Spec.Attestations {
			if rule.AppliesTo == v1alpha1.AttestAnyCopy && rule.Requirement != v1alpha1.Preferred {
				asked = append(asked, rule)
			}
		}
	}
	return asked
}

// unattestedSet objects to a set of copies of which none has an attestation that one
// of them must have, or gives nil.
func unattestedSet(now time.Time, asked []v1alpha1.AttestationRule, set []Candidate) *Objection {
	for _, rule := range asked {
		isAttested := func(c Candidate) bool { return unattested(now, rule, c) == nil }
		if !slices.ContainsFunc(set, isAttested) {
			return object(RuleAttestation, v1alpha1.ReasonAttestationMissing,
				"the policy asks that %s is attested of one copy, and no eligible place has it: see status.candidates", name(rule))
		}
	}
	return nil
}
