package integration

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// former is the bucket that was there before Rempart.
const former = "actes-prod"

// inherited makes a world whose own premises hold a bucket of old with two objects
// and a foreign tag, listed as adoptable by the dataset actes.
func inherited(t *testing.T, change ...func(*v1alpha1.SovereignProvider)) (*world, map[string]*emulator.Server) {
	t.Helper()
	w := newWorld(t)
	stores := map[string]*emulator.Server{}
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		stores[name] = w.emulated(name, tellsSettings)
	}
	server := stores["onprem"]
	server.PutObjectDirect(former, emulator.Object{Key: "registres/1901", Body: []byte("acte 1901")})
	server.PutObjectDirect(former, emulator.Object{Key: "registres/1902", Body: []byte("acte 1902")})
	listed := func(p *v1alpha1.SovereignProvider) {
		p.Spec.Adoptable = []v1alpha1.AdoptableBucket{{Location: "dc1", BucketName: former, Namespace: w.namespace, Name: "actes"}}
	}
	w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)}, append([]func(*v1alpha1.SovereignProvider){listed}, change...)...)
	w.provider("ovh", []v1alpha1.Location{in("GRA", "FR"), in("BHS", "CA")})
	w.provider("tds-outscale", []v1alpha1.Location{in("eu-west-2", "FR")})
	return w, stores
}

// adopting declares that the dataset adopts a bucket.
func adopting(providerName, location, bucketName string) func(*v1alpha1.SovereignBucketSpec) {
	return func(s *v1alpha1.SovereignBucketSpec) {
		s.Placement.Primary = nil
		s.ExistingBucket = &v1alpha1.ExistingBucket{
			PlaceReference: v1alpha1.PlaceReference{ProviderName: providerName, Location: location}, BucketName: bucketName,
		}
	}
}

// writes are the requests that may have changed something at a bucket.
func writes(server *emulator.Server, bucket string) []emulator.Request {
	return server.Requests(func(r emulator.Request) bool {
		return r.Bucket == bucket && r.Method != http.MethodGet && r.Method != http.MethodHead
	})
}

func wantUntouched(t *testing.T, server *emulator.Server, bucket string) {
	t.Helper()
	if sent := writes(server, bucket); len(sent) != 0 {
		t.Errorf("bucket %s was written to: %+v", bucket, sent)
	}
}

func TestABucketIsAdoptedCopiedDrilledAndNeverDeleted(t *testing.T) {
	w, stores := inherited(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former))
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	if got := bucket.Status.Primary; got.BucketName != former || got.String() != "onprem/dc1" {
		t.Errorf("the primary is %+v", got)
	}
	if origin := w.replicas(bucket)["onprem/dc1"].Spec.Origin; origin != v1alpha1.OriginAdopted {
		t.Errorf("the primary's origin is %q", origin)
	}
	wantMarkedFirst(t, stores["onprem"])
	if state := stores["onprem"].Buckets()[former]; state.Versioning != "Enabled" {
		t.Errorf("versioning is %q, and the policy requires it", state.Versioning)
	}
	w.awaitEvent("BucketAdopted", former)

	// What was there before is copied by the normal run, and restored by a drill.
	w.awaitObjects(bucket, 2)
	session, name := w.application(bucket)
	put(t, session, name, "registres/1903", "acte 1903")
	w.awaitObjects(bucket, 3)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	d := w.drill()
	w.awaitVerdict(d, v1alpha1.VerdictPassed)
	if d.Status.Measured.Objects != 3 {
		t.Errorf("the drill restored %d objects, want 3", d.Status.Measured.Objects)
	}

	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, former)
	w.delete(bucket)
	w.awaitGone(bucket)
	if keys := userKeys(stores["onprem"], former); len(keys) != 3 {
		t.Errorf("the adopted bucket holds %q", keys)
	}

	// The mark stays, so that the dataset declared once more is known again.
	again := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former))
	w.await(again, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.awaitObjects(again, 3)
}

