package integration

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// lockable makes an installation with two stores that lock and encrypt, and one
// that does neither.
func lockable(t *testing.T) (*world, map[string]*emulator.Server) {
	t.Helper()
	w := newWorld(t)
	able := func(o *emulator.Options) { o.StoredConfigurations = []string{"encryption"} }
	stores := map[string]*emulator.Server{
		"onprem":       w.emulated("onprem", able),
		"ovh":          w.emulated("ovh", able),
		"tds-outscale": w.emulated("tds-outscale", func(o *emulator.Options) { o.NoObjectLock = true }),
	}
	w.threeProviders()
	return w, stores
}

func underLock(s *v1alpha1.SovereigntyPolicySpec) {
	s.Protection.ObjectLock = &v1alpha1.ObjectLock{Mode: v1alpha1.LockGovernance, Retention: &metav1.Duration{Duration: 720 * time.Hour}}
	s.Protection.Encryption = v1alpha1.EncryptionProviderManaged
}

var month = provider.Protection{
	ObjectLock: true, Retention: provider.Retention{Mode: provider.Governance, Days: 30}, Encryption: provider.ProviderManaged,
}

// protectionAt is how a copy's bucket is protected, as the store has it.
func protectionAt(t *testing.T, server *emulator.Server, bucket string) provider.Protection {
	t.Helper()
	protection, err := open(t, server, server.AccessKey, server.SecretKey).ObserveProtection(context.Background(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	return protection
}

func TestCopiesAreKeptUnderLock(t *testing.T) {
	w, stores := lockable(t)
	w.policy("etat-civil", underLock)
	wantNoBuckets(t, stores) // what was tried left nothing
	for name, want := range map[string]v1alpha1.CapabilitySupport{"onprem": "Supported", "ovh": "Supported", "tds-outscale": "Unsupported"} {
		p := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: name}}
		w.get(p)
		found := p.Status.Locations[0].Capabilities
		if found.ObjectLock != want || found.Encryption != want || found.ConditionalWrites != "Supported" {
			t.Errorf("of %s it is published: %+v", name, found)
		}
	}
	bucket := w.bucket("actes", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) { s.DeletionPolicy = v1alpha1.DeletionDelete })
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	if got := objectionsTo(bucket, "tds-outscale"); !slices.Contains(got, "capability: object lock is Unsupported there") {
		t.Errorf("the store without a lock is refused for %q", got)
	}
	session, name := w.application(bucket)
	put(t, session, name, "actes//odd", "1900")
	put(t, session, name, "acte", "1901")
	w.awaitObjects(bucket, 2)
	copies := w.replicas(bucket)
	names := map[string]string{"onprem": copies["onprem/dc1"].Spec.BucketName, "ovh": copies["ovh/GRA"].Spec.BucketName}
	for store, name := range names {
		if diff := cmp.Diff(month, protectionAt(t, stores[store], name)); diff != "" {
			t.Errorf("at %s (-want +got):\n%s", store, diff)
		}
		if object, _ := stores[store].Object(name, "acte"); object.Retention.Mode != "GOVERNANCE" || object.Encryption != "AES256" {
			t.Errorf("at %s the object is %+v, encrypted %q", store, object.Retention, object.Encryption)
		}
	}

	// What changes is a new version, what is deleted is hidden, and the old ones stay.
	put(t, session, name, "acte", "1901, corrected")
	if err := session.Remove(context.Background(), provider.Ref{Bucket: name, Key: "actes//odd"}); err != nil {
		t.Fatal(err)
	}
	w.awaitObjects(bucket, 1)
	if versions := stores["ovh"].Versions(names["ovh"], "actes//odd"); len(versions) != 2 {
		t.Errorf("%d versions of what was deleted, want the locked one and the marker", len(versions))
	}

	// A drill's sandbox inherits none of it.
	d := w.drill(func(s *v1alpha1.ReversibilityDrillSpec) { s.To = &v1alpha1.DrillPlace{ProviderName: "onprem"} })
	w.awaitVerdict(d, v1alpha1.VerdictPassed)
	w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
	if left := stores["onprem"].Buckets(); len(left) != 1 {
		t.Errorf("left at the sandbox's store: %v", left)
	}

	// Deleting waits for the lock, and says until when.
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, bucket.Status.Primary.BucketName)
	w.delete(bucket)
	until := time.Now().UTC().AddDate(0, 0, 30).Format(time.DateOnly)
	for _, blocked := range []metav1.Condition{
		w.await(copies["ovh/GRA"], v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked),
		w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked),
	} {
		wantIn(t, blocked.Message, "under object lock until "+until)
		wantIn(t, blocked.Message, "set spec.deletionPolicy of the SovereignBucket to Retain")
	}
	if object, isThere := stores["ovh"].Object(names["ovh"], "acte"); !isThere || string(object.Body) != "1901, corrected" {
		t.Errorf("what is locked is gone: %+v", object)
	}
	w.update(bucket, func() { bucket.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
	w.awaitGone(bucket)
	if len(stores["onprem"].Buckets()) != 1 || len(stores["ovh"].Buckets()) != 1 {
		t.Errorf("buckets: %v, %v", stores["onprem"].Buckets(), stores["ovh"].Buckets())
	}
}

// objectionsTo are the rules and sentences against a provider's places.
func objectionsTo(bucket *v1alpha1.SovereignBucket, providerName string) (objections []string) {
	for _, candidate := range bucket.Status.Candidates {
		for _, objection := range candidate.Objections {
			if candidate.ProviderName == providerName {
				objections = append(objections, objection.Rule+": "+objection.Message)
			}
		}
	}
	return objections
}

func TestALockThatWasShortenedIsSetRight(t *testing.T) {
	w, stores := lockable(t)
	w.policy("etat-civil", underLock)
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	name := w.replicas(bucket)["ovh/GRA"].Spec.BucketName
	session := open(t, stores["ovh"], stores["ovh"].AccessKey, stores["ovh"].SecretKey)
	shorter := provider.Bucket{Name: name, Protection: provider.Protection{
		ObjectLock: true, Retention: provider.Retention{Mode: provider.Governance, Days: 1},
	}}
	if err := session.UpdateBucket(context.Background(), shorter); err != nil {
		t.Fatal(err)
	}
	w.restart() // a new process looks at every bucket
	w.awaitEvent("DriftDetected", "object lock is GOVERNANCE for a day, should be GOVERNANCE for 30 days")
	w.eventually(func() error {
		if got := protectionAt(t, stores["ovh"], name); got != month {
			return notYet("the bucket is protected by %+v", got)
		}
		return nil
	})
}

// A bucket that is there cannot get object lock: it says so, its content is kept up
// all the same, and a replica made anew has it.
func TestAPolicyThatBeginsToAskForALock(t *testing.T) {
	w, stores := lockable(t)
	policy := w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) {
		s.Placement.ProviderNames = []string{"onprem", "ovh"}
	})
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")
	w.awaitObjects(bucket, 1)

	w.update(policy, func() { underLock(&policy.Spec) })
	copies := w.replicas(bucket)
	for _, copied := range copies {
		missing := w.await(copied, v1alpha1.ConditionProvisioned, metav1.ConditionFalse, v1alpha1.ReasonProtectionMissing)
		wantIn(t, missing.Message, "object lock is off, should be GOVERNANCE for 30 days")
		w.await(copied, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonProtectionMissing)
	}
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonProtectionMissing)
	w.awaitEvent("ProtectionMissing", "object lock is off")
	held := copies["ovh/GRA"].Spec.BucketName
	w.eventually(func() error { // what can be added is
		if got := protectionAt(t, stores["ovh"], held); got.Encryption != provider.ProviderManaged {
			return notYet("the bucket is protected by %+v", got)
		}
		return nil
	})
	put(t, session, name, "acte-2", "1902")
	w.awaitObjects(bucket, 2)

	empty(t, stores["ovh"], held)
	w.restart()
	w.await(copies["ovh/GRA"], v1alpha1.ConditionProvisioned, metav1.ConditionTrue)
	w.awaitObjects(bucket, 2)
	if diff := cmp.Diff(month, protectionAt(t, stores["ovh"], held)); diff != "" {
		t.Errorf("made anew (-want +got):\n%s", diff)
	}
}

