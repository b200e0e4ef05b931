package integration

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestAnAccessDeletedByHandEndsWithItsKeys(t *testing.T) {
	w, stores, _, bucket := issued(t)
	access := w.access("actes", "report")
	w.rotation(access, 0, time.Hour)
	w.annotate(access, v1alpha1.RotateRequestedAnnotation, "now")
	w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	session, name := w.consumer("report")
	if keys := stores["onprem"].AccessKeys(); len(keys) != 4 {
		t.Errorf("keys at the store: %v, want the account's, the application's and two of the report's", keys)
	}

	// Nothing is forgotten while the store cannot be reached.
	stores["onprem"].Faults().Down()
	w.delete(access)
	blocked := w.await(access, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
	wantIn(t, blocked.Message, "set the annotation rempart.dev/abandon-keys to true")
	w.awaitEvent("DeletionBlocked", "the keys cannot be revoked")
	w.published("report")
	if copies := w.copies(); len(copies) != 3 {
		t.Errorf("the operator keeps %d copies, want all 3", len(copies))
	}
	stores["onprem"].Faults().Up()
	w.awaitGone(access)
	w.wantNoSecret("report")
	if err := try(session, name); !errors.Is(err, provider.ErrAuthentication) {
		t.Errorf("the key of an access that is gone: %v", err)
	}
	if keys := stores["onprem"].AccessKeys(); len(keys) != 2 || len(w.copies()) != 1 {
		t.Errorf("keys at the store: %v, %d copies, want those of the account and the application", keys, len(w.copies()))
	}
	session, name = w.application(bucket)
	if err := try(session, name); err != nil {
		t.Errorf("the application: %v", err)
	}
}

func TestAnAccessWhoseKeysCannotBeRevokedMayBeLetGo(t *testing.T) {
	w, stores, _, _ := issued(t)
	access := w.access("actes", "report")
	session, name := w.consumer("report")
	w.delete(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: "onprem"}})
	w.delete(access)
	blocked := w.await(access, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
	wantIn(t, blocked.Message, "Secret onprem does not exist in namespace "+w.system)
	w.annotate(access, v1alpha1.AbandonKeysAnnotation, "true")
	w.awaitGone(access)
	w.wantNoSecret("report")
	if err := try(session, name); err != nil {
		t.Errorf("an abandoned key: %v, want it to work", err)
	}
	if keys := stores["onprem"].AccessKeys(); len(keys) != 3 || len(w.copies()) != 1 {
		t.Errorf("keys at the store: %v, %d copies", keys, len(w.copies()))
	}
}

