package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/controllers/node"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/nodeplace"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/test/emulator/outscale"
	"github.com/rempart/rempart/test/emulator/ovh"
)

// node makes a Node that goes with the test. Labels are given as key and value in
// turns.
func (w *world) node(name, providerID string, labels ...string) *corev1.Node {
	w.t.Helper()
	object := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/hostname": name}, Annotations: map[string]string{"example.fr/owner": "us"}},
		Spec:       corev1.NodeSpec{ProviderID: providerID, PodCIDR: "10.42.1.0/24", PodCIDRs: []string{"10.42.1.0/24"}},
	}
	for i := 0; i < len(labels); i += 2 {
		object.Labels[labels[i]] = labels[i+1]
	}
	w.create(object)
	w.t.Cleanup(func() {
		if err := client.IgnoreNotFound(w.client.Delete(context.Background(), object)); err != nil {
			w.t.Error(err)
		}
	})
	return object
}

// placed is what a Node shows: place, country, perimeter, operator and how sure that
// is, with - for each that is not there.
func placed(n *corev1.Node) string {
	words := make([]string, 0, 6)
	for _, label := range nodeplace.OwnLabels() {
		value := n.Labels[label]
		if value == "" {
			value = "-"
		}
		words = append(words, value)
	}
	return strings.Join(append(words, n.Annotations[v1alpha1.PlaceVerificationAnnotation]), " ")
}

// awaitPlaced waits until a Node shows something.
func (w *world) awaitPlaced(n *corev1.Node, want string) {
	w.t.Helper()
	w.eventually(func() error {
		if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(n), n); err != nil {
			return err
		}
		if got := placed(n); got != want {
			return notYet("Node %s shows %q, want %q: %s", n.Name, got, want, n.Annotations[v1alpha1.PlaceGroundsAnnotation])
		}
		return nil
	})
}

// awaitNodeEvent waits for an event about a Node.
func (w *world) awaitNodeEvent(n *corev1.Node, reason string, says ...string) {
	w.t.Helper()
	w.eventually(func() error {
		var list eventsv1.EventList
		if err := w.client.List(context.Background(), &list); err != nil {
			return err
		}
		var found []string
		for _, e := range list.Items {
			if e.Regarding.Kind != "Node" || e.Regarding.Name != n.Name || e.Regarding.UID != n.UID {
				continue
			}
			found = append(found, e.Reason+": "+e.Note)
			if e.Reason == reason && hasAll(e.Note, says) {
				return nil
			}
		}
		return notYet("no event %s that says %q; there are %q", reason, says, found)
	})
}

func hasAll(text string, pieces []string) bool {
	for _, piece := range pieces {
		if !strings.Contains(text, piece) {
			return false
		}
	}
	return true
}

const room = "site.node-restriction.kubernetes.io/room"

// inRoom has the Nodes of a room stand at a location.
func inRoom(name string) func(*v1alpha1.Location) {
	return func(l *v1alpha1.Location) {
		l.Nodes = &v1alpha1.NodeSelector{LabelSelector: metav1.LabelSelector{MatchLabels: map[string]string{room: name}}}
	}
}

