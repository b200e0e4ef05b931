package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// Where the operator is killed by number: at every n-th write, from one that is
// another each day, so that in time all are tried. make chaos tries all at once.
var (
	crashStep   = flag.Int("crash.step", 12, "kill the operator at every n-th write")
	crashOffset = flag.Int("crash.offset", 0, "the first write at which the operator is killed; 0 is another one each day")
)

// errKilled is what a killed operator's calls end with.
var errKilled = errors.New("the operator was killed")

// point is a write at which the operator is killed: right before it is carried
// out, or right after, so that its answer is lost.
type point struct {
	// write is its name; empty is any.
	write string
	// number counts the writes of that name, from 1.
	number int
	after  bool
}

func (p point) String() string {
	side, name := "before", "write"
	if p.after {
		side = "after"
	}
	if p.write != "" {
		name = p.write
	}
	return fmt.Sprintf("right %s %s %d", side, name, p.number)
}

// keepKey is the write of a Secret into the operator's own namespace: its copy of
// a key that was issued.
const keepKey = "KeepKey"

// killer kills the operator at a write, to a store or to the API.
type killer struct {
	point point

	mu    sync.Mutex
	armed bool
	seen  int
	dead  chan struct{}
}

func newKiller(at point) *killer { return &killer{point: at, dead: make(chan struct{})} }

func (k *killer) arm() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.armed = true
}

func (k *killer) isDead() bool {
	select {
	case <-k.dead:
		return true
	default:
		return false
	}
}

// write carries out a write, or not.
func (k *killer) write(name string, carryOut func() error) error {
	k.mu.Lock()
	if k.isDead() {
		k.mu.Unlock()
		return errKilled
	}
	if k.armed && (k.point.write == "" || k.point.write == name) {
		k.seen++
	}
	if !k.armed || k.seen != k.point.number {
		k.mu.Unlock()
		return carryOut()
	}
	defer k.mu.Unlock()
	close(k.dead)
	if k.point.after {
		_ = carryOut()
	}
	return errKilled
}

// around is between the operator and the stores.
func (k *killer) around(ctx context.Context, operation provider.Operation, call func(context.Context) error) error {
	if operation.Writes {
		return k.write(operation.Name, func() error { return call(ctx) })
	}
	if k.isDead() {
		return errKilled
	}
	return call(ctx)
}

// killedClient is between the operator and the API.
type killedClient struct {
	client.Client
	killer *killer
	// system is the operator's own namespace.
	system string
}

// nameOf names a write. Making a Secret in the operator's namespace is keeping a key.
func (c killedClient) nameOf(verb string, object any) string {
	namespace := ""
	switch written := object.(type) {
	case *corev1.Secret:
		namespace = written.Namespace
	case *corev1ac.SecretApplyConfiguration:
		namespace = *written.GetNamespace()
	}
	if namespace == c.system && verb != "Delete" {
		return keepKey
	}
	return verb
}

func (c killedClient) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	return c.killer.write(c.nameOf("Create", object), func() error { return c.Client.Create(ctx, object, options...) })
}

func (c killedClient) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	return c.killer.write(c.nameOf("Update", object), func() error { return c.Client.Update(ctx, object, options...) })
}

func (c killedClient) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	return c.killer.write(c.nameOf("Patch", object), func() error { return c.Client.Patch(ctx, object, patch, options...) })
}

func (c killedClient) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	return c.killer.write(c.nameOf("Delete", object), func() error { return c.Client.Delete(ctx, object, options...) })
}

func (c killedClient) Apply(ctx context.Context, object runtime.ApplyConfiguration, options ...client.ApplyOption) error {
	return c.killer.write(c.nameOf("Apply", object), func() error { return c.Client.Apply(ctx, object, options...) })
}

func (c killedClient) Status() client.SubResourceWriter {
	return killedStatus{c.Client.Status(), c.killer}
}

type killedStatus struct {
	client.SubResourceWriter
	killer *killer
}