func TestRetentionsThatCannotBe(t *testing.T) {
	w := newWorld(t)
	for retention, message := range map[time.Duration]string{
		time.Hour:           "retention must be between 24h and 876000h",
		36 * time.Hour:      "retention must be whole days, such as 720h",
		900_000 * time.Hour: "retention must be between 24h and 876000h",
	} {
		policy := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "locks"}, Spec: v1alpha1.SovereigntyPolicySpec{
			Residency:  v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR},
			Protection: v1alpha1.Protection{ObjectLock: &v1alpha1.ObjectLock{Mode: v1alpha1.LockCompliance, Retention: &metav1.Duration{Duration: retention}}},
		}}
		err := w.client.Create(context.Background(), policy)
		if err == nil {
			t.Errorf("a retention of %s was admitted", retention)
			continue
		}
		wantIn(t, err.Error(), message)
	}
}

// What an emulator was made to do is one thing, what a gateway does another.
func TestARealGatewayKeepsTheLock(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		w.versity(name)
	}
	w.threeProviders()
	w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
		underLock(s)
		s.Protection.Encryption = ""
	})
	bucket := w.bucket("actes", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) { s.DeletionPolicy = v1alpha1.DeletionDelete })
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	for _, text := range []string{"1901", "1901, corrected"} {
		put(t, session, name, "acte", text)
		put(t, session, name, "acte-"+text, text)
	}
	w.awaitObjects(bucket, 3)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, bucket.Status.Primary.BucketName)
	w.delete(bucket)
	blocked := w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeletionBlocked)
	wantIn(t, blocked.Message, "under object lock until "+time.Now().UTC().AddDate(0, 0, 30).Format(time.DateOnly))
	w.update(bucket, func() { bucket.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
	w.awaitGone(bucket)
}
