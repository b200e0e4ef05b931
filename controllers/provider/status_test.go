package provider

import (
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
	s.provider.Spec.Locations = append(s.provider.Spec.Locations,
		v1alpha1.Location{Name: "de", Country: "DE"}, v1alpha1.Location{Name: "uk", Country: "GB"}, v1alpha1.Location{Name: "unknown"})
	france := v1alpha1.SovereigntyPolicy{Spec: v1alpha1.SovereigntyPolicySpec{Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR}}}
	held := v1alpha1.BucketReplica{Spec: v1alpha1.BucketReplicaSpec{PlaceReference: v1alpha1.PlaceReference{ProviderName: "ovh", Location: "uk"}}}
	candidates := placement.FromProvider(s.provider)

	if got := worthTrying(candidates, nil, nil); len(got) != 0 {
		t.Errorf("without policies and copies these are tried: %v", got)
	}
	got := worthTrying(candidates, []v1alpha1.BucketReplica{held}, []v1alpha1.SovereigntyPolicy{france})
	if diff := cmp.Diff(map[string]bool{"gra": true, "sbg": true, "uk": true}, got); diff != "" {
		t.Error(diff)
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
