package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
	"github.com/rempart/rempart/test/harness"
)

// timed gives the operator a clock that the test moves on.
func timed(clock *clocktesting.FakePassiveClock) func(*app.ManagerOptions) {
	return func(o *app.ManagerOptions) { o.Clock = clock }
}

func newClock() *clocktesting.FakePassiveClock { return clocktesting.NewFakePassiveClock(time.Now()) }

func pass(clock *clocktesting.FakePassiveClock, d time.Duration) { clock.SetTime(clock.Now().Add(d)) }

// accessTo is a SovereignBucketAccess; with the bucket's name it is the
// application's.
func (w *world) accessTo(bucket, name string, change ...func(*v1alpha1.SovereignBucketAccessSpec)) *v1alpha1.SovereignBucketAccess {
	access := &v1alpha1.SovereignBucketAccess{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: v1alpha1.SovereignBucketAccessSpec{
			BucketRef: v1alpha1.NameReference{Name: bucket}, AccessMode: v1alpha1.AccessReadWrite,
		},
	}
	for _, f := range change {
		f(&access.Spec)
	}
	return access
}

func mode(m v1alpha1.AccessMode) func(*v1alpha1.SovereignBucketAccessSpec) {
	return func(s *v1alpha1.SovereignBucketAccessSpec) { s.AccessMode = m }
}

// access makes an access and waits until its key is published.
func (w *world) access(bucket, name string, change ...func(*v1alpha1.SovereignBucketAccessSpec)) *v1alpha1.SovereignBucketAccess {
	w.t.Helper()
	access := w.accessTo(bucket, name, change...)
	w.create(access)
	w.await(access, v1alpha1.ConditionReady, metav1.ConditionTrue)
	return access
}

// rotation sets when the keys of an access are replaced, and waits until the
// operator has seen it, with the time it has now.
func (w *world) rotation(access *v1alpha1.SovereignBucketAccess, interval, overlap time.Duration) {
	w.t.Helper()
	w.update(access, func() {
		access.Spec.Rotation = v1alpha1.KeyRotation{Overlap: &metav1.Duration{Duration: overlap}}
		if interval > 0 {
			access.Spec.Rotation.Interval = &metav1.Duration{Duration: interval}
		}
	})
	generation := access.Generation
	w.eventually(func() error {
		w.get(access)
		if access.Status.ObservedGeneration < generation {
			return notYet("generation %d was not seen", generation)
		}
		return nil
	})
}

// wake has the operator look at an access, as the passing of time would.
func (w *world) wake(access *v1alpha1.SovereignBucketAccess) {
	w.t.Helper()
	w.annotate(access, "example.fr/woken", time.Now().Format(time.RFC3339Nano))
}

// awaitKeys waits until an access has keys of these states, and gives their names.
func (w *world) awaitKeys(access *v1alpha1.SovereignBucketAccess, want ...v1alpha1.KeyState) []string {
	w.t.Helper()
	var names []string
	w.eventually(func() error {
		w.get(access)
		states := []v1alpha1.KeyState{}
		names = nil
		for _, key := range access.Status.ActiveKeys {
			states, names = append(states, key.State), append(names, key.KeyID)
		}
		if diff := cmp.Diff(want, states); diff != "" {
			return notYet("keys (-want +got):\n%s", diff)
		}
		return nil
	})
	return names
}

// published reads the Secret of consumers.
func (w *world) published(name string) *corev1.Secret {
	w.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
	w.get(secret)
	return secret
}

// copies are the operator's own copies of keys.
func (w *world) copies() []corev1.Secret {
	w.t.Helper()
	var list corev1.SecretList
	if err := w.client.List(context.Background(), &list, client.InNamespace(w.system)); err != nil {
		w.t.Fatal(err)
	}
	var copies []corev1.Secret
	for _, secret := range list.Items {
		if secret.Type == "rempart.dev/issued-key" {
			copies = append(copies, secret)
		}
	}
	return copies
}

