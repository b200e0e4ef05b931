// Package location puts together what is known of the places of a provider: the
// shipped catalogue says least, the provider's owner in the spec more, and the
// vendor's own API most. What contradicts each other is said, and not smoothed
// over.
//
// It is pure. Start reading at Merge, which makes the status of a provider whose
// regions were discovered, and Of, which reads it.
package location

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/catalogue"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/provider"
)

// Location is a place of a provider with what is known of it.
type Location struct {
	Name string
	// Territory is where it stands; unknown is outside.
	Territory    geo.Territory
	OnPremise    bool
	Verification v1alpha1.LocationVerification
	// Availability is empty where no API tells.
	Availability v1alpha1.LocationAvailability
	// Contradiction says what is declared and what is reported instead; it says nothing
	// when nothing contradicts.
	Contradiction message.Text
	// Facts are what else is known of it.
	Facts
	// Attestations of services there, one for each scheme that counts.
	Attestations []v1alpha1.AttestationStatus
}

// Of gives the locations of a provider: those of its spec, or, where its vendor
// has an API that knows them, those that were discovered and that the spec does not
// leave out.
func Of(p *v1alpha1.SovereignProvider) []Location {
	if !p.Spec.DiscoversLocations() {
		return declared(p)
	}
	var locations []Location
	for _, known := range p.Status.Locations {
		if !isWanted(p, known.Name) {
			continue
		}
		location := Location{
			Name: known.Name, Territory: geo.Classify(known.Country, known.Subdivision),
			Verification: known.Verification, Availability: known.Availability,
		}
		if known.Verification == v1alpha1.VerificationContradicted {
			location.Contradiction = contradiction(p, known)
		}
		locations = append(locations, complete(p, location, known.Subdivision))
	}
	return locations
}

// declared are the locations of the spec, which nobody can confirm.
func declared(p *v1alpha1.SovereignProvider) []Location {
	locations := make([]Location, 0, len(p.Spec.Locations))
	for _, l := range p.Spec.Locations {
		location := Location{
			Name: l.Name, Territory: geo.Classify(l.Country, l.Subdivision), OnPremise: l.OnPremise,
			Verification: v1alpha1.VerificationDeclared,
		}
		if !location.Territory.Known() {
			location.Verification = v1alpha1.VerificationUnknown
		}
		locations = append(locations, complete(p, location, l.Subdivision))
	}
	return locations
}

// complete adds what does not depend on what an API reports.
func complete(p *v1alpha1.SovereignProvider, location Location, subdivision string) Location {
	location.Facts = factsOf(p, location.Name, location.Territory.Country, subdivision)
	location.Attestations = attestationsAt(p, location.Name)
	return location
}

// Declared gives the status of the locations of a provider of which nobody but its
// spec and the catalogue tell.
func Declared(p *v1alpha1.SovereignProvider) []v1alpha1.LocationStatus {
	locations := make([]v1alpha1.LocationStatus, 0, len(p.Spec.Locations))
	for _, l := range declared(p) {
		status := v1alpha1.LocationStatus{
			Name: l.Name, Country: l.Territory.Country, Perimeter: v1alpha1.Perimeter(l.Territory.Perimeter), Verification: l.Verification,
		}
		if l.Territory.Known() {
			status.Subdivision = geo.CanonicalSubdivision(specOf(p, l.Name).Subdivision)
		}
		l.Facts.describe(&status)
		locations = append(locations, status)
	}
	return locations
}

// Merge gives the status of the locations of a provider whose vendor's API
// reported these regions: each of them that the spec does not leave out, and as not
// activated those that were not reported and that the spec names or that hold copies.
// A place that holds copies stays what it was known to be: that a vendor does not
// mention it, in an outage perhaps, moves no data. Only what follows from those
// sources is filled.
func Merge(p *v1alpha1.SovereignProvider, regions []provider.Region, held ...string) []v1alpha1.LocationStatus {
	var merged []v1alpha1.LocationStatus
	for _, region := range regions {
		if isWanted(p, region.Name) {
			merged = append(merged, merge(p, region))
		}
	}
	for _, l := range p.Spec.Locations {
		held = append(held, l.Name)
	}
	for _, name := range held {
		if isWanted(p, name) && !slices.ContainsFunc(merged, func(l v1alpha1.LocationStatus) bool { return l.Name == name }) {
			merged = append(merged, unreported(p, name))
		}
	}
	slices.SortFunc(merged, func(a, b v1alpha1.LocationStatus) int { return cmp.Compare(a.Name, b.Name) })
	return merged
}

// unreported gives a location that the vendor's API does not mention, as it was known
// before, or else as the spec and the catalogue have it.
func unreported(p *v1alpha1.SovereignProvider, name string) v1alpha1.LocationStatus {
	location := merge(p, provider.Region{Name: name})
	index := slices.IndexFunc(p.Status.Locations, func(l v1alpha1.LocationStatus) bool { return l.Name == name })
	if index >= 0 && p.Status.Locations[index].Endpoint != "" {
		location = p.Status.Locations[index]
	}
	location.Availability = v1alpha1.LocationNotActivated
	return location
}

