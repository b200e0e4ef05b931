package geo_test

import (
	"encoding/csv"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/language"

	"github.com/rempart/rempart/internal/geo"
)

func TestClassify(t *testing.T) {
	for name, test := range map[string]struct {
		country, subdivision string
		want                 geo.Perimeter
		wantCountry          string
	}{
		"mainland France":                  {"FR", "FR-HDF", geo.FR, "FR"},
		"Corsica":                          {"FR", "FR-20R", geo.FR, "FR"},
		"Guadeloupe has a code of its own": {"GP", "", geo.FR, "GP"},
		"Guadeloupe as a subdivision":      {"FR", "FR-971", geo.FR, "FR"},
		"Martinique":                       {"MQ", "", geo.FR, "MQ"},
		"Guyane":                           {"GF", "", geo.FR, "GF"},
		"La Réunion":                       {"RE", "", geo.FR, "RE"},
		"Mayotte":                          {"YT", "", geo.FR, "YT"},
		"Saint-Martin":                     {"MF", "", geo.FR, "MF"},
		"Åland":                            {"AX", "", geo.EU, "AX"},
		"Germany":                          {"DE", "", geo.EU, "DE"},
		"Åland as a region of Finland":     {"FI", "FI-01", geo.EU, "FI"},
		"the Azores":                       {"PT", "PT-20", geo.EU, "PT"},
		"Madeira":                          {"PT", "PT-30", geo.EU, "PT"},
		"the Canaries":                     {"ES", "ES-CN", geo.EU, "ES"},
		"Ceuta":                            {"ES", "ES-CE", geo.EU, "ES"},
		"Melilla":                          {"ES", "ES-ML", geo.EU, "ES"},
		"Greece with a part of it":         {"EL", "EL-I", geo.EU, "GR"},
		"Greece by both of its names":      {"GR", "EL-I", geo.EU, "GR"},
		"Saint-Martin by its number":       {"FR", "FR-978", geo.FR, "FR"},
		"La Réunion by its number":         {"FR", "FR-974", geo.FR, "FR"},
		"Mayotte by its number":            {"FR", "FR-976", geo.FR, "FR"},
		"Greece by the Commission's alias": {"EL", "", geo.EU, "GR"},
		"Norway is in the EEA only":        {"NO", "", geo.EEA, "NO"},
		"Iceland":                          {"IS", "", geo.EEA, "IS"},
		"Liechtenstein":                    {"LI", "", geo.EEA, "LI"},

		// Outside.
		"Saint-Barthélemy left in 2012":            {"BL", "", geo.None, "BL"},
		"Saint-Barthélemy as a subdivision":        {"FR", "FR-BL", geo.None, "FR"},
		"Saint-Pierre-et-Miquelon":                 {"PM", "", geo.None, "PM"},
		"Nouvelle-Calédonie":                       {"NC", "", geo.None, "NC"},
		"Nouvelle-Calédonie as a subdivision":      {"FR", "FR-NC", geo.None, "FR"},
		"Polynésie":                                {"PF", "", geo.None, "PF"},
		"Wallis-et-Futuna":                         {"WF", "", geo.None, "WF"},
		"TAAF":                                     {"TF", "", geo.None, "TF"},
		"Clipperton":                               {"FR", "FR-CP", geo.None, "FR"},
		"Saint-Pierre-et-Miquelon by number":       {"FR", "FR-975", geo.None, "FR"},
		"Saint-Barthélemy by its number":           {"FR", "FR-977", geo.None, "FR"},
		"Nouvelle-Calédonie by its number":         {"FR", "FR-988", geo.None, "FR"},
		"Polynésie by its number":                  {"FR", "FR-987", geo.None, "FR"},
		"Wallis-et-Futuna by its number":           {"FR", "FR-986", geo.None, "FR"},
		"TAAF by its number":                       {"FR", "FR-984", geo.None, "FR"},
		"Clipperton by its number":                 {"FR", "FR-989", geo.None, "FR"},
		"Clipperton's reserved code":               {"CP", "", geo.None, ""},
		"Saint-Pierre-et-Miquelon as a part":       {"FR", "FR-PM", geo.None, "FR"},
		"Polynésie as a subdivision":               {"FR", "FR-PF", geo.None, "FR"},
		"Greenland as a subdivision":               {"DK", "DK-GL", geo.None, "DK"},
		"the Faroes as a subdivision":              {"DK", "DK-FO", geo.None, "DK"},
		"Greenland":                                {"GL", "", geo.None, "GL"},
		"the Faroes":                               {"FO", "", geo.None, "FO"},
		"Svalbard":                                 {"SJ", "", geo.None, "SJ"},
		"Svalbard as a subdivision":                {"NO", "NO-21", geo.None, "NO"},
		"Gibraltar":                                {"GI", "", geo.None, "GI"},
		"Guernsey":                                 {"GG", "", geo.None, "GG"},
		"Jersey":                                   {"JE", "", geo.None, "JE"},
		"the Isle of Man":                          {"IM", "", geo.None, "IM"},
		"Aruba":                                    {"AW", "", geo.None, "AW"},
		"Sint Maarten":                             {"SX", "", geo.None, "SX"},
		"Bonaire":                                  {"BQ", "", geo.None, "BQ"},
		"Bonaire as a subdivision":                 {"NL", "NL-BQ1", geo.None, "NL"},
		"Jan Mayen as a subdivision":               {"NO", "NO-22", geo.None, "NO"},
		"United Kingdom":                           {"GB", "", geo.None, "GB"},
		"United Kingdom by its alias":              {"UK", "", geo.None, "GB"},
		"Switzerland":                              {"CH", "", geo.None, "CH"},
		"Monaco":                                   {"MC", "", geo.None, "MC"},
		"Andorra":                                  {"AD", "", geo.None, "AD"},
		"San Marino":                               {"SM", "", geo.None, "SM"},
		"Vatican":                                  {"VA", "", geo.None, "VA"},
		"Curaçao":                                  {"CW", "", geo.None, "CW"},
		"Curaçao as a subdivision":                 {"NL", "NL-CW", geo.None, "NL"},
		"Canada has an adequacy decision, no more": {"CA", "", geo.None, "CA"},
		"and so has Japan":                         {"JP", "", geo.None, "JP"},
		"and so has Brazil":                        {"BR", "", geo.None, "BR"},
		"United States":                            {"US", "", geo.None, "US"},

		// Unknown, and thus outside.
		"nothing is known":                          {"", "", geo.None, ""},
		"no such country":                           {"QX", "", geo.None, ""},
		"the Netherlands Antilles are no more":      {"AN", "", geo.None, ""},
		"nor is the Soviet Union":                   {"SU", "", geo.None, ""},
		"the Union is no country":                   {"EU", "", geo.None, ""},
		"the Canaries' reserved code is no country": {"IC", "", geo.None, ""},
		"Ceuta's reserved code is no country":       {"EA", "", geo.None, ""},
		"Kosovo's code is not assigned":             {"XK", "", geo.None, ""},
		"lower case is no code":                     {"fr", "", geo.None, ""},
		"a subdivision of another country":          {"FR", "DE-BE", geo.None, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := geo.Classify(test.country, test.subdivision)
			if got.Perimeter != test.want || got.Country != test.wantCountry {
				t.Errorf("Classify(%q, %q) = %q in %q, want %q in %q",
					test.country, test.subdivision, got.Country, got.Perimeter, test.wantCountry, test.want)
			}
		})
	}
}