// try stores an object, and gives what came of it.
func try(session provider.Session, bucket string) error {
	_, err := session.Put(context.Background(), provider.Ref{Bucket: bucket, Key: "try"}, provider.Content{
		Reader: strings.NewReader("x"), Size: 1, SHA256: "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
	}, provider.Attributes{})
	return err
}

// issued is a dataset whose application has its key, on a clock of the test.
func issued(t *testing.T) (*world, map[string]*emulator.Server, *clocktesting.FakePassiveClock, *v1alpha1.SovereignBucket) {
	t.Helper()
	clock := newClock()
	w, stores := emulatedWorld(t, timed(clock))
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	return w, stores, clock, bucket
}

// worker uses a bucket all the time until it is told to stop, and notes every
// failure.
type worker struct {
	stop   func()
	failed func() error
}

func work(use func() error) worker {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	var errs []error
	ended.Go(func() {
		for ctx.Err() == nil {
			if err := use(); err != nil {
				errs = append(errs, err)
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	stop := func() { cancel(); ended.Wait() }
	return worker{stop: stop, failed: func() error { stop(); return errors.Join(errs...) }}
}

func TestAKeyIsReplacedWhileItsConsumersWork(t *testing.T) {
	w, stores, clock, bucket := issued(t)
	access := w.accessTo("actes", "actes")
	w.rotation(access, 720*time.Hour, time.Hour)
	first := w.awaitKeys(access, v1alpha1.KeyActive)[0]
	old, name := w.application(bucket)
	holdsOld := work(func() error { return try(old, name) })
	defer holdsOld.stop()
	readsSecret := work(func() error {
		session, name := w.application(bucket)
		return try(session, name)
	})
	defer readsSecret.stop()

	pass(clock, 720*time.Hour-time.Minute)
	w.rotation(access, 720*time.Hour, time.Hour+time.Second)
	if got := w.awaitKeys(access, v1alpha1.KeyActive)[0]; got != first {
		t.Errorf("the key was replaced a minute too early")
	}
	pass(clock, time.Minute)
	rotated := clock.Now()
	w.wake(access)
	keys := w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	if keys[0] == first || keys[1] != first {
		t.Errorf("keys are %v, want a new one before %s", keys, first)
	}
	if got := access.Status.LastRotationTime; got == nil || !got.Time.Equal(rotated.Truncate(time.Second)) {
		t.Errorf("rotated at %s, want %s", got, rotated)
	}
	want := map[string]string{
		v1alpha1.KeyIDAnnotation: keys[0], v1alpha1.KeyGenerationAnnotation: "2",
		v1alpha1.KeyIssuedAtAnnotation: rotated.UTC().Format(time.RFC3339),
		v1alpha1.KeyNotAfterAnnotation: rotated.Add(721*time.Hour + time.Second).UTC().Format(time.RFC3339),
	}
	if diff := cmp.Diff(want, w.published("actes").Annotations); diff != "" {
		t.Errorf("annotations of the Secret (-want +got):\n%s", diff)
	}
	w.awaitEvent("CredentialsRotated", keys[0])

	pass(clock, time.Hour)
	w.rotation(access, 720*time.Hour, time.Hour+2*time.Second)
	w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	if err := holdsOld.failed(); err != nil {
		t.Errorf("who held the old key was refused before its time was over: %v", err)
	}
	pass(clock, 2*time.Second)
	w.wake(access)
	w.awaitKeys(access, v1alpha1.KeyActive)
	w.awaitEvent("KeyRetired", first)
	if err := try(old, name); !errors.Is(err, provider.ErrAuthentication) {
		t.Errorf("the old key after the overlap: %v", err)
	}
	if err := readsSecret.failed(); err != nil {
		t.Errorf("who reads the Secret was refused: %v", err)
	}
	if keys := stores["onprem"].AccessKeys(); len(keys) != 2 {
		t.Errorf("keys at the store: %v, want the account's and one of the application's", keys)
	}
	w.wantNoSecretShown()
}

func keyOf(object client.Object) client.ObjectKey { return client.ObjectKeyFromObject(object) }

// wantNoSecretShown looks for the secret values of keys in all that is shown of
// accesses and buckets.
func (w *world) wantNoSecretShown() {
	w.t.Helper()
	var shown []string
	for _, list := range []client.ObjectList{
		&v1alpha1.SovereignBucketAccessList{}, &v1alpha1.SovereignBucketList{}, &v1alpha1.BucketReplicaList{}, &eventsv1.EventList{},
	} {
		if err := w.client.List(context.Background(), list); err != nil {
			w.t.Fatal(err)
		}
		text, err := json.Marshal(list)
		if err != nil {
			w.t.Fatal(err)
		}
		shown = append(shown, string(text))
	}
	copies := w.copies()
	if len(copies) == 0 {
		w.t.Error("the operator keeps no copy of any key")
	}
	for _, kept := range copies {
		secret := string(kept.Data[provider.SecretKey])
		if secret == "" || strings.Contains(strings.Join(shown, "\n"), secret) {
			w.t.Errorf("the secret of key %s is empty or shown", kept.Name)
		}
	}
}

func TestKeysOutliveEverythingThatIsRememberedOfThem(t *testing.T) {
	w, stores, clock, bucket := issued(t)
	access := w.accessTo("actes", "actes")
	w.rotation(access, 720*time.Hour, time.Hour)
	pass(clock, 720*time.Hour)
	w.wake(access)
	keys := w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)

	// Status is lost, and the object comes back as it was declared.
	w.stop()
	w.get(access)
	access.Status = v1alpha1.SovereignBucketAccessStatus{}
	if err := w.client.Status().Update(context.Background(), access); err != nil {
		t.Fatal(err)
	}
	spec := access.Spec
	w.update(access, func() { access.Finalizers = nil })
	w.delete(access)
	w.awaitGone(access)
	access = w.accessTo("actes", "actes", func(s *v1alpha1.SovereignBucketAccessSpec) { *s = spec })
	w.create(access)
	w.start()
	if got := w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring); !cmp.Equal(got, keys) {
		t.Errorf("keys are %v, want %v as before", got, keys)
	}
	pass(clock, time.Hour)
	w.wake(access)
	if got := w.awaitKeys(access, v1alpha1.KeyActive); got[0] != keys[0] {
		t.Errorf("key is %v, want %v", got, keys[0])
	}

	// Also when nobody declares it any more, or to another bucket, what was to be
	// revoked is revoked.
	report := w.access("actes", "report")
	w.rotation(report, 0, time.Hour)
	w.annotate(report, v1alpha1.RotateRequestedAnnotation, "once")
	reports := w.awaitKeys(report, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	w.annotate(access, v1alpha1.RotateRequestedAnnotation, "once")
	keys = w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	w.delete(bucket)
	w.awaitGone(bucket)
	w.delete(access)
	w.awaitGone(access)
	w.delete(report)
	w.awaitGone(report)
	w.create(w.accessTo("other", "report"))
	pass(clock, time.Hour)
	w.restart()
	w.eventually(func() error {
		left := fmt.Sprint(stores["onprem"].AccessKeys())
		for _, key := range []string{keys[0], reports[0]} {
			if !strings.Contains(left, key) {
				w.t.Fatalf("key %s was revoked: %s are left", key, left)
			}
		}
		for _, key := range []string{keys[1], reports[1]} {
			if strings.Contains(left, key) {
				return notYet("key %s was not revoked: %s are left", key, left)
			}
		}
		return nil
	})
	session, name := w.application(bucket)
	put(t, session, name, "acte", "the key still works")
}

func TestAKeyIsReplacedOnRequest(t *testing.T) {
	w, stores, clock, bucket := issued(t)
	access := w.accessTo("actes", "actes")
	first := w.awaitKeys(access, v1alpha1.KeyActive)
	w.annotate(access, v1alpha1.RotateRequestedAnnotation, "monday")
	second := w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring)
	if second[1] != first[0] {
		t.Errorf("keys are %v, want %s to retire", second, first[0])
	}
	// A request that was answered is none, whoever looks again.
	w.restart()
	w.rotation(access, 0, time.Hour)
	if got := w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring); !cmp.Equal(got, second) {
		t.Errorf("keys are %v, want %v", got, second)
	}
	// A third key waits until there is room.
	w.annotate(access, v1alpha1.RotateRequestedAnnotation, "tuesday")
	w.eventually(func() error {
		w.get(access)
		return wantMessage(access, v1alpha1.ConditionCredentialsValid, "a new key is due, and waits until the one before is revoked")
	})
	w.await(access, v1alpha1.ConditionReady, metav1.ConditionTrue)
	pass(clock, time.Hour)
	w.wake(access)
	w.eventually(func() error {
		if third := w.awaitKeys(access, v1alpha1.KeyActive, v1alpha1.KeyRetiring); third[1] != second[0] {
			return notYet("keys are %v, want %s to retire", third, second[0])
		}
		return nil
	})
	// One that was stolen ends at once.
	w.rotation(access, 0, 0)
	w.awaitKeys(access, v1alpha1.KeyActive)
	w.annotate(access, v1alpha1.RotateRequestedAnnotation, "stolen")
	stolen, name := w.application(bucket)
	w.eventually(func() error {
		if err := try(stolen, name); !errors.Is(err, provider.ErrAuthentication) {
			return notYet("the stolen key: %v", err)
		}
		return nil
	})
	w.awaitKeys(access, v1alpha1.KeyActive)
	if keys := stores["onprem"].AccessKeys(); len(keys) != 2 || len(w.copies()) != 1 {
		t.Errorf("keys at the store: %v, %d copies", keys, len(w.copies()))
	}
}

func TestWhatModesAllow(t *testing.T) {
	for name, start := range map[string]func(*world){
		"an emulated store": func(w *world) { w.emulated("onprem") },
		"a real gateway":    func(w *world) { w.versity("onprem") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			start(w)
			w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)})
			w.policy("p", one)
			actes, other := w.bucket("actes", "p"), w.bucket("other", "p")
			w.await(actes, v1alpha1.ConditionReady, metav1.ConditionTrue)
			w.await(other, v1alpha1.ConditionReady, metav1.ConditionTrue)
			application, bucket := w.application(actes)
			put(t, application, bucket, "acte", "1901")

			reader := w.access("actes", "reader", mode(v1alpha1.AccessReadOnly))
			session, _ := w.consumer("reader")
			if _, err := session.Head(t.Context(), provider.Ref{Bucket: bucket, Key: "acte"}); err != nil {
				t.Errorf("the reader reads: %v", err)
			}
			wantDenied(t, "the reader writes", try(session, bucket))
			wantDenied(t, "the reader deletes", session.Remove(t.Context(), provider.Ref{Bucket: bucket, Key: "acte"}))

			w.access("actes", "scanner", func(s *v1alpha1.SovereignBucketAccessSpec) {
				s.AccessMode, s.AccessSecretName = v1alpha1.AccessWriteOnly, "scans"
			})
			writer, _ := w.consumer("scans")
			if err := try(writer, bucket); err != nil {
				t.Errorf("the writer writes: %v", err)
			}
			_, err := writer.Head(t.Context(), provider.Ref{Bucket: bucket, Key: "acte"})
			wantDenied(t, "the writer reads", err)

			_, neighbour := w.application(other)
			for who, session := range map[string]provider.Session{"application": application, "writer": writer} {
				wantDenied(t, "the "+who+" writes to a neighbour's bucket", try(session, neighbour))
			}

			// A mode that changes comes with a new key; the old one ends with the overlap.
			w.rotation(reader, 0, 0)
			w.update(reader, func() { reader.Spec.AccessMode = v1alpha1.AccessReadWrite })
			w.eventually(func() error {
				session, _ := w.consumer("reader")
				return try(session, bucket)
			})
			w.eventually(func() error {
				if _, err := session.Head(t.Context(), provider.Ref{Bucket: bucket, Key: "acte"}); !errors.Is(err, provider.ErrAuthentication) {
					return notYet("the reader's old key: %v", err)
				}
				return nil
			})
		})
	}
}