// Presume fills in the locations of a provider whose vendor's API nobody has
// asked, from the spec and the catalogue, for decisions about manifests that no
// cluster has seen. It tells whether it filled in anything.
func Presume(p *v1alpha1.SovereignProvider) bool {
	if !p.Spec.DiscoversLocations() || len(p.Status.Locations) > 0 {
		return false
	}
	var regions []provider.Region
	for _, known := range catalogue.LocationsOf(vendor(p)) {
		if _, isExcluded := known.IsExcluded(); !isExcluded && isOfAccount(p, known.Region) {
			regions = append(regions, provider.Region{Name: known.Region})
		}
	}
	p.Status.Locations = Merge(p, regions)
	for i := range p.Status.Locations {
		p.Status.Locations[i].Availability = ""
	}
	return true
}

// isOfAccount tells whether an account can have a region: at Outscale an account is
// asked about one region, and OVHcloud's accounts in the US are apart.
func isOfAccount(p *v1alpha1.SovereignProvider, region string) bool {
	if p.Spec.Outscale != nil {
		return p.Spec.Outscale.Region == region
	}
	known, _ := catalogue.LocationOf(vendor(p), region)
	return (known.Country.Value == "US") == isAmerican(p)
}

// isAmerican tells whether a provider is an account at OVHcloud's company in the US.
func isAmerican(p *v1alpha1.SovereignProvider) bool {
	return p.Spec.OVHcloud != nil && p.Spec.OVHcloud.Endpoint == "ovh-us"
}

// merge puts together what is known of one region.
func merge(p *v1alpha1.SovereignProvider, region provider.Region) v1alpha1.LocationStatus {
	location := v1alpha1.LocationStatus{
		Name: region.Name, Endpoint: region.Endpoint, Region: region.SigningRegion, LocationCodes: region.LocationCodes,
		Availability: v1alpha1.LocationAvailable,
	}
	if region.InMaintenance {
		location.Availability = v1alpha1.LocationMaintenance
	}
	reported, told := reportedCountry(p, region)
	assumed, subdivision := assumedPlace(p, region.Name)
	switch {
	case told && assumed != "" && assumed != reported:
		location.Country, location.Verification = reported, v1alpha1.VerificationContradicted
	case told:
		location.Country, location.Verification = reported, v1alpha1.VerificationConfirmed
	case assumed != "":
		location.Country, location.Verification = assumed, v1alpha1.VerificationDeclared
	default:
		location.Verification = v1alpha1.VerificationUnknown
	}
	if location.Country == assumed && location.Country != "" {
		location.Subdivision = subdivision
	}
	territory := geo.Classify(location.Country, location.Subdivision)
	location.Perimeter = v1alpha1.Perimeter(territory.Perimeter)
	if !territory.Known() && location.Verification != v1alpha1.VerificationContradicted {
		location.Verification = v1alpha1.VerificationUnknown
	}
	factsOf(p, location.Name, territory.Country, location.Subdivision).describe(&location)
	return location
}

// reportedCountry is what the vendor's API tells of a region: the country itself,
// or the codes of data centres that the catalogue knows. Codes in several
// countries are reported as none of them. It tells nothing when it names neither,
// or a code that the catalogue does not know.
func reportedCountry(p *v1alpha1.SovereignProvider, region provider.Region) (country string, told bool) {
	if region.Country != "" {
		return geo.Canonical(strings.ToUpper(region.Country)), true
	}
	for i, code := range region.LocationCodes {
		known, isKnown := catalogue.ByCode(vendor(p), region.Name, code)
		switch {
		case !isKnown || known.Country.Value == "":
			return "", false
		case i > 0 && known.Country.Value != country:
			return "", true
		}
		country = known.Country.Value
	}
	return country, country != ""
}

// assumedPlace is what the spec says of a region, or else the catalogue.
func assumedPlace(p *v1alpha1.SovereignProvider, name string) (country, subdivision string) {
	known, _ := catalogue.LocationOf(vendor(p), name)
	country, subdivision = known.Country.Value, known.Subdivision.Value
	for _, l := range p.Spec.Locations {
		if l.Name != name {
			continue
		}
		if l.Country != "" && geo.Canonical(l.Country) != country {
			country, subdivision = geo.Canonical(l.Country), "" // the catalogue's is of another country
		}
		subdivision = cmp.Or(geo.CanonicalSubdivision(l.Subdivision), subdivision)
	}
	return country, subdivision
}

// contradiction says what is declared of a location and what is reported.
func contradiction(p *v1alpha1.SovereignProvider, known v1alpha1.LocationStatus) message.Text {
	who := message.Of("the shipped catalogue says")
	for _, l := range p.Spec.Locations {
		if l.Name == known.Name && l.Country != "" {
			who = message.Of("spec.locations says")
		}
	}
	assumed, _ := assumedPlace(p, known.Name)
	reported := message.Verbatim(known.Country)
	if known.Country == "" {
		reported = message.Of("several countries")
	}
	return message.Of("%s %s, and the provider's own API says %s", who, assumed, reported)
}

// isWanted tells whether the spec leaves a location in. A spec that lists none
// leaves all of them in.
func isWanted(p *v1alpha1.SovereignProvider, name string) bool {
	return len(p.Spec.Locations) == 0 ||
		slices.ContainsFunc(p.Spec.Locations, func(l v1alpha1.Location) bool { return l.Name == name })
}

// vendor names the provider's vendor as the catalogue does.
func vendor(p *v1alpha1.SovereignProvider) catalogue.Vendor { return catalogue.Vendor(p.Spec.Type) }
