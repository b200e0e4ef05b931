package integration

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// filled is a dataset with one object, copied.
func filled(t *testing.T, policy v1alpha1.DeletionPolicy) (*world, map[string]*emulator.Server, *v1alpha1.SovereignBucket) {
	t.Helper()
	w, stores := emulatedWorld(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) { s.DeletionPolicy = policy })
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")
	w.awaitObjects(bucket, 1)
	w.get(bucket)
	return w, stores, bucket
}

// secretOf is the application's Secret.
func secretOf(bucket *v1alpha1.SovereignBucket) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: bucket.Namespace, Name: bucket.Name}}
}

func TestRetainLeavesBucketsDataAndKeys(t *testing.T) {
	w, stores, bucket := filled(t, v1alpha1.DeletionRetain)
	session, name := w.application(bucket)
	w.delete(bucket)
	w.awaitGone(bucket)
	for _, store := range []string{"onprem", "ovh"} {
		if buckets := stores[store].Buckets(); len(buckets) != 1 {
			t.Errorf("buckets at %s: %v, want the one that was there", store, buckets)
		}
	}
	put(t, session, name, "acte-2", "the key still works")
	w.get(secretOf(bucket))
}

func TestDeleteAsksForConfirmation(t *testing.T) {
	w, stores, bucket := filled(t, v1alpha1.DeletionDelete)
	w.delete(bucket)
	blocked := w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
	wantIn(t, blocked.Message, "set the annotation rempart.dev/confirm-delete to "+bucket.Status.Primary.BucketName)
	wantIn(t, blocked.Message, "set spec.deletionPolicy to Retain")

	// As long as it is blocked nothing is lost, and the copies are kept up.
	session, name := w.application(bucket)
	put(t, session, name, "acte-2", "1902")
	w.awaitObjects(bucket, 2)

	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, "some-other-bucket")
	w.sync(bucket)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, bucket.Status.Primary.BucketName)
	w.awaitGone(bucket)
	wantNoBuckets(t, stores)
	w.awaitGone(secretOf(bucket))
	if keys := stores["onprem"].AccessKeys(); len(keys) != 1 {
		t.Errorf("keys left at the primary's store: %v, want the account's own", keys)
	}
}

func TestDeleteRemovesEmptyBucketsAtOnce(t *testing.T) {
	w, stores := emulatedWorld(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) { s.DeletionPolicy = v1alpha1.DeletionDelete })
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	w.delete(bucket)
	w.awaitGone(bucket)
	wantNoBuckets(t, stores)
}

func TestABlockedDeletionMayBeTurnedIntoRetain(t *testing.T) {
	w, stores, bucket := filled(t, v1alpha1.DeletionDelete)
	w.delete(bucket)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
	w.update(bucket, func() { bucket.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
	w.awaitGone(bucket)
	if len(stores["onprem"].Buckets()) != 1 || len(stores["ovh"].Buckets()) != 1 {
		t.Errorf("buckets: %v, %v", stores["onprem"].Buckets(), stores["ovh"].Buckets())
	}
}

func TestCredentialsDeletedBeforeTheBucket(t *testing.T) {
	t.Run("the Secret comes back", func(t *testing.T) {
		w, stores, bucket := filled(t, v1alpha1.DeletionDelete)
		credentials := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: "ovh"}}
		w.get(credentials)
		w.delete(credentials)
		w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, bucket.Status.Primary.BucketName)
		w.delete(bucket)
		replica := w.replicas(bucket)["ovh/GRA"]
		blocked := w.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
		wantIn(t, blocked.Message, "Secret ovh does not exist in namespace "+w.system)
		wantIn(t, blocked.Message, "set spec.deletionPolicy of the SovereignBucket to Retain")
		if len(stores["ovh"].Buckets()) != 1 {
			t.Errorf("buckets at ovh: %v", stores["ovh"].Buckets())
		}

		w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: "ovh"}, Data: credentials.Data})
		w.awaitGone(bucket)
		wantNoBuckets(t, stores)
	})
	t.Run("the way out", func(t *testing.T) {
		w, stores, bucket := filled(t, v1alpha1.DeletionDelete)
		w.delete(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: "ovh"}})
		w.delete(bucket)
		blocked := w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
		wantIn(t, blocked.Message, "set spec.deletionPolicy to Retain")
		w.update(bucket, func() { bucket.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
		w.awaitGone(bucket)
		if len(stores["ovh"].Buckets()) != 1 || len(stores["onprem"].Buckets()) != 1 {
			t.Errorf("buckets: %v, %v", stores["onprem"].Buckets(), stores["ovh"].Buckets())
		}
	})
}

func TestAProviderInUseStaysUntilItsCopiesAreGone(t *testing.T) {
	w, _, bucket := filled(t, v1alpha1.DeletionRetain)
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	w.delete(ovh)
	blocked := w.await(ovh, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
	wantIn(t, blocked.Message, w.namespace+"/actes")
	w.delete(bucket)
	w.awaitGone(bucket)
	w.awaitGone(ovh)
}

func TestANamespaceTakesItsBucketsAlongUnderDelete(t *testing.T) {
	w, stores, bucket := filled(t, v1alpha1.DeletionDelete)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	w.delete(namespace)
	w.eventually(func() error {
		w.get(bucket)
		for _, replica := range w.allReplicas(bucket) {
			ready := meta.FindStatusCondition(replica.Status.Conditions, v1alpha1.ConditionReady)
			if ready != nil && ready.Reason == v1alpha1.ReasonDeletionNotConfirmed {
				return nil
			}
		}
		return notYet("nobody asks for confirmation: %v", bucket.Status.Conditions)
	})
	if len(stores["onprem"].Buckets()) != 1 || len(stores["ovh"].Buckets()) != 1 {
		t.Fatalf("buckets before anybody confirmed: %v, %v", stores["onprem"].Buckets(), stores["ovh"].Buckets())
	}
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, bucket.Status.Primary.BucketName)
	w.awaitGone(bucket)
	w.awaitGone(namespace)
	if len(stores["onprem"].Buckets())+len(stores["ovh"].Buckets()) != 0 {
		t.Errorf("buckets are left behind: %v, %v", stores["onprem"].Buckets(), stores["ovh"].Buckets())
	}
}

func TestANamespaceDeletesWithItsBuckets(t *testing.T) {
	w, stores, bucket := filled(t, v1alpha1.DeletionRetain)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	w.delete(namespace)
	w.awaitGone(bucket)
	w.awaitGone(namespace)
	if len(stores["onprem"].Buckets()) != 1 || len(stores["ovh"].Buckets()) != 1 {
		t.Errorf("buckets: %v, %v", stores["onprem"].Buckets(), stores["ovh"].Buckets())
	}
}
