package integration

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
	"github.com/rempart/rempart/test/harness"
)

// secondCluster is another cluster for one test.
func secondCluster(t *testing.T) *harness.ControlPlane {
	t.Helper()
	cluster, err := harness.StartControlPlane(context.Background(), controlPlane.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	return cluster
}

func identifiedBy(id string) func(*app.ManagerOptions) {
	return func(o *app.ManagerOptions) { o.InstallationID = id }
}

// declared makes the usual providers and policy, and a dataset that goes with its
// buckets.
func (w *world) declared() *v1alpha1.SovereignBucket {
	w.t.Helper()
	w.threeProviders()
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) { s.DeletionPolicy = v1alpha1.DeletionDelete })
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	return bucket
}

// The same names in two clusters, at the same accounts.
func TestTwoInstallationsOnOneAccountDoNotFight(t *testing.T) {
	first := newWorld(t, identifiedBy("cluster-a"))
	stores := map[string]*emulator.Server{}
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		stores[name] = first.emulated(name, tellsSettings)
	}
	second := newWorldIn(t, secondCluster(t), identifiedBy("cluster-b"))
	second.stores = first.stores
	second.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: first.namespace}})
	second.namespace = first.namespace

	ours, theirs := first.declared(), second.declared()
	session, name := first.application(ours)
	put(t, session, name, "acte", "of cluster a")
	first.awaitObjects(ours, 1)
	session, name = second.application(theirs)
	put(t, session, name, "acte", "of cluster b")
	put(t, session, name, "acte-2", "of cluster b")
	second.awaitObjects(theirs, 2)
	for store, want := range map[string]int{"onprem": 2, "ovh": 2} {
		if buckets := stores[store].Buckets(); len(buckets) != want {
			t.Errorf("%d buckets at %s, want %d: %v", len(buckets), store, want, slices.Collect(maps.Keys(buckets)))
		}
	}

	// Both look again, and neither finds anything to set right.
	for _, server := range stores {
		server.ForgetRequests()
	}
	first.awaitObjects(ours, 1)
	second.awaitObjects(theirs, 2)
	for store, server := range stores {
		for _, r := range server.Requests(func(r emulator.Request) bool { return r.Method == http.MethodPut && r.Key == "" }) {
			t.Errorf("at %s a bucket was changed: %s %s", store, r.Operation, r.Bucket)
		}
	}

	first.annotate(ours, v1alpha1.ConfirmDeleteAnnotation, ours.Status.Primary.BucketName)
	first.delete(ours)
	first.awaitGone(ours)
	if keys := userKeys(stores["onprem"], name); !slices.Equal(keys, []string{"acte", "acte-2"}) {
		t.Errorf("the other cluster's bucket holds %q", keys)
	}
	second.awaitObjects(theirs, 2)
	second.await(theirs, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

// What one installation adopted, the other one leaves alone, even where it is
// listed as adoptable.
func TestABucketIsAdoptedByOneInstallationOnly(t *testing.T) {
	w, stores := inherited(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former))
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	mark := stores["onprem"].Buckets()[former].Tags[provider.MarkOwnerTag]
	w.stop()
	w.forget()
	w.awaitGone(bucket)

	// Another installation takes the place of the first, with the same names.
	w.options.InstallationID = "another"
	w.delete(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: "rempart-installation"}})
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		w.delete(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: name}})
	}
	w.start()
	w.threeProviders()
	onprem := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "onprem"}}
	w.update(onprem, func() {
		onprem.Spec.Adoptable = []v1alpha1.AdoptableBucket{{Location: "dc1", BucketName: former, Namespace: w.namespace, Name: "actes"}}
	})
	w.policy("etat-civil")
	again := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former))
	w.await(again, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNotOwner)
	if left := stores["onprem"].Buckets()[former].Tags[provider.MarkOwnerTag]; left != mark {
		t.Errorf("the mark became %q", left)
	}
}

