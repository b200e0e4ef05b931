package provider

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// looked is a provider with two locations in France that were probed with the
// given results.
func looked(results ...error) *scope {
	s := &scope{now: now, provider: &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: "ovh", UID: "u"},
		Spec: v1alpha1.SovereignProviderSpec{
			Locations: []v1alpha1.Location{{Name: "gra", Country: "FR"}, {Name: "sbg", Country: "FR"}},
			S3:        &v1alpha1.S3Endpoint{Endpoint: "https://s3.example"},
		},
	}}
	s.candidates = placement.FromProvider(s.provider)
	for i, result := range results {
		s.probed = append(s.probed, probed{location: s.provider.Spec.Locations[i].Name, hasSkew: true, err: result})
	}
	return s
}

// ofVendor is a provider whose vendor reported the locations, which were probed
// with the given results.
func ofVendor(locations []v1alpha1.LocationStatus, results ...error) *scope {
	s := &scope{now: now, provider: &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: "ovh", UID: "u"},
		Spec:       v1alpha1.SovereignProviderSpec{Type: v1alpha1.ProviderTypeOVHcloud, OVHcloud: &v1alpha1.OVHcloudAccount{}},
		Status:     v1alpha1.SovereignProviderStatus{Locations: locations},
	}}
	s.candidates = placement.FromProvider(s.provider)
	for i, result := range results {
		s.probed = append(s.probed, probed{location: locations[i].Name, hasSkew: true, err: result})
	}
	return s
}

func confirmed(names ...string) []v1alpha1.LocationStatus {
	var locations []v1alpha1.LocationStatus
	for _, name := range names {
		locations = append(locations, v1alpha1.LocationStatus{Name: name, Country: "FR", Verification: v1alpha1.VerificationConfirmed})
	}
	return locations
}

// withAPI adds that the vendor's own API failed.
func withAPI(s *scope, failure error) *scope {
	s.probed = append([]probed{{err: failure}}, s.probed...)
	return s
}

func because(reason fault.Reason) error { return fault.New(fault.Terminal, reason, "x") }

