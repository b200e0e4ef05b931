package placement_test

import (
	"testing"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

func TestGrid(t *testing.T) {
	intensity := func(grams *int32) placement.Candidate {
		return place("a", "x", func(c *placement.Candidate) { c.Facts.GridIntensity = grams })
	}
	limited := policy("p", func(s *v1alpha1.SovereigntyPolicySpec) { s.Environment.MaximumGridIntensity = new(int32(200)) })
	refused := []string{"p/grid/GridTooHigh"}
	holds(t, map[string]ruling{
		"nothing is asked":        {candidate: intensity(nil), policy: policy("p")},
		"below the limit":         {candidate: intensity(new(int32(40))), policy: limited},
		"at the limit":            {candidate: intensity(new(int32(200))), policy: limited},
		"no emissions at all":     {candidate: intensity(new(int32(0))), policy: limited},
		"above the limit":         {candidate: intensity(new(int32(201))), policy: limited, want: refused, message: "the grid intensity there is 201 g/kWh, and the policy allows 200"},
		"what is unknown":         {candidate: intensity(nil), policy: limited, want: refused, message: "the grid intensity there is not known, and the policy allows 200 g/kWh: see locations[].gridIntensity"},
		"a copy that is there is": {candidate: intensity(nil), policy: limited, placed: here(v1alpha1.RolePrimary), want: refused},
	})
}