func wantDenied(t *testing.T, what string, err error) {
	t.Helper()
	if !fault.HasReason(err, fault.AccessDenied) {
		t.Errorf("%s: %v, want it denied", what, err)
	}
}

func TestStoresThatIssueNoKeys(t *testing.T) {
	w := newWorld(t)
	store := w.plain("onprem")
	w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)})
	policy := w.policy("p", one, func(s *v1alpha1.SovereigntyPolicySpec) { s.Access.MinimumGrant = v1alpha1.GrantAccountWide })
	bucket := w.bucket("actes", "p")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	access := w.accessTo("actes", "actes")
	w.await(access, v1alpha1.ConditionCredentialsValid, metav1.ConditionTrue)
	w.eventually(func() error {
		return wantMessage(access, v1alpha1.ConditionCredentialsValid, "the key is the account's own")
	})
	w.get(bucket)
	if access.Status.Grant != v1alpha1.GrantAccountWide || bucket.Status.Primary.Grant != v1alpha1.GrantAccountWide || len(access.Status.ActiveKeys) != 0 {
		t.Errorf("grant is %q, the bucket's %q; keys %v", access.Status.Grant, bucket.Status.Primary.Grant, access.Status.ActiveKeys)
	}

	// A key that reaches everything is not called read-only.
	for _, m := range []v1alpha1.AccessMode{v1alpha1.AccessReadOnly, v1alpha1.AccessWriteOnly} {
		narrow := w.accessTo("actes", strings.ToLower(string(m)), mode(m))
		w.create(narrow)
		refused := w.await(narrow, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonGrantTooWide)
		wantIn(t, refused.Message, "its account's own key is never "+string(m))
		w.wantNoSecret(narrow.SecretName())
	}

	// The owner of the account replaces its key.
	if err := store.AddKey(store.AccessKey, "another-key", "another-secret"); err != nil {
		t.Fatal(err)
	}
	credentials := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: "onprem"}}
	w.update(credentials, func() {
		credentials.Data = map[string][]byte{provider.AccessKey: []byte("another-key"), provider.SecretKey: []byte("another-secret")}
	})
	w.eventually(func() error {
		if got := string(w.published("actes").Data["AWS_ACCESS_KEY_ID"]); got != "another-key" {
			return notYet("the published key is %s", got)
		}
		return nil
	})

	// A policy that comes to ask for narrower keys takes nothing away.
	w.update(policy, func() { policy.Spec.Access.MinimumGrant = v1alpha1.GrantScoped })
	refused := w.await(access, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonGrantTooWide)
	wantIn(t, refused.Message, "policy p does not allow")
	w.published("actes")
	late := w.accessTo("actes", "late")
	w.create(late)
	w.await(late, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonGrantTooWide)
	w.wantNoSecret("late")
}

