package catalogue

import (
	"cmp"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// library is the catalogue as it was read.
type library struct {
	files        fs.FS
	sources      map[string]source
	locationRows []record
	operatorRows []record
	codes        []record
	compute      []record
	grid         []record
	attestations []attestationRow
	locations    map[Vendor][]Location
	// zones are locations that are known by a pattern of their names.
	zones []Location
}

// built reads what is built in, once. Files that do not follow their schema stop
// the program, and the tests before it.
var built = sync.OnceValue(func() *library {
	l, err := load(builtIn)
	if err != nil {
		panic(fmt.Errorf("read the catalogue that is built in: %w", err))
	}
	return l
})

// arrange makes locations of rows.
func (l *library) arrange() error {
	l.locations = map[Vendor][]Location{}
	for _, row := range l.locationRows {
		if row.region == anyRegion || l.isArranged(row.vendor, row.region) {
			continue
		}
		location, err := l.makeLocation(row.vendor, row.region)
		if err != nil {
			return fmt.Errorf("location %s of %s: %w", row.region, row.vendor, err)
		}
		if location.Country.Known {
			l.locations[row.vendor] = append(l.locations[row.vendor], location)
		} else if location.Excluded.Known {
			l.zones = append(l.zones, location)
		}
	}
	for _, locations := range l.locations {
		slices.SortFunc(locations, func(a, b Location) int { return cmp.Compare(a.Region, b.Region) })
	}
	return nil
}

func (l *library) isArranged(vendor Vendor, region string) bool {
	return slices.ContainsFunc(slices.Concat(l.locations[vendor], l.zones), func(location Location) bool {
		return location.Vendor == vendor && location.Region == region
	})
}

func (l *library) makeLocation(vendor Vendor, region string) (Location, error) {
	about := subject{l.locationRows, vendor, region}
	location := Location{
		Vendor: vendor, Region: region,
		Country: about.text("country"), Subdivision: about.text("subdivision"), City: about.text("city"),
		SigningRegion: about.text("signingRegion"), Endpoint: about.text("endpoint"), Excluded: about.text("excluded"),
	}
	var err error
	for property, target := range map[string]*Fact[float64]{
		"latitude": &location.Latitude, "longitude": &location.Longitude, "pue": &location.PUE,
	} {
		if *target, err = parsed(about.record(property), parseDecimal); err != nil {
			return Location{}, err
		}
	}
	if location.AvailabilityZones, err = parsed(about.record("availabilityZones"), strconv.Atoi); err != nil {
		return Location{}, err
	}
	location.Endpoint = withSigningRegion(location.Endpoint, location.SigningRegion)
	location.GridIntensity = l.gridIntensityOf(location.Country.Value, location.Subdivision.Value)
	for _, row := range l.codes {
		if row.vendor == vendor && row.region == region {
			location.Codes = append(location.Codes, Code{Code: row.property, Country: textOf(row)})
		}
	}
	return location, nil
}

// withSigningRegion completes the pattern of an endpoint. A location without a
// known signing region has no known endpoint.
func withSigningRegion(endpoint, region Fact[string]) Fact[string] {
	if !region.Known {
		return Fact[string]{}
	}
	endpoint.Value = strings.ReplaceAll(endpoint.Value, "{signingRegion}", region.Value)
	return endpoint
}

func (l *library) locationOf(vendor Vendor, region string) (Location, bool) {
	for _, location := range l.locations[vendor] {
		if strings.EqualFold(location.Region, region) {
			return location, true
		}
	}
	for _, zone := range l.zones {
		if zone.Vendor == vendor && matches(zone.Region, region) {
			zone.Region = region
			return zone, true
		}
	}
	return Location{}, false
}

func (l *library) operatorAt(vendor Vendor, region string) Operator {
	about := subject{l.operatorRows, vendor, region}
	operator := Operator{
		LegalEntity: about.text("legalEntity"), LEI: about.text("lei"),
		Group: about.text("group"), GroupName: about.text("groupName"),
		SeatCountry: about.text("seatCountry"), ControlCountry: about.text("controlCountry"),
		NonEUHolderPercent: about.text("nonEUHolderPercent"), NonEUTotalPercent: about.text("nonEUTotalPercent"),
		ExtraterritorialLaw: about.text("extraterritorialLaw"),
	}
	for _, row := range l.operatorRows {
		if row.vendor == vendor && row.property == "holder" && matches(row.region, region) {
			operator.Holders = append(operator.Holders, textOf(row))
		}
	}
	return operator
}

func (l *library) gridIntensityOf(country, subdivision string) Fact[int] {
	for _, zone := range []string{subdivision, country} {
		for _, row := range l.grid {
			if row.region == zone && zone != "" {
				fact, _ := parsed(row, strconv.Atoi) // load has parsed them all
				return fact
			}
		}
	}
	return Fact[int]{}
}

// subject is what rows are asked about.
type subject struct {
	rows   []record
	vendor Vendor
	region string
}

// record gives the row that says a property of the subject most specifically: the
// one for its region, else for a pattern of regions, else for all of them. A row
// without a value counts: it says that the wider one does not hold.
func (s subject) record(property string) record {
	var best record
	for _, row := range s.rows {
		concerns := row.vendor == s.vendor && row.property == property && matches(row.region, s.region)
		if concerns && specificity(row.region) > specificity(best.region) {
			best = row
		}
	}
	return best
}

// specificity orders patterns: a name before every pattern, a longer pattern
// before a shorter one, and no pattern last.
func specificity(pattern string) int {
	if pattern != "" && !strings.Contains(pattern, anyRegion) {
		return math.MaxInt
	}
	return len(pattern)
}

func (s subject) text(property string) Fact[string] { return textOf(s.record(property)) }

func textOf(row record) Fact[string] {
	fact, _ := parsed(row, func(text string) (string, error) { return text, nil })
	return fact
}

// parsed makes a fact of a row. A row without a value makes an unknown one that
// says why.
func parsed[T any](row record, parse func(string) (T, error)) (Fact[T], error) {
	fact := Fact[T]{AsOf: row.asOf, Source: row.source, Confidence: row.confidence, Note: row.note}
	if row.value == "" {
		return fact, nil
	}
	value, err := parse(row.value)
	if err != nil {
		return Fact[T]{}, fmt.Errorf("%s: %w", row.property, err)
	}
	fact.Value, fact.Known = value, true
	return fact, nil
}

func parseDecimal(text string) (float64, error) { return strconv.ParseFloat(text, 64) }

// anyRegion is the pattern of a row about all regions of a vendor.
const anyRegion = "*"

// matches tells whether a region has a name of a pattern's form, in either case.
func matches(pattern, region string) bool {
	matched, err := path.Match(strings.ToUpper(pattern), strings.ToUpper(region))
	return err == nil && matched
}
