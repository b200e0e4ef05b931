package app

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllertest"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/controllers"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/instrument"
	"github.com/rempart/rempart/internal/session"
	"github.com/rempart/rempart/internal/standing"
)

// faultsOfAStore are what a store may do for a minute, and how many requests it
// may get in that time from an operator with one copy there, a primary elsewhere,
// an objective of one minute and a look at the provider every ten seconds.
var faultsOfAStore = map[string]struct {
	fault    error
	requests int
	// reason is what the provider shows then; empty where its own looks fare well.
	reason string
}{
	"credentials that are refused": {
		&fault.Error{Class: fault.Terminal, Reason: fault.AuthenticationFailed, Err: provider.ErrAuthentication}, 2, v1alpha1.ReasonAuthenticationFailed,
	},
	"a right that is missing": {
		&fault.Error{Class: fault.Terminal, Reason: fault.AccessDenied, Err: provider.ErrDenied}, 25, "",
	},
	"a certificate that is not trusted": {
		&fault.Error{Class: fault.Terminal, Reason: fault.CertificateInvalid, Err: provider.ErrCertificate}, 8, v1alpha1.ReasonCertificateInvalid,
	},
	"a quota that is reached": {
		&fault.Error{Class: fault.Terminal, Reason: fault.QuotaExceeded, Err: provider.ErrQuota}, 8, v1alpha1.ReasonQuotaExceeded,
	},
	"an endpoint that moved": {
		&fault.Error{Class: fault.Terminal, Reason: fault.EndpointMoved, Err: provider.ErrInvalidConfiguration}, 8, v1alpha1.ReasonEndpointMoved,
	},
	"throttling": {
		&fault.Error{Class: fault.Throttled, Reason: fault.Throttling, Err: provider.ErrThrottled}, 40, v1alpha1.ReasonThrottled,
	},
	"throttling for minutes": {
		&fault.Error{Class: fault.Throttled, Reason: fault.Throttling, After: 3 * time.Minute, Err: provider.ErrThrottled}, 8, v1alpha1.ReasonThrottled,
	},
	"no answer": {
		&fault.Error{Class: fault.Transient, Reason: fault.ProviderUnreachable, Err: provider.ErrUnreachable}, 80, v1alpha1.ReasonProviderUnreachable,
	},
	"answers that make no sense": {
		&fault.Error{Class: fault.Transient, Reason: fault.Unclassified, Err: provider.ErrServer}, 80, v1alpha1.ReasonFailed,
	},
}

// The whole operator, with its own queues, watches, retries and breakers, meets
// each fault for a minute of fake time. The reconcilers and stores are real or
// behave so; the API server is a fake, because nothing that waits for a network
// can live in fake time.
func TestAMinuteOfAFaultIsNoHotLoop(t *testing.T) {
	for name, test := range faultsOfAStore {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t)
				time.Sleep(3 * time.Minute)
				b.wantReady("onprem", "ovh")
				b.wantSynced()
				healthy := b.minute(nil)
				if healthy.requests > 60 {
					t.Errorf("%d requests were sent in a minute without a fault: %v", healthy.requests, healthy.operations)
				}
				if healthy.writes > 6 {
					t.Errorf("%d statuses were written in a minute without a fault: %v", healthy.writes, healthy.written)
				}
				faulty := b.minute(test.fault)
				t.Logf("%d requests %v, %d statuses written %v", faulty.requests, faulty.operations, faulty.writes, faulty.written)
				if faulty.requests > test.requests || faulty.requests == 0 {
					t.Errorf("%d requests were sent, want 1 to %d: %v", faulty.requests, test.requests, faulty.operations)
				}
				if faulty.writes > 10 {
					t.Errorf("%d statuses were written: %v", faulty.writes, faulty.written)
				}
				if test.reason != "" {
					b.wantReason("ovh", test.reason)
				}
			})
		})
	}
}

// count is what happened in a minute.
type count struct {
	requests, writes    int
	operations, written map[string]int
}

func newCount() count { return count{operations: map[string]int{}, written: map[string]int{}} }

// bubble is an operator in fake time.
type bubble struct {
	t      *testing.T
	client client.WithWatch
	cancel context.CancelFunc
	ended  chan error

	mu    sync.Mutex
	fault error
	now   count
}

