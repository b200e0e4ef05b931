package node

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/nodeplace"
	"github.com/rempart/rempart/internal/provider"
)

var start = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

// vendor is an API that lists machines, for every account alike.
type vendor struct {
	provider.Session
	provider.Account
	machines []provider.Machine
	err      error
	// noAccount has no API at all.
	noAccount bool
	asked     int
}

func (v *vendor) OpenAccount(context.Context, *v1alpha1.SovereignProvider) (provider.Session, error) {
	return vendorSession{v}, nil
}

type vendorSession struct{ *vendor }

func (s vendorSession) Place() provider.Place             { return provider.Place{} }
func (s vendorSession) Account() (provider.Account, bool) { return s.vendor, !s.noAccount }
func (v *vendor) Machines(context.Context) ([]provider.Machine, error) {
	v.asked++
	return v.machines, v.err
}

// room is a reconciler with a cluster, a clock and a vendor of its own.
type room struct {
	*Reconciler
	t        *testing.T
	clock    *clocktesting.FakePassiveClock
	vendor   *vendor
	recorder *events.FakeRecorder
	registry *prometheus.Registry
	fail     error // what the next patch fails with
	patches  int
}

func newRoom(t *testing.T, objects ...client.Object) *room {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	r := &room{
		t: t, clock: clocktesting.NewFakePassiveClock(start), vendor: &vendor{machines: []provider.Machine{{ID: "u-1", Region: "GRA11"}}},
		recorder: events.NewFakeRecorder(16), registry: prometheus.NewRegistry(),
	}
	cluster := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithIndex(&corev1.Node{}, gather.NodeProviderIDField, func(o client.Object) []string { return []string{o.(*corev1.Node).Spec.ProviderID} }).
		WithInterceptorFuncs(interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, options ...client.PatchOption) error {
			r.patches++
			if r.fail != nil {
				return r.fail
			}
			return c.Patch(ctx, o, p, options...)
		}}).Build()
	r.Reconciler = NewReconciler(Config{
		Client: cluster, Recorder: r.recorder, Clock: r.clock, Accounts: r.vendor, Metrics: NewMetrics(r.registry),
	})
	return r
}

func requestFor(name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Name: name}}
}

// look reconciles a Node, and gives it and when it is looked at again.
func (r *room) look(name string) (*corev1.Node, time.Duration) {
	r.t.Helper()
	result, err := r.Reconcile(r.t.Context(), requestFor(name))
	if err != nil {
		r.t.Fatal(err)
	}
	var node corev1.Node
	if err := r.Client.Get(r.t.Context(), types.NamespacedName{Name: name}, &node); err != nil {
		r.t.Fatal(err)
	}
	return &node, result.RequeueAfter
}

func (r *room) wantSure(name string, want v1alpha1.NodeVerification) {
	r.t.Helper()
	node, _ := r.look(name)
	if got := node.Annotations[v1alpha1.PlaceVerificationAnnotation]; got != string(want) {
		r.t.Errorf("it is %s, want %s: %s", got, want, node.Annotations[v1alpha1.PlaceGroundsAnnotation])
	}
}

func (r *room) event() string {
	select {
	case told := <-r.recorder.Events:
		return told
	default:
		return ""
	}
}

// mks is a Node of OVHcloud's Managed Kubernetes that is older than the test.
func mks(name, id string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, CreationTimestamp: metav1.NewTime(start.Add(-time.Hour)),
			Labels: map[string]string{"node.k8s.ovh/type": "standard", corev1.LabelTopologyRegion: "GRA11"},
		},
		Spec: corev1.NodeSpec{ProviderID: "openstack:///" + id},
	}
}

func ovhcloud() *v1alpha1.SovereignProvider {
	p := &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: "ovh", UID: "uid-ovh", Generation: 1},
		Spec:       v1alpha1.SovereignProviderSpec{Type: v1alpha1.ProviderTypeOVHcloud, OVHcloud: &v1alpha1.OVHcloudAccount{Endpoint: "ovh-eu"}},
	}
	p.Status.Locations = location.Merge(p, []provider.Region{{Name: "GRA", Country: "FR"}})
	return p
}