func TestAKeyIsRevokedLateRatherThanNever(t *testing.T) {
	w, stores, clock, bucket := issued(t)
	access := w.accessTo("actes", "actes")
	w.rotation(access, 0, time.Hour)
	w.annotate(access, v1alpha1.RotateRequestedAnnotation, "now")
	keys := w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	stores["onprem"].Faults().Down()
	pass(clock, time.Hour)
	w.wake(access)
	late := w.await(access, v1alpha1.ConditionCredentialsValid, metav1.ConditionFalse, v1alpha1.ReasonProviderUnreachable)
	wantIn(t, late.Message, "key "+keys[1]+" could not be revoked and is tried again")
	w.awaitEvent("CredentialsNotValid", keys[1])
	w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	w.restart()
	stores["onprem"].Faults().Up()
	w.wake(access)
	if got := w.awaitKeys(access, v1alpha1.KeyActive); got[0] != keys[0] {
		t.Errorf("key is %v, want %s", got, keys[0])
	}
	w.await(access, v1alpha1.ConditionCredentialsValid, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

func TestTheApplicationsOwnAccessComesBack(t *testing.T) {
	w, stores, _, bucket := issued(t)
	access := w.accessTo("actes", "actes")
	w.rotation(access, 720*time.Hour, time.Hour)
	// At rest, nothing is asked of the store for it.
	stores["onprem"].ForgetRequests()
	for i := range 3 {
		w.rotation(access, time.Duration(700+i)*time.Hour, time.Hour)
	}
	for _, r := range stores["onprem"].Requests(func(r emulator.Request) bool {
		return strings.HasPrefix(r.Operation, "Admin") || strings.HasSuffix(r.Operation, "BucketPolicy")
	}) {
		t.Errorf("the operator asked %s", r.Operation)
	}
	before := w.published("actes")
	rotation := access.Spec.Rotation
	uid := access.UID
	w.restart()
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.get(access)
	if diff := cmp.Diff(rotation, access.Spec.Rotation); diff != "" {
		t.Errorf("what its owner set (-want +got):\n%s", diff)
	}

	w.delete(access)
	w.eventually(func() error {
		again := w.accessTo("actes", "actes")
		if err := w.client.Get(t.Context(), keyOf(again), again); err != nil || again.UID == uid {
			return notYet("it is not made again: %v", err)
		}
		if !metav1.IsControlledBy(again, bucket) {
			return notYet("it is not the bucket's: %v", again.OwnerReferences)
		}
		return nil
	})
	w.await(access, v1alpha1.ConditionReady, metav1.ConditionTrue)
	if after := w.published("actes"); !cmp.Equal(after.Data, before.Data) || after.UID != before.UID {
		t.Error("the application lost its key with the object")
	}
}

func TestEveryAccessKeepsItsKeysUnderRetain(t *testing.T) {
	for name, end := range map[string]func(*world, *v1alpha1.SovereignBucket, *v1alpha1.SovereignBucketAccess){
		"the bucket is deleted, then the access": func(w *world, bucket *v1alpha1.SovereignBucket, access *v1alpha1.SovereignBucketAccess) {
			w.delete(bucket)
			w.awaitGone(bucket)
			w.await(access, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonBucketNotFound)
			w.delete(access)
			w.awaitGone(access)
		},
		"the namespace is deleted": func(w *world, bucket *v1alpha1.SovereignBucket, access *v1alpha1.SovereignBucketAccess) {
			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
			w.delete(namespace)
			w.awaitGone(access)
			w.awaitGone(bucket)
			w.awaitGone(namespace)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, stores, _, bucket := issued(t)
			access := w.access("actes", "report")
			application, bucketName := w.application(bucket)
			report, _ := w.consumer("report")
			end(w, bucket, access)
			w.awaitGone(w.accessTo("actes", "actes"))
			for who, session := range map[string]provider.Session{"application": application, "report": report} {
				if err := try(session, bucketName); err != nil {
					t.Errorf("the %s: %v", who, err)
				}
			}
			if keys := stores["onprem"].AccessKeys(); len(keys) != 3 {
				t.Errorf("keys at the store: %v", keys)
			}
		})
	}
}

func TestEveryKeyEndsWithABucketThatIsDeleted(t *testing.T) {
	w, stores, bucket := filled(t, v1alpha1.DeletionDelete)
	access := w.access("actes", "report", mode(v1alpha1.AccessReadOnly))
	application, bucketName := w.application(bucket)
	w.delete(bucket)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)

	// As long as it is blocked, every key works.
	if err := try(application, bucketName); err != nil {
		t.Errorf("the application while deletion is blocked: %v", err)
	}
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, bucket.Status.Primary.BucketName)
	w.awaitGone(bucket)
	wantNoBuckets(t, stores)
	w.wantEnded(stores["onprem"])
	w.await(access, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonBucketNotFound)
	if len(access.Status.ActiveKeys) != 0 || access.Status.Grant != "" {
		t.Errorf("the status shows %v, %q", access.Status.ActiveKeys, access.Status.Grant)
	}

	// A bucket of that name begins anew, for every access that is declared.
	w.bucket("actes", "etat-civil")
	w.await(access, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, bucketName := w.consumer("report")
	if _, err := session.ListPage(t.Context(), bucketName, provider.ListRequest{}); err != nil {
		t.Errorf("the report lists: %v", err)
	}
}