func newBubble(t *testing.T) *bubble {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b := &bubble{t: t, cancel: cancel, ended: make(chan error, 1), now: newCount()}
	b.client = b.newCluster(ctx)
	mgr := b.newManager()
	registry := prometheus.NewRegistry()
	requests, err := instrument.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	accounts := &accounts{requests: requests, around: b.intercept}
	installation := ownership.Installation{ID: "test", Key: []byte("0123456789abcdef0123456789abcdef")}
	err = controllers.Setup(ctx, mgr, controllers.Deps{
		Clock: clock.RealClock{}, // of the bubble
		Sessions: session.New(session.Config{
			Reader: b.client, Namespace: system, Drivers: provider.NewRegistry(&memoryDriver{stores: map[string]*memoryStore{}}),
			NewAccount: accounts.open, FingerprintKey: installation.Key,
		}),
		Installation: installation, Namespace: system, Registerer: registry, Version: "test",
		MayRead: (&standing.Ground{Self: "onprem/dc1", Reader: b.client}).MayRead,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { b.ended <- mgr.Start(ctx) }()
	t.Cleanup(b.end)
	return b
}

const system = "rempart-system"

// newCluster makes an API server of the memory with all that a dataset needs.
func (b *bubble) newCluster(ctx context.Context) client.WithWatch {
	b.t.Helper()
	objects := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "etat-civil"}},
		&v1alpha1.SovereigntyPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "p", UID: "p", Generation: 1},
			Spec: v1alpha1.SovereigntyPolicySpec{
				AllowedNamespaces: &metav1.LabelSelector{}, Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR},
				Copies:     v1alpha1.CopyRules{Minimum: 2, DistinctOperators: 2},
				Objectives: v1alpha1.Objectives{RPO: &metav1.Duration{Duration: time.Minute}},
			},
		},
		&v1alpha1.SovereignBucket{
			ObjectMeta: metav1.ObjectMeta{Namespace: "etat-civil", Name: "actes", UID: "b", Generation: 1},
			Spec: v1alpha1.SovereignBucketSpec{
				PolicyRef: v1alpha1.NameReference{Name: "p"},
				Placement: v1alpha1.PlacementSpec{Primary: &v1alpha1.PlaceReference{ProviderName: "onprem", Location: "dc1"}},
			},
		},
	}
	for name, location := range map[string]string{"onprem": "dc1", "ovh": "GRA"} {
		objects = append(objects, b.account(name, location)...)
	}
	builder := fake.NewClientBuilder().WithScheme(Scheme()).WithRESTMapper(kinds()).WithObjects(objects...).
		WithStatusSubresource(&v1alpha1.SovereignProvider{}, &v1alpha1.SovereigntyPolicy{}, &v1alpha1.SovereignBucket{},
			&v1alpha1.BucketReplica{}, &v1alpha1.SovereignBucketAccess{}, &v1alpha1.ReversibilityDrill{}).
		WithInterceptorFuncs(interceptor.Funcs{SubResourceUpdate: b.countWrite})
	if err := gather.Index(ctx, indexed{builder}); err != nil {
		b.t.Fatal(err)
	}
	return builder.Build()
}

// kinds knows which kinds are of a namespace, which owners are found by.
func kinds() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	for kind := range Scheme().KnownTypes(v1alpha1.GroupVersion) {
		scope := meta.RESTScopeNamespace
		if kind == "SovereignProvider" || kind == "SovereigntyPolicy" {
			scope = meta.RESTScopeRoot
		}
		mapper.Add(v1alpha1.GroupVersion.WithKind(kind), scope)
	}
	for kind, scope := range map[string]meta.RESTScope{
		"Secret": meta.RESTScopeNamespace, "ConfigMap": meta.RESTScopeNamespace, "Namespace": meta.RESTScopeRoot,
	} {
		mapper.Add(corev1.SchemeGroupVersion.WithKind(kind), scope)
	}
	return mapper
}

// account gives a provider whose store was tried before, and its Secret.
func (b *bubble) account(name, location string) []client.Object {
	tried := metav1.Now()
	endpoint := "https://" + name + ".example.fr"
	return []client.Object{
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: name},
			Data:       map[string][]byte{provider.AccessKey: []byte(name), provider.SecretKey: []byte("secret")},
		},
		&v1alpha1.SovereignProvider{
			ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Generation: 1},
			Spec: v1alpha1.SovereignProviderSpec{
				Type: v1alpha1.ProviderTypeS3, AllowedNamespaces: &metav1.LabelSelector{},
				S3:            &v1alpha1.S3Endpoint{Endpoint: endpoint, CredentialsRef: v1alpha1.NameReference{Name: name}},
				Operator:      v1alpha1.Operator{LegalEntity: name},
				Locations:     []v1alpha1.Location{{Name: location, Country: "FR"}},
				ProbeInterval: &metav1.Duration{Duration: 10 * time.Second},
			},
			Status: v1alpha1.SovereignProviderStatus{Locations: []v1alpha1.LocationStatus{{
				Name: location, Endpoint: endpoint, CapabilitiesTriedAt: &tried,
				Capabilities: v1alpha1.Capabilities{
					Versioning: v1alpha1.CapabilitySupported, Tagging: v1alpha1.CapabilitySupported,
					ExactKeys: v1alpha1.CapabilitySupported, ContentHash: v1alpha1.CapabilitySupported,
				},
			}}},
		},
	}
}