func TestPerimetersNest(t *testing.T) {
	for _, place := range everyPlace(t) {
		country := place[0] + " " + place[1]
		inner := geo.Classify(place[0], place[1]).Perimeter
		if geo.FR.Contains(inner) && !geo.EU.Contains(inner) {
			t.Errorf("%s is in FR and not in EU", country)
		}
		if geo.EU.Contains(inner) && !geo.EEA.Contains(inner) {
			t.Errorf("%s is in EU and not in EEA", country)
		}
		if geo.None.Contains(inner) {
			t.Errorf("None contains %s", country)
		}
	}
	if geo.Perimeter("").Contains(geo.FR) || geo.EEA.Contains("") {
		t.Error("an unknown perimeter contains or is contained")
	}
}

func TestMemberStates(t *testing.T) {
	members := map[geo.Perimeter]int{}
	for _, country := range everyCode() {
		if geo.Classify(country, "").Country == country {
			members[geo.Classify(country, "").Perimeter]++
		}
	}
	// FR: France and six outermost regions. EU: 26 other States and Åland.
	if members[geo.FR] != 7 || members[geo.EU] != 27 || members[geo.EEA] != 3 {
		t.Errorf("territories by perimeter: %v", members)
	}
}

func TestEveryRowHasASource(t *testing.T) {
	data, err := os.ReadFile("territory.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		if row[2] == "" || row[3] == "" {
			t.Errorf("%s has no note or no source", row[0])
		}
		if seen[row[0]] {
			t.Errorf("%s is listed twice", row[0])
		}
		seen[row[0]] = true
		country, subdivision := row[0], ""
		if len(row[0]) > 2 {
			country, subdivision = row[0][:2], row[0]
		}
		if got := geo.Classify(country, subdivision); !got.Known() || string(got.Perimeter) != row[1] {
			t.Errorf("%s is listed in %s and classified %+v", row[0], row[1], got)
		}
	}
}

