package integration

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// nameOf is the name that the first attempt at a copy gives its bucket.
func (w *world) nameOf(bucket, providerName, location string) string {
	return ownership.Installation{ID: w.options.InstallationID}.BucketName(
		ownership.Owner{Namespace: w.namespace, Name: bucket}, ownership.Place{Provider: providerName, Location: location})
}

func TestANameTakenByAStranger(t *testing.T) {
	for name, take := range map[string]func(*testing.T, *emulator.Server, string){
		"another account has it": func(t *testing.T, s *emulator.Server, bucket string) {
			if err := s.AddUser("stranger", "stranger-secret", ""); err != nil {
				t.Fatal(err)
			}
			createAs(t, s, "stranger", "stranger-secret", bucket)
			put(t, open(t, s, "stranger", "stranger-secret"), bucket, "precious", "of somebody else")
		},
		"it holds objects and carries no mark": func(_ *testing.T, s *emulator.Server, bucket string) {
			s.PutObjectDirect(bucket, emulator.Object{Key: "precious", Body: []byte("of somebody else")})
		},
		"it carries the mark of another installation": func(t *testing.T, s *emulator.Server, bucket string) {
			s.PutObjectDirect(bucket, emulator.Object{Key: "precious", Body: []byte("of somebody else")})
			markAs(t, s, bucket, ownership.Installation{ID: "other", Key: []byte("other")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			stores := map[string]*emulator.Server{}
			for _, store := range []string{"onprem", "ovh", "tds-outscale"} {
				stores[store] = w.plain(store)
			}
			w.threeProviders()
			taken := w.nameOf("actes", "onprem", "dc1")
			take(t, stores["onprem"], taken)
			w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) { s.Access.MinimumGrant = v1alpha1.GrantAccountWide })
			bucket := w.bucket("actes", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) { s.DeletionPolicy = v1alpha1.DeletionDelete })
			w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
			if bucket.Status.Primary.BucketName == taken {
				t.Fatalf("the primary is the stranger's bucket %s", taken)
			}
			w.awaitEvent(v1alpha1.ReasonNameConflict, "bucket "+taken+" at onprem/dc1 is not ours")
			w.eventually(func() error {
				if replicas := len(w.allReplicas(bucket)); replicas != 2 {
					return notYet("%d replicas are left, want 2", replicas)
				}
				return nil
			})

			session, own := w.application(bucket)
			put(t, session, own, "acte", "1901")
			w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, own)
			w.delete(bucket)
			w.awaitGone(bucket)
			left := stores["onprem"].Buckets()
			if _, isThere := left[taken]; !isThere || len(left) != 1 {
				t.Errorf("buckets left: %v, want only the stranger's %s", left, taken)
			}
			if versions := stores["onprem"].Versions(taken, "precious"); len(versions) != 1 || string(versions[0].Body) != "of somebody else" {
				t.Errorf("the stranger's object has the versions %+v, want the one that was there", versions)
			}
			if keys := stores["onprem"].Keys(taken); len(keys) != 1 {
				t.Errorf("the stranger's bucket holds %v, want its object alone", keys)
			}
		})
	}
}

// allReplicas are the copies of a bucket with every attempt.
func (w *world) allReplicas(bucket *v1alpha1.SovereignBucket) []v1alpha1.BucketReplica {
	w.t.Helper()
	var list v1alpha1.BucketReplicaList
	if err := w.client.List(context.Background(), &list); err != nil {
		w.t.Fatal(err)
	}
	var own []v1alpha1.BucketReplica
	for _, replica := range list.Items {
		if replica.Namespace == bucket.Namespace && replica.Spec.BucketRef.Name == bucket.Name {
			own = append(own, replica)
		}
	}
	return own
}

func createAs(t *testing.T, s *emulator.Server, accessKey, secretKey, bucket string) {
	t.Helper()
	session := open(t, s, accessKey, secretKey)
	if err := session.CreateBucket(context.Background(), provider.Bucket{Name: bucket}); err != nil {
		t.Fatal(err)
	}
}

func markAs(t *testing.T, s *emulator.Server, bucket string, installation ownership.Installation) {
	t.Helper()
	session := open(t, s, s.AccessKey, s.SecretKey)
	mark := installation.Mark(ownership.Owner{Namespace: "ns", Name: "other"}, bucket)
	if err := session.UpdateBucket(context.Background(), provider.Bucket{Name: bucket, Mark: mark}); err != nil {
		t.Fatal(err)
	}
}