// indexed has the fake cluster keep the indexes of the cache.
type indexed struct{ builder *fake.ClientBuilder }

// IndexField implements client.FieldIndexer.
func (i indexed) IndexField(_ context.Context, object client.Object, field string, extract client.IndexerFunc) error {
	i.builder.WithIndex(object, field, extract)
	return nil
}

func (b *bubble) countWrite(ctx context.Context, c client.Client, sub string, object client.Object, options ...client.SubResourceUpdateOption) error {
	b.mu.Lock()
	b.now.writes++
	b.now.written[fmt.Sprintf("%T %s", object, object.GetName())]++
	b.mu.Unlock()
	return c.SubResource(sub).Update(ctx, object, options...)
}

// intercept lets the fault happen at ovh, and counts what is asked there.
func (b *bubble) intercept(ctx context.Context, operation provider.Operation, call func(context.Context) error) error {
	b.mu.Lock()
	failure := b.fault
	if operation.Place.Provider == "ovh" {
		b.now.requests++
		b.now.operations[operation.Name]++
	}
	b.mu.Unlock()
	if failure != nil && operation.Place.Provider == "ovh" {
		return failure
	}
	return call(ctx)
}

// minute lets a minute pass under a fault, or none, and counts.
func (b *bubble) minute(failure error) count {
	b.mu.Lock()
	b.fault, b.now = failure, newCount()
	b.mu.Unlock()
	time.Sleep(time.Minute)
	b.mu.Lock()
	defer b.mu.Unlock()
	counted := b.now
	counted.operations, counted.written = maps.Clone(b.now.operations), maps.Clone(b.now.written)
	return counted
}

func (b *bubble) end() {
	b.t.Helper()
	b.cancel()
	if err := <-b.ended; err != nil {
		b.t.Errorf("the operator ended: %v", err)
	}
}

func (b *bubble) provider(name string) *v1alpha1.SovereignProvider {
	b.t.Helper()
	var p v1alpha1.SovereignProvider
	if err := b.client.Get(context.Background(), client.ObjectKey{Name: name}, &p); err != nil {
		b.t.Fatal(err)
	}
	return &p
}

func (b *bubble) wantReady(names ...string) {
	b.t.Helper()
	for _, name := range names {
		if p := b.provider(name); !meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady) {
			b.t.Fatalf("provider %s: %v", name, p.Status.Conditions)
		}
	}
}

// wantSynced fails unless the dataset is there, copied and published.
func (b *bubble) wantSynced() {
	b.t.Helper()
	var bucket v1alpha1.SovereignBucket
	if err := b.client.Get(context.Background(), client.ObjectKey{Namespace: "etat-civil", Name: "actes"}, &bucket); err != nil {
		b.t.Fatal(err)
	}
	for _, condition := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionReplicated} {
		if !meta.IsStatusConditionTrue(bucket.Status.Conditions, condition) {
			b.t.Fatalf("%s is not True: %v", condition, bucket.Status.Conditions)
		}
	}
}

// wantReason fails unless a condition of the provider has the reason.
func (b *bubble) wantReason(name, reason string) {
	b.t.Helper()
	conditions := b.provider(name).Status.Conditions
	for _, c := range conditions {
		if c.Reason == reason && c.Status == metav1.ConditionFalse {
			return
		}
	}
	b.t.Errorf("provider %s shows no %s: %v", name, reason, conditions)
}

// newManager makes a manager whose cache is the fake cluster.
func (b *bubble) newManager() ctrl.Manager {
	b.t.Helper()
	skip := true
	options := ctrl.Options{
		Scheme: Scheme(), Logger: logr.Discard(), HealthProbeBindAddress: "0",
		NewCache:  func(*rest.Config, cache.Options) (cache.Cache, error) { return newFakeCache(b.client), nil },
		NewClient: func(*rest.Config, client.Options) (client.Client, error) { return b.client, nil },
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
			return b.client.RESTMapper(), nil
		},
	}
	options.Metrics.BindAddress = "0"
	options.Controller.SkipNameValidation = &skip
	mgr, err := ctrl.NewManager(&rest.Config{Host: "http://nowhere.invalid"}, options)
	if err != nil {
		b.t.Fatal(err)
	}
	return &managerInMemory{Manager: mgr, client: b.client}
}

// managerInMemory keeps everything away from the network.
type managerInMemory struct {
	ctrl.Manager
	client client.Client
}