// Aliases are taken, and whatever is given back is a code of ISO 3166-1.
func TestAliasesAreNeverGiven(t *testing.T) {
	assigned := 0
	for _, code := range everyCode() {
		given := geo.Classify(code, "").Country
		if given != "" && !geo.IsCountry(given) || given == "EL" || given == "UK" {
			t.Errorf("%s is given as %s", code, given)
		}
		if geo.IsCountry(code) {
			assigned++
			// The library knows withdrawn codes too, so it can only bear out ours.
			if region, err := language.ParseRegion(code); err != nil || !region.IsCountry() {
				t.Errorf("%s is listed and is no country: %v", code, err)
			}
			if given != code {
				t.Errorf("%s is given as %q", code, given)
			}
		}
	}
	if geo.IsCountry("FR-BL") || geo.IsCountry("") {
		t.Error("a part of a country, or nothing, is a country")
	}
	if assigned != 249 {
		t.Errorf("%d codes are assigned, ISO 3166-1 has 249", assigned)
	}
}

// What the API server takes for a country is what is known to be one, and the
// aliases.
func TestTheAPIKnowsTheSameCountries(t *testing.T) {
	definition, err := os.ReadFile("../../config/crd/bases/rempart.dev_sovereignproviders.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rule := regexp.MustCompile(`(?s)rule: \'\'\'(AD AE .*?)\'\'\.contains\(self\)`).FindSubmatch(definition)
	if rule == nil {
		t.Fatal("no rule about countries is found")
	}
	var want []string
	for _, code := range everyCode() {
		if geo.IsCountry(geo.Canonical(code)) {
			want = append(want, code)
		}
	}
	if diff := cmp.Diff(want, strings.Fields(string(rule[1]))); diff != "" {
		t.Errorf("countries of the API (-want +got):\n%s", diff)
	}
}

// The API server refuses a policy whose allowed countries are all outside its
// perimeter, by the countries of each perimeter as they are known here.
func TestTheAPIKnowsTheCountriesOfEachPerimeter(t *testing.T) {
	definition, err := os.ReadFile("../../config/crd/bases/rempart.dev_sovereigntypolicies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// The generator breaks long lines where there is a space.
	flat := strings.Join(strings.Fields(string(definition)), " ")
	rule := regexp.MustCompile(`self\.perimeter == ''FR'' \? ''([A-Z ]+)'' : self\.perimeter == ''EU'' \? ''([A-Z ]+)'' : ''([A-Z ]+)''`).FindStringSubmatch(flat)
	if rule == nil {
		t.Fatal("no rule about perimeters is found")
	}
	for i, perimeter := range []geo.Perimeter{geo.FR, geo.EU, geo.EEA} {
		var want []string
		for _, code := range everyCode() {
			if perimeter.Contains(geo.Classify(code, "").Perimeter) {
				want = append(want, code)
			}
		}
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(strings.Fields(rule[i+1])))); diff != "" {
			t.Errorf("countries of %s (-want +got):\n%s", perimeter, diff)
		}
	}
}

// everyPlace is every country, and every subdivision that is listed with its own.
func everyPlace(t *testing.T) [][2]string {
	t.Helper()
	var places [][2]string
	for _, code := range everyCode() {
		places = append(places, [2]string{code, ""})
	}
	data, err := os.ReadFile("territory.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if country, _, isPart := strings.Cut(row[0], "-"); isPart {
			places = append(places, [2]string{country, row[0]})
		}
	}
	return places
}

func everyCode() []string {
	var codes []string
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			codes = append(codes, string(a)+string(b))
		}
	}
	return codes
}