func TestABucketMadeJustBeforeACrashIsTakenUp(t *testing.T) {
	w, stores := emulatedWorld(t)
	stores["onprem"].CreateBucket(w.nameOf("actes", "onprem", "dc1"))
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	if got, want := bucket.Status.Primary.BucketName, w.nameOf("actes", "onprem", "dc1"); got != want {
		t.Errorf("the primary is %s, want the empty bucket %s that was there", got, want)
	}
}

func TestAForgedReplicaMovesNothing(t *testing.T) {
	w, stores := emulatedWorld(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")
	w.awaitObjects(bucket, 1)

	controller := metav1.NewControllerRef(bucket, v1alpha1.GroupVersion.WithKind("SovereignBucket"))
	for label, forged := range map[string]*v1alpha1.BucketReplica{
		"outside the perimeter, owned": {
			ObjectMeta: metav1.ObjectMeta{Name: "forged-owned", OwnerReferences: []metav1.OwnerReference{*controller}},
			Spec:       v1alpha1.BucketReplicaSpec{PlaceReference: v1alpha1.PlaceReference{ProviderName: "ovh", Location: "BHS"}},
		},
		"inside, not made by the operator": {
			ObjectMeta: metav1.ObjectMeta{Name: "forged-foreign"},
			Spec:       v1alpha1.BucketReplicaSpec{PlaceReference: v1alpha1.PlaceReference{ProviderName: "tds-outscale", Location: "eu-west-2"}},
		},
	} {
		forged.Namespace = w.namespace
		forged.Spec.BucketRef.Name, forged.Spec.BucketName, forged.Spec.Role = "actes", "forged-bucket", v1alpha1.RoleReplica
		w.create(forged)
		refused := w.await(forged, v1alpha1.ConditionReady, metav1.ConditionFalse)
		if refused.Reason != v1alpha1.ReasonOutsidePerimeter && refused.Reason != v1alpha1.ReasonBucketNotFound {
			t.Errorf("%s: Ready is False for %s: %s", label, refused.Reason, refused.Message)
		}
	}
	for store, server := range stores {
		if _, isThere := server.Buckets()["forged-bucket"]; isThere {
			t.Errorf("the forged bucket was made at %s", store)
		}
	}
}

func TestAReplicaDeletedByHandIsMadeAgain(t *testing.T) {
	w, stores := emulatedWorld(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")
	w.awaitObjects(bucket, 1)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)

	held := map[string][]emulator.Object{}
	for store, place := range map[string]string{"ovh": "ovh/GRA", "onprem": "onprem/dc1"} {
		held[store] = stores[store].Versions(w.replicas(bucket)[place].Spec.BucketName, "acte")
		stores[store].ForgetRequests()
	}
	for _, place := range []string{"ovh/GRA", "onprem/dc1"} {
		before := w.replicas(bucket)[place]
		if before == nil {
			t.Fatalf("no replica at %s: %v", place, w.replicas(bucket))
		}
		w.delete(before)
		w.eventually(func() error {
			again := w.replicas(bucket)[place]
			if again == nil || again.UID == before.UID || !meta.IsStatusConditionTrue(again.Status.Conditions, v1alpha1.ConditionReady) {
				return notYet("the replica at %s is not made again: %v", place, again)
			}
			if again.Spec != before.Spec {
				return notYet("its spec is %+v, want %+v", again.Spec, before.Spec)
			}
			return nil
		})
	}
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	for store, place := range map[string]string{"ovh": "ovh/GRA", "onprem": "onprem/dc1"} {
		for _, request := range stores[store].Requests(touchesData) {
			t.Errorf("data was touched at %s: %s %s", store, request.Operation, request.Key)
		}
		after := stores[store].Versions(w.replicas(bucket)[place].Spec.BucketName, "acte")
		if diff := cmp.Diff(held[store], after, cmpopts.IgnoreUnexported(emulator.Object{})); diff != "" || len(after) != 1 {
			t.Errorf("%d versions of the object at %s, before and after (-want +got):\n%s", len(after), store, diff)
		}
	}
}

// isWrite tells whether a request may change something at a store.
func isWrite(r emulator.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// touchesData tells whether a request may change an object of the dataset. One
// that deletes many names its keys in its body.
func touchesData(r emulator.Request) bool {
	isOfADataset := r.Key != "" && !strings.HasPrefix(r.Key, provider.ReservedPrefix)
	return isWrite(r) && (isOfADataset || r.Operation == "DeleteObjects")
}

func TestDriftIsCorrectedOrReported(t *testing.T) {
	t.Run("corrected", func(t *testing.T) {
		w, stores := emulatedWorld(t)
		w.policy("etat-civil")
		bucket := w.bucket("actes", "etat-civil")
		w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
		copied := w.replicas(bucket)["ovh/GRA"].Spec.BucketName
		suspend(t, stores["ovh"], copied)
		w.restart() // a new process looks at once
		w.eventually(func() error {
			state, err := open(t, stores["ovh"], stores["ovh"].AccessKey, stores["ovh"].SecretKey).ObserveBucket(context.Background(), copied)
			if err != nil || state.Versioning != provider.VersioningEnabled {
				return notYet("versioning is %s (%v)", state.Versioning, err)
			}
			return nil
		})
		w.awaitEvent("DriftDetected", "versioning is Suspended, should be Enabled")
	})
	t.Run("reported", func(t *testing.T) {
		w, stores := emulatedWorld(t)
		w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) { s.Protection.Drift = v1alpha1.DriftReport })
		bucket := w.bucket("actes", "etat-civil")
		w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
		suspend(t, stores["ovh"], w.replicas(bucket)["ovh/GRA"].Spec.BucketName)
		w.restart()
		w.eventually(func() error {
			replica := w.replicas(bucket)["ovh/GRA"]
			if len(replica.Status.Drift) != 1 || replica.Status.Drift[0].Got != "Suspended" {
				return notYet("drift is %+v", replica.Status.Drift)
			}
			return nil
		})
		w.awaitEvent("DriftDetected", "versioning is Suspended")
	})
}

