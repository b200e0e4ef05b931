package policy

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/concentration"
	"github.com/rempart/rempart/internal/placement"
)

// copyAt is a copy at a provider with conditions that are True; bytes below 0 are not
// known.
func copyAt(providerName string, role v1alpha1.CopyRole, bytes int64, conditions ...string) *v1alpha1.BucketReplica {
	replica := &v1alpha1.BucketReplica{}
	replica.Spec.ProviderName, replica.Spec.Role = providerName, role
	if bytes >= 0 {
		replica.Status.Bytes = &bytes
	}
	for _, conditionType := range conditions {
		replica.Status.Conditions = append(replica.Status.Conditions, metav1.Condition{Type: conditionType, Status: metav1.ConditionTrue})
	}
	return replica
}

func run(name, legalEntity string) v1alpha1.SovereignProvider {
	var p v1alpha1.SovereignProvider
	p.Name, p.Spec.Type, p.Spec.Operator.LegalEntity = name, v1alpha1.ProviderTypeS3, legalEntity
	return p
}

func TestWhatCopiesHold(t *testing.T) {
	const there, complete, inTime = v1alpha1.ConditionProvisioned, v1alpha1.ConditionInitialSyncComplete, v1alpha1.ConditionWithinRPO
	leaving := copyAt("ovh", v1alpha1.RoleReplica, 7, there, complete, inTime)
	leaving.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	s := &scope{providers: []v1alpha1.SovereignProvider{run("ovh", "OVH SA")}}
	for name, test := range map[string]struct {
		replica *v1alpha1.BucketReplica
		holds   bool
		want    concentration.Copy
	}{
		"a primary that is there":                        {copyAt("ovh", v1alpha1.RolePrimary, -1, there), true, concentration.Copy{Operator: "ovh sa", Bytes: -1, IsReliable: true}},
		"a primary that is being made":                   {copyAt("ovh", v1alpha1.RolePrimary, -1), false, concentration.Copy{Operator: "ovh sa", Bytes: -1}},
		"a replica that is complete and in time":         {copyAt("ovh", v1alpha1.RoleReplica, 7, there, complete, inTime), true, concentration.Copy{Operator: "ovh sa", Bytes: 7, IsReliable: true}},
		"one that is late":                               {copyAt("ovh", v1alpha1.RoleReplica, 7, there, complete), true, concentration.Copy{Operator: "ovh sa", Bytes: 7}},
		"one that cannot be reached holds what it did":   {copyAt("ovh", v1alpha1.RoleReplica, 7), true, concentration.Copy{Operator: "ovh sa", Bytes: 7}},
		"one on its way out holds, and is no help":       {leaving, true, concentration.Copy{Operator: "ovh sa", Bytes: 7}},
		"at a provider that is gone it counts by itself": {copyAt("old", v1alpha1.RoleReplica, 7, there), true, concentration.Copy{Operator: "old", Bytes: 7}},
	} {
		t.Run(name, func(t *testing.T) {
			if holdsSomething(test.replica) != test.holds {
				t.Errorf("holds something: %v", !test.holds)
			}
			if diff := cmp.Diff(test.want, s.copyOf(test.replica)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatAPolicySaysOfConcentration(t *testing.T) {
	eighty := []concentration.Dataset{{{Operator: "ovh sa", Bytes: 80, IsReliable: true}}, {{Operator: "old", Bytes: 20, IsReliable: true}}}
	for name, test := range map[string]struct {
		datasets []concentration.Dataset
		most     int32
		status   *v1alpha1.ConcentrationStatus
		want     metav1.ConditionStatus
		reason   string
	}{
		"nothing stored, nothing asked": {nil, 0, nil, "", ""},
		"nothing stored":                {nil, 60, nil, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved},
		"more than is wanted": {
			eighty, 79,
			&v1alpha1.ConcentrationStatus{
				Operators:          []v1alpha1.OperatorShare{{Operator: "ovh sa", Name: "OVH SA", SharePercent: 80}, {Operator: "old", SharePercent: 20}},
				EffectiveOperators: "1.5", SurvivalPercent: 50,
			}, metav1.ConditionFalse, v1alpha1.ReasonTooConcentrated,
		},
		"as much as is wanted": {
			eighty, 80,
			&v1alpha1.ConcentrationStatus{
				Operators:          []v1alpha1.OperatorShare{{Operator: "ovh sa", Name: "OVH SA", SharePercent: 80}, {Operator: "old", SharePercent: 20}},
				EffectiveOperators: "1.5", SurvivalPercent: 50,
			}, metav1.ConditionTrue, v1alpha1.ReasonSucceeded,
		},
		"as much as is wanted, as far as the status and the ranking of places can tell": {
			[]concentration.Dataset{{{Operator: "ovh sa", Bytes: 603, IsReliable: true}, {Operator: "old", Bytes: 397, IsReliable: true}}},
			60,
			&v1alpha1.ConcentrationStatus{
				Operators:          []v1alpha1.OperatorShare{{Operator: "ovh sa", Name: "OVH SA", SharePercent: 60}, {Operator: "old", SharePercent: 40}},
				EffectiveOperators: "1.9", SurvivalPercent: 100,
			}, metav1.ConditionTrue, v1alpha1.ReasonSucceeded,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &scope{policy: &v1alpha1.SovereigntyPolicy{}, providers: []v1alpha1.SovereignProvider{run("ovh", "OVH SA")}, datasets: test.datasets}
			s.policy.Spec.Concentration.MaximumSharePercent = test.most
			if diff := cmp.Diff(test.status, s.concentrationStatus()); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			got, isAsked := s.withinConcentration()
			if isAsked != (test.want != "") || got.Status != test.want || got.Reason != test.reason {
				t.Errorf("asked %v: %+v, want %s %s", isAsked, got, test.want, test.reason)
			}
		})
	}
}

// Providers come in whatever order the cache has them, and the status must not turn
// with it.
func TestAnOperatorHasOneNameWhateverTheOrder(t *testing.T) {
	first, second := run("ovh-a", "OVH SAS"), run("ovh-b", "OVH Groupe SA")
	first.Spec.Operator.Group, second.Spec.Operator.Group = "ovh", "ovh"
	for _, providers := range [][]v1alpha1.SovereignProvider{{first, second}, {second, first}} {
		objects := &v1alpha1.SovereignProviderList{Items: providers}
		r := &Reconciler{Config: Config{Client: listing{providers: objects}}}
		s := &scope{datasets: []concentration.Dataset{{{Operator: "ovh", Bytes: 1}}}}
		if err := r.survey(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if got := s.concentrationStatus().Operators[0].Name; got != "OVH SAS" {
			t.Errorf("listed as %s, %s: the operator is called %s", providers[0].Name, providers[1].Name, got)
		}
	}
}

// listing is a cluster that has providers, in this order.
type listing struct {
	client.Client
	providers *v1alpha1.SovereignProviderList
}

func (l listing) List(_ context.Context, into client.ObjectList, _ ...client.ListOption) error {
	l.providers.DeepCopyInto(into.(*v1alpha1.SovereignProviderList))
	return nil
}

func TestWhichChangesOfCopiesCount(t *testing.T) {
	const there = v1alpha1.ConditionProvisioned
	for name, test := range map[string]struct {
		before, after *v1alpha1.BucketReplica
		want          bool
	}{
		"nothing changed":      {copyAt("ovh", v1alpha1.RoleReplica, 7, there), copyAt("ovh", v1alpha1.RoleReplica, 7, there), false},
		"it holds more":        {copyAt("ovh", v1alpha1.RoleReplica, 7, there), copyAt("ovh", v1alpha1.RoleReplica, 8, there), true},
		"it says how much":     {copyAt("ovh", v1alpha1.RoleReplica, -1, there), copyAt("ovh", v1alpha1.RoleReplica, 0, there), true},
		"its bucket was made":  {copyAt("ovh", v1alpha1.RoleReplica, -1), copyAt("ovh", v1alpha1.RoleReplica, -1, there), true},
		"it can be relied on":  {copyAt("ovh", v1alpha1.RolePrimary, 7), copyAt("ovh", v1alpha1.RolePrimary, 7, there), true},
		"another of its words": {copyAt("ovh", v1alpha1.RoleReplica, 7, there), copyAt("ovh", v1alpha1.RoleReplica, 7, there, v1alpha1.ConditionVerified), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := holdingChanged().Update(event.UpdateEvent{ObjectOld: test.before, ObjectNew: test.after}); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

func TestWhetherPlacesSatisfyAPolicy(t *testing.T) {
	s := &scope{policy: &v1alpha1.SovereigntyPolicy{}}
	s.policy.Name, s.policy.Spec.Residency.Perimeter, s.policy.Spec.Copies.Minimum = "p", v1alpha1.PerimeterFR, 2
	if got := s.satisfiable(); got.Status != metav1.ConditionUnknown {
		t.Errorf("there is no place, and it is %+v", got)
	}
	place := run("ovh", "OVH SA")
	place.Spec.S3 = &v1alpha1.S3Endpoint{}
	place.Spec.Locations = []v1alpha1.Location{{Name: "GRA", Country: "FR"}}
	s.candidates = placement.FromProvider(&place)
	got := s.satisfiable()
	const want = "no places satisfy this policy: policy p asks for 2 copies and only 1 place is eligible: ovh/GRA"
	if got.Status != metav1.ConditionFalse || got.Reason != v1alpha1.ReasonNotEnoughCopies || got.Message != want {
		t.Errorf("%+v, want %s", got, want)
	}
	s.policy.Spec.Copies.Minimum = 1
	if got := s.satisfiable(); got.Status != metav1.ConditionTrue {
		t.Errorf("%+v", got)
	}
}
