package catalogue

import (
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rempart/rempart/internal/geo"
)

// shipped gives the files that are built in, to be changed at will.
func shipped(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(builtIn, "data/*.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(builtIn, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: content}
	}
	return files
}

func TestTheCatalogueMakesSense(t *testing.T) {
	l, err := load(builtIn)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems(l) {
		t.Error(problem)
	}
	if facts := len(l.facts()); facts < 200 {
		t.Errorf("only %d facts were looked at", facts)
	}
}

// Each rule of the schema is broken once, so that it is known to bite.
func TestWhatMakesNoSenseIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		file, old, new string
		// add is a row to append instead.
		add  string
		want string
	}{
		"a fact without a date": {
			file: "locations", old: "GRA,city,Gravelines,2026-09-24", new: "GRA,city,Gravelines,", want: `GRA city: "" is no date`,
		},
		"a date that is none": {
			file: "locations", old: "GRA,city,Gravelines,2026-09-24", new: "GRA,city,Gravelines,2026-13-01", want: "is no date",
		},
		"a fact without a source": {
			file: "locations", old: "GRA,city,Gravelines,2026-09-24,Documented,ovh-s3-location rclone-ovhcloud", new: "GRA,city,Gravelines,2026-09-24,Documented,", want: "GRA city: no source",
		},
		"a confidence of its own": {
			file: "operators", old: "OVH Groupe SA,2023-01-09,ThirdParty", new: "OVH Groupe SA,2023-01-09,Certain", want: `"Certain" is no confidence`,
		},
		"no confidence": {
			file: "grid", old: "FR,40,2024,ThirdParty", new: "FR,40,2024,", want: `FR gridIntensity: "" is no confidence`,
		},
		"a mark of the unverified": {
			file: "locations", old: "Gravelines,2026-09-24", new: "Gravelines [K],2026-09-24", want: "bears a mark",
		},
		"such a mark in a note": {
			file: "attestations", old: "19.2 asks for storage inside the EU", new: "not verified", want: "bears a mark",
		},
		"a silence without a reason": {
			file: "locations", old: "no published figure was found", new: "", want: "* pue: neither a value nor a reason",
		},
		"an unknown vendor": {
			file: "codes", add: "AWS,eu-west-2,LHR1,GB,2026,Verified,osc-api,", want: `vendor "AWS" is not known`,
		},
		"a property that nobody reads": {
			file: "locations", old: "GRA,latitude", new: "GRA,latitdue", want: `"latitdue" is no property`,
		},
		"a country that does not exist": {
			file: "locations", old: "GRA,country,FR", new: "GRA,country,FX", want: "FX is no country",
		},
		"an alias of a country": {
			file: "locations", old: "UK,country,GB", new: "UK,country,UK", want: "UK is no country",
		},
		"a country of an operator that does not exist": {
			file: "operators", old: "seatCountry,US", new: "seatCountry,ZZ", want: "ZZ is no country",
		},
		"a code in no country": {
			file: "codes", old: "PAR4,FR", new: "PAR4,EU", want: "PAR4: EU is no country",
		},
		"a subdivision of another country": {
			file: "locations", old: "SBG,subdivision,FR-GES", new: "SBG,subdivision,DE-BW", want: "DE-BW is no subdivision of FR",
		},
		"a subdivision that the API does not take": {
			file: "locations", old: "SBG,subdivision,FR-GES", new: "SBG,subdivision,FR-GEST", want: "FR-GEST is no subdivision",
		},
		"degrees in the wrong hemisphere": {
			file: "locations", old: "AP-SOUTHEAST-SYD,latitude,-33.87", new: "AP-SOUTHEAST-SYD,latitude,33.87", want: "is not in AU-NSW",
		},
		"longitude and latitude changed over": {
			file: "locations", old: "GRA,longitude,2.13", new: "GRA,longitude,50.99", want: "is not in FR-HDF",
		},
		"half of a position": {
			file: "locations", old: "GRA,longitude,2.13", new: "GRA,longitude,", want: "half of a position",
		},
		"a place whose bounds nobody wrote down": {
			file: "locations", old: "GRA,subdivision,FR-HDF", new: "GRA,subdivision,FR-BRE", want: "bounds of FR-BRE",
		},
		"a region without a country": {
			file: "locations", add: "OVHcloud,XYZ,signingRegion,xyz,2026,Documented,ovh-s3-location,", want: "XYZ has neither a country nor a reason to be excluded",
		},
		"a region without a signing region": {
			file: "locations", old: "OVHcloud,GRA,signingRegion,gra", new: "OVHcloud,GRA,signingRegion,", want: "GRA has no signing region",
		},
		"an endpoint in the clear": {
			file: "locations", old: "https://oos.{signingRegion}", new: "http://oos.{signingRegion}", want: "is no endpoint",
		},
		"an endpoint for every region": {
			file: "locations", old: "https://oos.{signingRegion}.outscale.com", new: "https://oos.outscale.com", want: "have the same endpoint",
		},
		"a pattern that meets nothing": {
			file: "operators", old: "us-*,seatCountry", new: "uk-*,seatCountry", want: `no location is called "uk-*"`,
		},
		"a fact twice": {
			file: "locations", add: "OVHcloud,GRA,country,FR,2026-09-24,Documented,ovh-s3-location,", want: "GRA country is there twice",
		},
		"a code twice": {
			file: "codes", add: "Outscale,eu-west-2,PAR1,GB,2026,Verified,osc-api,", want: "PAR1 is there twice",
		},
		"a zone twice": {
			file: "grid", add: "FR,31,2025,ThirdParty,owid-ember,", want: "FR gridIntensity is there twice",
		},
		"a zone that does not exist": {
			file: "grid", add: "FR-COR-X,31,2025,ThirdParty,owid-ember,", want: "FR-COR-X is no zone",
		},
		"an intensity beyond coal": {
			file: "grid", old: "PL,608", new: "PL,6080", want: "6080 g/kWh",
		},
		"a PUE below one": {
			file: "locations", old: "pue,1.28", new: "pue,0.28", want: "a PUE of 0.28",
		},
		"no zone of availability": {
			file: "locations", old: "GRA,availabilityZones,1", new: "GRA,availabilityZones,0", want: "0 availability zones",
		},
		"a share above a hundred": {
			file: "operators", old: "OVHcloud,*,nonEUTotalPercent,", new: "OVHcloud,*,nonEUTotalPercent,139", want: "139 %",
		},
		"a law that is neither": {
			file: "operators", old: "extraterritorialLaw,Exposed", new: "extraterritorialLaw,Perhaps", want: "Perhaps is no exposure",
		},
		"a standing of its own": {
			file: "attestations", old: "NotHeld", new: "Expired", want: `"Expired" is no standing`,
		},
		"an attestation that somebody claims": {
			file: "attestations", old: "Held,the HDS option and Business or Enterprise support,,,2026-10-07,Documented", new: "Held,the HDS option and Business or Enterprise support,,,2026-10-07,ThirdParty", want: "HDS is held as somebody says",
		},
		"an attestation that ends before it begins": {
			file: "attestations", old: "Enterprise support,,,", new: "Enterprise support,2026-01-01,2025-01-01,", want: "HDS ends before it begins",
		},
		"an attestation that ends on no day": {
			file: "attestations", old: "Enterprise support,,,", new: "Enterprise support,,2027,", want: "HDS: 2027 is no day",
		},
		"an attestation of no location": {
			file: "attestations", old: "GRA RBX SBG EU-WEST-PAR EU-SOUTH-MIL DE WAW,HDS", new: "GRA RBX LIL,HDS", want: `no location is called "LIL"`,
		},
		"OVHcloud's storage qualified": {
			file: "attestations", old: "SecNumCloud,,NotHeld,", new: "SecNumCloud,3.2,Held,", want: "SecNumCloud is for the administrator",
		},
		"two standings at one location": {
			file: "attestations", add: "OVHcloud,object-storage,GRA,ISO27001,2022,NotHeld,,,,2026-10-07,Documented,ovh-iso27k,no", want: "ISO27001 2022 is said twice of GRA",
		},
		"data under a licence that would be ours": {
			file: "sources", old: "Our World in Data and Ember,2026,CC BY 4.0", new: "Our World in Data and Ember,2026,CC BY-SA 4.0", want: "owid-ember: CC BY-SA 4.0 is no licence to ship data under",
		},
		"a source that is not needed": {
			file: "sources", add: "electricity-maps,Yearly averages,Electricity Maps,2025,cited,nowhere", want: "electricity-maps: no fact is from there",
		},
		"a compute region of none": {
			file: "compute", old: "RBX-A,RBX,", new: "RBX-A,LIL,", want: `no location is called "LIL"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			files, file := shipped(t), "data/"+test.file+".csv"
			content := string(files[file].Data)
			changed := strings.Replace(content, test.old, test.new, 1)
			if test.add != "" {
				changed = content + test.add + "\n"
			}
			if changed == content {
				t.Fatalf("%s has no %q", file, test.old)
			}
			files[file] = &fstest.MapFile{Data: []byte(changed)}
			l, err := load(files)
			if err != nil {
				t.Fatal(err)
			}
			found := problems(l)
			if !slices.ContainsFunc(found, func(problem string) bool { return strings.Contains(problem, test.want) }) {
				t.Errorf("found %q, want %q", found, test.want)
			}
		})
	}
}

func TestFilesThatFollowNoSchemaAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ file, old, new, want string }{
		"a source that is not listed":  {"locations", "ovh-s3-local-zones", "hearsay", `source "hearsay" is not in sources.csv`},
		"a source twice":               {"sources", "ovh-hds-guarantees,", "ovh-hds,", `source "ovh-hds" is there twice`},
		"a column of another name":     {"grid", "zone,value", "country,value", "the first row must be zone,value,asOf"},
		"a cell too many":              {"codes", "Telehouse 3, France", "Telehouse\",\"3, France", "wrong number of fields"},
		"degrees in words":             {"locations", "GRA,latitude,50.99", "GRA,latitude,north", "location GRA of OVHcloud: latitude"},
		"zones in words":               {"locations", "GRA,availabilityZones,1", "GRA,availabilityZones,one", "availabilityZones"},
		"an intensity with a fraction": {"grid", "FR,40", "FR,40.5", "zone FR"},
	} {
		t.Run(name, func(t *testing.T) {
			files, file := shipped(t), "data/"+test.file+".csv"
			changed := strings.Replace(string(files[file].Data), test.old, test.new, 1)
			if changed == string(files[file].Data) {
				t.Fatalf("%s has no %q", file, test.old)
			}
			files[file] = &fstest.MapFile{Data: []byte(changed)}
			if _, err := load(files); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	for name := range shipped(t) {
		files := shipped(t)
		delete(files, name)
		if _, err := load(files); err == nil {
			t.Errorf("%s is not missed", name)
		}
	}
}

func TestTheMostSpecificRowCounts(t *testing.T) {
	rows := []record{
		{vendor: OVHcloud, region: "U*", property: "p", value: "of a short pattern"},
		{vendor: OVHcloud, region: "*", property: "p", value: "of all"},
		{vendor: OVHcloud, region: "U*-*-*", property: "p", value: "of a long pattern"},
		{vendor: OVHcloud, region: "UK", property: "p", value: ""},
		{vendor: Outscale, region: "UP", property: "p", value: "of another vendor"},
		{vendor: OVHcloud, region: "UP", property: "q", value: "of another property"},
	}
	for region, want := range map[string]string{
		"GRA": "of all", "UP": "of a short pattern", "up": "of a short pattern", "US-EAST-VA": "of a long pattern", "UK": "", "": "of all",
	} {
		if got := (subject{rows, OVHcloud, region}).record("p").value; got != want {
			t.Errorf("%q: got the row %q, want %q", region, got, want)
		}
	}
}

// facts are the rows of all files of records.
func (l *library) facts() []record {
	return slices.Concat(l.locationRows, l.operatorRows, l.codes, l.compute, l.grid)
}

// problems are what makes no sense in a catalogue.
func problems(l *library) []string {
	var found []string
	for _, check := range []func(l *library, report func(format string, args ...any)){
		checkEvidence, checkNames, checkDuplicates, checkTerritory, checkPositions, checkEndpoints, checkFigures, checkAttestations, checkSources,
	} {
		check(l, func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) })
	}
	return found
}

// mark is what notes use for things that nobody checked.
var mark = regexp.MustCompile(`(?i)\[[K?A-Z0-9]{1,3}\]|to ?do\b|fixme|unverified|not verified|unchecked|\btbc\b`)

func isDate(text string) bool {
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}

func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

func checkEvidence(l *library, report func(string, ...any)) {
	evidence := l.facts()
	for _, row := range l.attestations {
		evidence = append(evidence, record{
			vendor: row.vendor, region: strings.Join(row.locations, " "), property: row.Scheme, value: string(row.Standing),
			asOf: row.AsOf, confidence: row.Confidence, sourceIDs: row.sourceIDs, note: row.Note + row.Condition,
		})
	}
	for _, row := range evidence {
		what := row.region + " " + row.property
		if !isDate(row.asOf) {
			report("%s: %q is no date", what, row.asOf)
		}
		if !slices.Contains([]Confidence{Verified, Documented, ThirdParty}, row.confidence) {
			report("%s: %q is no confidence", what, row.confidence)
		}
		if len(row.sourceIDs) == 0 {
			report("%s: no source", what)
		}
		if row.value == "" && row.note == "" {
			report("%s: neither a value nor a reason", what)
		}
		if mark.MatchString(row.value + " " + row.note) {
			report("%s bears a mark: %q %q", what, row.value, row.note)
		}
	}
}

var properties = map[string][]string{
	"locations": {
		"country", "subdivision", "city", "latitude", "longitude", "availabilityZones", "signingRegion", "endpoint", "pue", "excluded",
	},
	"operators": {
		"legalEntity", "lei", "group", "groupName", "seatCountry", "controlCountry", "holder", "nonEUHolderPercent", "nonEUTotalPercent",
		"extraterritorialLaw",
	},
}

func checkNames(l *library, report func(string, ...any)) {
	isNamed := func(vendor Vendor, pattern string) bool {
		return pattern == anyRegion || slices.ContainsFunc(slices.Concat(l.locations[vendor], l.zones), func(location Location) bool {
			return location.Vendor == vendor && (location.Region == pattern || matches(pattern, location.Region))
		})
	}
	for file, rows := range map[string][]record{"locations": l.locationRows, "operators": l.operatorRows} {
		for _, row := range rows {
			if !slices.Contains(properties[file], row.property) {
				report("%s: %q is no property of %s", row.region, row.property, file)
			}
		}
	}
	for _, row := range slices.Concat(l.locationRows, l.operatorRows, l.codes) {
		if !slices.Contains(Vendors(), row.vendor) {
			report("vendor %q is not known", row.vendor)
		}
		if _, known := l.locationOf(row.vendor, row.region); !known && !strings.Contains(row.region, anyRegion) {
			report("%s has neither a country nor a reason to be excluded", row.region)
		}
		if strings.Contains(row.region, anyRegion) && !isNamed(row.vendor, row.region) {
			report("no location is called %q", row.region)
		}
	}
	for _, row := range l.compute {
		if !isNamed(row.vendor, row.value) {
			report("no location is called %q", row.value)
		}
	}
	for _, row := range l.attestations {
		for _, pattern := range row.locations {
			if !isNamed(row.vendor, pattern) {
				report("no location is called %q", pattern)
			}
		}
	}
}

func checkDuplicates(l *library, report func(string, ...any)) {
	seen := map[string]bool{}
	for _, row := range l.facts() {
		key := fmt.Sprint(row.vendor, "/", strings.ToUpper(row.region), " ", row.property)
		if seen[key] && row.property != "holder" {
			report("%s %s is there twice", row.region, row.property)
		}
		seen[key] = true
	}
	for vendor, locations := range l.locations {
		for _, location := range locations {
			said := map[string]bool{}
			for _, row := range l.attestationsOf(vendor, ObjectStorage, location.Region, Held, NotHeld, NotEstablished) {
				if key := row.Scheme + " " + row.Version; said[key] {
					report("%s is said twice of %s", key, location.Region)
				} else {
					said[key] = true
				}
			}
		}
	}
}

func isCountry(code string) bool { return geo.Classify(code, "").Country == code }

var subdivisionForm = regexp.MustCompile(`^[A-Z]{2}-[A-Z0-9]{1,3}$`)

func checkTerritory(l *library, report func(string, ...any)) {
	for _, row := range slices.Concat(l.locationRows, l.operatorRows) {
		if strings.HasSuffix(strings.ToLower(row.property), "country") && row.value != "" && !isCountry(row.value) {
			report("%s %s: %s is no country", row.region, row.property, row.value)
		}
	}
	for _, row := range l.codes { // the code is the property, its country the value
		if !isCountry(row.value) {
			report("%s %s: %s is no country", row.region, row.property, row.value)
		}
	}
	for _, location := range slices.Concat(slices.Collect(maps.Values(l.locations))...) {
		country, subdivision := location.Country.Value, location.Subdivision.Value
		if subdivision != "" && (!subdivisionForm.MatchString(subdivision) || !geo.Classify(country, subdivision).Known()) {
			report("%s: %s is no subdivision of %s", location.Region, subdivision, country)
		}
	}
	for _, row := range l.grid {
		country, _, isDivided := strings.Cut(row.region, "-")
		if !isCountry(country) || isDivided && !subdivisionForm.MatchString(row.region) {
			report("%s is no zone", row.region)
		}
	}
}

// bounds are the degrees between which a subdivision lies: south, north, west, east.
// A country without subdivisions in the catalogue has its own.
var bounds = map[string][4]float64{
	"FR-HDF": {48.8, 51.1, 1.3, 4.3},
	"FR-GES": {47.4, 50.2, 3.3, 8.3},
	"FR-IDF": {48.1, 49.3, 1.4, 3.6},
	"IT-25":  {44.6, 46.7, 8.4, 11.5},
	"DE-HE":  {49.3, 51.7, 7.7, 10.3},
	"PL-14":  {51.0, 53.5, 19.2, 23.2},
	"GB-ENG": {49.8, 55.9, -6.5, 1.8},
	"CA-QC":  {44.9, 62.6, -79.8, -57.1},
	"CA-ON":  {41.6, 56.9, -95.2, -74.3},
	"SG":     {1.1, 1.5, 103.6, 104.1},
	"AU-NSW": {-37.6, -28.1, 140.9, 153.7},
	"IN-MH":  {15.6, 22.1, 72.6, 80.9},
	"US-OR":  {41.9, 46.3, -124.6, -116.4},
	"JP-13":  {35.5, 35.9, 138.9, 139.95},
}

func checkPositions(l *library, report func(string, ...any)) {
	for _, location := range slices.Concat(slices.Collect(maps.Values(l.locations))...) {
		latitude, hasLatitude := location.Latitude.Get()
		longitude, hasLongitude := location.Longitude.Get()
		if hasLatitude != hasLongitude {
			report("%s has half of a position", location.Region)
		}
		if !hasLatitude || !hasLongitude {
			continue
		}
		place := location.Subdivision.Value
		if place == "" {
			place = location.Country.Value
		}
		box, written := bounds[place]
		if !written {
			report("write down the bounds of %s", place)
		} else if latitude < box[0] || latitude > box[1] || longitude < box[2] || longitude > box[3] {
			report("%s: %g, %g is not in %s", location.Region, latitude, longitude, place)
		}
	}
}

func checkEndpoints(l *library, report func(string, ...any)) {
	served := map[string]string{}
	for _, location := range slices.Concat(slices.Collect(maps.Values(l.locations))...) {
		if !location.SigningRegion.Known {
			report("%s has no signing region", location.Region)
			continue
		}
		endpoint, err := url.Parse(location.Endpoint.Value)
		if err != nil || endpoint.Scheme != "https" || endpoint.Host == "" || endpoint.Path != "" || strings.ContainsAny(endpoint.Host, "{}*") {
			report("%s: %q is no endpoint", location.Region, location.Endpoint.Value)
		}
		if other := served[location.Endpoint.Value]; other != "" {
			report("%s and %s have the same endpoint", location.Region, other)
		}
		served[location.Endpoint.Value] = location.Region
	}
}

func checkFigures(l *library, report func(string, ...any)) {
	for _, location := range slices.Concat(slices.Collect(maps.Values(l.locations))...) {
		if pue, known := location.PUE.Get(); known && (pue < 1 || pue > 3) {
			report("%s: a PUE of %g", location.Region, pue)
		}
		if zones, known := location.AvailabilityZones.Get(); known && zones < 1 {
			report("%s: %d availability zones", location.Region, zones)
		}
	}
	for _, row := range l.grid {
		if intensity, known := l.gridIntensityOf(row.region, "").Get(); known && (intensity < 1 || intensity > 1100) {
			report("%s: %d g/kWh", row.region, intensity)
		}
	}
	for _, row := range l.operatorRows {
		if strings.HasSuffix(row.property, "Percent") && row.value != "" {
			if percent, err := strconv.ParseFloat(row.value, 64); err != nil || percent < 0 || percent > 100 {
				report("%s %s: %s %%", row.region, row.property, row.value)
			}
		}
		if row.property == "extraterritorialLaw" && !slices.Contains([]string{"", "None", "Exposed"}, row.value) {
			report("%s: %s is no exposure", row.region, row.value)
		}
	}
}

func checkAttestations(l *library, report func(string, ...any)) {
	for _, row := range l.attestations {
		if !slices.Contains([]Standing{Held, NotHeld, NotEstablished}, row.Standing) {
			report("%s: %q is no standing", row.Scheme, row.Standing)
		}
		if row.Standing == Held && row.Confidence == ThirdParty {
			report("%s is held as somebody says", row.Scheme)
		}
		// The catalogue of the authority is the only proof, and is not read here.
		if row.Standing == Held && row.Scheme == "SecNumCloud" {
			report("SecNumCloud is for the administrator to declare")
		}
		for _, day := range []string{row.ValidFrom, row.ValidUntil} {
			if day != "" && !isDay(day) {
				report("%s: %s is no day", row.Scheme, day)
			}
		}
		if row.ValidUntil != "" && row.ValidUntil < row.ValidFrom {
			report("%s ends before it begins", row.Scheme)
		}
	}
}

// licences under which data may be carried on. From a source that is cited, single
// facts are taken and no text or table.
var licences = []string{"cited", "MIT", "BSD-3-Clause", "Apache-2.0", "CC BY 4.0", "CC0 1.0"}

func checkSources(l *library, report func(string, ...any)) {
	used := map[string]bool{}
	for _, row := range l.facts() {
		for _, id := range row.sourceIDs {
			used[id] = true
		}
	}
	for _, row := range l.attestations {
		for _, id := range row.sourceIDs {
			used[id] = true
		}
	}
	for id, source := range l.sources {
		if !used[id] {
			report("%s: no fact is from there", id)
		}
		if !slices.Contains(licences, source.licence) {
			report("%s: %s is no licence to ship data under", id, source.licence)
		}
		if source.title == "" || source.publisher == "" || source.address == "" {
			report("%s says too little", id)
		}
		if source.date != "undated" && !isDate(source.date) {
			report("%s: %q is no date", id, source.date)
		}
	}
}
