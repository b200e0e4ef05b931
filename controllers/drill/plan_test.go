package drill

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/placement"
)

// at is a provider with the location x in a country.
func at(name, operator, country string) v1alpha1.SovereignProvider {
	return v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeS3, Operator: v1alpha1.Operator{LegalEntity: operator},
			Locations: []v1alpha1.Location{{Name: "x", Country: country}}, AllowedNamespaces: &metav1.LabelSelector{},
		},
		Status: v1alpha1.SovereignProviderStatus{Locations: []v1alpha1.LocationStatus{{Name: "x", Capabilities: v1alpha1.Capabilities{
			Versioning: v1alpha1.CapabilitySupported, Tagging: v1alpha1.CapabilitySupported,
			ExactKeys: v1alpha1.CapabilitySupported, ContentHash: v1alpha1.CapabilitySupported,
		}}}},
	}
}

// copyAt is a copy at a provider, complete or not.
func copyAt(provider string, role v1alpha1.CopyRole, isComplete bool) v1alpha1.BucketReplica {
	replica := v1alpha1.BucketReplica{
		ObjectMeta: metav1.ObjectMeta{Name: "actes-" + provider},
		Spec:       v1alpha1.BucketReplicaSpec{PlaceReference: placeAt(provider), Role: role, BucketName: "bucket-" + provider},
	}
	if isComplete {
		replica.Status.Conditions = []metav1.Condition{condition.True(v1alpha1.ConditionInitialSyncComplete, "Succeeded", "")}
	}
	return replica
}

func placeAt(provider string) v1alpha1.PlaceReference {
	return v1alpha1.PlaceReference{ProviderName: provider, Location: "x"}
}

// world is a dataset whose primary is on premises and whose two copies are
// complete; a fourth operator holds none, a fifth stands outside the perimeter.
func world(change ...func(*gather.Facts)) gather.Facts {
	facts := gather.Facts{
		Bucket: &v1alpha1.SovereignBucket{},
		Policies: []placement.Policy{{Name: "france", Spec: v1alpha1.SovereigntyPolicySpec{
			Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR}, AllowedNamespaces: &metav1.LabelSelector{},
		}}},
		Providers: []v1alpha1.SovereignProvider{
			at("dc", "Commune", "FR"), at("ovh", "OVH SAS", "FR"), at("outscale", "Outscale SAS", "FR"),
			at("third", "Third", "FR"), at("abroad", "Abroad", "GB"),
		},
		Replicas: []v1alpha1.BucketReplica{
			copyAt("dc", v1alpha1.RolePrimary, false),
			copyAt("ovh", v1alpha1.RoleReplica, true), copyAt("outscale", v1alpha1.RoleReplica, true),
		},
	}
	for _, f := range change {
		f(&facts)
	}
	return facts
}

func drillOf(from, to string) *v1alpha1.ReversibilityDrill {
	place := func(provider string) *v1alpha1.DrillPlace {
		if provider == "" {
			return nil
		}
		return &v1alpha1.DrillPlace{ProviderName: provider}
	}
	return &v1alpha1.ReversibilityDrill{Spec: v1alpha1.ReversibilityDrillSpec{From: place(from), To: place(to)}}
}

func TestTheCopyToRestore(t *testing.T) {
	unfinished := func(f *gather.Facts) { f.Replicas[1].Status.Conditions, f.Replicas[2].Status.Conditions = nil, nil }
	leaving := func(f *gather.Facts) { f.Replicas[2].DeletionTimestamp = &metav1.Time{Time: time.Now()} }
	for name, test := range map[string]struct {
		from  string
		facts gather.Facts
		want  string // provider
		class fault.Class
		says  string
	}{
		"the first complete one by name":         {facts: world(), want: "outscale"},
		"the one at the wanted provider":         {from: "ovh", facts: world(), want: "ovh"},
		"never one that is being removed":        {facts: world(leaving), want: "ovh"},
		"none is complete yet":                   {facts: world(unfinished), class: fault.Waiting, says: "no copy is complete yet"},
		"no copy at the wanted provider":         {from: "third", facts: world(), class: fault.Waiting, says: "there is no copy at provider third"},
		"the wanted provider holds the primary":  {from: "dc", facts: world(), class: fault.Terminal, says: "holds the primary"},
		"the wanted provider's copy is not done": {from: "ovh", facts: world(unfinished), class: fault.Waiting, says: "no copy is complete yet"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := chooseFrom(drillOf(test.from, ""), test.facts)
			expectError(t, err, test.class, test.says)
			if err == nil && got.Spec.ProviderName != test.want {
				t.Errorf("restores the copy at %s, want %s", got.Spec.ProviderName, test.want)
			}
		})
	}
}