func TestConditionsOfAProvider(t *testing.T) {
	good := map[string]string{
		"Reachable": "True/Succeeded", "CredentialsValid": "True/Succeeded", "ClockInSync": "True/Succeeded",
		"LocationsVerified": "True/LocationsDeclared", "Ready": "True/Succeeded",
	}
	for name, test := range map[string]struct {
		scope *scope
		err   error
		want  map[string]string // what differs from good; empty where it is absent
	}{
		"all is well": {scope: looked(nil, nil)},
		"nothing was looked at": {scope: looked(), want: map[string]string{
			"Reachable": "Unknown/NotObserved", "CredentialsValid": "Unknown/NotObserved", "ClockInSync": "Unknown/NotObserved",
			"Ready": "Unknown/NotObserved",
		}},
		"one location does not answer": {scope: looked(nil, because(fault.ProviderUnreachable)), err: errors.New("x"), want: map[string]string{
			"Reachable": "False/" + string(fault.ProviderUnreachable), "Ready": "",
		}},
		"the key is refused, so the store answers": {
			scope: looked(because(fault.AuthenticationFailed), because(fault.AuthenticationFailed)), err: errors.New("x"),
			want: map[string]string{"CredentialsValid": "False/AuthenticationFailed", "Ready": ""},
		},
		"there is no key to ask with": {
			scope: looked(because(fault.CredentialsMissing), because(fault.CredentialsMissing)), err: errors.New("x"),
			want: map[string]string{"Reachable": "Unknown/CredentialsMissing", "CredentialsValid": "False/CredentialsMissing", "Ready": ""},
		},
		"the clocks differ": {
			scope: looked(nil, because(fault.ClockSkew)), err: errors.New("x"),
			want: map[string]string{"ClockInSync": "False/ClockSkew", "Ready": ""},
		},
		"a country is not known": {
			scope: func() *scope {
				s := looked(nil, nil)
				s.provider.Spec.Locations[1].Country = ""
				s.candidates = placement.FromProvider(s.provider)
				return s
			}(),
			want: map[string]string{"LocationsVerified": "False/LocationUnknown", "Ready": "False/LocationUnknown"},
		},
		"the vendor's regions are not discovered yet": {
			scope: ofVendor(nil), want: map[string]string{
				"Reachable": "Unknown/NotObserved", "CredentialsValid": "Unknown/NotObserved", "ClockInSync": "Unknown/NotObserved",
				"LocationsVerified": "Unknown/NotObserved", "Ready": "Unknown/NotObserved",
			},
		},
		"the vendor says where everything is": {
			scope: ofVendor(confirmed("GRA", "SBG"), nil, nil), want: map[string]string{"LocationsVerified": "True/LocationsConfirmed"},
		},
		"the vendor does not say where one is": {
			scope: ofVendor([]v1alpha1.LocationStatus{{Name: "GRA", Country: "FR", Verification: v1alpha1.VerificationDeclared}}, nil),
		},
		"what is declared contradicts the vendor": {
			scope: ofVendor([]v1alpha1.LocationStatus{{Name: "GRA", Country: "CA", Verification: v1alpha1.VerificationContradicted}}, nil),
			want:  map[string]string{"LocationsVerified": "False/LocationContradicted", "Ready": "False/LocationContradicted"},
		},
		"the account does not have a region": {
			scope: ofVendor([]v1alpha1.LocationStatus{{
				Name: "GRA", Country: "FR", Verification: v1alpha1.VerificationDeclared, Availability: v1alpha1.LocationNotActivated,
			}}, nil),
			want: map[string]string{"LocationsVerified": "False/RegionNotActivated", "Ready": "False/RegionNotActivated"},
		},
		"the vendor's API is down and its store is up": {
			scope: withAPI(ofVendor(confirmed("GRA"), nil), because(fault.ControlPlaneUnreachable)), err: errors.New("x"),
			want: map[string]string{"Reachable": "False/ControlPlaneUnreachable", "LocationsVerified": "True/LocationsConfirmed", "Ready": ""},
		},
		"a consumer key waits for somebody": {
			scope: withAPI(ofVendor(confirmed("GRA")), because(fault.ConsumerKeyPending)), err: errors.New("x"),
			want: map[string]string{
				"Reachable": "True/Succeeded", "CredentialsValid": "False/ConsumerKeyPending", "ClockInSync": "Unknown/NotObserved",
				"LocationsVerified": "True/LocationsConfirmed", "Ready": "",
			},
		},
		"a region is under maintenance": {
			scope: ofVendor(confirmed("GRA"), because(fault.ProviderMaintenance)), err: errors.New("x"),
			want: map[string]string{
				"Reachable": "False/ProviderMaintenance", "CredentialsValid": "Unknown/NotObserved", "LocationsVerified": "True/LocationsConfirmed", "Ready": "",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := maps.Clone(good)
			for conditionType, state := range test.want {
				want[conditionType] = state
				if state == "" {
					delete(want, conditionType) // the error says it
				}
			}
			got := map[string]string{}
			for _, c := range test.scope.report(test.err).Conditions {
				got[c.Type] = string(c.Status) + "/" + c.Reason
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What a store can do is kept while it answers at the same endpoint, and
// forgotten when that changes: it may be another store.
func TestCapabilitiesBelongToAnEndpoint(t *testing.T) {
	can := v1alpha1.Capabilities{Versioning: v1alpha1.CapabilitySupported}
	at := metav1.NewTime(now.Add(-time.Hour))
	for name, test := range map[string]struct {
		endpoint string
		trials   map[string]trial
		want     v1alpha1.Capabilities
	}{
		"kept":                {endpoint: "https://s3.example", want: can},
		"of another endpoint": {endpoint: "https://elsewhere.example"},
		"found out now": {
			endpoint: "https://s3.example",
			trials:   map[string]trial{"gra": {at: now, capabilities: v1alpha1.Capabilities{Versioning: v1alpha1.CapabilityUnsupported}}},
			want:     v1alpha1.Capabilities{Versioning: v1alpha1.CapabilityUnsupported},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := looked(nil, nil)
			s.trials = test.trials
			s.provider.Status.Locations = []v1alpha1.LocationStatus{
				{Name: "gra", Endpoint: test.endpoint, Capabilities: can, CapabilitiesTriedAt: &at},
			}
			s.report(nil)
			if diff := cmp.Diff(test.want, s.provider.Status.Locations[0].Capabilities); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A policy for France makes the location in France worth trying, a copy the one
// that it stands in. Nothing is written to the others.
func TestOnlyPlacesThatMatterAreTried(t *testing.T) {
	s := looked()
	s.now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s.provider.Spec.Locations = append(s.provider.Spec.Locations,
		v1alpha1.Location{Name: "de", Country: "DE"}, v1alpha1.Location{Name: "uk", Country: "GB"}, v1alpha1.Location{Name: "unknown"})
	france := v1alpha1.SovereigntyPolicy{Spec: v1alpha1.SovereigntyPolicySpec{Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR}}}
	held := v1alpha1.BucketReplica{Spec: v1alpha1.BucketReplicaSpec{PlaceReference: v1alpha1.PlaceReference{ProviderName: "ovh", Location: "uk"}}}
	candidates := placement.FromProvider(s.provider)

	if got := worthTrying(candidates, nil, nil); len(got) != 0 {
		t.Errorf("without policies and copies these are tried: %v", got)
	}
	got := worthTrying(candidates, []v1alpha1.BucketReplica{held}, allowances([]v1alpha1.SovereigntyPolicy{france}, nil, s.now))
	if diff := cmp.Diff(map[string]bool{"gra": true, "sbg": true, "uk": true}, got); diff != "" {
		t.Error(diff)
	}

	// Exceptions for one dataset make places worth trying where their rules were in the way, until they end.
	hour := metav1.Duration{Duration: time.Hour}
	france.Spec.Residency.AllowedCountries = []string{"FR"}
	france.Spec.Exceptions = v1alpha1.ExceptionRules{Rules: []v1alpha1.ExceptableRule{"residency", "country"}, MaximumDuration: &hour}
	made := func(bucket string, rule v1alpha1.ExceptableRule) v1alpha1.SovereigntyException {
		return v1alpha1.SovereigntyException{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: bucket + "-" + string(rule)},
			Spec: v1alpha1.SovereigntyExceptionSpec{
				SubjectRef: v1alpha1.SubjectReference{Name: bucket}, Rules: []v1alpha1.ExceptableRule{rule},
				NotAfter: &metav1.Time{Time: s.now.Add(time.Minute)},
			},
		}
	}
	both := []v1alpha1.SovereigntyException{made("a", "residency"), made("a", "country")}
	apart := []v1alpha1.SovereigntyException{made("a", "residency"), made("b", "country")}
	home := map[string]bool{"gra": true, "sbg": true}
	for name, test := range map[string]struct {
		exceptions []v1alpha1.SovereigntyException
		after      time.Duration
		want       map[string]bool
	}{
		"for one dataset":      {both, 0, map[string]bool{"gra": true, "sbg": true, "de": true, "uk": true, "unknown": true}},
		"when they are over":   {both, time.Minute, home},
		"for one dataset each": {apart, 0, home},
	} {
		got := worthTrying(candidates, nil, allowances([]v1alpha1.SovereigntyPolicy{france}, test.exceptions, s.now.Add(test.after)))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Everything that is tried is published, under the name that it has.
func TestEveryCapabilityIsPublished(t *testing.T) {
	for _, capability := range provider.EveryCapability() {
		encoded, err := json.Marshal(publish(provider.Capabilities{capability: provider.Supported}))
		if err != nil {
			t.Fatal(err)
		}
		var published map[string]string
		if err := json.Unmarshal(encoded, &published); err != nil {
			t.Fatal(err)
		}
		for name, support := range published {
			if (support == "Supported") != (name == string(capability)) {
				t.Errorf("%s is Supported, and %s is published as %s", capability, name, support)
			}
		}
		if len(published) != len(provider.EveryCapability()) {
			t.Errorf("published are %v", published)
		}
	}
}

// A version that tries more than the one before it does not wait for a day.
func TestWhatAnOlderVersionTriedIsTriedAgain(t *testing.T) {
	tried := metav1.NewTime(now.Add(-time.Hour))
	everything := publish(provider.Capabilities{})
	for name, test := range map[string]struct {
		can   v1alpha1.Capabilities
		known bool
	}{
		"by this version":   {everything, true},
		"by an older one":   {v1alpha1.Capabilities{Versioning: v1alpha1.CapabilitySupported}, false},
		"and not the other": {v1alpha1.Capabilities{}, false},
	} {
		s := looked(nil)
		s.provider.Status.Locations = []v1alpha1.LocationStatus{{Name: "gra", Endpoint: "https://s3.example", Capabilities: test.can, CapabilitiesTriedAt: &tried}}
		if got := s.triedBefore("gra"); (got != nil) != test.known {
			t.Errorf("%s: known is %v", name, got)
		}
	}
}

func TestABlockedDeletionNamesTheBuckets(t *testing.T) {
	s := looked()
	for range 12 {
		s.copies = append(s.copies, v1alpha1.BucketReplica{
			ObjectMeta: metav1.ObjectMeta{Namespace: "etat-civil"},
			Spec:       v1alpha1.BucketReplicaSpec{BucketRef: v1alpha1.NameReference{Name: "actes"}},
		})
	}
	message := s.deletionBlocked().Error()
	if strings.Count(message, "etat-civil/actes") != 10 || !strings.Contains(message, "and 2 more") {
		t.Errorf("says %q", message)
	}
}

// Without the provider, the sandbox of a drill could never be removed.
func TestAnUnfinishedDrillBlocksTheDeletion(t *testing.T) {
	s := looked()
	if err := s.deletionBlocked(); err != nil {
		t.Fatalf("nothing is there, and still: %v", err)
	}
	s.drills = []v1alpha1.ReversibilityDrill{{ObjectMeta: metav1.ObjectMeta{Namespace: "etat-civil", Name: "actes-1"}}}
	err := s.deletionBlocked()
	if !fault.HasReason(err, fault.DeletionBlocked) {
		t.Fatalf("the drill does not block it: %v", err)
	}
	for _, part := range []string{"etat-civil/actes-1", v1alpha1.AbandonSandboxAnnotation} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("does not say %q: %v", part, err)
		}
	}
}

// The message stands in a status: with the seconds in it, each look would write.
func TestTheSkewIsSaidInWordsThatStay(t *testing.T) {
	ahead, later := describeSkew(20*time.Minute), describeSkew(20*time.Minute+time.Second)
	if ahead != later || !strings.Contains(ahead, "ahead of") || !strings.Contains(describeSkew(-time.Hour), "behind") {
		t.Errorf("says %q, then %q", ahead, later)
	}
}

func TestLimitsAreToldBeforeTheyAreReached(t *testing.T) {
	limits := provider.StoreLimits{Buckets: 100, ObjectsPerBucket: 10_000_000}
	for name, test := range map[string]struct {
		limits  provider.StoreLimits
		buckets []int
		objects int64
		want    string
		message string
	}{
		"a vendor that states none":                  {buckets: []int{5000}, objects: 50_000_000},
		"few buckets and objects":                    {limits: limits, buckets: []int{40, 40}, objects: 8_000_000, want: "True/Succeeded"},
		"many buckets, all locations together":       {limits: limits, buckets: []int{40, 41}, want: "False/QuotaNear", message: "80 % of the 100 buckets"},
		"many objects in one bucket":                 {limits: limits, buckets: []int{1}, objects: 8_000_001, want: "False/QuotaNear", message: "bucket actes-1 of etat-civil/actes holds more than 80 % of the 10000000"},
		"buckets in a location that does not answer": {limits: limits, buckets: []int{40, -1}, want: "True/Succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			s := ofVendor(confirmed("GRA", "SBG")[:len(test.buckets)])
			for i, buckets := range test.buckets {
				found := probed{location: s.candidates[i].Location, buckets: buckets, limits: test.limits}
				if buckets < 0 {
					found = probed{location: s.candidates[i].Location, err: because(fault.ProviderUnreachable)}
				}
				s.probed = append(s.probed, found)
			}
			s.copies = []v1alpha1.BucketReplica{{
				ObjectMeta: metav1.ObjectMeta{Namespace: "etat-civil"},
				Spec:       v1alpha1.BucketReplicaSpec{BucketRef: v1alpha1.NameReference{Name: "actes"}, BucketName: "actes-1"},
				Status:     v1alpha1.BucketReplicaStatus{Objects: &test.objects},
			}}
			got, message := "", ""
			if c, stated := s.withinLimits(); stated {
				got, message = string(c.Status)+"/"+c.Reason, c.Message
			}
			if got != test.want || !strings.Contains(message, test.message) {
				t.Errorf("got %q: %s, want %q: %s", got, message, test.want, test.message)
			}
		})
	}
}
