package integration

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// These tests hold the last net against somebody who may write anything in the
// cluster: what a BucketReplica says is never enough to move a byte.

// isRegister tells whether a request is about an object of the dataset.
func isRegister(r emulator.Request) bool { return strings.HasPrefix(r.Key, "registres/") }

func isRead(r emulator.Request) bool { return isRegister(r) && r.Operation == "GetObject" }

// wantNoRegister checks that nothing about an object of the dataset was sent to a
// store but questions.
func wantNoRegister(t *testing.T, server *emulator.Server) {
	t.Helper()
	for _, r := range server.Requests(func(r emulator.Request) bool { return isRegister(r) && isWrite(r) }) {
		t.Errorf("%s %s/%s was sent, with %d bytes", r.Operation, r.Bucket, r.Key, r.BytesIn)
	}
}

// wantNoByte checks that no request carried anything of the dataset to a store, nor
// set up a bucket there.
func wantNoByte(t *testing.T, server *emulator.Server, bucketName string) {
	t.Helper()
	for _, r := range server.Requests(isWrite) {
		if r.Bucket == bucketName || isRegister(r) {
			t.Errorf("%s %s/%s was sent, with %d bytes", r.Operation, r.Bucket, r.Key, r.BytesIn)
		}
	}
	if held := userKeys(server, bucketName); len(held) > 0 {
		t.Errorf("bucket %s holds %q", bucketName, held)
	}
}

// Somebody who may write everything makes a BucketReplica by hand, in the name of
// the dataset, for a bucket abroad that is there and empty, as one of ours is that was
// made just before a crash.
func TestAForgedReplicaMovesNoByteAbroad(t *testing.T) {
	w, stores, bucket := registers(t)
	const name = "forged-bucket"
	stores["ovh"].CreateBucket(name)
	stores["ovh"].ForgetRequests()
	stores["onprem"].ForgetRequests()

	forged := &v1alpha1.BucketReplica{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.namespace, Name: "forged",
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(bucket, v1alpha1.GroupVersion.WithKind("SovereignBucket"))},
		},
		Spec: v1alpha1.BucketReplicaSpec{
			BucketRef:      v1alpha1.NameReference{Name: "actes"},
			PlaceReference: v1alpha1.PlaceReference{ProviderName: "ovh", Location: "BHS"},
			BucketName:     name, Role: v1alpha1.RoleReplica,
		},
	}
	w.create(forged)
	// Whoever forges a spec forges a status as well.
	now := metav1.Now()
	forged.Status = v1alpha1.BucketReplicaStatus{LastSyncTime: &now, LastVerifiedTime: &now, Conditions: []metav1.Condition{
		{Type: v1alpha1.ConditionProvisioned, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, LastTransitionTime: now},
		{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, LastTransitionTime: now},
	}}
	w.eventually(func() error {
		var latest v1alpha1.BucketReplica
		if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(forged), &latest); err != nil {
			return err
		}
		latest.Status = forged.Status
		return w.client.Status().Update(t.Context(), &latest)
	})
	w.sync(bucket)
	refused := w.await(forged, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	wantIn(t, refused.Message, "nothing is written to ovh/BHS: CA is outside FR")
	w.sync(bucket)
	w.settled(forged, 2*time.Second)
	wantNoByte(t, stores["ovh"], name)
	for _, r := range stores["onprem"].Requests(isRead) {
		t.Errorf("%s was read for it", r.Key)
	}
}

// A BucketReplica never changes. Who takes that rule out of the definition, and has
// a copy that is in use point elsewhere, moves nothing either.
func TestAReplicaThatIsEditedInUseMovesNoByte(t *testing.T) {
	for name, test := range map[string]struct {
		edit   func(*v1alpha1.BucketReplicaSpec)
		reason string
	}{
		"abroad": {
			func(s *v1alpha1.BucketReplicaSpec) { s.Location = "BHS" }, v1alpha1.ReasonOutsidePerimeter,
		},
		"abroad, into another bucket": {
			func(s *v1alpha1.BucketReplicaSpec) { s.Location, s.BucketName = "BHS", "edited-bucket" }, v1alpha1.ReasonOutsidePerimeter,
		},
		"into the bucket of a stranger": {
			func(s *v1alpha1.BucketReplicaSpec) { s.BucketName = "edited-bucket" }, v1alpha1.ReasonNotOwner,
		},
		"to a provider that nobody declares": {
			func(s *v1alpha1.BucketReplicaSpec) { s.ProviderName = "elsewhere" }, v1alpha1.ReasonLocationUnknown,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, stores, bucket := registers(t)
			stores["ovh"].PutObjectDirect("edited-bucket", emulator.Object{Key: "precious", Body: []byte("of somebody else")})
			replica := w.replicas(bucket)["ovh/GRA"]
			held := len(userKeys(stores["ovh"], replica.Spec.BucketName))
			w.wantUpdateRefused(replica, "a BucketReplica cannot change", func() { test.edit(&replica.Spec) })

			w.letReplicasChange()
			stores["ovh"].ForgetRequests()
			w.eventually(func() error {
				w.get(replica)
				test.edit(&replica.Spec)
				return w.client.Update(context.Background(), replica)
			})
			w.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse, test.reason)
			session, primary := w.application(bucket)
			put(t, session, primary, "registres/after", "the edit")
			w.sync(bucket)
			w.settled(replica, 2*time.Second)
			for _, r := range stores["ovh"].Requests(touchesData) {
				if !strings.HasPrefix(r.Bucket, "probe-") { // what the store can do is tried in a bucket of its own
					t.Errorf("%s %s/%s was sent, with %d bytes", r.Operation, r.Bucket, r.Key, r.BytesIn)
				}
			}
			if object, isThere := stores["ovh"].Object("edited-bucket", "precious"); !isThere || string(object.Body) != "of somebody else" {
				t.Errorf("the stranger's object is %q", object.Body)
			}
			if keys := userKeys(stores["ovh"], "edited-bucket"); len(keys) != 1 {
				t.Errorf("the stranger's bucket holds %q", keys)
			}
			if held != 20 {
				t.Errorf("the copy held %d objects before the edit", held)
			}
		})
	}
}

