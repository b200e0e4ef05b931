package placement

import (
	"strings"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/seal"
)

// NextExpiry gives the moment at which a decision may change although nothing does
// but the time: the end of an attestation that a policy asks for, of an answer to the
// framework where one asks for a SEAL, at any candidate, or of an exception. An answer
// may also begin.
// There is none when nothing ends any more. No event tells of it, so whoever decides
// has to look again then.
func NextExpiry(in Request) (time.Time, bool) {
	var next time.Time
	for _, policy := range in.Policies {
		for _, asked := range policy.Spec.Attestations {
			for _, candidate := range in.Candidates {
				next = sooner(next, endAfter(in.Now, asked, candidate))
			}
		}
		if policy.Spec.Seal.Minimum == 0 {
			continue
		}
		for _, candidate := range in.Candidates {
			next = sooner(next, seal.NextChange(candidate.Sovereignty, in.Now))
		}
	}
	for _, excepting := range in.Exceptions {
		if in.Now.Before(excepting.NotAfter) {
			next = sooner(next, excepting.NotAfter)
		}
	}
	return next, !next.IsZero()
}

// endAfter gives the first end after now of an attestation of the scheme; zero is
// none.
func endAfter(now time.Time, asked v1alpha1.AttestationRule, c Candidate) time.Time {
	var first time.Time
	for _, found := range c.Attestations {
		end, hasEnd := endOf(found.ValidUntil)
		if found.Service == v1alpha1.ObjectStorage && hasEnd && end.After(now) && strings.EqualFold(found.Scheme, asked.Scheme) {
			first = sooner(first, end)
		}
	}
	return first
}

// sooner gives the earlier of two times; zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
