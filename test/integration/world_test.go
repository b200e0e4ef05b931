package integration

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/condition/conditiontest"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
	"github.com/rempart/rempart/test/harness"
)

// patience is how long something may take that is sure to come.
const patience = 60 * time.Second

// world is one installation of Rempart with its stores, from the first object to
// the last. Tests use one after the other, because providers and policies belong
// to the whole cluster.
type world struct {
	t      testing.TB
	client client.Client
	config *rest.Config
	// system is the operator's namespace, namespace a tenant's.
	system, namespace string
	options           app.ManagerOptions
	stop              func()
	// stores are the stores behind providers, by name.
	stores map[string]store
}

// store is a store that a provider points to.
type store struct{ endpoint, accessKey, secretKey, region, credentialAPI string }

// newWorld makes an installation and starts the operator.
func newWorld(t testing.TB, change ...func(*app.ManagerOptions)) *world {
	t.Helper()
	return newWorldIn(t, controlPlane.Get(t), change...)
}

// newWorldIn makes an installation in a cluster.
func newWorldIn(t testing.TB, cluster *harness.ControlPlane, change ...func(*app.ManagerOptions)) *world {
	t.Helper()
	config := cluster.RESTConfig()
	direct, err := client.New(config, client.Options{Scheme: app.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, client: direct, config: config, stores: map[string]store{}, stop: func() {},
		system: harness.Namespace(t, cluster), namespace: harness.Namespace(t, cluster),
	}
	w.options = app.ManagerOptions{
		Namespace: w.system, InstallationID: w.system, Self: "onprem/dc1", AllowInsecureEndpoints: true,
		MetricsAddress: "0", ProbeAddress: "0", Version: "test", SkipNameValidation: true,
	}
	for _, f := range change {
		f(&w.options)
	}
	t.Cleanup(w.tearDown)
	w.start()
	return w
}

// start starts the operator. A second call is another process: it knows nothing
// of the first.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w.options.Registerer = prometheus.NewRegistry()
	mgr, err := app.NewManager(ctx, w.config, w.options)
	if err != nil {
		cancel()
		w.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the operator ended: %v\n%s", err, goroutines())
		}
		w.stop = func() {}
	}
}

// goroutines tells what this process is at: why an operator did not end.
func goroutines() string {
	var text strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		return err.Error()
	}
	return text.String()
}

// stopFirst has the operator stopped before what was just started is: it would spend
// the time it has for ending on what does not answer any more.
func (w *world) stopFirst() {
	w.t.Cleanup(func() { w.stop() })
}

// restart stops the operator and starts another one.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// tearDown lets everything go, whatever state it is in, so that the next world
// begins empty.
func (w *world) tearDown() {
	w.stop()
	w.forget()
}

// forget removes every object of Rempart from the cluster and touches nothing
// else, as the loss of the cluster does. The owners' garbage collection works
// beside it.
func (w *world) forget() {
	ctx := context.Background()
	for _, list := range []client.ObjectList{
		&v1alpha1.ReversibilityDrillList{}, &v1alpha1.SovereignBucketAccessList{}, &v1alpha1.SovereignBucketList{}, &v1alpha1.BucketReplicaList{},
		&v1alpha1.SovereignProviderList{}, &v1alpha1.SovereigntyPolicyList{}, &v1alpha1.SovereigntyExceptionList{},
	} {
		w.eventually(func() error {
			if err := w.client.List(ctx, list); err != nil {
				return err
			}
			if meta.LenList(list) == 0 {
				return nil
			}
			var errs []error
			_ = meta.EachListItem(list, func(object runtime.Object) error {
				left := object.(client.Object)
				released := w.client.Patch(ctx, left, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))
				errs = append(errs, client.IgnoreNotFound(released), client.IgnoreNotFound(w.client.Delete(ctx, left)))
				return nil
			})
			return notYet("%d objects are left of %T: %w", meta.LenList(list), list, errors.Join(errs...))
		})
	}
}

