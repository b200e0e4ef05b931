package integration

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func at(latitude, longitude string) func(*v1alpha1.Location) {
	return func(l *v1alpha1.Location) { l.Latitude, l.Longitude = latitude, longitude }
}

// placedWorld is a world with premises in Lille, OVHcloud in Gravelines, which is
// 77 km away, and Outscale in Paris.
func placedWorld(t *testing.T) (*world, map[string]*emulator.Server) {
	t.Helper()
	w := newWorld(t)
	stores := map[string]*emulator.Server{}
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		stores[name] = w.emulated(name)
	}
	w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls, at("50.63", "3.07"))})
	w.provider("ovh", []v1alpha1.Location{in("GRA", "FR", at("50.99", "2.13"))})
	w.provider("tds-outscale", []v1alpha1.Location{in("eu-west-2", "FR", at("48.85", "2.35"))})
	return w, stores
}

func TestACopyThatIsTooCloseIsReplacedAndKeptUp(t *testing.T) {
	w, stores := placedWorld(t)
	policy := w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte-1", "1901")
	w.awaitObjects(bucket, 1)
	near := w.replicas(bucket)["ovh/GRA"]
	if near == nil {
		t.Fatalf("the copies are at %v", w.replicas(bucket))
	}

	w.update(policy, func() { policy.Spec.Copies.MinimumDistanceKm = 100 })
	said := w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, v1alpha1.ReasonTooClose)
	wantIn(t, said.Message, "the copy at ovh/GRA is to be replaced: it is 77 km from the copy at onprem/dc1, and policy etat-civil asks for 100 km between copies")
	wantIn(t, said.Message, "set the annotation rempart.dev/confirm-delete to "+near.Spec.BucketName)
	w.eventually(func() error { return objectionOn(w, bucket, "ovh", v1alpha1.ReasonTooClose) })

	// Data may be where it is, so that the copy is kept up until it goes.
	put(t, session, name, "acte-2", "1902")
	w.eventually(func() error {
		w.sync(bucket)
		for _, replica := range w.replicas(bucket) {
			if held := userKeys(stores[replica.Spec.ProviderName], replica.Spec.BucketName); len(held) != 2 {
				return notYet("%s holds %v", replica.Spec.PlaceReference, held)
			}
		}
		if len(w.replicas(bucket)) != 3 {
			return notYet("there are %d copies", len(w.replicas(bucket)))
		}
		return nil
	})
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)

	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, near.Spec.BucketName)
	w.awaitGone(near)
	w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionTrue)
	if _, isThere := stores["ovh"].Buckets()[near.Spec.BucketName]; isThere {
		t.Error("the bucket of the copy that was too close is still there")
	}
}

func TestPoliciesThatNoPlacesSatisfySaySo(t *testing.T) {
	w, stores := placedWorld(t)
	w.emulated("belge")
	w.provider("belge", []v1alpha1.Location{in("bru", "BE")})
	// A policy that asks for what there is says so, and has the places tried.
	w.await(w.policy("two-copies"), v1alpha1.ConditionSatisfiable, metav1.ConditionTrue)
	for name, test := range map[string]struct {
		change  func(*v1alpha1.SovereigntyPolicySpec)
		reason  string
		message string
	}{
		"three-in-belgium": {
			func(s *v1alpha1.SovereigntyPolicySpec) {
				s.Residency = v1alpha1.Residency{Perimeter: "EU", AllowedCountries: []string{"BE"}}
				s.Copies = v1alpha1.CopyRules{Minimum: 3}
			},
			v1alpha1.ReasonNotEnoughCopies, "policy three-in-belgium asks for 3 copies and only 1 place is eligible: belge/bru; 3 places are refused: 3 by rule country",
		},
		"four-copies": {
			func(s *v1alpha1.SovereigntyPolicySpec) { s.Copies = v1alpha1.CopyRules{Minimum: 4} },
			v1alpha1.ReasonNotEnoughCopies, "policy four-copies asks for 4 copies and only 3 places are eligible: onprem/dc1, ovh/GRA, tds-outscale/eu-west-2",
		},
		"three-far-apart": {
			func(s *v1alpha1.SovereigntyPolicySpec) {
				s.Copies = v1alpha1.CopyRules{Minimum: 3, MinimumDistanceKm: 100}
			},
			v1alpha1.ReasonTooClose, "asks for 100 km between copies, and no 3 eligible places are so far apart; 2 places would be",
		},
	} {
		policy := w.policy(name, test.change)
		w.eventually(func() error { // what stores can do is found out for those that a policy would take
			w.get(policy)
			return wantMessage(policy, v1alpha1.ConditionSatisfiable, test.message)
		})
		said := w.await(policy, v1alpha1.ConditionSatisfiable, metav1.ConditionFalse, test.reason)
		wantIn(t, said.Message, "no places satisfy this policy: ")
	}
	// Another place makes some of them satisfiable.
	stores["scaleway"] = w.emulated("scaleway")
	w.provider("scaleway", []v1alpha1.Location{in("fr-par", "FR", at("43.30", "5.37"))})
	for _, name := range []string{"four-copies", "three-far-apart"} {
		w.await(&v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}, v1alpha1.ConditionSatisfiable, metav1.ConditionTrue)
	}
}