func TestNodesSayWhereTheyStand(t *testing.T) {
	w := newWorld(t)
	w.emulated("onprem")
	selected, other := w.node("selected", "vsphere://1", room, "b"), w.node("other", "k3s://other")
	w.awaitPlaced(other, "- - - - - Unknown")
	before := selected.DeepCopy()
	p := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls, inRoom("b")), in("dc2", "CH")})
	const there = "onprem dc1 FR FR onprem-sa-"
	operator := nodeplace.LabelValue("onprem sa")
	stands := "onprem dc1 FR FR " + operator + " Declared"
	w.awaitPlaced(selected, stands)
	if !strings.HasPrefix(stands, there) {
		t.Errorf("the operator is %q", operator)
	}
	w.awaitNodeEvent(selected, v1alpha1.ReasonNodePlaced, "stands at onprem/dc1: spec.locations[dc1].nodes of SovereignProvider onprem selects it")
	w.awaitPlaced(other, "- - - - - Unknown")

	t.Run("nothing else of a Node is changed", func(t *testing.T) {
		after := selected.DeepCopy()
		for _, label := range nodeplace.OwnLabels() {
			delete(after.Labels, label)
		}
		maps.DeleteFunc(after.Annotations, func(key, _ string) bool { return strings.HasPrefix(key, v1alpha1.NodeAnnotationPrefix) })
		after.ResourceVersion, after.ManagedFields = before.ResourceVersion, before.ManagedFields
		maps.DeleteFunc(before.Annotations, func(key, _ string) bool { return strings.HasPrefix(key, v1alpha1.NodeAnnotationPrefix) })
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
	})
	t.Run("what somebody else says is set right", func(t *testing.T) {
		w := w.in(t)
		w.update(selected, func() {
			selected.Labels[v1alpha1.NodeLocationLabel] = "dc2"
			delete(selected.Labels, v1alpha1.NodePerimeterLabel)
			selected.Annotations[v1alpha1.PlaceVerificationAnnotation] = "Confirmed"
		})
		w.awaitPlaced(selected, stands)
		w.update(other, func() {
			other.Labels[v1alpha1.NodePerimeterLabel] = "FR"
			other.Labels[v1alpha1.NodeCountryLabel] = "FR"
		})
		w.awaitPlaced(other, "- - - - - Unknown")
	})
	t.Run("an administrator's word counts, is shown, and can be taken back", func(t *testing.T) {
		w := w.in(t)
		w.annotate(other, v1alpha1.PlaceOverrideAnnotation, "onprem/dc2")
		w.awaitPlaced(other, "onprem dc2 CH None "+operator+" Overridden")
		w.awaitNodeEvent(other, v1alpha1.ReasonNodeOverridden, "stands at onprem/dc2: an administrator says so")
		w.annotate(other, v1alpha1.PlaceOverrideAnnotation, "onprem/dc9")
		w.awaitPlaced(other, "- - - None - Contradicted")
		w.awaitNodeEvent(other, v1alpha1.ReasonNodeContradicted, "onprem/dc9")
		w.update(other, func() { delete(other.Annotations, v1alpha1.PlaceOverrideAnnotation) })
		w.awaitPlaced(other, "- - - - - Unknown")
	})
	t.Run("a Node that moves takes other labels", func(t *testing.T) {
		w := w.in(t)
		w.update(p, func() { inRoom("c")(&p.Spec.Locations[1]) })
		w.update(selected, func() { selected.Labels[room] = "c" })
		w.awaitPlaced(selected, "onprem dc2 CH None "+operator+" Declared")
		w.update(selected, func() { selected.Labels[room] = "b" })
		w.awaitPlaced(selected, stands)
	})
	t.Run("with the provider the labels go", func(t *testing.T) {
		w := w.in(t)
		w.delete(p)
		w.awaitPlaced(selected, "- - - - - Unknown")
		w.awaitNodeEvent(selected, v1alpha1.ReasonNodeUnplaced, "nothing says where it stands")
	})
}

// in is the world in a subtest.
func (w *world) in(t *testing.T) *world {
	t.Helper()
	inner := *w
	inner.t = t
	return &inner
}

func TestTheOperatorKnowsItsPlaceByItsNode(t *testing.T) {
	w := newWorld(t, func(o *app.ManagerOptions) { o.Self, o.NodeName = "", "home" })
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		w.emulated(name)
	}
	home := w.node("home", "", room, "b")
	w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls, inRoom("b")), in("abroad", "CH", inRoom("c"))})
	w.provider("ovh", []v1alpha1.Location{in("GRA", "FR")})
	w.awaitPlaced(home, "onprem dc1 FR FR "+nodeplace.LabelValue("onprem sa")+" Declared")
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)

	// A Node outside the perimeter is one where nothing is read.
	w.update(home, func() { home.Labels[room] = "c" })
	w.awaitPlaced(home, "onprem abroad CH None "+nodeplace.LabelValue("onprem sa")+" Declared")
	w.sync(bucket)
	w.eventually(func() error {
		for place, replica := range w.replicas(bucket) {
			for _, c := range replica.Status.Conditions {
				if strings.Contains(c.Message, "the operator stands at onprem/abroad and may not read data there: CH is outside FR") {
					return nil
				}
			}
			if replica.Spec.Role == v1alpha1.RoleReplica {
				return notYet("the copy at %s says %v", place, replica.Status.Conditions)
			}
		}
		return notYet("there is no replica")
	})
}

