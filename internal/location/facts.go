package location

import (
	"cmp"
	"strconv"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/catalogue"
)

// Facts are what is known of a place besides where it stands: what its provider's
// spec says, and else the shipped catalogue. Empty is unknown.
type Facts struct {
	City string
	// Latitude and Longitude are decimal numbers of degrees; both are known or none.
	Latitude, Longitude string
	// PUE is power usage effectiveness, a decimal number.
	PUE string
	// GridIntensity is grams of CO2 equivalent per kWh; nil is unknown.
	GridIntensity *int32
}

// describe puts the facts into the status of a location.
func (f Facts) describe(status *v1alpha1.LocationStatus) {
	status.City, status.Latitude, status.Longitude = f.City, f.Latitude, f.Longitude
	status.PUE, status.GridIntensity = f.PUE, f.GridIntensity
}

// factsOf puts together what is known of a location that stands in a country. What
// the catalogue knows of a place in another country is about another place.
func factsOf(p *v1alpha1.SovereignProvider, name, country, subdivision string) Facts {
	var facts Facts
	if said := specOf(p, name); said != nil {
		facts = Facts{
			City: said.City, Latitude: said.Latitude, Longitude: said.Longitude, PUE: said.PUE, GridIntensity: said.GridIntensity,
		}
	}
	if known, isKnown := catalogue.LocationOf(vendor(p), name); isKnown && known.Country.Value == country {
		facts.City = cmp.Or(facts.City, known.City.Value)
		facts.PUE = cmp.Or(facts.PUE, decimal(known.PUE))
		if facts.Latitude == "" {
			facts.Latitude, facts.Longitude = decimal(known.Latitude), decimal(known.Longitude)
		}
	}
	if grid, isKnown := catalogue.GridIntensityOf(country, subdivision).Get(); isKnown && facts.GridIntensity == nil {
		facts.GridIntensity = new(int32(grid)) //nolint:gosec // a few hundred grams
	}
	return facts
}

// specOf gives what the spec says of a location, or nil.
func specOf(p *v1alpha1.SovereignProvider, name string) *v1alpha1.Location {
	for i := range p.Spec.Locations {
		if p.Spec.Locations[i].Name == name {
			return &p.Spec.Locations[i]
		}
	}
	return nil
}

// decimal writes a number as the API has it; unknown is empty.
func decimal(fact catalogue.Fact[float64]) string {
	value, isKnown := fact.Get()
	if !isKnown {
		return ""
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}
