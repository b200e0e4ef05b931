package placement

import (
	"strings"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
)

// attestation refuses places that lack what the policy wants attested of the object
// storage there. That any copy has an attestation is asked of the whole set: see
// attestedOnce. What is only preferred ranks: see unmetPreferences.
func attestation(in Request, policy Policy, c Candidate) []*Objection {
	var objections []*Objection
	for _, asked := range policy.Spec.Attestations {
		if asked.Requirement == v1alpha1.Preferred || asked.AppliesTo == v1alpha1.AttestAnyCopy || !isAskedOf(asked, c) {
			continue
		}
		objection := unattested(in.Now, asked, c)
		if objection != nil && asked.AppliesTo == v1alpha1.AttestPrimary {
			objection = objection.againstPrimary()
		}
		objections = append(objections, objection)
	}
	return objections
}

// isAskedOf tells whether a place needs the attestation whatever copy it holds.
func isAskedOf(asked v1alpha1.AttestationRule, c Candidate) bool {
	return asked.AppliesTo != v1alpha1.AttestCloudCopies || !c.OnPremise
}

// unattested says why a place does not have an attestation, or nil if it does. Of
// several of one scheme, one that holds is enough; if none does, one that is over
// says most.
func unattested(now time.Time, asked v1alpha1.AttestationRule, c Candidate) *Objection {
	missing := object(RuleAttestation, v1alpha1.ReasonAttestationMissing, "%s is not attested of object storage there", name(asked))
	isFirst := true
	for _, found := range c.Attestations {
		if found.Service != v1alpha1.ObjectStorage || !strings.EqualFold(found.Scheme, asked.Scheme) {
			continue
		}
		shortfall := shortfallOf(now, asked, found)
		if shortfall == nil {
			return nil
		}
		if isFirst || shortfall.Reason == v1alpha1.ReasonAttestationExpired {
			missing, isFirst = shortfall, false
		}
	}
	return missing
}

// shortfallOf says why an attestation of the scheme does not do, or nil if it does.
// What is not known of it does not do.
func shortfallOf(now time.Time, asked v1alpha1.AttestationRule, found v1alpha1.AttestationStatus) *Objection {
	end, hasEnd := endOf(found.ValidUntil)
	switch {
	case asked.MinimumVersion != "" && found.Version == "":
		return object(RuleAttestation, v1alpha1.ReasonAttestationMissing,
			"%s is attested there in a version that is not known, and the policy asks for %s", found.Scheme, asked.MinimumVersion)
	case asked.MinimumVersion != "" && !isAtLeast(found.Version, asked.MinimumVersion):
		return object(RuleAttestation, v1alpha1.ReasonAttestationMissing,
			"%s is attested there in version %s, and the policy asks for %s", found.Scheme, found.Version, asked.MinimumVersion)
	case found.Condition != "":
		return object(RuleAttestation, v1alpha1.ReasonAttestationMissing,
			"%s is attested there for who has %s: if the account has, declare it in spec.attestations of the provider", found.Scheme, found.Condition)
	case !hasEnd:
		return object(RuleAttestation, v1alpha1.ReasonAttestationMissing,
			"%s is attested there until a day that is not known: read the certificate, and declare it in spec.attestations of the provider", found.Scheme)
	case !now.Before(end) || now.IsZero():
		return object(RuleAttestation, v1alpha1.ReasonAttestationExpired, "the attestation of %s there was valid until %s", found.Scheme, found.ValidUntil)
	}
	return nil
}

// endOf gives the moment from which on an attestation does not hold any more: its
// last day counts, in UTC.
func endOf(validUntil string) (time.Time, bool) {
	last, err := time.Parse(time.DateOnly, validUntil)
	return last.AddDate(0, 0, 1), err == nil
}

// name names what is asked for: SecNumCloud 3.2.
func name(asked v1alpha1.AttestationRule) string {
	if asked.MinimumVersion == "" {
		return asked.Scheme
	}
	return asked.Scheme + " " + asked.MinimumVersion
}
