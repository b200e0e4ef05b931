package integration

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// Data was placed by the rules, and then the facts changed.

// becomesIllegal is how a place that was legal stops to be. Policy and provider are
// changed before there is a dataset, happen makes the place ovh/GRA illegal.
type becomesIllegal struct {
	policy  func(*v1alpha1.SovereigntyPolicySpec)
	facts   func(*v1alpha1.SovereignProvider)
	happen  func(w *world, passes func(time.Duration))
	undo    func(w *world)
	reason  string
	message string
}

func waysToBecomeIllegal() map[string]becomesIllegal {
	ovh := func() *v1alpha1.SovereignProvider {
		return &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	}
	until := func(p *v1alpha1.SovereignProvider, end time.Time) {
		p.Spec.Attestations = []v1alpha1.Attestation{{
			Scheme: "HDS", Version: "2.0", Service: v1alpha1.ObjectStorage, Locations: []string{p.Spec.Locations[0].Name}, ValidUntil: end.UTC().Format(time.DateOnly),
		}}
	}
	return map[string]becomesIllegal{
		"its attestation ends": {
			policy: func(s *v1alpha1.SovereigntyPolicySpec) {
				s.Attestations = []v1alpha1.AttestationRule{{Scheme: "HDS", AppliesTo: v1alpha1.AttestCloudCopies}}
			},
			facts: func(p *v1alpha1.SovereignProvider) {
				until(p, time.Now())
				if p.Name == "tds-outscale" {
					until(p, time.Now().AddDate(1, 0, 0))
				}
			},
			happen: func(_ *world, passes func(time.Duration)) { passes(25 * time.Hour) }, // and nothing else does
			undo: func(w *world) {
				p := ovh()
				w.update(p, func() { until(p, time.Now().AddDate(1, 0, 0)) })
			},
			reason: v1alpha1.ReasonAttestationExpired, message: "rule attestation of policy etat-civil: the attestation of HDS there was valid until",
		},
		"its operator is bought": {
			policy: func(s *v1alpha1.SovereigntyPolicySpec) { s.Jurisdiction.Perimeter = v1alpha1.PerimeterEU },
			facts:  func(p *v1alpha1.SovereignProvider) { p.Spec.Operator.SeatCountry = "FR" },
			happen: func(w *world, _ func(time.Duration)) {
				p := ovh()
				w.update(p, func() { p.Spec.Operator.ControlCountry = "US" })
			},
			undo: func(w *world) {
				p := ovh()
				w.update(p, func() { p.Spec.Operator.ControlCountry = "FR" })
			},
			reason: v1alpha1.ReasonJurisdictionNotAllowed, message: "rule jurisdiction of policy etat-civil: OVH SA is controlled from US, which is outside EU",
		},
		"where it stands turns out to be elsewhere": {
			happen: func(w *world, _ func(time.Duration)) {
				p := ovh()
				w.update(p, func() { p.Spec.Locations[0].Country = "CH" })
			},
			undo: func(w *world) {
				p := ovh()
				w.update(p, func() { p.Spec.Locations[0].Country = "FR" })
			},
			reason: v1alpha1.ReasonOutsidePerimeter, message: "rule residency of policy etat-civil: CH is outside FR",
		},
	}
}

// illegalWorld is the usual world before a place in it becomes illegal, with a dataset
// that has a copy there: in the role that is asked for.
func (b becomesIllegal) world(t *testing.T, primary v1alpha1.PlaceReference) (*world, map[string]*emulator.Server, *v1alpha1.SovereignBucket, func(time.Duration)) {
	t.Helper()
	clock := newClock()
	w := newWorld(t, timed(clock))
	stores := map[string]*emulator.Server{}
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		stores[name] = w.emulated(name)
	}
	change := func(p *v1alpha1.SovereignProvider) {
		if b.facts != nil {
			b.facts(p)
		}
	}
	w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)}, change)
	w.provider("ovh", []v1alpha1.Location{in("GRA", "FR"), in("BHS", "CA")}, change)
	w.provider("tds-outscale", []v1alpha1.Location{in("eu-west-2", "FR")}, change)
	w.policy("etat-civil", asking(func(s *v1alpha1.SovereigntyPolicySpec) {
		if b.policy != nil {
			b.policy(s)
		}
	}))
	bucket := w.bucket("actes", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) { s.Placement.Primary = &primary })
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")
	w.awaitObjects(bucket, 1)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
	return w, stores, bucket, func(d time.Duration) { pass(clock, d) }
}