func TestAPolicyTellsWhatEachOperatorHolds(t *testing.T) {
	w, _ := placedWorld(t)
	policy := w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) { s.Concentration.MaximumSharePercent = 60 })
	w.await(policy, v1alpha1.ConditionWithinConcentration, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved)
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte-1", "1901")
	w.awaitObjects(bucket, 1)
	w.await(policy, v1alpha1.ConditionWithinConcentration, metav1.ConditionTrue)
	want := &v1alpha1.ConcentrationStatus{
		Operators: []v1alpha1.OperatorShare{
			{Operator: "onprem sa", Name: "ONPREM SA", SharePercent: 50}, {Operator: "ovh sa", Name: "OVH SA", SharePercent: 50},
		},
		EffectiveOperators: "2.0", SurvivalPercent: 100,
	}
	w.eventually(func() error {
		w.get(policy)
		if diff := cmp.Diff(want, policy.Status.Concentration); diff != "" {
			return notYet("concentration (-want +got):\n%s", diff)
		}
		return nil
	})

	w.update(policy, func() { policy.Spec.Concentration.MaximumSharePercent = 40 })
	said := w.await(policy, v1alpha1.ConditionWithinConcentration, metav1.ConditionFalse, v1alpha1.ReasonTooConcentrated)
	wantIn(t, said.Message, "operator ONPREM SA holds more than 40 % of what is stored under this policy")

	// The next dataset's copy goes where less is stored, and nothing is refused for it.
	other := w.bucket("plans", "etat-civil")
	w.await(other, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionTrue)
	w.eventually(func() error {
		if w.replicas(other)["tds-outscale/eu-west-2"] == nil {
			return notYet("the copies are at %v", w.replicas(other))
		}
		return nil
	})

	w.update(policy, func() { policy.Spec.Concentration = v1alpha1.ConcentrationRules{} })
	w.eventually(func() error {
		w.get(policy)
		isIt := func(c metav1.Condition) bool { return c.Type == v1alpha1.ConditionWithinConcentration }
		if slices.ContainsFunc(policy.Status.Conditions, isIt) {
			return notYet("nobody asks for it any more: %+v", policy.Status.Conditions)
		}
		return nil
	})
}

func TestRulesAboutChoosingThatAreRefusedAtAdmission(t *testing.T) {
	w := newWorld(t)
	policy := func(change func(*v1alpha1.SovereigntyPolicySpec)) client.Object {
		p := &v1alpha1.SovereigntyPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "x"},
			Spec:       v1alpha1.SovereigntyPolicySpec{Residency: v1alpha1.Residency{Perimeter: "EU"}},
		}
		change(&p.Spec)
		return p
	}
	for want, change := range map[string]func(*v1alpha1.SovereigntyPolicySpec){
		"prioritizer Proximity needs near": func(s *v1alpha1.SovereigntyPolicySpec) {
			s.Prioritizers = []v1alpha1.Prioritizer{{Name: "Proximity", Weight: 1}}
		},
		"spec.prioritizers[1]": func(s *v1alpha1.SovereigntyPolicySpec) {
			s.Prioritizers = []v1alpha1.Prioritizer{{Name: "Carbon"}, {Name: "Carbon"}}
		},
		"spec.prioritizers[0].weight": func(s *v1alpha1.SovereigntyPolicySpec) {
			s.Prioritizers = []v1alpha1.Prioritizer{{Name: "Carbon", Weight: 101}}
		},
		"spec.prioritizers[0].name": func(s *v1alpha1.SovereigntyPolicySpec) {
			s.Prioritizers = []v1alpha1.Prioritizer{{Name: "Price", Weight: 1}}
		},
		"spec.concentration.maximumSharePercent": func(s *v1alpha1.SovereigntyPolicySpec) { s.Concentration.MaximumSharePercent = 101 },
		"spec.copies.minimumDistanceKm":          func(s *v1alpha1.SovereigntyPolicySpec) { s.Copies.MinimumDistanceKm = 20001 },
		"latitude must be a decimal number of degrees between -90 and 90": func(s *v1alpha1.SovereigntyPolicySpec) {
			s.Near = &v1alpha1.Point{Latitude: "91", Longitude: "0"}
		},
		"spec.near.longitude": func(s *v1alpha1.SovereigntyPolicySpec) { s.Near = &v1alpha1.Point{Latitude: "48.1"} },
	} {
		w.wantRefused(policy(change), want)
	}
}
