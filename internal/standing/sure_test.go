package standing

import (
	"testing"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

func TestAPlaceIsNoSurerThanTheNodeThere(t *testing.T) {
	for name, test := range map[string]struct {
		isConfirmed    bool
		location, want v1alpha1.LocationVerification
	}{
		"both are sure":                        {true, v1alpha1.VerificationConfirmed, v1alpha1.VerificationConfirmed},
		"the Node has only labels":             {false, v1alpha1.VerificationConfirmed, v1alpha1.VerificationDeclared},
		"the location is only declared":        {true, v1alpha1.VerificationDeclared, v1alpha1.VerificationDeclared},
		"a contradiction stays one":            {false, v1alpha1.VerificationContradicted, v1alpha1.VerificationContradicted},
		"what is not known stays unknown":      {false, v1alpha1.VerificationUnknown, v1alpha1.VerificationUnknown},
		"nor does a confirmed Node make it so": {true, v1alpha1.VerificationUnknown, v1alpha1.VerificationUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := asSureAs(test.isConfirmed, placement.Candidate{Verification: test.location}).Verification; got != test.want {
				t.Errorf("it is %s, want %s", got, test.want)
			}
		})
	}
}