// versity adds a real store that issues scoped keys.
func (w *world) versity(name string) *harness.S3Server {
	w.t.Helper()
	server := harness.Versity(w.t)
	w.stopFirst()
	w.stores[name] = store{server.Endpoint, server.AccessKey, server.SecretKey, server.Region, "Versity"}
	return server
}

// emulated adds an emulated store that issues scoped keys.
func (w *world) emulated(name string, change ...func(*emulator.Options)) *emulator.Server {
	w.t.Helper()
	options := emulator.Options{VersityAdmin: true, AccessKey: name + "-key", SecretKey: name + "-secret", MinPartSize: -1}
	for _, f := range change {
		f(&options)
	}
	server := emulator.Start(w.t, options)
	w.stopFirst()
	w.stores[name] = store{server.URL, server.AccessKey, server.SecretKey, server.Region, "Versity"}
	return server
}

// tellsSettings makes an emulated store keep and tell what others set on buckets.
func tellsSettings(o *emulator.Options) {
	o.StoredConfigurations = []string{"acl", "replication", "lifecycle"}
}

// plain adds an emulated store that issues no keys: applications get the account's.
func (w *world) plain(name string) *emulator.Server {
	w.t.Helper()
	server := w.emulated(name, func(o *emulator.Options) { o.VersityAdmin = false })
	s := w.stores[name]
	s.credentialAPI = "None"
	w.stores[name] = s
	return server
}

// provider makes a SovereignProvider in front of a store, with its Secret.
func (w *world) provider(name string, locations []v1alpha1.Location, change ...func(*v1alpha1.SovereignProvider)) *v1alpha1.SovereignProvider {
	w.t.Helper()
	s := w.stores[name]
	w.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: name},
		StringData: map[string]string{provider.AccessKey: s.accessKey, provider.SecretKey: s.secretKey},
	})
	object := &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeS3,
			S3: &v1alpha1.S3Endpoint{
				Endpoint: s.endpoint, Region: s.region, CredentialsRef: v1alpha1.NameReference{Name: name}, CredentialAPI: s.credentialAPI,
			},
			AllowedNamespaces: &metav1.LabelSelector{},
			Operator:          v1alpha1.Operator{LegalEntity: strings.ToUpper(name) + " SA", ControlCountry: "FR"},
			Locations:         locations,
			ProbeInterval:     &metav1.Duration{Duration: 10 * time.Second},
		},
	}
	for _, f := range change {
		f(object)
	}
	w.create(object)
	return object
}

func in(name, country string, change ...func(*v1alpha1.Location)) v1alpha1.Location {
	location := v1alpha1.Location{Name: name, Country: country}
	for _, f := range change {
		f(&location)
	}
	return location
}

func ownWalls(l *v1alpha1.Location) { l.OnPremise = true }

// threeProviders makes the usual three in front of stores of these names.
func (w *world) threeProviders() {
	w.t.Helper()
	w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)})
	w.provider("ovh", []v1alpha1.Location{in("GRA", "FR"), in("BHS", "CA")})
	w.provider("tds-outscale", []v1alpha1.Location{in("eu-west-2", "FR")})
}

// policy makes a SovereigntyPolicy that asks for two copies in FR.
func (w *world) policy(name string, change ...func(*v1alpha1.SovereigntyPolicySpec)) *v1alpha1.SovereigntyPolicy {
	w.t.Helper()
	policy := &v1alpha1.SovereigntyPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.SovereigntyPolicySpec{
			AllowedNamespaces: &metav1.LabelSelector{},
			Residency:         v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR},
			Copies:            v1alpha1.CopyRules{Minimum: 2, DistinctOperators: 2},
			Access:            v1alpha1.AccessRules{MinimumGrant: v1alpha1.GrantScoped},
			Protection:        v1alpha1.Protection{Versioning: v1alpha1.Required},
			Objectives: v1alpha1.Objectives{
				RPO: &metav1.Duration{Duration: 10 * time.Second}, RTO: &metav1.Duration{Duration: 5 * time.Minute},
			},
		},
	}
	for _, f := range change {
		f(&policy.Spec)
	}
	w.create(policy)
	w.awaitProviders()
	return policy
}