func TestThePlaceOfTheSandbox(t *testing.T) {
	without := func(provider string) func(*gather.Facts) {
		return func(f *gather.Facts) {
			for i := range f.Providers {
				if f.Providers[i].Name == provider {
					f.Providers[i].Spec.Locations[0].Country = "US"
				}
			}
		}
	}
	suspended := func(f *gather.Facts) { f.Providers[2].Spec.Suspend = true }
	leaving := func(f *gather.Facts) { f.Providers[3].DeletionTimestamp = &metav1.Time{Time: time.Now()} }
	for name, test := range map[string]struct {
		to    string
		facts gather.Facts
		want  string
		class fault.Class
		says  string
	}{
		"an operator without a copy":                 {facts: world(), want: "third"},
		"else one that is not the primary's":         {facts: world(without("third")), want: "outscale"},
		"else that of the primary":                   {facts: world(without("third"), without("outscale")), want: "dc"},
		"the wanted one":                             {to: "dc", facts: world(), want: "dc"},
		"the wanted one stands outside":              {to: "abroad", facts: world(), class: fault.Terminal, says: "GB is outside FR"},
		"the wanted one has the copy's operator":     {to: "ovh", facts: world(), class: fault.Terminal, says: "shows nothing about leaving it"},
		"never at a suspended provider, copy or not": {to: "outscale", facts: world(suspended), class: fault.Terminal, says: "provider outscale is suspended"},
		"never at one that is being deleted":         {to: "third", facts: world(leaving), class: fault.Terminal, says: "provider third is being deleted"},
		"the wanted one is not there":                {to: "nowhere", facts: world(), class: fault.Waiting, says: "does not exist"},
		"nothing else is allowed":                    {facts: world(without("third"), without("outscale"), without("dc")), class: fault.Terminal, says: "nowhere to restore to"},
		"the copy's provider declares it no longer":  {facts: world(func(f *gather.Facts) { f.Providers[1].Spec.Locations[0].Name = "y" }), class: fault.Waiting, says: "no SovereignProvider declares ovh/x"},
	} {
		t.Run(name, func(t *testing.T) {
			from := copyAt("ovh", v1alpha1.RoleReplica, true)
			got, err := chooseTo(drillOf("", test.to), test.facts, &from)
			expectError(t, err, test.class, test.says)
			if err == nil && got != placeAt(test.want) {
				t.Errorf("restores to %s, want %s", got, placeAt(test.want))
			}
		})
	}
}

