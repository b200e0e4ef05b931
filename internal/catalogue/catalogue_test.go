package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/catalogue"
	"github.com/rempart/rempart/internal/geo"
)

func TestVendorsAreTypesOfProviders(t *testing.T) {
	got := []v1alpha1.ProviderType{}
	for _, vendor := range catalogue.Vendors() {
		got = append(got, v1alpha1.ProviderType(vendor))
	}
	want := []v1alpha1.ProviderType{v1alpha1.ProviderTypeOVHcloud, v1alpha1.ProviderTypeOutscale}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("vendors (-want +got):\n%s", diff)
	}
}

// placed is what decides where data may be.
type placed struct {
	Country, Subdivision, City, SigningRegion, Endpoint string
	Perimeter                                           geo.Perimeter
}

func TestLocationsStandWhereTheyAre(t *testing.T) {
	for name, test := range map[string]struct {
		vendor catalogue.Vendor
		region string
		want   placed
	}{
		"Gravelines":               {catalogue.OVHcloud, "GRA", placed{"FR", "FR-HDF", "Gravelines", "gra", "https://s3.gra.io.cloud.ovh.net", geo.FR}},
		"Gravelines in lower case": {catalogue.OVHcloud, "gra", placed{"FR", "FR-HDF", "Gravelines", "gra", "https://s3.gra.io.cloud.ovh.net", geo.FR}},
		"three zones in Paris":     {catalogue.OVHcloud, "EU-WEST-PAR", placed{"FR", "FR-IDF", "Paris", "eu-west-par", "https://s3.eu-west-par.io.cloud.ovh.net", geo.FR}},
		"Frankfurt is in the EU":   {catalogue.OVHcloud, "DE", placed{"DE", "DE-HE", "Frankfurt", "de", "https://s3.de.io.cloud.ovh.net", geo.EU}},
		"Milan is in the EU":       {catalogue.OVHcloud, "EU-SOUTH-MIL", placed{"IT", "IT-25", "Milan", "eu-south-mil", "https://s3.eu-south-mil.io.cloud.ovh.net", geo.EU}},
		"London is outside the EU, though listed under Europe": {catalogue.OVHcloud, "UK", placed{"GB", "GB-ENG", "London", "uk", "https://s3.uk.io.cloud.ovh.net", geo.None}},
		"Singapore has no subdivision":                         {catalogue.OVHcloud, "SGP", placed{"SG", "", "Singapore", "sgp", "https://s3.sgp.io.cloud.ovh.net", geo.None}},
		"the United States have a domain of their own":         {catalogue.OVHcloud, "US-WEST-OR", placed{"US", "US-OR", "Hillsboro", "us-west-or", "https://s3.us-west-or.io.cloud.ovh.us", geo.None}},
		"eu-west-2 is Paris at Outscale":                       {catalogue.Outscale, "eu-west-2", placed{"FR", "FR-IDF", "Paris", "eu-west-2", "https://oos.eu-west-2.outscale.com", geo.FR}},
		"the region for public bodies":                         {catalogue.Outscale, "cloudgouv-eu-west-1", placed{"FR", "FR-IDF", "Paris", "cloudgouv-eu-west-1", "https://oos.cloudgouv-eu-west-1.outscale.com", geo.FR}},
		"us-east-2 is New Jersey at Outscale":                  {catalogue.Outscale, "us-east-2", placed{"US", "US-NJ", "", "us-east-2", "https://oos.us-east-2.outscale.com", geo.None}},
	} {
		t.Run(name, func(t *testing.T) {
			location, known := catalogue.LocationOf(test.vendor, test.region)
			if !known {
				t.Fatal("not known")
			}
			got := placed{
				location.Country.Value, location.Subdivision.Value, location.City.Value, location.SigningRegion.Value, location.Endpoint.Value,
				geo.Classify(location.Country.Value, location.Subdivision.Value).Perimeter,
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if reason, excluded := location.IsExcluded(); excluded {
				t.Errorf("excluded: %s", reason)
			}
		})
	}
}

func TestEachVendorHasItsOwnRegions(t *testing.T) {
	for name, test := range map[string]struct {
		vendor catalogue.Vendor
		region string
	}{
		"a region of another vendor":     {catalogue.OVHcloud, "eu-west-2"},
		"and the other way round":        {catalogue.Outscale, "GRA"},
		"a vendor that is not known":     {"AWS", "eu-west-2"},
		"any store that speaks S3":       {catalogue.Vendor(v1alpha1.ProviderTypeS3), "GRA"},
		"a region that does not exist":   {catalogue.OVHcloud, "EU-WEST-ATL"},
		"no region":                      {catalogue.OVHcloud, ""},
		"a compute region":               {catalogue.OVHcloud, "GRA11"},
		"a pattern of the data":          {catalogue.OVHcloud, "US-*"},
		"a local zone of another vendor": {catalogue.Outscale, "EU-WEST-LZ-BRU-A"},
	} {
		t.Run(name, func(t *testing.T) {
			if location, known := catalogue.LocationOf(test.vendor, test.region); known {
				t.Errorf("known: %+v", location)
			}
		})
	}
}

func TestEveryRegionOfBothVendorsIsThere(t *testing.T) {
	want := map[catalogue.Vendor][]string{
		catalogue.OVHcloud: {
			"AP-SOUTH-MUM", "AP-SOUTHEAST-SYD", "BHS", "CA-EAST-TOR", "DE", "EU-SOUTH-MIL", "EU-WEST-PAR", "GRA", "RBX",
			"RBX-ARCHIVE", "SBG", "SGP", "UK", "US-EAST-VA", "US-WEST-OR", "WAW",
		},
		catalogue.Outscale: {"ap-northeast-1", "cloudgouv-eu-west-1", "eu-west-2", "us-east-2", "us-west-1"},
	}
	got := map[catalogue.Vendor][]string{}
	for _, vendor := range catalogue.Vendors() {
		for _, location := range catalogue.LocationsOf(vendor) {
			got[vendor] = append(got[vendor], location.Region)
			if again, known := catalogue.LocationOf(vendor, location.Region); !known || !cmp.Equal(again, location) {
				t.Errorf("%s of %s is another one when asked for: %+v", location.Region, vendor, again)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("regions (-want +got):\n%s", diff)
	}
}

func TestExcludedLocationsSayWhy(t *testing.T) {
	for name, test := range map[string]struct {
		region, want string
		isPlaced     bool
	}{
		"a local zone":             {region: "EU-WEST-LZ-BRU-A", want: "local zone"},
		"one in lower case":        {region: "eu-south-lz-mad-a", want: "local zone"},
		"a legacy cold archive":    {region: "RBX-ARCHIVE", want: "cold archive", isPlaced: true},
		"one that is not known of": {region: "XX-LZ-YYY-A", want: "local zone"},
	} {
		t.Run(name, func(t *testing.T) {
			location, known := catalogue.LocationOf(catalogue.OVHcloud, test.region)
			reason, excluded := location.IsExcluded()
			if !known || !excluded || !strings.Contains(reason, test.want) {
				t.Fatalf("known %t, excluded %t because %q, want because of %q", known, excluded, reason, test.want)
			}
			if location.Region != test.region || location.Country.Known != test.isPlaced || location.Endpoint.Known != test.isPlaced {
				t.Errorf("got %+v", location)
			}
			if attested := catalogue.AttestationsOf(catalogue.OVHcloud, catalogue.ObjectStorage, test.region); len(attested) > 0 {
				t.Errorf("attested: %+v", attested)
			}
		})
	}
}

func TestCodesAreMappedWhereTheVendorDoes(t *testing.T) {
	for name, test := range map[string]struct {
		vendor       catalogue.Vendor
		region, code string
		want         string
	}{
		"the first of Paris":          {catalogue.Outscale, "eu-west-2", "PAR1", "FR"},
		"the other one":               {catalogue.Outscale, "eu-west-2", "PAR4", "FR"},
		"a code that looks alike":     {catalogue.Outscale, "eu-west-2", "PAR2", ""},
		"no code":                     {catalogue.Outscale, "eu-west-2", "", ""},
		"a code of another region":    {catalogue.Outscale, "us-east-2", "PAR1", ""},
		"a code of the public region": {catalogue.Outscale, "cloudgouv-eu-west-1", "PAR1", ""},
		"a code of another vendor":    {catalogue.OVHcloud, "EU-WEST-PAR", "PAR1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			location, known := catalogue.ByCode(test.vendor, test.region, test.code)
			if known != (test.want != "") || location.Country.Value != test.want {
				t.Fatalf("known %t in %q, want %q", known, location.Country.Value, test.want)
			}
			if known && (location.Region != test.region || location.Country.Confidence != catalogue.Verified) {
				t.Errorf("got %+v", location)
			}
		})
	}
}

func TestStorageRegions(t *testing.T) {
	for name, test := range map[string]struct {
		vendor        catalogue.Vendor
		compute, want string
	}{
		"a number goes":                           {catalogue.OVHcloud, "GRA11", "GRA"},
		"another number goes":                     {catalogue.OVHcloud, "SBG5", "SBG"},
		"a number behind two letters goes":        {catalogue.OVHcloud, "DE1", "DE"},
		"a number behind a hyphen goes with it":   {catalogue.OVHcloud, "US-EAST-VA-1", "US-EAST-VA"},
		"three zones have the same name":          {catalogue.OVHcloud, "EU-WEST-PAR", "EU-WEST-PAR"},
		"a storage region is its own":             {catalogue.OVHcloud, "WAW", "WAW"},
		"the vendor's spelling is given":          {catalogue.OVHcloud, "eu-south-mil", "EU-SOUTH-MIL"},
		"Roubaix follows no rule":                 {catalogue.OVHcloud, "RBX-A", "RBX"},
		"a local zone has none":                   {catalogue.OVHcloud, "EU-WEST-LZ-BRU-A", ""},
		"an archive is none":                      {catalogue.OVHcloud, "RBX-ARCHIVE", ""},
		"a name that is not known has none":       {catalogue.OVHcloud, "SYD1", ""},
		"a number alone has none":                 {catalogue.OVHcloud, "11", ""},
		"nothing has none":                        {catalogue.OVHcloud, "", ""},
		"a region of Outscale":                    {catalogue.Outscale, "eu-west-2", "eu-west-2"},
		"a subregion":                             {catalogue.Outscale, "eu-west-2b", "eu-west-2"},
		"a subregion of the public region":        {catalogue.Outscale, "cloudgouv-eu-west-1a", "cloudgouv-eu-west-1"},
		"a number does not go at Outscale":        {catalogue.Outscale, "eu-west-21", ""},
		"a region of AWS":                         {catalogue.Outscale, "eu-west-3", ""},
		"OVHcloud's rule is OVHcloud's":           {catalogue.Outscale, "GRA11", ""},
		"another vendor has none, whatever named": {"AWS", "eu-west-2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, known := catalogue.StorageRegion(test.vendor, test.compute)
			if got != test.want || known != (test.want != "") {
				t.Errorf("StorageRegion(%q, %q) = %q, %t, want %q", test.vendor, test.compute, got, known, test.want)
			}
		})
	}
}

func TestOperators(t *testing.T) {
	type operator struct{ LegalEntity, Group, Seat, Control, Law string }
	for name, test := range map[string]struct {
		vendor catalogue.Vendor
		region string
		want   operator
	}{
		"OVHcloud":                {catalogue.OVHcloud, "", operator{"OVH Groupe SA", "537407926", "FR", "FR", ""}},
		"OVHcloud outside the EU": {catalogue.OVHcloud, "BHS", operator{"OVH Groupe SA", "537407926", "FR", "FR", ""}},
		"OVHcloud in the United States is another company of the group": {catalogue.OVHcloud, "US-EAST-VA", operator{"OVH US LLC", "537407926", "US", "FR", "Exposed"}},
		"Outscale": {catalogue.Outscale, "", operator{"OUTSCALE SAS", "96950065LBWY0APQIM86", "FR", "FR", ""}},
		"who runs Outscale in the United States is not established": {catalogue.Outscale, "us-west-1", operator{"", "96950065LBWY0APQIM86", "", "FR", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			found, known := catalogue.OperatorAt(test.vendor, test.region)
			if !known {
				t.Fatal("not known")
			}
			got := operator{
				found.LegalEntity.Value, found.Group.Value, found.SeatCountry.Value, found.ControlCountry.Value, found.ExtraterritorialLaw.Value,
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if found.NonEUHolderPercent.Known || found.NonEUTotalPercent.Known || found.NonEUTotalPercent.Note == "" {
				t.Errorf("shares are not unknown for a reason: %+v", found)
			}
			if len(found.Holders) == 0 {
				t.Error("nothing is said of the owners")
			}
		})
	}
	if found, known := catalogue.OperatorAt("AWS", ""); known {
		t.Errorf("known: %+v", found)
	}
}

func schemes(attestations []catalogue.Attestation) []string {
	var named []string
	for _, attestation := range attestations {
		named = append(named, strings.TrimSpace(attestation.Scheme+" "+attestation.Version))
	}
	slices.Sort(named)
	return named
}

func TestAttestationsHangOnServiceAndLocation(t *testing.T) {
	iso := []string{"ISO27001 2022", "ISO27017 2015", "ISO27018 2019", "ISO27701 2019"}
	for name, test := range map[string]struct {
		vendor                catalogue.Vendor
		service, region       string
		attested, notAttested []string
		couldNotBeEstablished []string
	}{
		"health data in the EU": {
			catalogue.OVHcloud, "object-storage", "GRA", append([]string{"HDS 2.0"}, iso...), []string{"SecNumCloud"}, []string{"C5", "SOC1", "SOC2"},
		},
		"no health data in Canada": {
			catalogue.OVHcloud, "object-storage", "BHS", iso, []string{"SecNumCloud"}, []string{"C5", "SOC1", "SOC2"},
		},
		"another company in the United States": {
			catalogue.OVHcloud, "object-storage", "US-WEST-OR", nil, []string{"SecNumCloud"}, []string{"C5", "SOC1", "SOC2"},
		},
		"whether Outscale's qualification covers storage is not ours to say": {
			catalogue.Outscale, "object-storage", "cloudgouv-eu-west-1", nil, nil, []string{"CISPE", "HDS", "ISO27001", "SecNumCloud 3.2"},
		},
		"nor in the other region of Paris": {
			catalogue.Outscale, "object-storage", "eu-west-2", nil, nil, []string{"CISPE", "HDS", "ISO27001", "SecNumCloud 3.2"},
		},
		"no qualification outside the EU": {
			catalogue.Outscale, "object-storage", "us-east-2", nil, []string{"SecNumCloud 3.2"}, []string{"CISPE", "HDS", "ISO27001"},
		},
		"another service":               {catalogue.OVHcloud, "kubernetes", "GRA", nil, nil, nil},
		"a region that is not known of": {catalogue.OVHcloud, "object-storage", "EU-WEST-ATL", nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.attested, schemes(catalogue.AttestationsOf(test.vendor, test.service, test.region))); diff != "" {
				t.Errorf("attested (-want +got):\n%s", diff)
			}
			var not, open []catalogue.Attestation
			for _, attestation := range catalogue.UnattestedOf(test.vendor, test.service, test.region) {
				switch attestation.Standing {
				case catalogue.NotHeld:
					not = append(not, attestation)
				case catalogue.NotEstablished:
					open = append(open, attestation)
				case catalogue.Held:
					t.Errorf("%s is held and unattested", attestation.Scheme)
				}
			}
			if diff := cmp.Diff(test.notAttested, schemes(not)); diff != "" {
				t.Errorf("not attested (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.couldNotBeEstablished, schemes(open)); diff != "" {
				t.Errorf("not established (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGridIntensity(t *testing.T) {
	for name, test := range map[string]struct {
		country, subdivision string
		want                 int
		isKnown              bool
	}{
		"mainland France":                     {"FR", "FR-HDF", 40, true},
		"France without more":                 {"FR", "", 40, true},
		"Poland burns coal":                   {"PL", "PL-14", 608, true},
		"Corsica has a grid of its own":       {"FR", "FR-20R", 0, false},
		"La Réunion too, as a subdivision":    {"FR", "FR-974", 0, false},
		"and as a country":                    {"RE", "", 0, false},
		"the Canaries":                        {"ES", "ES-CN", 0, false},
		"one figure for Canada would mislead": {"CA", "CA-QC", 0, false},
		"a place that nobody knows":           {"", "", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, known := catalogue.GridIntensityOf(test.country, test.subdivision).Get(); got != test.want || known != test.isKnown {
				t.Errorf("got %d, %t, want %d, %t", got, known, test.want, test.isKnown)
			}
		})
	}
	for vendor, region := range map[catalogue.Vendor]string{catalogue.OVHcloud: "RBX", catalogue.Outscale: "eu-west-2"} {
		if location, _ := catalogue.LocationOf(vendor, region); location.GridIntensity != catalogue.GridIntensityOf("FR", "FR-IDF") {
			t.Errorf("%s has %+v", region, location.GridIntensity)
		}
	}
}

func TestPUEIsThatOfTheGroupOrUnknown(t *testing.T) {
	ovh, _ := catalogue.LocationOf(catalogue.OVHcloud, "SBG")
	if ovh.PUE.Value != 1.28 || ovh.PUE.Confidence != catalogue.ThirdParty || !strings.Contains(ovh.PUE.Note, "group") {
		t.Errorf("OVHcloud: %+v", ovh.PUE)
	}
	outscale, _ := catalogue.LocationOf(catalogue.Outscale, "eu-west-2")
	if outscale.PUE.Known || outscale.PUE.Note == "" {
		t.Errorf("Outscale: %+v", outscale.PUE)
	}
}

func TestWhatIsGivenCannotChangeTheCatalogue(t *testing.T) {
	given, _ := catalogue.LocationOf(catalogue.Outscale, "eu-west-2")
	given.Codes[0].Country.Value = "GB"
	listed := catalogue.LocationsOf(catalogue.Outscale)
	listed[2].Codes[0].Country.Value = "GB"
	listed[0].Region = "elsewhere"
	if again, _ := catalogue.ByCode(catalogue.Outscale, "eu-west-2", "PAR1"); again.Country.Value != "FR" {
		t.Errorf("PAR1 went to %s", again.Country.Value)
	}
	if again := catalogue.LocationsOf(catalogue.Outscale); again[0].Region != "ap-northeast-1" {
		t.Errorf("the first region is %s", again[0].Region)
	}
}
