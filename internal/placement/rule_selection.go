package placement

import (
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
)

// selectedProviders refuses places that the bucket's own placement leaves out.
func selectedProviders(in Request, c Candidate) *Objection {
	wanted := in.Narrowing.ProviderNames
	if len(wanted) == 0 || slices.Contains(wanted, c.ProviderName) {
		return nil
	}
	return object(RuleSelection, v1alpha1.ReasonNotSelected,
		"the bucket's placement.providerNames leaves provider %s out", c.ProviderName)
}

// selectedPrimary refuses the primary everywhere but where the bucket wants it.
func selectedPrimary(in Request, c Candidate) *Objection {
	wanted, field := in.wantedPrimary()
	if wanted == nil || *wanted == c.PlaceReference {
		return nil
	}
	return object(RuleSelection, v1alpha1.ReasonNotSelected,
		"the bucket's %s asks for %s", field, wanted).againstPrimary()
}