func TestAVendorIsAskedForAllNodesAtOnceAndNotOften(t *testing.T) {
	r := newRoom(t, ovhcloud(), mks("a", "u-1"), mks("b", "u-2"))
	r.wantSure("a", v1alpha1.NodeConfirmed)
	r.wantSure("b", v1alpha1.NodeDeclared)
	if _, next := r.look("a"); r.vendor.asked != 1 || next != lookInterval {
		t.Errorf("asked %d times, next after %s", r.vendor.asked, next)
	}
	r.clock.SetTime(start.Add(listInterval))
	r.look("a")
	if r.vendor.asked != 2 {
		t.Errorf("asked %d times after %s", r.vendor.asked, listInterval)
	}
	changed := ovhcloud()
	r.update(changed, func() { changed.Generation, changed.Spec.Suspend = 2, true })
	r.look("a")
	if r.vendor.asked != 3 {
		t.Errorf("asked %d times after the spec changed", r.vendor.asked)
	}
}

// update changes an object as it is in the cluster.
func (r *room) update(object client.Object, change func()) {
	r.t.Helper()
	if err := r.Client.Get(r.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		r.t.Fatal(err)
	}
	change()
	if err := r.Client.Update(r.t.Context(), object); err != nil {
		r.t.Fatal(err)
	}
}

func TestANewNodeIsAskedForSoon(t *testing.T) {
	r := newRoom(t, ovhcloud(), mks("a", "u-1"))
	r.look("a")
	fresh := mks("fresh", "u-3")
	fresh.CreationTimestamp = metav1.NewTime(start.Add(5 * time.Second))
	if err := r.Client.Create(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	r.vendor.machines = append(r.vendor.machines, provider.Machine{ID: "u-3", Region: "GRA11"})
	r.clock.SetTime(start.Add(6 * time.Second))
	if _, next := r.look("fresh"); next != newcomerInterval || r.vendor.asked != 1 {
		t.Errorf("it is looked at again after %s, and the vendor was asked %d times", next, r.vendor.asked)
	}
	r.clock.SetTime(start.Add(6*time.Second + newcomerInterval))
	r.wantSure("fresh", v1alpha1.NodeConfirmed)
	if _, next := r.look("fresh"); next != lookInterval || r.vendor.asked != 2 {
		t.Errorf("it is looked at again after %s, and the vendor was asked %d times", next, r.vendor.asked)
	}
}

func TestWhatAVendorToldHoldsForAnHour(t *testing.T) {
	for name, err := range map[string]error{
		"that does not answer":          provider.ErrUnreachable,
		"that does not tell any more":   provider.ErrUnsupported,
		"that does not tell this key":   provider.ErrDenied,
		"whose credentials are refused": provider.ErrAuthentication,
	} {
		t.Run("one "+name, func(t *testing.T) {
			r := newRoom(t, ovhcloud(), mks("a", "u-1"))
			r.wantSure("a", v1alpha1.NodeConfirmed)
			r.vendor.err = err
			r.clock.SetTime(start.Add(listAge - time.Second))
			r.wantSure("a", v1alpha1.NodeConfirmed)
			r.clock.SetTime(start.Add(listAge + time.Second))
			r.wantSure("a", v1alpha1.NodeDeclared)
			if r.vendor.asked != 2 {
				t.Errorf("it was asked %d times", r.vendor.asked)
			}
			r.vendor.err = nil
			r.clock.SetTime(start.Add(2 * listAge))
			r.wantSure("a", v1alpha1.NodeConfirmed)
		})
	}
}

func TestATypeWithoutAnAPIConfirmsNothing(t *testing.T) {
	r := newRoom(t, ovhcloud(), mks("a", "u-1"))
	r.vendor.noAccount = true
	r.wantSure("a", v1alpha1.NodeDeclared)
}

func TestAMachineThatIsGoneConfirmsNothing(t *testing.T) {
	r := newRoom(t, ovhcloud(), mks("a", "u-1"))
	r.wantSure("a", v1alpha1.NodeConfirmed)
	r.vendor.machines = nil
	r.clock.SetTime(start.Add(listInterval))
	r.wantSure("a", v1alpha1.NodeDeclared)
}

func TestAProviderThatGoesIsForgotten(t *testing.T) {
	leaving := ovhcloud()
	leaving.Finalizers = []string{v1alpha1.Finalizer}
	r := newRoom(t, leaving, mks("a", "u-1"))
	r.wantSure("a", v1alpha1.NodeConfirmed)
	if err := r.Client.Delete(t.Context(), leaving); err != nil {
		t.Fatal(err)
	}
	node, _ := r.look("a")
	if labels := ownLabels(node); len(labels) > 0 || len(r.listings.known) > 0 {
		t.Errorf("the labels are %v, and %d lists are kept", labels, len(r.listings.known))
	}
}

func TestANodeIsWrittenOnceAndToldOf(t *testing.T) {
	r := newRoom(t, ovhcloud(), mks("a", "u-1"))
	r.look("a")
	r.look("a")
	if r.patches != 1 {
		t.Errorf("%d patches", r.patches)
	}
	if told := r.event(); !strings.HasPrefix(told, "Normal NodePlaced stands at ovh/GRA: the API of SovereignProvider ovh lists its machine in GRA11") {
		t.Errorf("told %q", told)
	}
	// How sure it is changes, and the place does not.
	r.vendor.machines = nil
	r.clock.SetTime(start.Add(listInterval))
	r.look("a")
	if told := r.event(); told != "" || r.patches != 2 {
		t.Errorf("told %q after %d patches", told, r.patches)
	}
}

func TestNodesThatCannotBeWritten(t *testing.T) {
	r := newRoom(t, ovhcloud(), mks("a", "u-1"))
	r.fail = apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "a", errors.New("no"))
	if _, err := r.Reconcile(t.Context(), requestFor("a")); !apierrors.IsForbidden(err) {
		t.Errorf("a refusal gives %v", err)
	}
	r.fail = apierrors.NewNotFound(schema.GroupResource{Resource: "nodes"}, "a")
	if _, err := r.Reconcile(t.Context(), requestFor("a")); err != nil {
		t.Errorf("a Node that is gone gives %v", err)
	}
	if told := r.event(); told != "" {
		t.Errorf("told %q of what was not written", told)
	}
	if result, err := r.Reconcile(t.Context(), requestFor("nobody")); err != nil || result.RequeueAfter != 0 {
		t.Errorf("a Node that never was gives %v, %v", result, err)
	}
}

