package placement

import (
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
)

// unmetPreferences counts what is held against a place without keeping copies away:
// taints that ask to prefer other places, and attestations that policies prefer and
// the place lacks.
func unmetPreferences(in Request, c Candidate) int {
	unmet := 0
	isDispreferred := func(t v1alpha1.Taint) bool { return t.Effect == v1alpha1.TaintPreferNoSchedule }
	if slices.ContainsFunc(c.Taints, isDispreferred) {
		unmet++
	}
	for _, policy := range in.Policies {
		if policy.IsAdvice() {
			continue
		}
		for _, asked := range policy.Spec.Attestations {
			if asked.Requirement == v1alpha1.Preferred && isAskedOf(asked, c) && unattested(in.Now, asked, c) != nil {
				unmet++
			}
		}
	}
	return unmet
}