// letReplicasChange takes the rule out of the definition that keeps BucketReplicas as
// they are, until the end of the test.
func (w *world) letReplicasChange() {
	w.t.Helper()
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		w.t.Fatal(err)
	}
	administrator, err := client.New(w.config, client.Options{Scheme: scheme})
	if err != nil {
		w.t.Fatal(err)
	}
	change := func(rules func(*apiextensionsv1.JSONSchemaProps)) {
		w.eventually(func() error {
			var definition apiextensionsv1.CustomResourceDefinition
			if err := administrator.Get(context.Background(), client.ObjectKey{Name: "bucketreplicas.rempart.dev"}, &definition); err != nil {
				return err
			}
			schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
			spec := schema.Properties["spec"]
			rules(&spec)
			schema.Properties["spec"] = spec
			return administrator.Update(context.Background(), &definition)
		})
	}
	var before apiextensionsv1.ValidationRules
	change(func(spec *apiextensionsv1.JSONSchemaProps) { before, spec.XValidations = spec.XValidations, nil })
	w.t.Cleanup(func() {
		change(func(spec *apiextensionsv1.JSONSchemaProps) { spec.XValidations = before })
	})
	// The API server takes the new definition a moment later.
	var replicas v1alpha1.BucketReplicaList
	if err := w.client.List(context.Background(), &replicas, client.InNamespace(w.namespace)); err != nil || len(replicas.Items) == 0 {
		w.t.Fatalf("%d replicas: %v", len(replicas.Items), err)
	}
	w.eventually(func() error {
		trial := replicas.Items[0].DeepCopy()
		w.get(trial)
		trial.Spec.BucketName = "edited-trial"
		err := w.client.Update(context.Background(), trial, client.DryRunAll)
		if apierrors.IsConflict(err) || err == nil {
			return err
		}
		return fmt.Errorf("replicas cannot change yet: %w", err)
	})
}

// Facts change while data is on its way. What has not arrived yet does not arrive any
// more.
func TestATransferEndsWhenItsTargetBecomesIllegal(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*world)
		reason string
		// moves tells that the dataset gets another copy instead.
		moves bool
	}{
		"the place turns out to be elsewhere": {func(w *world) {
			ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
			w.update(ovh, func() { ovh.Spec.Locations[0].Country = "GB" })
		}, v1alpha1.ReasonOutsidePerimeter, true},
		"the operator is bought": {func(w *world) {
			ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
			w.update(ovh, func() { ovh.Spec.Operator.ControlCountry = "US" })
		}, v1alpha1.ReasonJurisdictionNotAllowed, true},
		"the place is taken out": {func(w *world) {
			ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
			w.update(ovh, func() { ovh.Spec.Locations = ovh.Spec.Locations[1:] })
		}, v1alpha1.ReasonLocationUnknown, true},
		"a policy is tightened": {func(w *world) {
			policy := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "etat-civil"}}
			w.update(policy, func() { policy.Spec.Copies.OnPremise = v1alpha1.Only })
		}, v1alpha1.ReasonOnPremiseRequired, false},
		"nobody knows the rules any more": {func(w *world) {
			w.delete(&v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "etat-civil"}})
		}, v1alpha1.ReasonPolicyNotFound, false},
		"writing there is suspended": {func(w *world) {
			ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
			w.update(ovh, func() { ovh.Spec.Suspend = true })
		}, v1alpha1.ReasonSuspended, false},
	} {
		t.Run(name, func(t *testing.T) {
			w, stores := emulatedWorld(t)
			for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
				p := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: name}}
				w.update(p, func() { p.Spec.Operator.SeatCountry = "FR" })
			}
			w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) { s.Jurisdiction.Perimeter = v1alpha1.PerimeterEU })
			bucket := w.bucket("actes", "etat-civil")
			w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
			replica := w.replicas(bucket)["ovh/GRA"]
			if replica == nil {
				t.Fatalf("the copies are at %v", w.replicas(bucket))
			}
			gate := make(chan struct{})
			release := sync.OnceFunc(func() { close(gate) })
			t.Cleanup(release)
			stores["onprem"].Faults().Add(emulator.Match{Operation: "GetObject", KeyPrefix: "registres/"}, emulator.Hold(gate))
			session, primary := w.application(bucket)
			for i := range 60 { // more than are on their way at once
				put(t, session, primary, fmt.Sprintf("registres/%04d", i), "acte")
			}
			w.sync(bucket)
			w.eventually(func() error {
				if len(stores["onprem"].Requests(isRead)) == 0 {
					return notYet("nothing is on its way")
				}
				return nil
			})

			test.change(w)
			w.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse, test.reason)
			w.settled(replica, time.Second)
			release()
			w.sync(bucket)
			w.settled(replica, 2*time.Second)
			wantNoRegister(t, stores["ovh"])
			if test.moves {
				w.eventually(func() error {
					another := w.replicas(bucket)["tds-outscale/eu-west-2"]
					if another == nil || another.Status.Objects == nil || *another.Status.Objects != 60 {
						return notYet("the dataset has no other copy yet: %v", another)
					}
					return nil
				})
			}
		})
	}
}