// awaitProviders waits until every provider that is there is ready and its
// locations in FR were tried, so that placement has the whole choice.
func (w *world) awaitProviders() {
	w.t.Helper()
	w.eventually(func() error {
		var providers v1alpha1.SovereignProviderList
		if err := w.client.List(context.Background(), &providers); err != nil {
			return err
		}
		for _, p := range providers.Items {
			if !meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady) {
				return fmt.Errorf("provider %s is not ready: %v", p.Name, p.Status.Conditions)
			}
			for _, location := range p.Status.Locations {
				if location.Perimeter == v1alpha1.PerimeterFR && location.CapabilitiesTriedAt == nil {
					return fmt.Errorf("location %s of provider %s was not tried yet", location.Name, p.Name)
				}
			}
		}
		return nil
	})
}

// bucket makes a SovereignBucket under a policy, with the primary on premises.
func (w *world) bucket(name, policy string, change ...func(*v1alpha1.SovereignBucketSpec)) *v1alpha1.SovereignBucket {
	w.t.Helper()
	bucket := w.bucketObject(name, policy, change...)
	w.create(bucket)
	return bucket
}

// bucketObject is a SovereignBucket that is not made yet.
func (w *world) bucketObject(name, policy string, change ...func(*v1alpha1.SovereignBucketSpec)) *v1alpha1.SovereignBucket {
	bucket := &v1alpha1.SovereignBucket{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: v1alpha1.SovereignBucketSpec{
			PolicyRef: v1alpha1.NameReference{Name: policy},
			Dataset:   v1alpha1.Dataset{Title: "Actes", Purpose: "Tenue des registres", LegalBasis: "LegalObligation"},
			Placement: v1alpha1.PlacementSpec{Primary: &v1alpha1.PlaceReference{ProviderName: "onprem", Location: "dc1"}},
		},
	}
	for _, f := range change {
		f(&bucket.Spec)
	}
	return bucket
}

func (w *world) create(object client.Object) {
	w.t.Helper()
	if err := w.client.Create(context.Background(), object); err != nil {
		w.t.Fatal(err)
	}
}

// get reads an object again.
func (w *world) get(object client.Object) {
	w.t.Helper()
	if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(object), object); err != nil {
		w.t.Fatal(err)
	}
}

// conditioned is a kind of ours.
type conditioned interface {
	client.Object
	GetConditions() *[]metav1.Condition
}

// await waits until a condition of an object has the status and, if it is given,
// the reason.
func (w *world) await(object conditioned, conditionType string, status metav1.ConditionStatus, reason ...string) metav1.Condition {
	w.t.Helper()
	var last metav1.Condition
	w.eventually(func() error {
		if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		found := meta.FindStatusCondition(*object.GetConditions(), conditionType)
		if found == nil {
			return fmt.Errorf("%s %s has no condition %s: %v", kindOf(object), object.GetName(), conditionType, *object.GetConditions())
		}
		last = *found
		if found.Status != status || len(reason) > 0 && found.Reason != reason[0] {
			return fmt.Errorf("%s %s: %s is %s/%s: %s", kindOf(object), object.GetName(), conditionType, found.Status, found.Reason, found.Message)
		}
		return nil
	})
	conditiontest.Check(w.t, object, *object.GetConditions())
	return last
}

func kindOf(object client.Object) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", object), "*v1alpha1.")
}

// awaitGone waits until an object does not exist any more.
func (w *world) awaitGone(object client.Object) {
	w.t.Helper()
	w.eventually(func() error {
		err := w.client.Get(context.Background(), client.ObjectKeyFromObject(object), object)
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return err
		}
		if still, hasConditions := object.(conditioned); hasConditions {
			return fmt.Errorf("%s %s is still there: %v", kindOf(object), object.GetName(), *still.GetConditions())
		}
		return fmt.Errorf("%s %s is still there", kindOf(object), object.GetName())
	})
}