// GetAPIReader implements cluster.Cluster.
func (m *managerInMemory) GetAPIReader() client.Reader { return m.client }

// GetEventRecorder implements recorder.Provider.
func (m *managerInMemory) GetEventRecorder(string) recorder.EventRecorder { return silent{} }

type silent struct{ events.AnnotatedEventRecorder }

// Eventf implements events.EventRecorder.
func (silent) Eventf(_, _ runtime.Object, _, _, _, _ string, _ ...any) {}

// fakeCache tells of what changes in a fake cluster as a cache does.
type fakeCache struct {
	*informertest.FakeInformers
	client.Reader
	cluster client.WithWatch

	mu        sync.Mutex
	informers map[string]*fakeInformer
}

func newFakeCache(cluster client.WithWatch) *fakeCache {
	return &fakeCache{
		FakeInformers: &informertest.FakeInformers{Scheme: cluster.Scheme()}, Reader: cluster, cluster: cluster,
		informers: map[string]*fakeInformer{},
	}
}

// Get implements client.Reader.
func (c *fakeCache) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	return c.cluster.Get(ctx, key, object, options...)
}

// List implements client.Reader.
func (c *fakeCache) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	return c.cluster.List(ctx, list, options...)
}

// GetInformer implements cache.Informers.
func (c *fakeCache) GetInformer(_ context.Context, object client.Object, _ ...cache.InformerGetOption) (cache.Informer, error) {
	return c.informer(object), nil
}

func (c *fakeCache) informer(object client.Object) *fakeInformer {
	c.mu.Lock()
	defer c.mu.Unlock()
	kind := fmt.Sprintf("%T", object)
	if c.informers[kind] == nil {
		c.informers[kind] = &fakeInformer{FakeInformer: controllertest.NewFakeInformer(controllertest.Synced)}
	}
	return c.informers[kind]
}

// Start implements cache.Cache: it passes on what the cluster tells until the
// context ends.
func (c *fakeCache) Start(ctx context.Context) error {
	var watching sync.WaitGroup
	for _, list := range []client.ObjectList{
		&corev1.SecretList{}, &corev1.ConfigMapList{}, &corev1.NamespaceList{},
		&v1alpha1.SovereignProviderList{}, &v1alpha1.SovereigntyPolicyList{}, &v1alpha1.SovereignBucketList{},
		&v1alpha1.BucketReplicaList{}, &v1alpha1.SovereignBucketAccessList{}, &v1alpha1.ReversibilityDrillList{},
	} {
		watcher, err := c.cluster.Watch(ctx, list)
		if err != nil {
			return err
		}
		// What is there already is told by nobody.
		if err := c.cluster.List(ctx, list); err != nil {
			return err
		}
		known := map[client.ObjectKey]client.Object{}
		err = meta.EachListItem(list, func(item runtime.Object) error {
			object := item.(client.Object)
			known[client.ObjectKeyFromObject(object)] = object
			c.informer(object).tell(watch.Added, nil, object)
			return nil
		})
		if err != nil {
			return err
		}
		watching.Go(func() { c.follow(ctx, watcher, known) })
	}
	watching.Wait()
	return nil
}

func (c *fakeCache) follow(ctx context.Context, watcher watch.Interface, known map[client.ObjectKey]client.Object) {
	defer watcher.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-watcher.ResultChan():
			object, isObject := event.Object.(client.Object)
			if !isObject {
				return
			}
			key := client.ObjectKeyFromObject(object)
			c.informer(object).tell(event.Type, known[key], object)
			known[key] = object
			if event.Type == watch.Deleted {
				delete(known, key)
			}
		}
	}
}

// fakeInformer is one that several controllers may use.
type fakeInformer struct {
	*controllertest.FakeInformer
	mu sync.Mutex
	// last are the objects as they were told last, for who comes later.
	last map[client.ObjectKey]client.Object
}

func (i *fakeInformer) tell(kind watch.EventType, before, after client.Object) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.last == nil {
		i.last = map[client.ObjectKey]client.Object{}
	}
	i.last[client.ObjectKeyFromObject(after)] = after
	switch {
	case kind == watch.Deleted:
		delete(i.last, client.ObjectKeyFromObject(after))
		i.Delete(after)
	case before == nil:
		i.Add(after)
	default:
		i.Update(before, after)
	}
}

// AddEventHandlerWithOptions implements cache.Informer.
func (i *fakeInformer) AddEventHandlerWithOptions(handler toolscache.ResourceEventHandler, options toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, object := range i.last {
		handler.OnAdd(object, true)
	}
	return i.FakeInformer.AddEventHandlerWithOptions(handler, options)
}
