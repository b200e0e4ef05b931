package nodeplace

import (
	"fmt"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/placement"
)

// site is a location of a provider, with its facts.
type site struct {
	v1alpha1.PlaceReference
	// vendor is empty for a store of one's own.
	vendor        v1alpha1.ProviderType
	territory     geo.Territory
	operator      string
	verification  v1alpha1.LocationVerification
	contradiction string
}

// siteOf gives a location of a provider, or false where it has none of that name.
func siteOf(p *v1alpha1.SovereignProvider, name string) (site, bool) {
	l, isThere := location.At(p, name)
	if !isThere {
		return site{}, false
	}
	s := site{
		PlaceReference: v1alpha1.PlaceReference{ProviderName: p.Name, Location: l.Name},
		territory:      l.Territory, operator: placement.OperatorOf(p), verification: l.Verification, contradiction: l.Contradiction.String(),
	}
	if p.Spec.DiscoversLocations() {
		s.vendor = p.Spec.Type
	}
	return s, true
}

// named gives the site that is written provider/location.
func (w World) named(word string) (site, bool) {
	providerName, locationName, _ := strings.Cut(word, "/")
	for i := range w.Providers {
		if w.Providers[i].Name == providerName {
			return siteOf(&w.Providers[i], locationName)
		}
	}
	return site{}, false
}

// agrees tells whether a Node can stand at both: two accounts at one place are no
// contradiction when the facts agree. Regions of a vendor are places apart, and so
// are the locations of one provider; whether those of two other providers are the
// same is for their facts to say.
func (s site) agrees(other site) bool {
	if s.territory.Country != other.territory.Country || s.territory.Perimeter != other.territory.Perimeter || s.operator != other.operator {
		return false
	}
	isOneVendor := s.vendor != "" && s.vendor == other.vendor
	if isOneVendor || s.ProviderName == other.ProviderName {
		return s.Location == other.Location
	}
	return true
}

func (s site) place() Place {
	return Place{
		PlaceReference: s.PlaceReference, Country: s.territory.Country,
		Perimeter: v1alpha1.Perimeter(s.territory.Perimeter), Operator: s.operator,
	}
}

// dispute says what contradicts about the location itself.
func (s site) dispute() string {
	return fmt.Sprintf("of location %s %s", s.PlaceReference, s.contradiction)
}

// String names the site and what it would make of a Node.
func (s site) String() string {
	country := s.territory.Country
	if country == "" {
		country = "unknown country"
	}
	return fmt.Sprintf("%s (%s, run by %s)", s.PlaceReference, country, s.operator)
}