func TestWhereEvidenceMayGo(t *testing.T) {
	provisioned := func(f *gather.Facts) {
		for i := range f.Replicas {
			f.Replicas[i].Status.Conditions = append(f.Replicas[i].Status.Conditions, condition.True(v1alpha1.ConditionProvisioned, "Succeeded", ""))
		}
	}
	country := func(index int, country string) func(*gather.Facts) {
		return func(f *gather.Facts) { f.Providers[index].Spec.Locations[0].Country = country }
	}
	abroad := func(f *gather.Facts) { country(0, "US")(f); country(1, "US")(f); country(2, "US")(f) }
	for name, test := range map[string]struct {
		facts gather.Facts
		want  []string
		says  string
	}{
		"to every copy, that of the drill first": {facts: world(provisioned), want: []string{"ovh", "dc", "outscale"}},
		"not where the policies object":          {facts: world(provisioned, country(2, "GB")), want: []string{"ovh", "dc"}, says: "GB is outside FR"},
		"not even to the copy of the drill":      {facts: world(provisioned, country(1, "US")), want: []string{"dc", "outscale"}, says: "US is outside FR"},
		"not to a suspended provider":            {facts: world(provisioned, func(f *gather.Facts) { f.Providers[0].Spec.Suspend = true }), want: []string{"ovh", "outscale"}, says: "is suspended"},
		"not to a provider that goes": {
			facts: world(provisioned, func(f *gather.Facts) { f.Providers[0].DeletionTimestamp = &metav1.Time{Time: time.Now()} }),
			want:  []string{"ovh", "outscale"}, says: "is being deleted",
		},
		"not to a copy that goes": {
			facts: world(provisioned, func(f *gather.Facts) { f.Replicas[2].DeletionTimestamp = &metav1.Time{Time: time.Now()} }),
			want:  []string{"ovh", "dc"},
		},
		"not to a bucket that is not known to be ours": {facts: world()},
		"not to a primary that may not be one there": {
			facts: world(provisioned, func(f *gather.Facts) {
				f.Bucket.Spec.Placement.Primary = &v1alpha1.PlaceReference{ProviderName: "third", Location: "x"}
			}),
			want: []string{"ovh", "outscale"}, says: "asks for third/x",
		},
		"nowhere": {facts: world(provisioned, abroad), says: "US is outside FR"},
	} {
		t.Run(name, func(t *testing.T) {
			replicas, refusal := evidencePlaces(test.facts, "bucket-ovh")
			var got []string
			for _, replica := range replicas {
				got = append(got, replica.Spec.ProviderName)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if (refusal == nil) != (test.says == "") || refusal != nil && !strings.Contains(refusal.Error(), test.says) {
				t.Errorf("the refusal is %v, want %q", refusal, test.says)
			}
		})
	}
}

func expectError(t *testing.T, err error, class fault.Class, says string) {
	t.Helper()
	switch {
	case says == "":
		if err != nil {
			t.Fatal(err)
		}
	case err == nil:
		t.Fatalf("no error, want one that says %q", says)
	case fault.Of(err).Class != class || !strings.Contains(err.Error(), says):
		t.Fatalf("got %s %q, want %s with %q", fault.Of(err).Class, err, class, says)
	}
}

func TestObjectivesOfTheDrillComeFirst(t *testing.T) {
	hours := func(n time.Duration) *metav1.Duration { return &metav1.Duration{Duration: n * time.Hour} }
	facts := world(func(f *gather.Facts) {
		f.Policies[0].Spec.Objectives = v1alpha1.Objectives{RPO: hours(1), RTO: hours(2)}
	})
	own := drillOf("", "")
	own.Spec.Objectives.RTO = hours(8)
	if diff := cmp.Diff(v1alpha1.Objectives{RPO: hours(1), RTO: hours(8)}, objectives(own, facts)); diff != "" {
		t.Error(diff)
	}
}

// Every policy that binds the bucket holds, so the strictest objective does.
func TestTheStrictestObjectiveOfThePoliciesApplies(t *testing.T) {
	hours := func(n time.Duration) *metav1.Duration { return &metav1.Duration{Duration: n * time.Hour} }
	facts := world(func(f *gather.Facts) {
		f.Policies[0].Spec.Objectives = v1alpha1.Objectives{RPO: hours(4)}
		f.Policies = append(f.Policies, placement.Policy{Spec: v1alpha1.SovereigntyPolicySpec{
			Objectives: v1alpha1.Objectives{RPO: hours(1), RTO: hours(2)},
		}}, placement.Policy{Spec: v1alpha1.SovereigntyPolicySpec{Objectives: v1alpha1.Objectives{RPO: hours(2)}}})
	})
	if diff := cmp.Diff(v1alpha1.Objectives{RPO: hours(1), RTO: hours(2)}, objectives(drillOf("", ""), facts)); diff != "" {
		t.Error(diff)
	}
}