func (s killedStatus) Update(ctx context.Context, object client.Object, options ...client.SubResourceUpdateOption) error {
	return s.killer.write("UpdateStatus", func() error { return s.SubResourceWriter.Update(ctx, object, options...) })
}

// firstKill is the first write at which the operator is killed.
func firstKill(t *testing.T) int {
	t.Helper()
	first := *crashOffset
	if first == 0 {
		first = 1 + time.Now().UTC().YearDay()%*crashStep
	}
	t.Logf("the same again: -crash.step=%d -crash.offset=%d", *crashStep, first)
	return first
}

// The operator is killed between any two calls of create, sync and drill, and
// another one takes over: it converges, and leaves nothing behind.
func TestKilledAnywhereAnotherOperatorConverges(t *testing.T) {
	first := firstKill(t)
	for _, after := range []bool{false, true} {
		for number := first; ; number += *crashStep {
			reached := true
			at := point{number: number, after: after}
			t.Run(at.String(), func(t *testing.T) { reached = killAt(t, at) })
			if !reached || t.Failed() {
				break
			}
		}
	}
}

// What is made at a store and is not written down yet is what a crash loses most
// easily: those writes are tried each time. The first CreateBucket and its mark
// are of a copy, the third of the drill's sandbox; the second key and upload are
// the sandbox's too.
func TestKilledRightAfterSomethingWasMade(t *testing.T) {
	times := map[string]int{"CreateBucket": 3, "UpdateBucket": 3, "IssueKey": 2, keepKey: 1, "CompleteUpload": 2}
	for _, write := range slices.Sorted(maps.Keys(times)) {
		for number := 1; number <= times[write]; number++ {
			at := point{write: write, number: number, after: true}
			t.Run(at.String(), func(t *testing.T) {
				if !killAt(t, at) {
					t.Errorf("the job has no %s number %d", write, number)
				}
			})
		}
	}
}

// killAt plays the main job with a kill at a write, and tells whether the job has
// that many.
func killAt(t *testing.T, at point) bool {
	t.Helper()
	killing := newKiller(at)
	w, stores := emulatedWorld(t, func(o *app.ManagerOptions) {
		o.Around = killing.around
		o.WrapClient = func(c client.Client) client.Client { return killedClient{c, killing, o.Namespace} }
	})
	w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Drills.MaximumAge = &metav1.Duration{Duration: 24 * time.Hour}
	})
	killing.arm()
	reached := w.playUntil(killing.isDead)
	w.stop()
	w.options.Around, w.options.WrapClient = nil, nil
	w.start()
	w.playToTheEnd(stores)
	return reached
}

// playUntil plays the main job until it is done or the operator is killed, and
// tells whether it was killed.
func (w *world) playUntil(isKilled func() bool) bool {
	w.t.Helper()
	bucket := w.bucket("actes", "etat-civil")
	steps := []func() bool{
		func() bool { return w.has(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue) },
		func() bool { w.fill(bucket); return true },
		func() bool {
			return w.has(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue) && w.holds(bucket, 3)
		},
		func() bool { w.create(w.drillOf(bucket)); return true },
		func() bool { return w.has(w.drillOf(bucket), v1alpha1.ConditionCleanedUp, metav1.ConditionTrue) },
	}
	for _, step := range steps {
		w.eventually(func() error {
			if isKilled() || step() {
				return nil
			}
			return notYet("the job does not go on, and nobody was killed: %v", bucket.Status.Conditions)
		})
		if isKilled() {
			return true
		}
	}
	return false
}

