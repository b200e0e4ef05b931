package placement

import (
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
)

// pointsForPreference is what each preference that a place does not meet costs it.
const pointsForPreference = 5

// Weights of what makes one eligible place better than another; together 100.
const (
	weightReady     = 50 // it answers now
	weightPerimeter = 25 // it is inside a narrower perimeter than needed
	weightOnPremise = 25 // it stands in the own premises, where a policy prefers that
)

// score ranks eligible candidates, 0 to 100 in steps of 5.
func score(in Request, c Candidate) int32 {
	var points int32
	if c.Ready {
		points += weightReady
	}
	switch c.Territory.Perimeter {
	case geo.FR:
		points += weightPerimeter
	case geo.EU:
		points += weightPerimeter * 3 / 5
	case geo.EEA, geo.None:
	}
	if c.OnPremise || !prefersOnPremise(in) {
		points += weightOnPremise
	}
	return max(points-int32(unmetPreferences(in, c))*pointsForPreference, 0) //nolint:gosec // a handful
}

func prefersOnPremise(in Request) bool {
	return slices.ContainsFunc(in.Policies, func(p Policy) bool {
		return !p.IsAdvice() && p.Spec.Copies.OnPremise == v1alpha1.Preferred
	})
}