// wantMarkedFirst: as long as the mark is not there, nothing else is written, and
// nobody gets a key.
func wantMarkedFirst(t *testing.T, server *emulator.Server) {
	t.Helper()
	all := server.Requests(func(r emulator.Request) bool {
		isKey := strings.HasPrefix(r.Operation, "Admin")
		return (r.Bucket == former || isKey) && r.Method != http.MethodGet && r.Method != http.MethodHead
	})
	if len(all) == 0 || all[0].Operation != "PutBucketTagging" {
		t.Errorf("the first thing written is not the mark: %+v", all)
	}
	if slices.ContainsFunc(all, func(r emulator.Request) bool { return r.Operation == "CreateBucket" }) {
		t.Error("the bucket was to be made")
	}
}

func TestAdoptionThatIsRefusedTouchesNothing(t *testing.T) {
	listFor := func(change func(*v1alpha1.AdoptableBucket)) func(*v1alpha1.SovereignProvider) {
		return func(p *v1alpha1.SovereignProvider) { change(&p.Spec.Adoptable[0]) }
	}
	for name, test := range map[string]struct {
		provider func(*v1alpha1.SovereignProvider)
		reason   string
		message  string
	}{
		"nothing is listed":       {func(p *v1alpha1.SovereignProvider) { p.Spec.Adoptable = nil }, v1alpha1.ReasonNotAdoptable, "does not list bucket actes-prod at dc1 as adoptable by"},
		"listed for another name": {listFor(func(a *v1alpha1.AdoptableBucket) { a.Name = "autres" }), v1alpha1.ReasonNotAdoptable, "see its spec.adoptable"},
		"listed for another namespace": {
			listFor(func(a *v1alpha1.AdoptableBucket) { a.Namespace = "voirie" }),
			v1alpha1.ReasonNotAdoptable, "the bucket's existingBucket onprem/dc1 is refused",
		},
		"another bucket is listed":   {listFor(func(a *v1alpha1.AdoptableBucket) { a.BucketName = "actes-test" }), v1alpha1.ReasonNotAdoptable, "actes-prod"},
		"another location is listed": {listFor(func(a *v1alpha1.AdoptableBucket) { a.Location = "dc2" }), v1alpha1.ReasonNotAdoptable, "dc1"},
		"its place is illegal": {
			func(p *v1alpha1.SovereignProvider) { p.Spec.Locations[0].Country = "CA" },
			v1alpha1.ReasonOutsidePerimeter, "the bucket's existingBucket onprem/dc1 is refused: CA is outside FR",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, stores := inherited(t, test.provider)
			w.policy("etat-civil")
			bucket := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former))
			refused := w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, test.reason)
			wantIn(t, refused.Message, test.message)
			w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, test.reason)
			if len(bucket.Status.Candidates) == 0 || len(w.allReplicas(bucket)) != 0 {
				t.Errorf("%d candidates, replicas %v", len(bucket.Status.Candidates), w.allReplicas(bucket))
			}
			wantUntouched(t, stores["onprem"], former)
		})
	}
}

func TestAdoptionIsAllowedOnceTheProviderListsTheBucket(t *testing.T) {
	w, _ := inherited(t, func(p *v1alpha1.SovereignProvider) { p.Spec.Adoptable = nil })
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former))
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNotAdoptable)
	onprem := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "onprem"}}
	w.update(onprem, func() {
		onprem.Spec.Adoptable = []v1alpha1.AdoptableBucket{{Location: "dc1", BucketName: former, Namespace: w.namespace, Name: "actes"}}
	})
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

func TestABucketWithAStrangersMarkIsNotAdopted(t *testing.T) {
	w, stores := inherited(t)
	markAs(t, stores["onprem"], former, ownership.Installation{ID: "other", Key: []byte("other")})
	stores["onprem"].ForgetRequests()
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former))
	refused := w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNotOwner)
	wantIn(t, refused.Message, "bucket actes-prod at onprem/dc1 is not ours: the bucket carries the mark of another owner; nothing is written to it")
	// Every look comes to the same.
	w.sync(bucket)
	w.eventually(func() error {
		if looks := stores["onprem"].Count("GetBucketTagging"); looks < 2 {
			return notYet("the bucket was looked at %d times", looks)
		}
		return nil
	})
	wantUntouched(t, stores["onprem"], former)
	if replicas := w.allReplicas(bucket); len(replicas) != 2 {
		t.Errorf("another name was tried: %v", replicas)
	}

	// The other owner lets go of it by hand.
	unmark(t, stores["onprem"], former)
	w.sync(bucket)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

