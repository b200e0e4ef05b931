package integration

import (
	"context"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// registers is a dataset of twenty objects, copied.
func registers(t *testing.T) (*world, map[string]*emulator.Server, *v1alpha1.SovereignBucket) {
	t.Helper()
	return registersUnder(t)
}

// registersUnder is the same under a changed policy.
func registersUnder(t *testing.T, change ...func(*v1alpha1.SovereigntyPolicySpec)) (*world, map[string]*emulator.Server, *v1alpha1.SovereignBucket) {
	t.Helper()
	w, stores := emulatedWorld(t)
	w.policy("etat-civil", change...)
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	for i := range 20 {
		put(t, session, name, fmt.Sprintf("registres/%04d", i), "acte")
	}
	w.awaitObjects(bucket, 20)
	w.get(bucket)
	return w, stores, bucket
}

func TestASourceThatIsEmptiedDoesNotEmptyTheCopies(t *testing.T) {
	w, stores, bucket := registers(t)
	session, name := w.application(bucket)
	for i := range 20 {
		if err := session.Remove(context.Background(), provider.Ref{Bucket: name, Key: fmt.Sprintf("registres/%04d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	w.sync(bucket)
	replica := w.replicas(bucket)["ovh/GRA"]
	tripped := w.await(replica, v1alpha1.ConditionWithinRPO, metav1.ConditionFalse, v1alpha1.ReasonDeletionGuardTripped)
	wantIn(t, tripped.Message, "set the annotation rempart.dev/approved-deletions of the SovereignBucket to sha256:")
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionFalse, v1alpha1.ReasonDeletionGuardTripped)
	w.awaitEvent("DeletionGuardTripped", "the source is empty and the copy holds 20 objects")
	if held := userKeys(stores["ovh"], replica.Spec.BucketName); len(held) != 20 {
		t.Fatalf("the copy holds %d objects, want 20", len(held))
	}
	if replica.Status.Guard.Planned != 20 {
		t.Errorf("the guard shows %d deletions, want 20", replica.Status.Guard.Planned)
	}

	w.annotate(bucket, v1alpha1.ApprovedDeletionsAnnotation, "sha256:of-another-set")
	w.sync(bucket)
	w.await(replica, v1alpha1.ConditionWithinRPO, metav1.ConditionFalse, v1alpha1.ReasonDeletionGuardTripped)
	if held := userKeys(stores["ovh"], replica.Spec.BucketName); len(held) != 20 {
		t.Fatalf("the copy holds %d objects after another set was approved, want 20", len(held))
	}

	w.annotate(bucket, v1alpha1.ApprovedDeletionsAnnotation, replica.Status.Guard.Digest)
	w.awaitObjects(bucket, 0)
	w.await(replica, v1alpha1.ConditionWithinRPO, metav1.ConditionTrue)
	w.awaitEvent("DeletionsApproved", "20 objects were deleted from the copy as approved")
	if held := userKeys(stores["ovh"], replica.Spec.BucketName); len(held) != 0 {
		t.Errorf("the copy still holds %v", held)
	}
}

func TestASourceThatVanishesLeavesTheCopiesIntact(t *testing.T) {
	w, stores, bucket := registers(t)
	replica := w.replicas(bucket)["ovh/GRA"]
	empty(t, stores["onprem"], bucket.Status.Primary.BucketName)
	w.sync(bucket)
	lost := w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, v1alpha1.ReasonPrimaryRelocationRequired)
	wantIn(t, lost.Message, "no longer exists at onprem/dc1")
	w.awaitEvent(v1alpha1.ReasonPrimaryRelocationRequired, "bucket "+bucket.Status.Primary.BucketName+" no longer exists at onprem/dc1")
	w.awaitEvent("SourceListingSuspicious", "nothing was deleted")
	w.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse)
	if held := userKeys(stores["ovh"], replica.Spec.BucketName); len(held) != 20 {
		t.Fatalf("the copy holds %d objects, want 20", len(held))
	}
	if len(stores["onprem"].Buckets()) != 0 {
		t.Errorf("a primary was made again by itself: %v", stores["onprem"].Buckets())
	}

	// The way out that the message names: begin anew, and approve or restore.
	w.delete(w.replicas(bucket)["onprem/dc1"])
	w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionTrue)
	w.await(replica, v1alpha1.ConditionWithinRPO, metav1.ConditionFalse, v1alpha1.ReasonDeletionGuardTripped)
	if held := userKeys(stores["ovh"], replica.Spec.BucketName); len(held) != 20 {
		t.Fatalf("the copy holds %d objects after the primary was made anew, want 20", len(held))
	}
}

func TestAFewDeletionsArePropagated(t *testing.T) {
	w, stores, bucket := registers(t)
	session, name := w.application(bucket)
	if err := session.Remove(context.Background(), provider.Ref{Bucket: name, Key: "registres/0007"}); err != nil {
		t.Fatal(err)
	}
	w.awaitObjects(bucket, 19)
	if held := userKeys(stores["ovh"], w.replicas(bucket)["ovh/GRA"].Spec.BucketName); len(held) != 19 {
		t.Errorf("the copy holds %d objects, want 19", len(held))
	}
}

func TestAKeyThatTheStoreWouldChangeIsNamed(t *testing.T) {
	w := newWorld(t)
	w.emulated("onprem")
	rewriting := w.emulated("ovh", func(o *emulator.Options) { o.RewriteKeys = true })
	w.emulated("tds-outscale")
	w.threeProviders()
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "registres//1901", "double slash")
	put(t, session, name, "registres/1901", "one slash")
	w.sync(bucket)
	replica := w.replicas(bucket)["ovh/GRA"]
	w.await(replica, v1alpha1.ConditionInitialSyncComplete, metav1.ConditionTrue)
	w.eventually(func() error {
		w.get(replica)
		if replica.Status.FailedObjects != 1 || replica.Status.Failures[0].Reason != v1alpha1.ReasonKeysNotExact {
			return notYet("failures: %d, %+v", replica.Status.FailedObjects, replica.Status.Failures)
		}
		return nil
	})
	if replica.Status.Failures[0].Key != "registres//1901" {
		t.Errorf("the failure names %q", replica.Status.Failures[0].Key)
	}
	w.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonObjectsFailed)
	if held, _ := rewriting.Object(replica.Spec.BucketName, "registres/1901"); string(held.Body) != "one slash" {
		t.Errorf("the copy of registres/1901 holds %q", held.Body)
	}
}
