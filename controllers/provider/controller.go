// Package provider reconciles SovereignProviders: is the account reachable, are
// its credentials good, where are its locations, what can its store do.
//
// Start reading at Reconciler.Reconcile; status.go turns what was found into
// conditions.
package provider

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
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
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/rollcall"
	"github.com/rempart/rempart/internal/session"
)

// Config is what the reconciler needs.
type Config struct {
	Client       client.Client
	Recorder     events.EventRecorder
	Clock        clock.PassiveClock
	Sessions     *session.Opener
	Installation ownership.Installation
	// Register keeps which buckets the accounts have.
	Register *rollcall.Register
	Metrics  *Metrics
	// Namespace is the operator's own.
	Namespace string
	// ServesEvents tells whether the operator has an endpoint for notifications.
	ServesEvents bool
}

// Reconciler reconciles SovereignProviders.
type Reconciler struct {
	Config
	finisher loop.Finisher
	trials   *trials
	// discoveries and footprints are what vendors told of accounts.
	discoveries *discoveries
	footprints  *footprints
}

// NewReconciler makes a reconciler. It starts nothing.
func NewReconciler(config Config) *Reconciler {
	return &Reconciler{
		Config: config,
		finisher: loop.Finisher{
			Client: config.Client, Recorder: config.Recorder, Clock: config.Clock, Writes: loop.NewWrites(), Names: eventNames,
		},
		trials:      &trials{known: map[trialKey]trial{}},
		discoveries: &discoveries{known: map[types.UID]discovery{}},
		footprints:  &footprints{last: map[types.UID]time.Time{}},
	}
}

// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignproviders,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignproviders/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignproviders/finalizers,verbs=update
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereigntypolicies;sovereigntyexceptions;bucketreplicas;reversibilitydrills,verbs=get;list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SetupWithManager has the manager run the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("provider").
		For(&v1alpha1.SovereignProvider{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.namingSecret)).
		Watches(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.namingConfigMap)).
		// A new policy or exception may make a location worth trying, a last copy or sandbox that
		// goes lets a provider go.
		Watches(&v1alpha1.SovereigntyPolicy{}, handler.EnqueueRequestsFromMapFunc(r.all),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.SovereigntyException{}, handler.EnqueueRequestsFromMapFunc(r.all),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.BucketReplica{}, handler.EnqueueRequestsFromMapFunc(placedAt),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.ReversibilityDrill{}, handler.EnqueueRequestsFromMapFunc(sandboxAt), builder.WithPredicates(sandboxGone)).
		WithOptions(loop.ControllerOptions(4)).
		Complete(r)
}

// Reconcile looks at one provider.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (result ctrl.Result, err error) {
	var provider v1alpha1.SovereignProvider
	if err := r.Client.Get(ctx, request.NamespacedName, &provider); err != nil {
		r.Metrics.forget(request.Name)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	s := &scope{provider: &provider, now: r.Clock.Now(), servesEvents: r.ServesEvents}
	pass := r.finisher.Begin(&provider)
	defer func() { result, err = pass.Finish(ctx, s.report(err), err) }()

	if !provider.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, loop.Run(ctx, s, r.gather, r.describe, r.release)
	}
	return ctrl.Result{}, loop.Run(ctx, s, r.ensureFinalizer, r.gather, r.announce, r.discover, r.describe, r.probe, r.measure, r.tryCapabilities)
}

// ensureFinalizer keeps the provider as long as copies are there.
func (r *Reconciler) ensureFinalizer(ctx context.Context, s *scope) error {
	return loop.EnsureFinalizer(ctx, r.Client, s.provider)
}

// release lets the provider go once no copy and no sandbox is left at it.
func (r *Reconciler) release(ctx context.Context, s *scope) error {
	if err := s.deletionBlocked(); err != nil {
		return err
	}
	if err := r.withdraw(ctx, s); err != nil {
		return err
	}
	r.Sessions.Close(s.provider.UID)
	r.Register.Forget(s.provider.Name)
	r.trials.forget(s.provider.UID)
	r.discoveries.forget(s.provider.UID)
	r.footprints.forget(s.provider.UID)
	r.Metrics.forget(s.provider.Name)
	s.gone = true
	return loop.RemoveFinalizer(ctx, r.Client, s.provider)
}

func (r *Reconciler) namingSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	return r.selected(ctx, func(p *v1alpha1.SovereignProvider) bool {
		return p.Spec.CredentialsRef() == secret.GetName() || p.Status.Events != nil && p.Status.Events.SecretName == secret.GetName()
	})
}

func (r *Reconciler) namingConfigMap(ctx context.Context, bundle client.Object) []reconcile.Request {
	return r.selected(ctx, func(p *v1alpha1.SovereignProvider) bool {
		return p.Spec.S3 != nil && p.Spec.S3.CABundleRef != nil && p.Spec.S3.CABundleRef.Name == bundle.GetName()
	})
}

func (r *Reconciler) all(ctx context.Context, _ client.Object) []reconcile.Request {
	return r.selected(ctx, func(*v1alpha1.SovereignProvider) bool { return true })
}

func (r *Reconciler) selected(ctx context.Context, matches func(*v1alpha1.SovereignProvider) bool) []reconcile.Request {
	var providers v1alpha1.SovereignProviderList
	if err := r.Client.List(ctx, &providers); err != nil {
		return nil
	}
	var requests []reconcile.Request
	for i := range providers.Items {
		if matches(&providers.Items[i]) {
			requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Name: providers.Items[i].Name}})
		}
	}
	return requests
}

func placedAt(_ context.Context, object client.Object) []reconcile.Request {
	replica := object.(*v1alpha1.BucketReplica)
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: replica.Spec.ProviderName}}}
}

// sandboxGone lets through drills whose sandbox is not at a provider any more.
var sandboxGone = predicate.Funcs{
	CreateFunc:  func(event.CreateEvent) bool { return false },
	GenericFunc: func(event.GenericEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.(*v1alpha1.ReversibilityDrill), e.ObjectNew.(*v1alpha1.ReversibilityDrill)
		return before.Status.Progression != after.Status.Progression && after.Status.Progression == v1alpha1.ProgressionDone
	},
}

func sandboxAt(_ context.Context, object client.Object) []reconcile.Request {
	effective := object.(*v1alpha1.ReversibilityDrill).Status.Effective
	if effective == nil {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: effective.To.ProviderName}}}
}

// interval is how often the provider is looked at.
func interval(provider *v1alpha1.SovereignProvider) time.Duration {
	if provider.Spec.ProbeInterval == nil {
		return defaultInterval
	}
	return max(provider.Spec.ProbeInterval.Duration, minimumInterval)
}

const (
	defaultInterval = 5 * time.Minute
	minimumInterval = 10 * time.Second
)
