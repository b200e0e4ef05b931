package geo_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/geo"
)

func TestClassify(t *testing.T) {
	for name, test := range map[string]struct {
		country, subdivision string
		want                 geo.Perimeter
		wantCountry          string
	}{
		"mainland France":                     {"FR", "FR-HDF", geo.FR, "FR"},
		"Corsica":                             {"FR", "FR-20R", geo.FR, "FR"},
		"Guadeloupe has a code of its own":    {"GP", "", geo.FR, "GP"},
		"Guadeloupe as a subdivision":         {"FR", "FR-971", geo.FR, "FR"},
		"Martinique":                          {"MQ", "", geo.FR, "MQ"},
		"Guyane":                              {"GF", "", geo.FR, "GF"},
		"La Réunion":                          {"RE", "", geo.FR, "RE"},
		"Mayotte":                             {"YT", "", geo.FR, "YT"},
		"Saint-Martin":                        {"MF", "", geo.FR, "MF"},
		"Åland":                               {"AX", "", geo.EU, "AX"},
		"Germany":                             {"DE", "", geo.EU, "DE"},
		"the Azores":                          {"PT", "PT-20", geo.EU, "PT"},
		"Madeira":                             {"PT", "PT-30", geo.EU, "PT"},
		"the Canaries":                        {"ES", "ES-CN", geo.EU, "ES"},
		"Greece by the Commission's alias":    {"EL", "", geo.EU, "GR"},
		"Norway is in the EEA only":           {"NO", "", geo.EEA, "NO"},
		"Iceland":                             {"IS", "", geo.EEA, "IS"},
		"Liechtenstein":                       {"LI", "", geo.EEA, "LI"},
		"Saint-Barthélemy left in 2012":       {"BL", "", geo.None, "BL"},
		"Saint-Barthélemy as a subdivision":   {"FR", "FR-BL", geo.None, "FR"},
		"Saint-Pierre-et-Miquelon":            {"PM", "", geo.None, "PM"},
		"Nouvelle-Calédonie":                  {"NC", "", geo.None, "NC"},
		"Nouvelle-Calédonie as a subdivision": {"FR", "FR-NC", geo.None, "FR"},
		"Polynésie":                           {"PF", "", geo.None, "PF"},
		"Wallis-et-Futuna":                    {"WF", "", geo.None, "WF"},
		"TAAF":                                {"TF", "", geo.None, "TF"},
		"Clipperton":                          {"FR", "FR-CP", geo.None, "FR"},
		"Greenland":                           {"GL", "", geo.None, "GL"},
		"the Faroes":                          {"FO", "", geo.None, "FO"},
		"Svalbard":                            {"SJ", "", geo.None, "SJ"},
		"Svalbard as a subdivision":           {"NO", "NO-21", geo.None, "NO"},
		"Gibraltar":                           {"GI", "", geo.None, "GI"},
		"United Kingdom":                      {"GB", "", geo.None, "GB"},
		"United Kingdom by its alias":         {"UK", "", geo.None, "GB"},
		"Switzerland":                         {"CH", "", geo.None, "CH"},
		"Monaco":                              {"MC", "", geo.None, "MC"},
		"Andorra":                             {"AD", "", geo.None, "AD"},
		"San Marino":                          {"SM", "", geo.None, "SM"},
		"Vatican":                             {"VA", "", geo.None, "VA"},
		"Curaçao":                             {"CW", "", geo.None, "CW"},
		"Curaçao as a subdivision":            {"NL", "NL-CW", geo.None, "NL"},
		"Canada has an adequacy decision, no more": {"CA", "", geo.None, "CA"},
		"United States":                             {"US", "", geo.None, "US"},
		"nothing is known":                          {"", "", geo.None, ""},
		"no such country":                           {"QX", "", geo.None, ""},
		"the Union is no country":                   {"EU", "", geo.None, ""},
		"the Canaries' reserved code is no country": {"IC", "", geo.None, ""},
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
	for _, country := range everyCode() {
		inner := geo.Classify(country, "").Perimeter
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

func everyCode() []string {
	var codes []string
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			codes = append(codes, string(a)+string(b))
		}
	}
	return codes
}