func TestAReplicaThatBecomesIllegalIsReplacedBeforeItGoes(t *testing.T) {
	for name, way := range waysToBecomeIllegal() {
		t.Run(name, func(t *testing.T) {
			w, stores, bucket, passes := way.world(t, v1alpha1.PlaceReference{ProviderName: "onprem", Location: "dc1"})
			illegal := w.replicas(bucket)["ovh/GRA"]
			if illegal == nil {
				t.Fatalf("the copies are at %v", w.replicas(bucket))
			}
			copied := illegal.Spec.BucketName
			way.happen(w, passes)

			said := w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, way.reason)
			wantIn(t, said.Message, "the copy at ovh/GRA may not be there by "+way.message)
			wantIn(t, said.Message, "set the annotation rempart.dev/confirm-delete to "+copied)
			w.awaitEvent("ResidencyViolation", way.message)
			w.await(illegal, v1alpha1.ConditionReady, metav1.ConditionFalse, way.reason)

			// From here on nothing is written there, while another copy is made whole.
			stores["ovh"].ForgetRequests()
			session, primary := w.application(bucket)
			put(t, session, primary, "acte-2", "1902")
			w.sync(bucket)
			w.eventually(func() error {
				another := w.replicas(bucket)["tds-outscale/eu-west-2"]
				if another == nil || another.Status.Objects == nil || *another.Status.Objects != 2 {
					return notYet("the other copy is not complete: %+v", another)
				}
				return nil
			})
			w.await(w.replicas(bucket)["tds-outscale/eu-west-2"], v1alpha1.ConditionVerified, metav1.ConditionTrue)
			w.settled(illegal, time.Second)
			wantNothingWritten(t, stores["ovh"], copied)
			if left := w.replicas(bucket)["ovh/GRA"]; left == nil || !left.DeletionTimestamp.IsZero() || len(userKeys(stores["ovh"], copied)) != 1 {
				t.Errorf("the illegal copy went before anybody confirmed it: %+v", left)
			}
			w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)

			w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, copied)
			w.awaitGone(illegal)
			if _, isThere := stores["ovh"].Buckets()[copied]; isThere {
				t.Error("the data is still there")
			}
			w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
			w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionTrue)
			if held := userKeys(stores["onprem"], primary); len(held) != 2 {
				t.Errorf("the primary holds %q", held)
			}
		})
	}
}

func TestAPrimaryThatBecomesIllegalStaysAndSaysSo(t *testing.T) {
	for name, way := range waysToBecomeIllegal() {
		t.Run(name, func(t *testing.T) {
			w, stores, bucket, passes := way.world(t, v1alpha1.PlaceReference{ProviderName: "ovh", Location: "GRA"})
			before, published := w.replicas(bucket), secretOf(bucket)
			w.get(published)
			session, primary := w.application(bucket)
			way.happen(w, passes)

			said := w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, v1alpha1.ReasonPrimaryRelocationRequired)
			wantIn(t, said.Message, "the primary at ovh/GRA may not stay there and does not move by itself: ")
			wantIn(t, said.Message, "have the place satisfy the policies again, or move the dataset to a new SovereignBucket")
			said = w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, way.reason)
			wantIn(t, said.Message, "the copy at ovh/GRA may not be there by "+way.message)
			wantIn(t, said.Message, "It is the primary, which does not move by itself. Applications keep working there")
			w.awaitEvent("ResidencyViolation", way.message)
			w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPrimaryRelocationRequired)

			// The application works on, and what it writes gets its copy.
			put(t, session, primary, "acte-2", "1902")
			if _, err := session.Head(t.Context(), provider.Ref{Bucket: primary, Key: "acte"}); err != nil {
				t.Errorf("the application cannot read: %v", err)
			}
			w.awaitObjects(bucket, 2)
			w.settled(bucket, time.Second)
			for place, replica := range w.replicas(bucket) {
				if was := before[place]; was == nil || was.UID != replica.UID || !replica.DeletionTimestamp.IsZero() {
					t.Errorf("there is a new copy, or one on its way out, at %s", place)
				}
			}
			if now := len(w.replicas(bucket)); now != len(before) || bucket.Status.PrimaryName != "ovh/GRA" || bucket.Status.Primary.BucketName != primary {
				t.Errorf("%d copies, the primary is %s, bucket %s", now, bucket.Status.PrimaryName, bucket.Status.Primary.BucketName)
			}
			again := secretOf(bucket)
			if w.get(again); again.ResourceVersion != published.ResourceVersion {
				t.Error("the application's Secret was written")
			}
			if held := userKeys(stores["ovh"], primary); len(held) != 2 {
				t.Errorf("the primary holds %q", held)
			}

			way.undo(w)
			w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionTrue)
			w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
			w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
		})
	}
}

// wantNothingWritten checks that nothing about an object of the dataset was sent to a
// bucket but questions.
func wantNothingWritten(t *testing.T, server *emulator.Server, bucketName string) {
	t.Helper()
	for _, r := range server.Requests(func(r emulator.Request) bool { return r.Bucket == bucketName && touchesData(r) }) {
		t.Errorf("%s %s/%s was sent, with %d bytes", r.Operation, r.Bucket, r.Key, r.BytesIn)
	}
}

// A vendor says in which country a region is, and says otherwise later.
func TestAPrimaryWhoseVendorContradictsItStays(t *testing.T) {
	v := newVendors(t)
	project := v.ovhcloud(only("GRA"))
	v.policy("etat-civil")
	bucket := v.bucket("actes", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) {
		s.Placement.Primary = &v1alpha1.PlaceReference{ProviderName: "ovh", Location: "GRA"}
	})
	v.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, primary := v.application(bucket)
	put(t, session, primary, "acte", "1901")
	v.awaitObjects(bucket, 1)

	v.ovh.SetCountry("GRA", "CA")
	v.restart() // a new process asks the vendor again
	v.await(project, v1alpha1.ConditionLocationsVerified, metav1.ConditionFalse, v1alpha1.ReasonLocationContradicted)
	v.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, v1alpha1.ReasonPrimaryRelocationRequired)
	v.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse)
	put(t, session, primary, "acte-2", "1902")
	v.awaitObjects(bucket, 2)
	if v.get(bucket); bucket.Status.PrimaryName != "ovh/GRA" || len(v.replicas(bucket)) != 2 {
		t.Errorf("the primary is at %s, the copies at %v", bucket.Status.PrimaryName, v.replicas(bucket))
	}
}
