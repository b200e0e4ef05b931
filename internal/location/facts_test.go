package location_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/provider"
)

func plain(locations ...v1alpha1.Location) *v1alpha1.SovereignProvider {
	return &v1alpha1.SovereignProvider{Spec: v1alpha1.SovereignProviderSpec{
		Type: v1alpha1.ProviderTypeS3, S3: &v1alpha1.S3Endpoint{}, Locations: locations,
	}}
}

func TestWhatElseIsKnownOfAPlaceIsPutTogether(t *testing.T) {
	gra := location.Facts{City: "Gravelines", Latitude: "50.99", Longitude: "2.13", PUE: "1.28", GridIntensity: new(int32(40))}
	with := func(change func(*location.Facts)) location.Facts {
		changed := gra
		change(&changed)
		return changed
	}
	for name, test := range map[string]struct {
		provider *v1alpha1.SovereignProvider
		country  string // that the vendor reports
		want     location.Facts
	}{
		"the catalogue knows a vendor's location": {ovh(), "FR", gra},
		"the spec goes before it": {
			ovh(v1alpha1.Location{Name: "GRA", City: "Loon-Plage", PUE: "1.1", GridIntensity: new(int32(0))}), "FR",
			with(func(f *location.Facts) { f.City, f.PUE, f.GridIntensity = "Loon-Plage", "1.1", new(int32(0)) }),
		},
		"coordinates are one fact": {
			ovh(v1alpha1.Location{Name: "GRA", Latitude: "51", Longitude: "2"}), "FR",
			with(func(f *location.Facts) { f.Latitude, f.Longitude = "51", "2" }),
		},
		"of a place in another country the catalogue knows nothing": {
			ovh(v1alpha1.Location{Name: "GRA", PUE: "1.4"}), "BE", location.Facts{PUE: "1.4", GridIntensity: new(int32(127))},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.provider.Status.Locations = location.Merge(test.provider, []provider.Region{{Name: "GRA", Country: test.country}})
			got := location.Of(test.provider)[0].Facts
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			shown := test.provider.Status.Locations[0]
			status := location.Facts{
				City: shown.City, Latitude: shown.Latitude, Longitude: shown.Longitude, PUE: shown.PUE, GridIntensity: shown.GridIntensity,
			}
			if diff := cmp.Diff(test.want, status); diff != "" {
				t.Errorf("the status (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOfAPlainStoreOnlyItsGridIsKnownBesidesItsSpec(t *testing.T) {
	p := plain(
		v1alpha1.Location{Name: "dc1", Country: "FR", Subdivision: "FR-35", City: "Bruz", Latitude: "48.02", Longitude: "-1.75", PUE: "1.6"},
		v1alpha1.Location{Name: "dc2", Country: "EL", Subdivision: "EL-I"},
		v1alpha1.Location{Name: "dc3"},
	)
	got := location.Declared(p)
	want := []v1alpha1.LocationStatus{
		{
			Name: "dc1", Country: "FR", Subdivision: "FR-35", Perimeter: "FR", Verification: v1alpha1.VerificationDeclared,
			City: "Bruz", Latitude: "48.02", Longitude: "-1.75", PUE: "1.6", GridIntensity: new(int32(40)),
		},
		{
			Name: "dc2", Country: "GR", Subdivision: "GR-I", Perimeter: "EU", Verification: v1alpha1.VerificationDeclared,
			GridIntensity: got[1].GridIntensity,
		},
		{Name: "dc3", Perimeter: "None", Verification: v1alpha1.VerificationUnknown},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got[1].GridIntensity == nil {
		t.Error("the grid of Greece is not known")
	}
}

func TestAttestationsOfTheSpecGoBeforeThoseOfTheCatalogue(t *testing.T) {
	p := ovh(v1alpha1.Location{Name: "GRA"}, v1alpha1.Location{Name: "SBG"})
	p.Spec.Attestations = []v1alpha1.Attestation{
		{Scheme: "iso27001", Version: "2022", Service: "object-storage", Locations: []string{"GRA"}, ValidUntil: "2027-06-30", Evidence: "https://example.fr/iso"},
		{Scheme: "SecNumCloud", Version: "3.2", Service: "compute", Locations: []string{"GRA", "SBG"}, ValidUntil: "2027-01-31"},
		{Scheme: "ISO27017", Service: "compute", Locations: []string{"GRA"}, ValidUntil: "2027-01-31"},
	}
	p.Status.Locations = location.Merge(p, []provider.Region{{Name: "GRA", Country: "FR"}, {Name: "SBG", Country: "FR"}})
	all := location.Attested(location.Of(p))
	found := map[string]v1alpha1.AttestationStatus{}
	for _, a := range all {
		found[a.Scheme+" "+a.Service] = a
	}
	for name, want := range map[string]v1alpha1.AttestationStatus{
		"iso27001 object-storage": {
			Scheme: "iso27001", Version: "2022", Service: "object-storage", Locations: []string{"GRA"}, ValidUntil: "2027-06-30",
			Source: v1alpha1.SourceSpec, Evidence: "https://example.fr/iso",
		},
		"SecNumCloud compute": {
			Scheme: "SecNumCloud", Version: "3.2", Service: "compute", Locations: []string{"GRA", "SBG"}, ValidUntil: "2027-01-31",
			Source: v1alpha1.SourceSpec,
		},
	} {
		if diff := cmp.Diff(want, found[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	// At SBG the spec says nothing of it, and the catalogue does not know until when.
	known := found["ISO27001 object-storage"]
	if diff := cmp.Diff([]string{"SBG"}, known.Locations); diff != "" || known.ValidUntil != "" || known.Source != v1alpha1.SourceCatalogue || known.Evidence == "" {
		t.Errorf("the catalogue's is %+v", known)
	}
	if other := found["ISO27017 object-storage"]; len(other.Locations) != 2 {
		t.Errorf("what is said of another service takes its place: %+v", other)
	}
	if hds := found["HDS object-storage"]; hds.Condition == "" || len(hds.Locations) != 2 {
		t.Errorf("what a customer must have is not said: %+v", hds)
	}
	if _, isAsserted := found["SecNumCloud object-storage"]; isAsserted {
		t.Error("OVHcloud's object storage is not qualified")
	}
	if got := location.Attested(location.Of(plain(v1alpha1.Location{Name: "dc1"}))); got != nil {
		t.Errorf("of a plain store nothing is attested: %+v", got)
	}
}
