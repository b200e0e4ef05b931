// Package bucket reconciles SovereignBuckets: it decides where the copies of a
// dataset are to be, makes a BucketReplica for each, and a SovereignBucketAccess
// for the application. Everything at the providers is done by the reconcilers of
// those.
//
// Start reading at Reconciler.Reconcile; status.go turns what was found into
// conditions.
package bucket

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
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
	// Register tells which buckets the accounts have.
	Register *rollcall.Register
	Metrics  *Metrics
}

// Reconciler reconciles SovereignBuckets.
type Reconciler struct {
	Config
	finisher loop.Finisher
	gatherer gather.Gatherer
}

// NewReconciler makes a reconciler. It starts nothing.
func NewReconciler(config Config) *Reconciler {
	return &Reconciler{
		Config: config,
		finisher: loop.Finisher{
			Client: config.Client, Recorder: config.Recorder, Clock: config.Clock, Writes: loop.NewWrites(), Names: eventNames,
		},
		gatherer: gather.Gatherer{Reader: config.Client, Clock: config.Clock},
	}
}

// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbuckets,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbuckets/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbuckets/finalizers,verbs=update
// +kubebuilder:rbac:groups=rempart.dev,resources=bucketreplicas,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbucketaccesses,verbs=get;list;watch;create
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignproviders;sovereigntypolicies;sovereigntyexceptions;reversibilitydrills,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch

// SetupWithManager has the manager run the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	changed := builder.WithPredicates(predicate.Or(
		predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))
	return ctrl.NewControllerManagedBy(mgr).
		Named("bucket").
		For(&v1alpha1.SovereignBucket{}, changed).
		Owns(&v1alpha1.BucketReplica{}).
		Watches(&v1alpha1.SovereignBucketAccess{}, handler.EnqueueRequestsFromMapFunc(accessed)).
		Watches(&v1alpha1.ReversibilityDrill{}, handler.EnqueueRequestsFromMapFunc(drilled)).
		Watches(&v1alpha1.SovereigntyPolicy{}, handler.EnqueueRequestsFromMapFunc(r.under),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.SovereigntyException{}, handler.EnqueueRequestsFromMapFunc(excepted),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.SovereignProvider{}, handler.EnqueueRequestsFromMapFunc(r.all)).
		Watches(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.inNamespace),
			builder.WithPredicates(predicate.LabelChangedPredicate{})).
		WithOptions(loop.ControllerOptions(4)).
		Complete(r)
}

// Reconcile looks after one bucket.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (result ctrl.Result, err error) {
	var bucket v1alpha1.SovereignBucket
	if err := r.Client.Get(ctx, request.NamespacedName, &bucket); err != nil {
		r.Metrics.forget(request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	s := &scope{bucket: &bucket, now: r.Clock.Now()}
	s.facts.Bucket = &bucket
	pass := r.finisher.Begin(&bucket)
	defer func() {
		result, err = pass.Finish(ctx, s.report(err), err)
		if !s.gone {
			r.Metrics.record(&bucket, lastPassed(s.drills))
		}
	}()

	switch {
	case !bucket.DeletionTimestamp.IsZero():
		return ctrl.Result{}, loop.Run(ctx, s, r.observeAnyway, r.release)
	case bucket.Spec.Suspend:
		return ctrl.Result{}, loop.Run(ctx, s, r.observe, r.decide)
	default:
		return ctrl.Result{}, loop.Run(ctx, s, r.ensureFinalizer, r.observe, r.recall, r.decide, r.place, r.erase, r.giveAccess)
	}
}

// ensureFinalizer keeps the bucket until what it has at providers is in order.
func (r *Reconciler) ensureFinalizer(ctx context.Context, s *scope) error {
	return loop.EnsureFinalizer(ctx, r.Client, s.bucket)
}

// accessed wakes the bucket that an access is to, and the one whose own access it
// keeps from being made.
func accessed(_ context.Context, object client.Object) []reconcile.Request {
	access := object.(*v1alpha1.SovereignBucketAccess)
	requests := []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(access)}}
	if access.IsDefault() {
		return requests
	}
	return append(requests, reconcile.Request{NamespacedName: types.NamespacedName{
		Namespace: access.Namespace, Name: access.Spec.BucketRef.Name,
	}})
}

// drilled wakes the bucket that a drill restores.
func drilled(_ context.Context, object client.Object) []reconcile.Request {
	drill := object.(*v1alpha1.ReversibilityDrill)
	return []reconcile.Request{{NamespacedName: types.NamespacedName{
		Namespace: drill.Namespace, Name: drill.Spec.BucketRef.Name,
	}}}
}

// excepted wakes the bucket that an exception is for.
func excepted(_ context.Context, object client.Object) []reconcile.Request {
	made := object.(*v1alpha1.SovereigntyException)
	return []reconcile.Request{{NamespacedName: types.NamespacedName{
		Namespace: made.Namespace, Name: made.Spec.SubjectRef.Name,
	}}}
}

// under wakes the buckets that a policy binds, or bound before it changed. Which
// buckets a baseline binds depends on the labels of their namespaces, so it wakes all.
func (r *Reconciler) under(ctx context.Context, policy client.Object) []reconcile.Request {
	if policy.(*v1alpha1.SovereigntyPolicy).Spec.AppliesTo != nil {
		return r.listed(ctx)
	}
	return r.listed(ctx, client.MatchingFields{gather.BucketPolicyField: policy.GetName()})
}

func (r *Reconciler) all(ctx context.Context, _ client.Object) []reconcile.Request {
	return r.listed(ctx)
}

func (r *Reconciler) inNamespace(ctx context.Context, namespace client.Object) []reconcile.Request {
	return r.listed(ctx, client.InNamespace(namespace.GetName()))
}

func (r *Reconciler) listed(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	return loop.Requests(ctx, r.Client, &v1alpha1.SovereignBucketList{}, options...)
}