// accounts are vendors' APIs that list machines, by provider.
type accounts struct {
	mu       sync.Mutex
	machines map[string][]provider.Machine
	err      error
}

func (a *accounts) set(machines map[string][]provider.Machine, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.machines, a.err = machines, err
}

// OpenAccount implements node.Accounts.
func (a *accounts) OpenAccount(_ context.Context, p *v1alpha1.SovereignProvider) (provider.Session, error) {
	return vendorSession{accounts: a, name: p.Name}, nil
}

type vendorSession struct {
	provider.Session
	accounts *accounts
	name     string
}

func (s vendorSession) Account() (provider.Account, bool) { return vendorAccount{session: s}, true }

type vendorAccount struct {
	provider.Account
	session vendorSession
}

func (a vendorAccount) Machines(context.Context) ([]provider.Machine, error) {
	a.session.accounts.mu.Lock()
	defer a.session.accounts.mu.Unlock()
	return a.session.accounts.machines[a.session.name], a.session.accounts.err
}

// startNodeController runs the controller of Nodes and no other.
func (w *world) startNodeController(vendors *accounts) {
	w.t.Helper()
	yes := true
	mgr, err := ctrl.NewManager(w.config, ctrl.Options{
		Scheme: app.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: &yes},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := gather.Index(ctx, mgr.GetFieldIndexer()); err != nil {
		w.t.Fatal(err)
	}
	reconciler := node.NewReconciler(node.Config{
		Client: mgr.GetClient(), Recorder: mgr.GetEventRecorder("node"), Clock: clock.RealClock{}, Accounts: vendors,
		Metrics: node.NewMetrics(prometheus.NewRegistry()),
	})
	if err := reconciler.SetupWithManager(mgr); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the controller ended: %v", err)
		}
	})
}

// vendor makes an account at OVHcloud whose regions were discovered.
func (w *world) vendor(name string) *v1alpha1.SovereignProvider {
	w.t.Helper()
	p := &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeOVHcloud,
			OVHcloud: &v1alpha1.OVHcloudAccount{
				Endpoint: "ovh-eu", ProjectID: "p-" + name, CredentialsRef: v1alpha1.NameReference{Name: name},
			},
		},
	}
	w.create(p)
	p.Status.Locations = location.Merge(p, []provider.Region{{Name: "BHS", Country: "CA"}, {Name: "GRA", Country: "FR"}, {Name: "SBG", Country: "FR"}})
	if err := w.client.Status().Update(context.Background(), p); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// mks makes a Node of OVHcloud's Managed Kubernetes.
func (w *world) mks(name, id, region string) *corev1.Node {
	w.t.Helper()
	return w.node(name, "openstack:///"+id, "node.k8s.ovh/type", "standard", corev1.LabelTopologyRegion, region, corev1.LabelTopologyZone, "nova")
}