// A large object is on its way for a while. The part of it that has not left stays.
func TestALargeObjectOnItsWayIsBrokenOff(t *testing.T) {
	const size = 24 << 20
	w, stores := emulatedWorld(t)
	w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Replication.Bandwidth.BytesPerSecond = new(resource.MustParse("8Mi"))
	})
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	replica := w.replicas(bucket)["ovh/GRA"]
	stores["onprem"].PutObjectDirect(bucket.Status.Primary.BucketName, emulator.Object{Key: "registres/plan", Body: make([]byte, size)})
	w.sync(bucket)
	w.eventually(func() error {
		if len(stores["ovh"].Requests(isRegister)) == 0 {
			return notYet("nothing is on its way")
		}
		return nil
	})
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	w.update(ovh, func() { ovh.Spec.Locations[0].Country = "GB" })
	w.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	w.settled(replica, time.Second)
	w.sync(bucket)
	w.settled(replica, 4*time.Second) // longer than the whole of it takes
	var arrived int64
	for _, r := range stores["ovh"].Requests(isRegister) {
		arrived += r.BytesIn
	}
	if arrived >= size {
		t.Errorf("%d bytes arrived of an object that has %d", arrived, size)
	}
	if held := userKeys(stores["ovh"], replica.Spec.BucketName); len(held) > 0 {
		t.Errorf("the copy holds %q", held)
	}
}

// A drill may restore for hours. Its sandbox is no less in the perimeter than a copy
// is, to the last byte.
func TestADrillEndsWhenItsTargetBecomesIllegal(t *testing.T) {
	w, stores, _ := registersUnder(t)
	gate := make(chan struct{})
	release := sync.OnceFunc(func() { close(gate) })
	t.Cleanup(release)
	stores["ovh"].Faults().Add(emulator.Match{Operation: "GetObject", KeyPrefix: "registres/"}, emulator.Hold(gate))
	d := w.drill()
	w.eventually(func() error {
		if len(stores["ovh"].Requests(isRead)) == 0 {
			return notYet("nothing is restored: %+v", d.Status)
		}
		return nil
	})
	outscale := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "tds-outscale"}}
	w.update(outscale, func() { outscale.Spec.Locations[0].Country = "GB" })
	w.awaitVerdict(d, v1alpha1.VerdictInconclusive)
	ended := w.await(d, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	wantIn(t, ended.Message, "tds-outscale/eu-west-2: GB is outside FR")
	w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
	release()
	if _, isThere := stores["tds-outscale"].Buckets()[d.Status.Effective.To.BucketName]; isThere {
		t.Error("the sandbox is still there")
	}
	wantNoRegister(t, stores["tds-outscale"])
}

// A sandbox that may stay for a while is a copy for that while.
func TestASandboxDoesNotStayWhereItMayNotBe(t *testing.T) {
	w, stores, _ := registersUnder(t)
	d := w.drill(func(s *v1alpha1.ReversibilityDrillSpec) {
		s.Sandbox = v1alpha1.Sandbox{CleanupPolicy: v1alpha1.CleanupRetain, TTL: &metav1.Duration{Duration: time.Hour}}
	})
	w.awaitVerdict(d, v1alpha1.VerdictPassed)
	w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionFalse, v1alpha1.ReasonCleanupPending)
	outscale := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "tds-outscale"}}
	w.update(outscale, func() { outscale.Spec.Taints = []v1alpha1.Taint{{Key: "k", Effect: v1alpha1.TaintNoSchedule}} })
	w.settled(d, 2*time.Second)
	if held := userKeys(stores["tds-outscale"], d.Status.Effective.To.BucketName); len(held) != 20 {
		t.Errorf("the sandbox holds %d objects although only new copies are kept away", len(held))
	}
	w.update(outscale, func() { outscale.Spec.Locations[0].Country = "GB" })
	w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
	wantNoBuckets(t, map[string]*emulator.Server{"tds-outscale": stores["tds-outscale"]})
}
