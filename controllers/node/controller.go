// Package node labels every Node with where it stands, so that work and data can be
// kept where the policies want them, and so that the operator knows its own place.
//
// It changes nothing of a Node but those labels and the annotations that say how
// sure they are. A label that somebody else set, and one that does not hold any more,
// is set right or taken away.
//
// Start reading at Reconciler.Reconcile; where a Node stands is decided in package
// nodeplace.
package node

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/nodeplace"
	"github.com/rempart/rempart/internal/provider"
)

// Accounts open the accounts of providers at their vendors.
type Accounts interface {
	OpenAccount(ctx context.Context, p *v1alpha1.SovereignProvider) (provider.Session, error)
}

// Config is what the reconciler needs.
type Config struct {
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	Accounts Accounts
	Metrics  *Metrics
}

// Reconciler reconciles Nodes.
type Reconciler struct {
	Config
	listings *listings
}

// NewReconciler makes a reconciler. It starts nothing.
func NewReconciler(config Config) *Reconciler {
	return &Reconciler{Config: config, listings: &listings{known: map[types.UID]listing{}}}
}

// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignproviders,verbs=get;list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SetupWithManager has the manager run the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("node").
		For(&corev1.Node{}, builder.WithPredicates(predicate.Funcs{UpdateFunc: saysSomethingElse})).
		// A Node that comes or goes may have the provider id of others.
		Watches(&corev1.Node{}, handler.EnqueueRequestsFromMapFunc(r.twins), builder.WithPredicates(predicate.Funcs{UpdateFunc: isAnotherMachine})).
		Watches(&v1alpha1.SovereignProvider{}, handler.EnqueueRequestsFromMapFunc(r.all), builder.WithPredicates(predicate.Funcs{UpdateFunc: hasOtherPlaces})).
		// One at a time: they share what the vendors' APIs list.
		WithOptions(loop.ControllerOptions(1)).
		Complete(r)
}

// Reconcile looks where one Node stands.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var node corev1.Node
	if err := r.Client.Get(ctx, request.NamespacedName, &node); err != nil {
		r.Metrics.forget(request.Name)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !node.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	s := &scope{node: &node, now: r.Clock.Now(), next: lookInterval}
	if err := loop.Run(ctx, s, r.gather, r.list, r.place, r.write); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: s.next}, nil
}

// lookInterval is how often a Node is looked at although nothing changed here: its
// machine may not be there any more.
const lookInterval = 15 * time.Minute

// scope holds what one reconcile finds out.
type scope struct {
	node  *corev1.Node
	now   time.Time
	world nodeplace.World
	place nodeplace.Place
	// next is when to look again.
	next time.Duration
}

// gather reads what the Node is matched against.
func (r *Reconciler) gather(ctx context.Context, s *scope) error {
	var providers v1alpha1.SovereignProviderList
	if err := r.Client.List(ctx, &providers); err != nil {
		return fmt.Errorf("list the providers: %w", err)
	}
	for _, p := range providers.Items {
		if p.DeletionTimestamp.IsZero() {
			s.world.Providers = append(s.world.Providers, p)
		}
	}
	twins, err := r.withProviderID(ctx, s.node.Spec.ProviderID)
	s.world.Twins = map[string][]string{s.node.Spec.ProviderID: twins}
	return err
}

// withProviderID gives the names of the Nodes with a provider id.
func (r *Reconciler) withProviderID(ctx context.Context, id string) ([]string, error) {
	if id == "" {
		return nil, nil
	}
	var nodes corev1.NodeList
	if err := r.Client.List(ctx, &nodes, client.MatchingFields{gather.NodeProviderIDField: id}); err != nil {
		return nil, fmt.Errorf("list the Nodes with provider id %s: %w", id, err)
	}
	names := make([]string, 0, len(nodes.Items))
	for _, node := range nodes.Items {
		names = append(names, node.Name)
	}
	return names, nil
}

// place decides where the Node stands.
func (r *Reconciler) place(_ context.Context, s *scope) error {
	s.place = nodeplace.Of(s.node, s.world)
	return nil
}

// saysSomethingElse tells whether an update concerns what a Node's place follows
// from, or is shown in. Nodes are updated all the time.
func saysSomethingElse(e event.UpdateEvent) bool {
	return !maps.Equal(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels()) ||
		!maps.Equal(placeAnnotations(e.ObjectOld), placeAnnotations(e.ObjectNew)) || isAnotherMachine(e)
}

func placeAnnotations(object client.Object) map[string]string {
	found := map[string]string{}
	for key, value := range object.GetAnnotations() {
		if strings.HasPrefix(key, v1alpha1.NodeAnnotationPrefix) {
			found[key] = value
		}
	}
	return found
}

func isAnotherMachine(e event.UpdateEvent) bool {
	return e.ObjectOld.(*corev1.Node).Spec.ProviderID != e.ObjectNew.(*corev1.Node).Spec.ProviderID
}

// hasOtherPlaces tells whether a provider changed in what Nodes are matched against.
func hasOtherPlaces(e event.UpdateEvent) bool {
	before, after := e.ObjectOld.(*v1alpha1.SovereignProvider), e.ObjectNew.(*v1alpha1.SovereignProvider)
	return before.Generation != after.Generation || before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero() ||
		!equality.Semantic.DeepEqual(before.Status.Locations, after.Status.Locations)
}

func (r *Reconciler) all(ctx context.Context, _ client.Object) []reconcile.Request {
	return loop.Requests(ctx, r.Client, &corev1.NodeList{})
}

// twins wakes the Nodes with the provider id of one.
func (r *Reconciler) twins(ctx context.Context, object client.Object) []reconcile.Request {
	id := object.(*corev1.Node).Spec.ProviderID
	if id == "" {
		return nil
	}
	return loop.Requests(ctx, r.Client, &corev1.NodeList{}, client.MatchingFields{gather.NodeProviderIDField: id})
}