func (w *world) wantNoSecret(name string) {
	w.t.Helper()
	err := w.client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: name}, &corev1.Secret{})
	if !apierrors.IsNotFound(err) {
		w.t.Errorf("there is a Secret %s (%v)", name, err)
	}
}

func TestAccessesThatCannotBe(t *testing.T) {
	w, _, _, _ := issued(t)

	t.Run("to a bucket that does not exist, or not in this namespace", func(t *testing.T) {
		w := *w
		w.t = t
		early := w.accessTo("later", "early")
		w.create(early)
		missing := w.await(early, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonBucketNotFound)
		wantIn(t, missing.Message, "SovereignBucket later does not exist in this namespace")
		w.await(early, v1alpha1.ConditionCredentialsValid, metav1.ConditionFalse, v1alpha1.ReasonBucketNotFound)

		elsewhere := w.accessTo("actes", "actes")
		elsewhere.Namespace = harness.Namespace(t, controlPlane.Get(t))
		w.create(elsewhere)
		w.await(elsewhere, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonBucketNotFound)

		w.bucket("later", "etat-civil")
		w.await(early, v1alpha1.ConditionReady, metav1.ConditionTrue)
	})

	t.Run("under the name of another type of Secret", func(t *testing.T) {
		w := *w
		w.t = t
		foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "taken"}, StringData: map[string]string{"precious": "value"}}
		w.create(foreign)
		access := w.accessTo("actes", "taken")
		w.create(access)
		conflict := w.await(access, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameConflict)
		wantIn(t, conflict.Message, "Secret taken exists in this namespace and is not of type")
		w.delete(access)
		w.awaitGone(access)
		w.get(foreign)
		if string(foreign.Data["precious"]) != "value" || len(foreign.Data) != 1 {
			t.Errorf("the foreign Secret was changed: %v", foreign.Data)
		}
	})

	t.Run("under the Secret of another access", func(t *testing.T) {
		w := *w
		w.t = t
		first := w.access("actes", "first", func(s *v1alpha1.SovereignBucketAccessSpec) { s.AccessSecretName = "shared" })
		before := w.published("shared")
		second := w.accessTo("actes", "second", func(s *v1alpha1.SovereignBucketAccessSpec) { s.AccessSecretName = "shared" })
		w.create(second)
		conflict := w.await(second, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameConflict)
		wantIn(t, conflict.Message, "published by SovereignBucketAccess first")
		w.annotate(second, v1alpha1.RotateRequestedAnnotation, "now")
		w.delete(second)
		w.awaitGone(second)
		if after := w.published("shared"); after.ResourceVersion != before.ResourceVersion {
			t.Error("two accesses fight over a Secret")
		}
		second = w.accessTo("actes", "second", func(s *v1alpha1.SovereignBucketAccessSpec) { s.AccessSecretName = "shared" })
		w.create(second)
		w.await(second, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameConflict)
		w.delete(first)
		w.awaitGone(first)
		w.await(second, v1alpha1.ConditionReady, metav1.ConditionTrue)
		session, name := w.consumer("shared")
		if err := try(session, name); err != nil {
			t.Errorf("the second access: %v", err)
		}
	})

	t.Run("as the bucket's own, to another bucket", func(t *testing.T) {
		w := *w
		w.t = t
		odd := w.access("actes", "mine")
		bucket := w.bucket("mine", "etat-civil")
		conflict := w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameConflict)
		wantIn(t, conflict.Message, "SovereignBucketAccess mine exists and is to bucket actes")
		w.delete(odd)
		w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	})

	t.Run("at admission", func(t *testing.T) {
		w := *w
		w.t = t
		duration := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
		for want, rotation := range map[string]v1alpha1.KeyRotation{
			"overlap must be shorter than interval":  {Interval: duration(2 * time.Hour), Overlap: duration(2 * time.Hour)},
			"it is 24h unless it is set":             {Interval: duration(24 * time.Hour)},
			"interval must be between 1h and 87600h": {Interval: duration(time.Minute), Overlap: duration(0)},
			"overlap must be between 0s and 8760h":   {Overlap: duration(-time.Hour)},
		} {
			w.wantRefused(w.accessTo("actes", "x", func(s *v1alpha1.SovereignBucketAccessSpec) { s.Rotation = rotation }), want)
		}
		w.wantRefused(w.accessTo("actes", "x", mode("FullControl")), "accessMode")
		access := w.access("actes", "y", func(s *v1alpha1.SovereignBucketAccessSpec) { s.AccessSecretName = "z" })
		w.wantUpdateRefused(access, "bucketRef cannot change", func() { access.Spec.BucketRef.Name = "other" })
		w.wantUpdateRefused(access, "accessSecretName cannot change", func() { access.Spec.AccessSecretName = "" })
	})
}
