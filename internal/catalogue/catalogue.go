// Package catalogue has the facts about vendors that ship with Rempart: where
// their locations stand, who runs them, what is attested of their object storage,
// and how clean their power is.
//
// Each fact says where it comes from, as of when, and how sure it is. What is not
// known is absent, and absent is unknown: no fact is guessed from another. Facts
// are keyed by vendor and region, because vendors share names: eu-west-2 is Paris
// at Outscale and London elsewhere. What an administrator declares, and what the
// vendor's own API says, goes before the catalogue.
//
// The package is pure: the facts are built in and never change while it runs. Start
// reading at LocationOf; data/README.md describes the files.
package catalogue

import (
	"slices"
	"strings"
)

// Vendor is an operator of object storage whose locations are known. Its text is
// that of the type of a SovereignProvider.
type Vendor string

// Vendors in the catalogue.
const (
	OVHcloud Vendor = "OVHcloud"
	Outscale Vendor = "Outscale"
)

// Vendors gives every vendor, in the order of their names.
func Vendors() []Vendor { return []Vendor{OVHcloud, Outscale} }

// ObjectStorage is the service that attestations are known of.
const ObjectStorage = "object-storage"

// Location is a place of a vendor where buckets can be.
type Location struct {
	Vendor Vendor
	// Region is the vendor's own name for it, such as GRA or eu-west-2.
	Region string
	// Country is an ISO 3166-1 code, and Subdivision an ISO 3166-2 one.
	Country, Subdivision Fact[string]
	// City in which, or near which, it stands.
	City Fact[string]
	// Latitude and Longitude are those of the city, in degrees.
	Latitude, Longitude Fact[float64]
	// AvailabilityZones over which its object storage spreads each object.
	AvailabilityZones Fact[int]
	// SigningRegion is the region in request signatures.
	SigningRegion Fact[string]
	// Endpoint serves S3 there.
	Endpoint Fact[string]
	// PUE is power usage effectiveness: all power over that of the machines.
	PUE Fact[float64]
	// GridIntensity is in grams of CO2 equivalent per kWh, a yearly average.
	GridIntensity Fact[int]
	// Codes are the data centres behind it that the vendor's API may name.
	Codes []Code
	// Excluded says why nothing is to be placed there.
	Excluded Fact[string]
}

// IsExcluded tells whether nothing is to be placed at a location, and why.
func (l Location) IsExcluded() (reason string, excluded bool) {
	return l.Excluded.Get()
}

// Code is the name of a data centre in the vendor's API, such as PAR1.
type Code struct {
	Code    string
	Country Fact[string]
}

// LocationOf gives a location by the vendor's own name for the region, in either
// case. Local zones are known by the form of their names only: they are excluded,
// and where they stand is unknown.
func LocationOf(vendor Vendor, region string) (Location, bool) {
	location, known := built().locationOf(vendor, region)
	location.Codes = slices.Clone(location.Codes)
	return location, known
}

// LocationsOf gives every location of a vendor in the order of their names, those
// that are excluded too.
func LocationsOf(vendor Vendor) []Location {
	locations := slices.Clone(built().locations[vendor])
	for i := range locations {
		locations[i].Codes = slices.Clone(locations[i].Codes)
	}
	return locations
}

// ByCode gives the location that a code of the vendor's API stands for, with the
// country that the code itself is known to be in. A code that is unknown, or that
// is known of another region only, gives none: codes are not guessed from others.
func ByCode(vendor Vendor, region, locationCode string) (Location, bool) {
	location, known := LocationOf(vendor, region)
	if !known {
		return Location{}, false
	}
	for _, code := range location.Codes {
		if strings.EqualFold(code.Code, locationCode) {
			location.Country = code.Country
			return location, true
		}
	}
	return Location{}, false
}

// Operator is who runs the locations of a vendor.
type Operator struct {
	// LegalEntity is the company.
	LegalEntity Fact[string]
	// Group identifies the group it belongs to, by SIREN or LEI; GroupName is for
	// people.
	Group, GroupName Fact[string]
	// LEI is the legal entity identifier of LegalEntity.
	LEI Fact[string]
	// SeatCountry and ControlCountry are ISO 3166-1 codes: of the seat of the legal
	// entity, and of whoever controls it.
	SeatCountry, ControlCountry Fact[string]
	// NonEUHolderPercent is the largest share that one holder from outside the EU
	// has, NonEUTotalPercent that of all of them: decimal numbers.
	NonEUHolderPercent, NonEUTotalPercent Fact[string]
	// ExtraterritorialLaw is None or Exposed.
	ExtraterritorialLaw Fact[string]
	// Holders are what is known of the owners, in words.
	Holders []Fact[string]
}

// OperatorAt gives who runs one location, or, with an empty region, all of those that
// have no operator of their own: in the United States it is another company.
func OperatorAt(vendor Vendor, region string) (Operator, bool) {
	if !slices.Contains(Vendors(), vendor) {
		return Operator{}, false
	}
	return built().operatorAt(vendor, region), true
}

// GridIntensityOf gives the grid intensity of any place, also of one that no
// vendor runs. A subdivision with a grid of its own does not get its country's
// figure.
func GridIntensityOf(country, subdivision string) Fact[int] {
	return built().gridIntensityOf(country, subdivision)
}