// unmark replaces all tags of a bucket, as an administrator does.
func unmark(t *testing.T, server *emulator.Server, bucket string) {
	t.Helper()
	tagAs(t, server, bucket, "service", "archives")
}

func TestAnAbsentBucketIsNotMadeForAdoption(t *testing.T) {
	w, stores := inherited(t)
	empty(t, stores["onprem"], former)
	stores["onprem"].ForgetRequests()
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former))
	missing := w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonBucketMissing)
	wantIn(t, missing.Message, "bucket actes-prod does not exist at onprem/dc1, and existingBucket makes none")
	wantUntouched(t, stores["onprem"], former)

	stores["onprem"].PutObjectDirect(former, emulator.Object{Key: "registres/1901", Body: []byte("acte 1901")})
	w.sync(bucket)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.awaitObjects(bucket, 1)
}

func TestAnAdoptedBucketThatVanishesIsNotMadeAgain(t *testing.T) {
	w, stores := inherited(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former))
	w.awaitObjects(bucket, 2)
	empty(t, stores["onprem"], former)
	w.sync(bucket)
	lost := w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, v1alpha1.ReasonPrimaryRelocationRequired)
	wantIn(t, lost.Message, "It was adopted and is not made again: bring it back under this name")
	if _, isThere := stores["onprem"].Buckets()[former]; isThere {
		t.Error("the bucket was made")
	}
	copied := w.replicas(bucket)["ovh/GRA"].Spec.BucketName
	if keys := userKeys(stores["ovh"], copied); len(keys) != 2 {
		t.Errorf("the copy holds %q", keys)
	}
}

func TestAdoptionWaitsWhileWritingIsSuspended(t *testing.T) {
	w, stores := inherited(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former), func(s *v1alpha1.SovereignBucketSpec) { s.Suspend = true })
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse)
	wantUntouched(t, stores["onprem"], former)
	w.update(bucket, func() { bucket.Spec.Suspend = false })
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

func TestAdoptionKeepsForeignTags(t *testing.T) {
	w, stores := inherited(t)
	tagAs(t, stores["onprem"], former, "service", "etat civil")
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former))
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	tags := stores["onprem"].Buckets()[former].Tags
	if tags["service"] != "etat civil" || tags[provider.MarkOwnerTag] == "" {
		t.Errorf("the tags are %v", tags)
	}
}

func TestAdoptionSpecsThatAreRefusedAtAdmission(t *testing.T) {
	w, _ := inherited(t)
	w.policy("etat-civil")
	adopt := adopting("onprem", "dc1", former)
	for want, change := range map[string]func(*v1alpha1.SovereignBucketSpec){
		"deletionPolicy Delete does not go with existingBucket": func(s *v1alpha1.SovereignBucketSpec) {
			adopt(s)
			s.DeletionPolicy = v1alpha1.DeletionDelete
		},
		"placement.primary and existingBucket name two places": func(s *v1alpha1.SovereignBucketSpec) {
			adopt(s)
			s.Placement.Primary = &v1alpha1.PlaceReference{ProviderName: "ovh", Location: "GRA"}
		},
	} {
		w.wantRefused(w.bucketObject("actes", "etat-civil", change), want)
	}
	bucket := w.bucket("actes", "etat-civil", adopt)
	w.wantUpdateRefused(bucket, "existingBucket cannot change", func() { bucket.Spec.ExistingBucket.BucketName = "other" })
	w.wantUpdateRefused(bucket, "existingBucket cannot change", func() { bucket.Spec.ExistingBucket = nil })
	w.wantUpdateRefused(bucket, "deletionPolicy Delete does not go with existingBucket", func() { bucket.Spec.DeletionPolicy = v1alpha1.DeletionDelete })
	plain := w.bucket("autres", "etat-civil")
	w.wantUpdateRefused(plain, "existingBucket cannot change", func() { adopt(&plain.Spec) })
}