// playToTheEnd plays what is left of the job with an operator that lives, and
// looks at what there is at the end.
func (w *world) playToTheEnd(stores map[string]*emulator.Server) {
	w.t.Helper()
	bucket := &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "actes"}}
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.fill(bucket)
	w.awaitObjects(bucket, 3)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	drill := w.drillOf(bucket)
	if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(drill), drill); err != nil {
		w.create(drill)
	}
	w.await(drill, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
	if drill.Status.Verdict != v1alpha1.VerdictPassed && drill.Status.Verdict != v1alpha1.VerdictInconclusive {
		w.t.Errorf("the drill ended %s: %+v", drill.Status.Verdict, drill.Status.Checks)
	}

	replicas := w.replicas(bucket)
	if len(w.allReplicas(bucket)) != 2 {
		w.t.Errorf("there are %d replicas, want 2", len(w.allReplicas(bucket)))
	}
	for store, place := range map[string]string{"onprem": "onprem/dc1", "ovh": "ovh/GRA", "tds-outscale": ""} {
		w.wantOnly(store, stores[store], replicas[place])
	}
	if keys := stores["onprem"].AccessKeys(); len(keys) != 2 {
		w.t.Errorf("keys at the primary's store: %v, want the account's and the application's", keys)
	}
	if keys := stores["tds-outscale"].AccessKeys(); len(keys) != 1 {
		w.t.Errorf("keys at the sandbox's store: %v, want the account's", keys)
	}
}

// wantOnly checks that a store holds one bucket with the objects of the dataset
// whole, or nothing.
func (w *world) wantOnly(store string, server *emulator.Server, replica *v1alpha1.BucketReplica) {
	w.t.Helper()
	w.eventually(func() error {
		buckets := server.Buckets()
		if replica == nil && len(buckets) == 0 {
			return nil
		}
		if replica == nil || len(buckets) != 1 {
			return notYet("buckets at %s: %v", store, buckets)
		}
		return nil
	})
	if replica == nil {
		return
	}
	for key, content := range registry {
		if object, _ := server.Object(replica.Spec.BucketName, key); string(object.Body) != content {
			w.t.Errorf("%s at %s holds %d bytes, want %d", key, store, len(object.Body), len(content))
		}
	}
	if held := userKeys(server, replica.Spec.BucketName); len(held) != len(registry) {
		w.t.Errorf("objects at %s: %v", store, held)
	}
	session := open(w.t, server, server.AccessKey, server.SecretKey)
	w.eventually(func() error { // a run may be under way
		uploads, err := session.ListUploads(context.Background(), replica.Spec.BucketName, "")
		if err == nil && len(uploads) > 0 {
			err = notYet("unfinished uploads at %s: %v", store, uploads)
		}
		return err
	})
}

// registry is the dataset: small, empty, and large enough to go in parts.
var registry = map[string]string{
	"registres/1901": "acte 1901", "vide": "", "numérisation.tiff": strings.Repeat("registre ", 17<<20/9),
}

// fill stores the dataset as the application does.
func (w *world) fill(bucket *v1alpha1.SovereignBucket) {
	w.t.Helper()
	session, name := w.application(bucket)
	for key, content := range registry {
		put(w.t, session, name, key, content)
	}
	w.sync(bucket)
}

func (w *world) drillOf(bucket *v1alpha1.SovereignBucket) *v1alpha1.ReversibilityDrill {
	return &v1alpha1.ReversibilityDrill{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "drill"},
		Spec:       v1alpha1.ReversibilityDrillSpec{BucketRef: v1alpha1.NameReference{Name: bucket.Name}},
	}
}

// has tells whether a condition of an object has the status now.
func (w *world) has(object conditioned, conditionType string, status metav1.ConditionStatus) bool {
	if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(object), object); err != nil {
		return false
	}
	found := meta.FindStatusCondition(*object.GetConditions(), conditionType)
	return found != nil && found.Status == status
}

// holds tells whether every replica holds that many objects now.
func (w *world) holds(bucket *v1alpha1.SovereignBucket, objects int64) bool {
	for _, replica := range w.replicas(bucket) {
		if replica.Spec.Role == v1alpha1.RoleReplica && (replica.Status.Objects == nil || *replica.Status.Objects != objects) {
			return false
		}
	}
	return true
}
