// Package exception reconciles SovereigntyExceptions: it says whether one counts, and
// why not. What follows from that is decided where rules are judged, by the same
// functions and not by what a status says.
//
// Start reading at Reconciler.Reconcile.
package exception

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/placement"
)

// Config is what the reconciler needs.
type Config struct {
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	Metrics  *Metrics
}

// Reconciler reconciles SovereigntyExceptions.
type Reconciler struct {
	Config
	finisher loop.Finisher
}

// NewReconciler makes a reconciler. It starts nothing.
func NewReconciler(config Config) *Reconciler {
	return &Reconciler{Config: config, finisher: loop.Finisher{
		Client: config.Client, Recorder: config.Recorder, Clock: config.Clock, Writes: loop.NewWrites(),
		Names: map[string]loop.EventNames{v1alpha1.ConditionActive: {True: v1alpha1.ReasonExceptionActive}},
	}}
}

// +kubebuilder:rbac:groups=rempart.dev,resources=sovereigntyexceptions,verbs=get;list;watch
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereigntyexceptions/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbuckets;sovereigntypolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch

// SetupWithManager has the manager run the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	specChanged := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("exception").
		For(&v1alpha1.SovereigntyException{}, specChanged).
		Watches(&v1alpha1.SovereigntyPolicy{}, handler.EnqueueRequestsFromMapFunc(r.to), specChanged).
		Watches(&v1alpha1.SovereignBucket{}, handler.EnqueueRequestsFromMapFunc(r.forBucket), specChanged).
		// Its labels tell which baselines bind a bucket.
		Watches(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.inNamespace),
			builder.WithPredicates(predicate.LabelChangedPredicate{})).
		WithOptions(loop.ControllerOptions(1)).
		Complete(r)
}

// Reconcile judges one exception.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (result ctrl.Result, err error) {
	var made v1alpha1.SovereigntyException
	if err := r.Client.Get(ctx, request.NamespacedName, &made); err != nil {
		r.Metrics.forget(request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	s := &scope{exception: &made, now: r.Clock.Now()}
	pass := r.finisher.Begin(&made)
	defer func() {
		result, err = pass.Finish(ctx, s.report(err), err)
		r.Metrics.record(&made)
	}()
	return ctrl.Result{}, loop.Run(ctx, s, r.observe)
}

// scope holds what one reconcile finds out.
type scope struct {
	exception *v1alpha1.SovereigntyException
	now       time.Time
	// policy is the one that the exception is to, nil if it does not exist.
	policy *v1alpha1.SovereigntyPolicy
	// subject is what the exception is for, nil if it does not exist.
	subject   *v1alpha1.SovereignBucket
	namespace placement.Namespace
	// isObserved tells that all of them were read.
	isObserved bool
}

// to wakes the exceptions to a policy.
func (r *Reconciler) to(ctx context.Context, policy client.Object) []reconcile.Request {
	return r.listed(ctx, client.MatchingFields{gather.ExceptionPolicyField: policy.GetName()})
}

// forBucket wakes the exceptions that are for a bucket.
func (r *Reconciler) forBucket(ctx context.Context, bucket client.Object) []reconcile.Request {
	return r.listed(ctx, client.InNamespace(bucket.GetNamespace()),
		client.MatchingFields{gather.ExceptionSubjectField: bucket.GetName()})
}

func (r *Reconciler) inNamespace(ctx context.Context, namespace client.Object) []reconcile.Request {
	return r.listed(ctx, client.InNamespace(namespace.GetName()))
}

func (r *Reconciler) listed(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	return loop.Requests(ctx, r.Client, &v1alpha1.SovereigntyExceptionList{}, options...)
}