func TestNodesAreCounted(t *testing.T) {
	b := mks("b", "u-2")
	b.Annotations = map[string]string{v1alpha1.PlaceOverrideAnnotation: "nowhere"}
	r := newRoom(t, ovhcloud(), mks("a", "u-1"), b)
	r.look("a")
	r.look("b")
	want := func(confirmed, contradicted int) {
		t.Helper()
		for verification, want := range map[v1alpha1.NodeVerification]int{
			v1alpha1.NodeConfirmed: confirmed, v1alpha1.NodeContradicted: contradicted, v1alpha1.NodeDeclared: 0, v1alpha1.NodeUnknown: 0, v1alpha1.NodeOverridden: 0,
		} {
			if got := testutil.ToFloat64(r.Metrics.nodes.WithLabelValues(string(verification))); int(got) != want {
				t.Errorf("%v Nodes are %s, want %d", got, verification, want)
			}
		}
	}
	want(1, 1)
	if err := r.Client.Delete(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Reconcile(t.Context(), requestFor("b")); err != nil {
		t.Fatal(err)
	}
	want(1, 0)
}

func TestOnlyWhatConcernsAPlaceWakes(t *testing.T) {
	base := mks("a", "u-1")
	base.Annotations = map[string]string{v1alpha1.PlaceGroundsAnnotation: "x"}
	for name, test := range map[string]struct {
		change func(*corev1.Node)
		want   bool
	}{
		"a heartbeat": {func(n *corev1.Node) {
			n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		}, false},
		"an annotation of others": {func(n *corev1.Node) { n.Annotations["example.fr/a"] = "b" }, false},
		"cordoning":               {func(n *corev1.Node) { n.Spec.Unschedulable = true }, false},
		"a label":                 {func(n *corev1.Node) { n.Labels["a"] = "b" }, true},
		"a label less":            {func(n *corev1.Node) { delete(n.Labels, corev1.LabelTopologyRegion) }, true},
		"an administrator's word": {func(n *corev1.Node) { n.Annotations[v1alpha1.PlaceOverrideAnnotation] = "ovh/GRA" }, true},
		"grounds that was edited": {func(n *corev1.Node) { n.Annotations[v1alpha1.PlaceGroundsAnnotation] = "y" }, true},
		"a provider id":           {func(n *corev1.Node) { n.Spec.ProviderID = "openstack:///u-2" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			changed := base.DeepCopy()
			test.change(changed)
			if got := saysSomethingElse(event.UpdateEvent{ObjectOld: base, ObjectNew: changed}); got != test.want {
				t.Errorf("it wakes: %t", got)
			}
		})
	}
}

func TestNotesFitIntoEvents(t *testing.T) {
	if got := note("%s", strings.Repeat("é", 4000)); len(got) > 1024 || !utf8.ValidString(got) {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	node := &corev1.Node{}
	told, isWorthIt := eventFor(node, nodeplace.Place{Verification: v1alpha1.NodeUnknown, Grounds: "nothing"})
	if isWorthIt {
		t.Errorf("a Node of which nothing was known before is told of: %v", told)
	}
}