// eventually waits until there is nothing to say against it.
func (w *world) eventually(objection func() error) {
	w.t.Helper()
	w.eventuallyWithin(patience, objection)
}

// eventuallyWithin waits for what takes longer than usual.
func (w *world) eventuallyWithin(patience time.Duration, objection func() error) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := objection()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("after %s: %v", patience, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// application opens the primary with the key that the operator published, as the
// application does.
func (w *world) application(bucket *v1alpha1.SovereignBucket) (provider.Session, string) {
	w.t.Helper()
	return w.consumer(bucket.Name)
}

// consumer opens a bucket with what a Secret of the tenant's namespace says, as
// whoever mounts it does; a pod waits until it is there.
func (w *world) consumer(secretName string) (provider.Session, string) {
	w.t.Helper()
	var published corev1.Secret
	w.eventually(func() error {
		return w.client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: secretName}, &published)
	})
	session, err := s3.Driver{}.Open(provider.Place{
		Provider: "application", Endpoint: string(published.Data["AWS_ENDPOINT_URL_S3"]),
		Region: string(published.Data["AWS_REGION"]), Addressing: provider.PathStyle,
	}, provider.Credentials{
		provider.AccessKey: secret.New(string(published.Data["AWS_ACCESS_KEY_ID"])),
		provider.SecretKey: secret.New(string(published.Data["AWS_SECRET_ACCESS_KEY"])),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return session, string(published.Data["BUCKET_NAME"])
}

// replicas are the copies of a bucket by place.
func (w *world) replicas(bucket *v1alpha1.SovereignBucket) map[string]*v1alpha1.BucketReplica {
	w.t.Helper()
	var list v1alpha1.BucketReplicaList
	if err := w.client.List(context.Background(), &list, client.InNamespace(bucket.Namespace)); err != nil {
		w.t.Fatal(err)
	}
	byPlace := map[string]*v1alpha1.BucketReplica{}
	for i := range list.Items {
		if list.Items[i].Spec.BucketRef.Name == bucket.Name {
			byPlace[list.Items[i].Spec.PlaceReference.String()] = &list.Items[i]
		}
	}
	return byPlace
}

// annotate sets an annotation.
func (w *world) annotate(object client.Object, key, value string) {
	w.t.Helper()
	w.update(object, func() {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[key] = value
		object.SetAnnotations(annotations)
	})
}

// update changes an object, whoever else changes it too.
func (w *world) update(object client.Object, change func()) {
	w.t.Helper()
	w.eventually(func() error {
		if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change()
		return w.client.Update(context.Background(), object)
	})
}

func (w *world) delete(object client.Object) {
	w.t.Helper()
	if err := w.client.Delete(context.Background(), object); err != nil {
		w.t.Fatal(err)
	}
}

// sync asks for a run of every copy now.
func (w *world) sync(bucket *v1alpha1.SovereignBucket) {
	w.t.Helper()
	w.annotate(bucket, v1alpha1.SyncRequestedAnnotation, time.Now().Format(time.RFC3339Nano))
}

// awaitObjects asks for a run and waits until there is a replica and every one of
// a bucket holds that many objects.
func (w *world) awaitObjects(bucket *v1alpha1.SovereignBucket, objects int64) {
	w.t.Helper()
	w.sync(bucket)
	w.eventually(func() error {
		copies := 0
		for place, replica := range w.replicas(bucket) {
			if replica.Spec.Role != v1alpha1.RoleReplica {
				continue
			}
			copies++
			if held := replica.Status.Objects; held == nil || *held != objects {
				return fmt.Errorf("the replica at %s holds %v objects, want %d: %v", place, ptr.Deref(held, -1), objects, replica.Status.Conditions)
			}
		}
		if copies == 0 {
			return notYet("there is no replica yet")
		}
		return nil
	})
}

// notYet is an objection of a wait.
func notYet(format string, args ...any) error { return fmt.Errorf(format, args...) }
