package location_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/provider"
)

func ovh(locations ...v1alpha1.Location) *v1alpha1.SovereignProvider {
	return &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: "ovh"},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeOVHcloud, OVHcloud: &v1alpha1.OVHcloudAccount{Endpoint: "ovh-eu"}, Locations: locations,
		},
	}
}

func outscale(region string, locations ...v1alpha1.Location) *v1alpha1.SovereignProvider {
	return &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: "outscale"},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeOutscale, Outscale: &v1alpha1.OutscaleAccount{Region: region}, Locations: locations,
		},
	}
}

// place is what the table below looks at of a location.
type place struct {
	Name, Country, Subdivision string
	Perimeter                  v1alpha1.Perimeter
	Verification               v1alpha1.LocationVerification
	Availability               v1alpha1.LocationAvailability
	Contradiction              string
}

func TestWhatIsKnownOfAPlaceIsPutTogether(t *testing.T) {
	const available = v1alpha1.LocationAvailable
	for name, test := range map[string]struct {
		provider *v1alpha1.SovereignProvider
		regions  []provider.Region
		want     []place
	}{
		"what the vendor reports is confirmed, and the catalogue says where in the country": {
			provider: ovh(), regions: []provider.Region{{Name: "GRA", Country: "FR"}},
			want: []place{{"GRA", "FR", "FR-HDF", "FR", v1alpha1.VerificationConfirmed, available, ""}},
		},
		"a region that the catalogue does not know stands where the vendor says": {
			provider: ovh(), regions: []provider.Region{{Name: "NEW", Country: "IT"}},
			want: []place{{"NEW", "IT", "", "EU", v1alpha1.VerificationConfirmed, available, ""}},
		},
		"a region of which nobody knows anything is unknown, and outside": {
			provider: ovh(), regions: []provider.Region{{Name: "NEW"}},
			want: []place{{"NEW", "", "", "None", v1alpha1.VerificationUnknown, available, ""}},
		},
		"a region that only the catalogue knows is declared": {
			provider: ovh(), regions: []provider.Region{{Name: "GRA"}},
			want: []place{{"GRA", "FR", "FR-HDF", "FR", v1alpha1.VerificationDeclared, available, ""}},
		},
		"the vendor's alias of a country is its code": {
			provider: ovh(), regions: []provider.Region{{Name: "NEW", Country: "uk"}},
			want: []place{{"NEW", "GB", "", "None", v1alpha1.VerificationConfirmed, available, ""}},
		},
		"the spec against the vendor is a contradiction": {
			provider: ovh(v1alpha1.Location{Name: "BHS", Country: "FR"}), regions: []provider.Region{{Name: "BHS", Country: "CA"}},
			want: []place{{
				"BHS", "CA", "", "None", v1alpha1.VerificationContradicted, available,
				"spec.locations says FR, and the provider's own API says CA",
			}},
		},
		"the catalogue against the vendor is one as well": {
			provider: ovh(), regions: []provider.Region{{Name: "GRA", Country: "CA"}},
			want: []place{{
				"GRA", "CA", "", "None", v1alpha1.VerificationContradicted, available,
				"the shipped catalogue says FR, and the provider's own API says CA",
			}},
		},
		"and the spec settles it": {
			provider: ovh(v1alpha1.Location{Name: "GRA", Country: "BE"}), regions: []provider.Region{{Name: "GRA", Country: "BE"}},
			want: []place{{"GRA", "BE", "", "EU", v1alpha1.VerificationConfirmed, available, ""}},
		},
		"a country that the vendor makes up is no contradiction of nothing, and outside": {
			provider: ovh(), regions: []provider.Region{{Name: "NEW", Country: "QQ"}},
			want: []place{{"NEW", "QQ", "", "None", v1alpha1.VerificationUnknown, available, ""}},
		},
		"locations of the spec leave the others out": {
			provider: ovh(v1alpha1.Location{Name: "GRA"}),
			regions:  []provider.Region{{Name: "BHS", Country: "CA"}, {Name: "GRA", Country: "FR"}},
			want:     []place{{"GRA", "FR", "FR-HDF", "FR", v1alpha1.VerificationConfirmed, available, ""}},
		},
		"one that the account does not have is there, and cannot be used": {
			provider: ovh(v1alpha1.Location{Name: "GRA"}, v1alpha1.Location{Name: "SBG", Country: "FR"}),
			regions:  []provider.Region{{Name: "GRA", Country: "FR"}},
			want: []place{
				{"GRA", "FR", "FR-HDF", "FR", v1alpha1.VerificationConfirmed, available, ""},
				{"SBG", "FR", "FR-GES", "FR", v1alpha1.VerificationDeclared, v1alpha1.LocationNotActivated, ""},
			},
		},
		"one under maintenance says so": {
			provider: ovh(), regions: []provider.Region{{Name: "GRA", Country: "FR", InMaintenance: true}},
			want: []place{{"GRA", "FR", "FR-HDF", "FR", v1alpha1.VerificationConfirmed, v1alpha1.LocationMaintenance, ""}},
		},
		"codes of data centres that the catalogue knows confirm a place": {
			provider: outscale("eu-west-2"), regions: []provider.Region{{Name: "eu-west-2", LocationCodes: []string{"PAR1", "PAR4"}}},
			want: []place{{"eu-west-2", "FR", "FR-IDF", "FR", v1alpha1.VerificationConfirmed, available, ""}},
		},
		"one that it does not know leaves it declared": {
			provider: outscale("eu-west-2"), regions: []provider.Region{{Name: "eu-west-2", LocationCodes: []string{"PAR1", "XYZ9"}}},
			want: []place{{"eu-west-2", "FR", "FR-IDF", "FR", v1alpha1.VerificationDeclared, available, ""}},
		},
		"London, as the same name has it elsewhere, is a contradiction": {
			provider: outscale("eu-west-2", v1alpha1.Location{Name: "eu-west-2", Country: "GB"}),
			regions:  []provider.Region{{Name: "eu-west-2", LocationCodes: []string{"PAR1"}}},
			want: []place{{
				"eu-west-2", "FR", "", "FR", v1alpha1.VerificationContradicted, available,
				"spec.locations says GB, and the provider's own API says FR",
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.provider.Status.Locations = location.Merge(test.provider, test.regions)
			var got []place
			for i, l := range location.Of(test.provider) {
				known := test.provider.Status.Locations[i]
				if string(l.Territory.Perimeter) != string(known.Perimeter) || l.Verification != known.Verification {
					t.Errorf("%s is %+v, and in the status %+v", l.Name, l, known)
				}
				got = append(got, place{
					l.Name, known.Country, known.Subdivision, known.Perimeter, l.Verification, l.Availability, l.Contradiction.String(),
				})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLocationsOfAPlainStoreAreThoseOfItsSpec(t *testing.T) {
	p := &v1alpha1.SovereignProvider{Spec: v1alpha1.SovereignProviderSpec{
		S3: &v1alpha1.S3Endpoint{},
		Locations: []v1alpha1.Location{
			{Name: "dc1", Country: "FR", OnPremise: true}, {Name: "dc2"},
		},
	}}
	got := location.Of(p)
	want := []location.Location{
		{Name: "dc1", OnPremise: true, Verification: v1alpha1.VerificationDeclared},
		{Name: "dc2", Verification: v1alpha1.VerificationUnknown},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(location.Location{}, "Territory", "Facts")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got[0].Territory.Perimeter != "FR" || got[1].Territory.Known() {
		t.Errorf("the territories are %+v and %+v", got[0].Territory, got[1].Territory)
	}
}

func TestAPlaceThatHoldsACopyStaysWhatItWasKnownToBe(t *testing.T) {
	for name, test := range map[string]struct {
		spec []v1alpha1.Location
		held []string
		want []place
	}{
		"a region that is not mentioned any more is forgotten": {},
		"one that holds a copy is not": {
			held: []string{"SBG", "SBG"},
			want: []place{{"SBG", "FR", "FR-GES", "FR", v1alpha1.VerificationConfirmed, v1alpha1.LocationNotActivated, ""}},
		},
		"nor does one that the spec names become less sure": {
			spec: []v1alpha1.Location{{Name: "SBG"}},
			want: []place{{"SBG", "FR", "FR-GES", "FR", v1alpha1.VerificationConfirmed, v1alpha1.LocationNotActivated, ""}},
		},
		"one that the spec leaves out goes, whatever it holds": {
			spec: []v1alpha1.Location{{Name: "GRA"}}, held: []string{"SBG"},
			want: []place{{"GRA", "FR", "FR-HDF", "FR", v1alpha1.VerificationDeclared, v1alpha1.LocationNotActivated, ""}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := ovh(test.spec...)
			p.Status.Locations = location.Merge(p, []provider.Region{{Name: "SBG", Country: "FR", Endpoint: "https://s3.sbg.example"}})
			p.Status.Locations = location.Merge(p, nil, test.held...)
			var got []place
			for i, l := range location.Of(p) {
				known := p.Status.Locations[i]
				got = append(got, place{l.Name, known.Country, known.Subdivision, known.Perimeter, l.Verification, l.Availability, l.Contradiction.String()})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestANarrowingHoldsBeforeAnythingIsAskedAgain(t *testing.T) {
	p := ovh()
	p.Status.Locations = location.Merge(p, []provider.Region{{Name: "BHS", Country: "CA"}, {Name: "GRA", Country: "FR"}})
	p.Spec.Locations = []v1alpha1.Location{{Name: "GRA"}}
	if got := location.Of(p); len(got) != 1 || got[0].Name != "GRA" {
		t.Errorf("got %+v", got)
	}
}

func TestPlacesThatNobodyAskedForArePresumed(t *testing.T) {
	p := ovh(v1alpha1.Location{Name: "GRA"}, v1alpha1.Location{Name: "BHS"})
	if !location.Presume(p) {
		t.Fatal("nothing was presumed")
	}
	for _, l := range location.Of(p) {
		if l.Verification != v1alpha1.VerificationDeclared || l.Availability != "" || !l.Territory.Known() {
			t.Errorf("got %+v", l)
		}
	}
	before := p.DeepCopy()
	if location.Presume(p) || !cmp.Equal(before, p) {
		t.Error("what is known was presumed again")
	}

	abroad, american := ovh(), ovh()
	american.Spec.OVHcloud.Endpoint = "ovh-us"
	location.Presume(abroad)
	location.Presume(american)
	for _, l := range location.Of(abroad) {
		if l.Territory.Country == "US" {
			t.Errorf("%s is of the other account", l.Name)
		}
	}
	for _, l := range location.Of(american) {
		if l.Territory.Country != "US" {
			t.Errorf("%s is of the other account", l.Name)
		}
	}
	if len(location.Of(american)) == 0 || len(location.Of(abroad)) < 5 {
		t.Error("regions are missing")
	}

	region := outscale("eu-west-2")
	location.Presume(region)
	if got := location.Of(region); len(got) != 1 || got[0].Name != "eu-west-2" || got[0].Territory.Country != "FR" {
		t.Errorf("an account at Outscale is in %+v", got)
	}
	if location.Presume(&v1alpha1.SovereignProvider{Spec: v1alpha1.SovereignProviderSpec{S3: &v1alpha1.S3Endpoint{}}}) {
		t.Error("places of a plain store were presumed")
	}
}

func TestWhoRunsAVendorsStoreIsKnown(t *testing.T) {
	p := ovh()
	if got := location.OperatorOf(p); got.LegalEntity == "" || got.ControlCountry != "FR" || got.SeatCountry != "FR" {
		t.Errorf("got %+v", got)
	}
	p.Spec.Operator = v1alpha1.Operator{ControlCountry: "US"}
	if got := location.OperatorOf(p); got.LegalEntity == "" || got.ControlCountry != "US" {
		t.Errorf("what the spec says does not count: %+v", got)
	}
	p.Spec.Operator = v1alpha1.Operator{LegalEntity: "OVH US LLC"}
	if got := location.OperatorOf(p); got != p.Spec.Operator {
		t.Errorf("the catalogue speaks of another entity: %+v", got)
	}
	american := ovh()
	american.Spec.OVHcloud.Endpoint = "ovh-us"
	if got := location.OperatorOf(american); got.LegalEntity == location.OperatorOf(ovh()).LegalEntity || got.ExtraterritorialLaw != v1alpha1.LawExposed {
		t.Errorf("another company runs it in the US: %+v", got)
	}
	if got := location.OperatorOf(ovh()); got.NonEUHolderPercent != "" || got.NonEUTotalPercent != "" || got.ExtraterritorialLaw != "" {
		t.Errorf("what was not established is asserted: %+v", got)
	}
	declared := ovh()
	declared.Spec.Operator = v1alpha1.Operator{
		SeatCountry: "EL", NonEUHolderPercent: "5", NonEUTotalPercent: "10.5", ExtraterritorialLaw: v1alpha1.LawNone,
	}
	if got := location.OperatorOf(declared); got.SeatCountry != "GR" || got.NonEUHolderPercent != "5" || got.NonEUTotalPercent != "10.5" ||
		got.ExtraterritorialLaw != v1alpha1.LawNone {
		t.Errorf("what the spec says does not count: %+v", got)
	}
	if got := location.OperatorOf(outscale("us-east-2")); got.LegalEntity != "" {
		t.Errorf("who runs it there is not known: %+v", got)
	}
	plain := &v1alpha1.SovereignProvider{Spec: v1alpha1.SovereignProviderSpec{Type: v1alpha1.ProviderTypeS3}}
	if got := location.OperatorOf(plain); got != (v1alpha1.Operator{}) {
		t.Errorf("a plain store is run by %+v", got)
	}
}

func TestAPlaceIsFoundByItsName(t *testing.T) {
	p := ovh(v1alpha1.Location{Name: "GRA"})
	p.Status.Locations = location.Merge(p, []provider.Region{{Name: "GRA", Country: "FR"}})
	american := ovh()
	american.Spec.OVHcloud.Endpoint = "ovh-us"
	plain := &v1alpha1.SovereignProvider{Spec: v1alpha1.SovereignProviderSpec{
		Type: v1alpha1.ProviderTypeS3, S3: &v1alpha1.S3Endpoint{}, Locations: []v1alpha1.Location{{Name: "dc1", Country: "FR"}},
	}}
	for name, test := range map[string]struct {
		provider      *v1alpha1.SovereignProvider
		name, country string // no country: there is none
		verification  v1alpha1.LocationVerification
	}{
		"one that was discovered":                    {p, "GRA", "FR", v1alpha1.VerificationConfirmed},
		"in the other case":                          {p, "gra", "FR", v1alpha1.VerificationConfirmed},
		"one that the spec leaves out":               {p, "BHS", "CA", v1alpha1.VerificationDeclared},
		"one that nobody knows":                      {p, "XYZ", "", ""},
		"one where nothing is to be placed":          {p, "RBX-ARCHIVE", "", ""},
		"a local zone":                               {p, "EU-WEST-LZ-BRU-A", "", ""},
		"one of another account":                     {p, "US-EAST-VA", "", ""},
		"one of an account in the US":                {american, "US-EAST-VA", "US", v1alpha1.VerificationDeclared},
		"another region of Outscale":                 {outscale("eu-west-2"), "us-east-2", "", ""},
		"one of a store of one's own":                {plain, "dc1", "FR", v1alpha1.VerificationDeclared},
		"a store of one's own knows no other places": {plain, "GRA", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, isThere := location.At(test.provider, test.name)
			if isThere != (test.country != "") || got.Territory.Country != test.country || got.Verification != test.verification {
				t.Errorf("got %+v, %t", got, isThere)
			}
		})
	}
}
