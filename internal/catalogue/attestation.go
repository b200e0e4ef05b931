package catalogue

import "slices"

// Standing says how an attestation stands.
type Standing string

// Held is attested; NotHeld is known not to be; NotEstablished is claimed or said
// of something near, and nobody can rely on it before reading the attestation.
const (
	Held           Standing = "Held"
	NotHeld        Standing = "NotHeld"
	NotEstablished Standing = "NotEstablished"
)

// Attestation is what is known of one scheme for one service at some locations.
type Attestation struct {
	// Scheme such as ISO27001, HDS or SecNumCloud, and its Version, empty for any.
	Scheme, Version string
	Standing        Standing
	// Condition is what a customer must do or pay for it to hold; empty is nothing.
	Condition string
	// ValidFrom and ValidUntil are inclusive days; empty is unknown.
	ValidFrom, ValidUntil string
	// AsOf, Source, Confidence and Note are as in a Fact.
	AsOf, Source string
	Confidence   Confidence
	Note         string
}

// AttestationsOf gives what is attested of a service at a location. An attestation
// whose end is unknown was in force on the day in AsOf; nothing is known of later.
func AttestationsOf(vendor Vendor, service, region string) []Attestation {
	return built().attestationsOf(vendor, service, region, Held)
}

// UnattestedOf gives what is known not to be attested of a service at a location,
// and what could not be established, so that pages and reports can say so.
func UnattestedOf(vendor Vendor, service, region string) []Attestation {
	return built().attestationsOf(vendor, service, region, NotHeld, NotEstablished)
}

func (l *library) attestationsOf(vendor Vendor, service, region string, standings ...Standing) []Attestation {
	location, known := l.locationOf(vendor, region)
	if !known {
		return nil
	}
	var found []Attestation
	for _, row := range l.attestations {
		covers := slices.ContainsFunc(row.locations, func(pattern string) bool { return matches(pattern, location.Region) })
		if row.vendor == vendor && row.service == service && covers && slices.Contains(standings, row.Standing) {
			found = append(found, row.Attestation)
		}
	}
	return found
}
