package placement_test

import (
	"testing"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

func TestPUE(t *testing.T) {
	usage := func(pue string) placement.Candidate {
		return place("a", "x", func(c *placement.Candidate) { c.Facts.PUE = pue })
	}
	limited := policy("p", func(s *v1alpha1.SovereigntyPolicySpec) { s.Environment.MaximumPUE = "1.5" })
	refused := []string{"p/pue/PUETooHigh"}
	holds(t, map[string]ruling{
		"nothing is asked":        {candidate: usage(""), policy: policy("p")},
		"below the limit":         {candidate: usage("1.28"), policy: limited},
		"at the limit":            {candidate: usage("1.50"), policy: limited},
		"above the limit":         {candidate: usage("1.51"), policy: limited, want: refused, message: "the PUE there is 1.51, and the policy allows 1.5"},
		"far above the limit":     {candidate: usage("10"), policy: limited, want: refused},
		"what is unknown":         {candidate: usage(""), policy: limited, want: refused, message: "the PUE there is not known, and the policy allows 1.5: see locations[].pue"},
		"what is no number":       {candidate: usage("good"), policy: limited, want: refused},
		"a copy that is there is": {candidate: usage(""), policy: limited, placed: here(v1alpha1.RolePrimary), want: refused},
	})
}
