package catalogue

import "strings"

// StorageRegion gives the region whose object storage belongs to a region of
// compute, such as GRA for GRA11 and eu-west-2 for the subregion eu-west-2a. There
// is none for a region that is unknown and for one whose storage is excluded.
//
// OVHcloud numbers its compute regions of one zone and not those of three, and
// Outscale puts a letter behind the region.
func StorageRegion(vendor Vendor, computeRegion string) (string, bool) {
	for _, guess := range built().storageRegions(vendor, computeRegion) {
		location, known := LocationOf(vendor, guess)
		if _, excluded := location.IsExcluded(); known && !excluded {
			return location.Region, true
		}
	}
	return "", false
}

// storageRegions are the names that a storage region may have, the likeliest first.
func (l *library) storageRegions(vendor Vendor, computeRegion string) []string {
	for _, exception := range l.compute {
		if exception.vendor == vendor && strings.EqualFold(exception.region, computeRegion) {
			return []string{exception.value}
		}
	}
	switch vendor {
	case OVHcloud:
		unnumbered := strings.TrimSuffix(strings.TrimRight(computeRegion, "0123456789"), "-")
		return []string{computeRegion, unnumbered}
	case Outscale:
		return []string{computeRegion, withoutSubregion(computeRegion)}
	}
	return nil
}

// withoutSubregion takes the letter off that names a subregion: it stands behind a
// digit.
func withoutSubregion(name string) string {
	last := len(name) - 1
	if last < 1 || name[last] < 'a' || name[last] > 'z' || name[last-1] < '0' || name[last-1] > '9' {
		return name
	}
	return name[:last]
}