// saved gives the objects of Rempart as a backup or a Git repository has them:
// what was declared, without identity, owners or status.
func (w *world) saved(withReplicas bool) []client.Object {
	w.t.Helper()
	lists := []client.ObjectList{&v1alpha1.SovereignProviderList{}, &v1alpha1.SovereigntyPolicyList{}}
	if withReplicas {
		lists = append(lists, &v1alpha1.BucketReplicaList{})
	}
	var objects []client.Object
	for _, list := range append(lists, &v1alpha1.SovereignBucketList{}) {
		if err := w.client.List(context.Background(), list); err != nil {
			w.t.Fatal(err)
		}
		_ = meta.EachListItem(list, func(item runtime.Object) error {
			object := item.DeepCopyObject().(client.Object)
			object.SetUID("")
			object.SetResourceVersion("")
			object.SetOwnerReferences(nil)
			object.SetFinalizers(nil)
			object.SetManagedFields(nil)
			object.SetCreationTimestamp(metav1.Time{})
			objects = append(objects, object)
			return nil
		})
	}
	return objects
}

func TestARestoredInstallationKnowsItsBuckets(t *testing.T) {
	for name, withReplicas := range map[string]bool{"from a Git repository": false, "from a backup with the BucketReplicas": true} {
		t.Run(name, func(t *testing.T) {
			w, stores, bucket := filled(t, v1alpha1.DeletionDelete)
			before := w.replicas(bucket)
			objects := w.saved(withReplicas)
			w.stop()
			w.forget()
			w.awaitGone(bucket)
			for _, server := range stores {
				server.ForgetRequests()
			}
			for _, object := range objects {
				w.create(object)
			}
			w.start()
			again := &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "actes"}}
			w.await(again, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
			if again.UID == bucket.UID {
				t.Fatal("it is the same object")
			}
			for place, replica := range w.replicas(again) {
				if replica.Spec != before[place].Spec || !metav1.IsControlledBy(replica, again) {
					t.Errorf("the copy at %s is %+v of %v, was %+v", place, replica.Spec, replica.OwnerReferences, before[place].Spec)
				}
			}
			for store, server := range stores {
				for _, r := range server.Requests(func(r emulator.Request) bool {
					return r.Key == "acte" && r.Method != http.MethodGet && r.Method != http.MethodHead || r.Operation == "PutBucketTagging" || r.Operation == "CreateBucket"
				}) {
					isScratch := r.Bucket != before["onprem/dc1"].Spec.BucketName && r.Bucket != before["ovh/GRA"].Spec.BucketName
					if !isScratch {
						t.Errorf("at %s: %s %s/%s", store, r.Operation, r.Bucket, r.Key)
					}
				}
			}
			session, primary := w.application(again)
			put(t, session, primary, "acte-2", "1902")
			w.awaitObjects(again, 2)

			// They are its own: they go with it.
			w.annotate(again, v1alpha1.ConfirmDeleteAnnotation, again.Status.Primary.BucketName)
			w.delete(again)
			w.awaitGone(again)
			wantNoBuckets(t, stores)
		})
	}
}

// Without its key an installation cannot tell its own marks from forged ones.
func TestAnInstallationThatLostItsKeyTouchesNothing(t *testing.T) {
	w, stores, bucket := filled(t, v1alpha1.DeletionRetain)
	old := bucket.Status.Primary.BucketName
	objects := w.saved(false)
	w.stop()
	w.forget()
	w.awaitGone(bucket)
	w.delete(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: "rempart-installation"}})
	stores["onprem"].ForgetRequests()
	for _, object := range objects {
		w.create(object)
	}
	w.start()
	again := &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "actes"}}
	w.await(again, v1alpha1.ConditionReady, metav1.ConditionTrue)
	if again.Status.Primary.BucketName == old {
		t.Errorf("bucket %s was taken for its own", old)
	}
	wantUntouched(t, stores["onprem"], old)
	if keys := userKeys(stores["onprem"], old); !slices.Equal(keys, []string{"acte"}) {
		t.Errorf("bucket %s holds %q", old, keys)
	}
}

// Somebody else's BucketReplica under the name is not taken up.
func TestAReplicaThatSaysSomethingElseIsNotTakenUp(t *testing.T) {
	w, _, bucket := filled(t, v1alpha1.DeletionRetain)
	name := w.replicas(bucket)["ovh/GRA"].Name
	objects := w.saved(true)
	w.stop()
	w.forget()
	w.awaitGone(bucket)
	for _, object := range objects {
		if replica, isReplica := object.(*v1alpha1.BucketReplica); isReplica && replica.Name == name {
			replica.Spec.BucketName = "another-bucket"
		}
		w.create(object)
	}
	w.start()
	again := &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "actes"}}
	conflict := w.await(again, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameConflict)
	wantIn(t, conflict.Message, "BucketReplica "+name+" exists and was not made for this bucket: delete it")
}
