package integration

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestOneProviderDownStopsNoOther(t *testing.T) {
	w, stores := emulatedWorld(t)
	w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Copies = v1alpha1.CopyRules{Minimum: 3, DistinctOperators: 3}
	})
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	session, name := w.application(bucket)
	outscale := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "tds-outscale"}}

	stores["tds-outscale"].Faults().Down()
	put(t, session, name, "acte", "1901")
	w.sync(bucket)
	w.await(outscale, v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonProviderUnreachable)
	w.eventually(func() error {
		if replica := w.replicas(bucket)["ovh/GRA"]; replica.Status.Objects == nil || *replica.Status.Objects != 1 {
			return notYet("the copy at ovh holds %v", replica.Status.Objects)
		}
		return nil
	})
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	// The copy that cannot be reached gets too old, and says so.
	w.await(w.replicas(bucket)["tds-outscale/eu-west-2"], v1alpha1.ConditionWithinRPO, metav1.ConditionFalse, v1alpha1.ReasonLagExceeded)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionFalse, v1alpha1.ReasonLagExceeded)

	stores["tds-outscale"].Faults().Up()
	w.awaitObjects(bucket, 1)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	w.await(outscale, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

func TestASuspendedBucketStopsWritingAndKeepsDecaying(t *testing.T) {
	w, stores, bucket := filled(t, v1alpha1.DeletionRetain)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	w.update(bucket, func() { bucket.Spec.Suspend = true })
	session, name := w.application(bucket)
	put(t, session, name, "acte-2", "1902")
	w.sync(bucket)
	replica := w.replicas(bucket)["ovh/GRA"]
	w.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	w.await(replica, v1alpha1.ConditionWithinRPO, metav1.ConditionFalse, v1alpha1.ReasonLagExceeded)
	w.await(bucket, v1alpha1.ConditionProtected, metav1.ConditionFalse)
	if held := userKeys(stores["ovh"], replica.Spec.BucketName); len(held) != 1 {
		t.Errorf("the copy holds %v while suspended", held)
	}
	w.update(bucket, func() { bucket.Spec.Suspend = false })
	w.awaitObjects(bucket, 2)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
}

// A provider is suspended before work on its account: nothing is written there,
// whatever there would be to do.
func TestNothingIsWrittenToASuspendedProvider(t *testing.T) {
	w, stores, bucket := filled(t, v1alpha1.DeletionRetain)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	w.update(ovh, func() { ovh.Spec.Suspend = true })
	w.await(w.replicas(bucket)["ovh/GRA"], v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)

	// There is an object to copy, a bucket that was changed, and a location that
	// nobody knows yet. A new process looks at everything at once.
	session, name := w.application(bucket)
	put(t, session, name, "acte-2", "1902")
	copied := w.replicas(bucket)["ovh/GRA"].Spec.BucketName
	suspend(t, stores["ovh"], copied)
	stores["ovh"].ForgetRequests()
	w.update(ovh, func() { ovh.Spec.Locations = append(ovh.Spec.Locations, in("SBG", "FR")) })
	w.sync(bucket)
	w.restart()
	w.eventually(func() error {
		replica := w.replicas(bucket)["ovh/GRA"]
		if len(replica.Status.Drift) != 1 {
			return notYet("drift is %q", replica.Status.Drift)
		}
		w.get(ovh)
		if ovh.Status.ObservedGeneration != ovh.Generation || len(ovh.Status.Locations) != 3 {
			return notYet("the new location was not looked at: %+v", ovh.Status)
		}
		return nil
	})
	w.await(w.replicas(bucket)["ovh/GRA"], v1alpha1.ConditionWithinRPO, metav1.ConditionFalse, v1alpha1.ReasonLagExceeded)
	if asked := stores["ovh"].Count("ListBuckets"); asked == 0 {
		t.Error("the suspended provider was not probed at all")
	}
	for _, request := range stores["ovh"].Requests(isWrite) {
		t.Errorf("%s %s/%s was sent to the suspended provider", request.Operation, request.Bucket, request.Key)
	}

	w.update(ovh, func() { ovh.Spec.Suspend = false })
	w.awaitObjects(bucket, 2)
	w.awaitProviders() // the new location is tried
	w.eventually(func() error {
		state, err := open(t, stores["ovh"], stores["ovh"].AccessKey, stores["ovh"].SecretKey).ObserveBucket(t.Context(), copied)
		if err != nil || state.Versioning != provider.VersioningEnabled {
			return notYet("versioning is %s (%v)", state.Versioning, err)
		}
		return nil
	})
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
}

func TestTheOperatorReadsOnlyWhereItMay(t *testing.T) {
	w, stores := emulatedWorld(t, func(o *app.ManagerOptions) { o.Self = "ovh/BHS" }) // it runs in Canada
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")
	w.sync(bucket)
	replica := w.replicas(bucket)["ovh/GRA"]
	refused := w.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	wantIn(t, refused.Message, "the operator stands at ovh/BHS and may not read data there: CA is outside FR")
	if gets := stores["onprem"].Count("GetObject"); gets > 0 {
		for _, r := range stores["onprem"].Requests(nil) {
			if r.Operation == "GetObject" && r.Key == "acte" {
				t.Errorf("the data was read: %+v", r)
			}
		}
	}
}

func TestCopiesMoveWhenAPlaceBecomesIllegal(t *testing.T) {
	w, stores := emulatedWorld(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	session, name := w.application(bucket)

	// OVHcloud is found to have placed GRA elsewhere.
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	w.update(ovh, func() { ovh.Spec.Locations[0].Country = "GB" })
	violation := w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	wantIn(t, violation.Message, "the copy at ovh/GRA may not be there by rule residency of policy etat-civil: GB is outside FR")
	w.awaitEvent("ResidencyViolation", "GB is outside FR")
	w.eventually(func() error {
		if w.replicas(bucket)["tds-outscale/eu-west-2"] == nil {
			return notYet("no replacement was made")
		}
		return nil
	})
	put(t, session, name, "acte", "after the fact")
	w.sync(bucket)
	w.eventually(func() error {
		if replica := w.replicas(bucket)["tds-outscale/eu-west-2"]; replica.Status.Objects == nil || *replica.Status.Objects != 1 {
			return notYet("the replacement holds %v", replica.Status.Objects)
		}
		return nil
	})
	illegal := w.replicas(bucket)["ovh/GRA"]
	w.await(illegal, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	if held := userKeys(stores["ovh"], illegal.Spec.BucketName); len(held) != 0 {
		t.Errorf("%v was written to a place outside the perimeter", held)
	}
}

// misplaced is a dataset with one object, whose copy at OVHcloud turns out to stand
// in another country. Before that is found out, more may happen to the stores.
func misplaced(t *testing.T, before ...func(map[string]*emulator.Server)) (
	w *world, stores map[string]*emulator.Server, bucket *v1alpha1.SovereignBucket, illegal *v1alpha1.BucketReplica,
) {
	t.Helper()
	w, stores, bucket = filled(t, v1alpha1.DeletionRetain)
	illegal = w.replicas(bucket)["ovh/GRA"]
	for _, happens := range before {
		happens(stores)
	}
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	w.update(ovh, func() { ovh.Spec.Locations[0].Country = "GB" })
	violation := w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	wantIn(t, violation.Message, "set the annotation rempart.dev/confirm-delete to "+illegal.Spec.BucketName)
	return w, stores, bucket, illegal
}

func TestAnIllegalCopyIsErasedOnceSomebodyConfirmsIt(t *testing.T) {
	w, stores, bucket, illegal := misplaced(t)
	name := illegal.Spec.BucketName

	// Deleting the object that stands for it changes nothing about where data is.
	w.delete(illegal)
	blocked := w.await(illegal, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionNotConfirmed)
	wantIn(t, blocked.Message, "holds data where it may not be (GB is outside FR)")
	w.sync(bucket)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	if held := userKeys(stores["ovh"], name); len(held) != 1 {
		t.Fatalf("the copy holds %v before anybody confirmed", held)
	}

	// The name of another bucket confirms nothing.
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, bucket.Status.Primary.BucketName)
	w.await(illegal, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionNotConfirmed)

	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, name)
	w.awaitGone(illegal)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
	if _, isThere := stores["ovh"].Buckets()[name]; isThere {
		t.Error("the bucket is still there")
	}
	if held := userKeys(stores["onprem"], bucket.Status.Primary.BucketName); len(held) != 1 {
		t.Errorf("the primary holds %v", held)
	}
	if replica := w.replicas(bucket)["tds-outscale/eu-west-2"]; replica == nil || len(userKeys(stores["tds-outscale"], replica.Spec.BucketName)) != 1 {
		t.Error("the replacement does not hold the object")
	}
}

func TestAnIllegalCopyStaysUntilTheOthersAreVerified(t *testing.T) {
	w, stores, bucket, illegal := misplaced(t, func(stores map[string]*emulator.Server) {
		stores["tds-outscale"].Faults().Add(emulator.Match{Operation: "PutObject", Key: "acte"}, emulator.Fail(403, "AccessDenied"))
	})
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, illegal.Spec.BucketName)
	blocked := w.await(illegal, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
	wantIn(t, blocked.Message, "is erased once every copy that the policies ask for is there, complete and verified")
	if held := userKeys(stores["ovh"], illegal.Spec.BucketName); len(held) != 1 {
		t.Fatalf("the copy holds %v, and no other one is verified", held)
	}
	stores["tds-outscale"].Faults().Clear()
	w.sync(bucket)
	w.awaitGone(illegal)
	if _, isThere := stores["ovh"].Buckets()[illegal.Spec.BucketName]; isThere {
		t.Error("the bucket is still there")
	}
}

func TestAnIllegalCopyThatCannotBeReachedMayBeAbandoned(t *testing.T) {
	w, stores, bucket, illegal := misplaced(t)
	stores["ovh"].Faults().Down()
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, illegal.Spec.BucketName)
	blocked := w.await(illegal, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
	wantIn(t, blocked.Message, "set the annotation rempart.dev/abandon-copy of the SovereignBucket to "+illegal.Spec.BucketName)
	w.annotate(bucket, v1alpha1.AbandonCopyAnnotation, illegal.Spec.BucketName)
	w.awaitGone(illegal)
	w.awaitEvent("CopyAbandoned", illegal.Spec.BucketName)
	stores["ovh"].Faults().Up()
	if held := userKeys(stores["ovh"], illegal.Spec.BucketName); len(held) != 1 {
		t.Errorf("the copy holds %v", held)
	}
}

// What an application has does not depend on a copy that finds no place.
func TestAMissingCopyTakesNothingFromTheApplication(t *testing.T) {
	w, _ := emulatedWorld(t)
	policy := w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.update(policy, func() { policy.Spec.Copies.Minimum = 4 })
	missing := w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, v1alpha1.ReasonNotEnoughCopies)
	wantIn(t, missing.Message, "asks for 4 copies and only 3 places are eligible")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")

	// A new process publishes a Secret that somebody deleted.
	w.delete(secretOf(bucket))
	w.restart()
	w.eventually(func() error { return w.client.Get(t.Context(), client.ObjectKeyFromObject(bucket), secretOf(bucket)) })
	session, name = w.application(bucket)
	put(t, session, name, "acte-2", "1902")
}