func TestNodesAreConfirmedByTheirVendor(t *testing.T) {
	w := newWorld(t)
	w.stop()
	vendors := &accounts{machines: map[string][]provider.Machine{
		"vendor-a": {{ID: "u-1", Region: "GRA11"}, {ID: "u-2", Region: "SBG5"}},
		"vendor-b": {{ID: "u-3", Region: "BHS5"}},
	}}
	w.vendor("vendor-a")
	w.vendor("vendor-b")
	const ovhGroup = "537407926"
	fine, moved, abroad, foreign := w.mks("fine", "u-1", "GRA11"), w.mks("moved", "u-2", "GRA11"), w.mks("abroad", "u-3", "BHS5"), w.mks("foreign", "u-9", "GRA11")
	w.startNodeController(vendors)
	w.awaitPlaced(fine, "vendor-a GRA FR FR "+ovhGroup+" Confirmed")
	w.awaitPlaced(abroad, "vendor-b BHS CA None "+ovhGroup+" Confirmed")
	w.awaitPlaced(foreign, "vendor-a GRA FR FR "+ovhGroup+" Declared")
	w.awaitPlaced(moved, "- - - None - Contradicted")
	w.awaitNodeEvent(moved, v1alpha1.ReasonNodeContradicted,
		"its provider id and labels say GRA11 of OVHcloud, and the API of SovereignProvider vendor-a lists its machine in SBG5")

	t.Run("a second Node with the provider id of one is a lie of either", func(t *testing.T) {
		w := w.in(t)
		twin := w.mks("twin", "u-1", "GRA11")
		w.awaitPlaced(twin, "- - - None - Contradicted")
		w.awaitPlaced(fine, "- - - None - Contradicted")
		w.awaitNodeEvent(fine, v1alpha1.ReasonNodeContradicted, "Nodes fine and twin have one provider id")
		w.delete(twin)
		w.awaitPlaced(fine, "vendor-a GRA FR FR "+ovhGroup+" Confirmed")
	})
	t.Run("an account that goes leaves the labels of the other", func(t *testing.T) {
		w := w.in(t)
		w.delete(&v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "vendor-a"}})
		w.awaitPlaced(fine, "vendor-b GRA FR FR "+ovhGroup+" Declared")
		w.awaitPlaced(moved, "vendor-b GRA FR FR "+ovhGroup+" Declared")
	})
	t.Run("a vendor that contradicts the owner about a location leaves its Nodes nowhere", func(t *testing.T) {
		w := w.in(t)
		p := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "vendor-b"}}
		w.update(p, func() { p.Spec.Locations = []v1alpha1.Location{{Name: "BHS", Country: "FR"}} })
		p.Status.Locations = location.Merge(p, []provider.Region{{Name: "BHS", Country: "CA"}})
		if err := w.client.Status().Update(context.Background(), p); err != nil {
			t.Fatal(err)
		}
		w.awaitPlaced(abroad, "- - - None - Contradicted")
		w.awaitNodeEvent(abroad, v1alpha1.ReasonNodeContradicted, "of location vendor-b/BHS spec.locations says FR, and the provider's own API says CA")
	})
}

// A vendor's API that fails, or does not tell, leaves what is known without it.
func TestAVendorThatDoesNotTellLeavesNodesDeclared(t *testing.T) {
	w := newWorld(t)
	w.stop()
	vendors := &accounts{}
	vendors.set(nil, fmt.Errorf("list: %w", errors.Join(provider.ErrUnsupported)))
	w.vendor("vendor-a")
	n := w.mks("silent", "u-1", "GRA11")
	w.startNodeController(vendors)
	w.awaitPlaced(n, "vendor-a GRA FR FR 537407926 Declared")
}

// The whole operator, with what the vendors' emulators list.
func TestNodesAreConfirmedThroughTheVendorsOwnAPIs(t *testing.T) {
	v := newVendorsWith(t,
		ovh.Options{Instances: []ovh.Instance{{ID: "5c2f6d0a-98f3-4e66-b0f8-3d7a5a1be001", Region: "GRA11"}}},
		outscale.Options{VMs: []outscale.VM{{ID: "i-0a1b2c3d", Subregion: "eu-west-2a", State: "running", Type: "tinav5.c2r4p1"}}})
	atOVHcloud := v.mks("at-ovhcloud", "5c2f6d0a-98f3-4e66-b0f8-3d7a5a1be001", "GRA11")
	atOutscale := v.node("at-outscale", "aws:///eu-west-2a/i-0a1b2c3d", corev1.LabelTopologyZone, "eu-west-2a", corev1.LabelInstanceTypeStable, "tinav5.c2r4p1")
	london := v.node("in-london", "aws:///eu-west-2a/i-0f1e2d3c4b5a69788", corev1.LabelTopologyZone, "eu-west-2a", corev1.LabelInstanceTypeStable, "m6i.large")
	v.ovhcloud()
	v.tds()
	v.awaitPlaced(atOVHcloud, "ovh GRA FR FR 537407926 Confirmed")
	v.awaitPlaced(atOutscale, "tds eu-west-2 FR FR 96950065lbwy0apqim86 Confirmed")
	v.awaitPlaced(london, "- - - - - Unknown")
}
