package location

import (
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/catalogue"
	"github.com/rempart/rempart/internal/geo"
)

// At gives a location of a provider by its name, in either case. A region of its
// vendor that the spec leaves out, or where the account has no buckets, is one too:
// other things than buckets may stand there. Where it stands is then what the
// catalogue says.
func At(p *v1alpha1.SovereignProvider, name string) (Location, bool) {
	for _, location := range Of(p) {
		if strings.EqualFold(location.Name, name) {
			return location, true
		}
	}
	known, isKnown := catalogue.LocationOf(vendor(p), name)
	if _, isExcluded := known.IsExcluded(); !isKnown || isExcluded || !isOfAccount(p, known.Region) {
		return Location{}, false
	}
	return Location{
		Name: known.Region, Verification: v1alpha1.VerificationDeclared,
		Territory: geo.Classify(known.Country.Value, known.Subdivision.Value),
	}, true
}