func suspend(t *testing.T, server *emulator.Server, bucket string) {
	t.Helper()
	other := otherClient(t, server)
	if err := other.SuspendVersioning(context.Background(), bucket); err != nil {
		t.Fatal(err)
	}
}

// Somebody deletes a bucket of ours and makes one of the same name: what is in it is
// theirs, although a small enough difference would pass the deletion guard.
func TestABucketThatSomebodyMadeAnewIsNotOurs(t *testing.T) {
	for name, test := range map[string]struct{ store, place string }{
		"of a copy":      {"ovh", "ovh/GRA"},
		"of the primary": {"onprem", "onprem/dc1"},
	} {
		t.Run(name, func(t *testing.T) {
			w, stores, bucket := filled(t, v1alpha1.DeletionRetain)
			replica := w.replicas(bucket)[test.place]
			taken, store := replica.Spec.BucketName, stores[test.store]
			w.stop()
			session := open(t, store, store.AccessKey, store.SecretKey)
			if _, err := provider.Empty(t.Context(), session, taken); err != nil {
				t.Fatal(err)
			}
			if err := session.DeleteBucket(t.Context(), taken); err != nil {
				t.Fatal(err)
			}
			if test.store == "onprem" { // that it is gone is noticed before there is another one
				w.start()
				w.sync(bucket)
				w.await(replica, v1alpha1.ConditionProvisioned, metav1.ConditionFalse, v1alpha1.ReasonPrimaryRelocationRequired)
				w.stop()
			}
			store.PutObjectDirect(taken, emulator.Object{Key: "precious", Body: []byte("of somebody else")})
			w.start()
			w.sync(bucket)
			refused := w.await(replica, v1alpha1.ConditionProvisioned, metav1.ConditionFalse, v1alpha1.ReasonNotOwner)
			wantIn(t, refused.Message, "carries no mark")
			// A second look knows no better.
			w.sync(bucket)
			w.settled(replica, 2*time.Second)
			w.await(replica, v1alpha1.ConditionProvisioned, metav1.ConditionFalse, v1alpha1.ReasonNotOwner)
			if state, err := session.ObserveBucket(t.Context(), taken); err != nil || state.Mark != nil {
				t.Errorf("the bucket is marked %+v, %v", state.Mark, err)
			}
			if object, isThere := store.Object(taken, "precious"); !isThere || string(object.Body) != "of somebody else" {
				t.Errorf("the object is %q", object.Body)
			}
			if held := store.Keys(taken); len(held) != 1 {
				t.Errorf("the bucket holds %q", held)
			}
			if left := userKeys(stores["ovh"], w.replicas(bucket)["ovh/GRA"].Spec.BucketName); test.store == "onprem" && len(left) != 1 {
				t.Errorf("the copy holds %q", left)
			}
		})
	}
}