func TestEveryKeyEndsWithANamespaceWhoseBucketsAreDeleted(t *testing.T) {
	w, stores, bucket := filled(t, v1alpha1.DeletionDelete)
	w.access("actes", "report")
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, bucket.Status.Primary.BucketName)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	w.delete(namespace)
	w.awaitGone(bucket)
	w.awaitGone(namespace)
	w.wantEnded(stores["onprem"])
}

// wantEnded checks that nothing is left of the keys of the accesses actes and
// report.
func (w *world) wantEnded(store *emulator.Server) {
	w.t.Helper()
	w.awaitGone(w.accessTo("actes", "actes"))
	w.wantKeys(store.AccessKeys(), 0)
	for _, name := range []string{"actes", "report"} {
		w.wantNoSecret(name)
	}
}

func TestASuspendedBucketKeepsItsKeys(t *testing.T) {
	w, stores, clock, bucket := issued(t)
	access := w.accessTo("actes", "actes")
	w.rotation(access, 2*time.Hour, time.Hour)
	w.update(bucket, func() { bucket.Spec.Suspend = true })
	first := w.awaitKeys(access, v1alpha1.KeyActive)
	pass(clock, 3*time.Hour)
	w.wake(access)
	due := w.await(access, v1alpha1.ConditionCredentialsValid, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	wantIn(t, due.Message, "no key is issued while writing is suspended")
	w.await(access, v1alpha1.ConditionReady, metav1.ConditionTrue)
	late := w.accessTo("actes", "late")
	w.create(late)
	w.await(late, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	if keys := stores["onprem"].AccessKeys(); len(keys) != 2 {
		t.Errorf("keys at the store: %v", keys)
	}
	w.update(bucket, func() { bucket.Spec.Suspend = false })
	if got := w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring); got[1] != first[0] {
		t.Errorf("keys are %v, want %s to retire", got, first[0])
	}
	w.await(late, v1alpha1.ConditionReady, metav1.ConditionTrue)

	// Nor is a key revoked.
	report := w.accessTo("actes", "report")
	w.create(report)
	w.rotation(report, 0, time.Hour)
	w.annotate(report, v1alpha1.RotateRequestedAnnotation, "now")
	w.awaitKeys(report, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	onprem := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "onprem"}}
	w.update(onprem, func() { onprem.Spec.Suspend = true })
	pass(clock, time.Hour)
	w.wake(report)
	w.await(report, v1alpha1.ConditionCredentialsValid, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	w.awaitKeys(report, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	w.update(onprem, func() { onprem.Spec.Suspend = false })
	w.awaitKeys(report, v1alpha1.KeyActive)
}

func TestKeysWorkOnAPrimaryThatWasMadeAgain(t *testing.T) {
	w, stores := emulatedWorld(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	writer := w.access("actes", "writer", mode(v1alpha1.AccessWriteOnly))
	before := w.published("actes").Data

	// Another object for the same bucket changes nothing.
	w.delete(w.replicas(bucket)["onprem/dc1"])
	w.eventually(func() error {
		replica := w.replicas(bucket)["onprem/dc1"]
		if replica == nil {
			return notYet("the primary's replica is not made again")
		}
		for _, kept := range w.copies() {
			if !strings.Contains(string(kept.Data["record"]), string(replica.UID)) {
				return notYet("the key %s was not tried on it", kept.Name)
			}
		}
		return nil
	})
	if after := w.published("actes").Data; !cmp.Equal(after, before) {
		t.Error("a key that works was replaced")
	}

	// A bucket made again grants nothing to keys of the one before.
	empty(t, stores["onprem"], bucket.Status.Primary.BucketName)
	w.sync(bucket)
	w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, v1alpha1.ReasonPrimaryRelocationRequired)
	w.delete(w.replicas(bucket)["onprem/dc1"])
	for _, name := range []string{"actes", writer.Name} {
		w.eventually(func() error {
			session, bucketName := w.consumer(name)
			return try(session, bucketName)
		})
	}
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.awaitKeys(writer, v1alpha1.KeyActive)
	w.wantKeys(stores["onprem"].AccessKeys(), 2)
}
