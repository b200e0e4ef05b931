// Package access reconciles SovereignBucketAccesses: it issues the keys of
// consumers, publishes them and replaces them in time.
//
// Every key is a consumer of its own at the provider, and an access has two of
// them at a place in turn: the new key is issued and published, and only then does
// the time of the old one begin to run out. What was issued when is remembered in
// Secrets of the operator's namespace, from which everything is rebuilt.
//
// Start reading at Reconciler.Reconcile; ring.go decides, store.go remembers,
// status.go turns what was found into conditions.
package access

import (
	"context"

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
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/session"
)

// Config is what the reconciler needs.
type Config struct {
	Client client.Client
	// Reader reads past the cache: before keys are issued or revoked, what was done
	// a moment ago must be seen.
	Reader       client.Reader
	Recorder     events.EventRecorder
	Clock        clock.PassiveClock
	Sessions     *session.Opener
	Installation ownership.Installation
	// Namespace is the operator's own, where it keeps a copy of every key.
	Namespace string
	Metrics   *Metrics
}

// Reconciler reconciles SovereignBucketAccesses.
type Reconciler struct {
	Config
	finisher  loop.Finisher
	gatherer  gather.Gatherer
	published *published
}

// NewReconciler makes a reconciler. It starts nothing.
func NewReconciler(config Config) *Reconciler {
	return &Reconciler{
		Config: config,
		finisher: loop.Finisher{
			Client: config.Client, Recorder: config.Recorder, Clock: config.Clock, Writes: loop.NewWrites(),
		},
		gatherer:  gather.Gatherer{Reader: config.Client, Clock: config.Clock},
		published: newPublished(),
	}
}

// The operator reads Secrets in its own namespace only, by a Role of the chart.
//
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbucketaccesses,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbucketaccesses/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbucketaccesses/finalizers,verbs=update
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbuckets;bucketreplicas;sovereignproviders;sovereigntypolicies;sovereigntyexceptions,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=create;patch;delete

// SetupWithManager has the manager run the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	specChanged := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("access").
		For(&v1alpha1.SovereignBucketAccess{}, builder.WithPredicates(predicate.Or(
			predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		// A Secret is free once the access that published it is gone.
		Watches(&v1alpha1.SovereignBucketAccess{}, handler.EnqueueRequestsFromMapFunc(r.publishingTheSame),
			builder.WithPredicates(onlyDeleted)).
		Watches(&v1alpha1.SovereignBucket{}, handler.EnqueueRequestsFromMapFunc(r.toBucket), specChanged).
		Watches(&v1alpha1.BucketReplica{}, handler.EnqueueRequestsFromMapFunc(r.toReplica)).
		Watches(&v1alpha1.SovereignProvider{}, handler.EnqueueRequestsFromMapFunc(r.atProvider)).
		Watches(&v1alpha1.SovereigntyPolicy{}, handler.EnqueueRequestsFromMapFunc(r.underPolicy), specChanged).
		Watches(&v1alpha1.SovereigntyException{}, handler.EnqueueRequestsFromMapFunc(r.excepted), specChanged).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.ofSecret)).
		WithOptions(loop.ControllerOptions(4)).
		Complete(r)
}

// Reconcile looks after the keys of one access.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (result ctrl.Result, err error) {
	var access v1alpha1.SovereignBucketAccess
	if err := r.Client.Get(ctx, request.NamespacedName, &access); err != nil {
		r.Metrics.forget(request.NamespacedName)
		if client.IgnoreNotFound(err) != nil {
			return ctrl.Result{}, err
		}
		return r.retireOrphans(ctx, request.NamespacedName)
	}
	s := &scope{access: &access, now: r.Clock.Now()}
	pass := r.finisher.Begin(&access)
	defer func() {
		result, err = pass.Finish(ctx, s.report(err), err)
		if !s.gone {
			r.Metrics.record(&access)
		}
	}()

	if !access.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, loop.Run(ctx, s, r.gather, r.remember, r.release)
	}
	return ctrl.Result{}, loop.Run(ctx, s, r.ensureFinalizer, r.gather, r.remember,
		r.endWithBucket, r.retire, r.retireFormer, r.admit, r.prove, r.renew, r.publish)
}

// ensureFinalizer keeps the access until its keys are in order.
func (r *Reconciler) ensureFinalizer(ctx context.Context, s *scope) error {
	return loop.EnsureFinalizer(ctx, r.Client, s.access)
}

var onlyDeleted = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: func(event.UpdateEvent) bool { return false },
}

func (r *Reconciler) publishingTheSame(ctx context.Context, object client.Object) []reconcile.Request {
	access := object.(*v1alpha1.SovereignBucketAccess)
	return r.listed(ctx, client.InNamespace(access.Namespace), client.MatchingFields{gather.AccessSecretField: access.SecretName()})
}

func (r *Reconciler) toBucket(ctx context.Context, bucket client.Object) []reconcile.Request {
	return r.to(ctx, client.ObjectKeyFromObject(bucket))
}

// excepted wakes the accesses to the bucket that an exception is for.
func (r *Reconciler) excepted(ctx context.Context, object client.Object) []reconcile.Request {
	made := object.(*v1alpha1.SovereigntyException)
	return r.to(ctx, client.ObjectKey{Namespace: made.Namespace, Name: made.Spec.SubjectRef.Name})
}

// toReplica wakes the accesses to a primary.
func (r *Reconciler) toReplica(ctx context.Context, object client.Object) []reconcile.Request {
	replica := object.(*v1alpha1.BucketReplica)
	if replica.Spec.Role != v1alpha1.RolePrimary {
		return nil
	}
	return r.to(ctx, client.ObjectKey{Namespace: replica.Namespace, Name: replica.Spec.BucketRef.Name})
}

// atProvider wakes the accesses to primaries that stand at a provider.
func (r *Reconciler) atProvider(ctx context.Context, p client.Object) []reconcile.Request {
	var replicas v1alpha1.BucketReplicaList
	if err := r.Client.List(ctx, &replicas, client.MatchingFields{gather.ReplicaProviderField: p.GetName()}); err != nil {
		return nil
	}
	var requests []reconcile.Request
	for i := range replicas.Items {
		requests = append(requests, r.toReplica(ctx, &replicas.Items[i])...)
	}
	return requests
}

func (r *Reconciler) underPolicy(ctx context.Context, policy client.Object) []reconcile.Request {
	var bound []client.ListOption
	if policy.(*v1alpha1.SovereigntyPolicy).Spec.AppliesTo == nil { // else it may bind any
		bound = append(bound, client.MatchingFields{gather.BucketPolicyField: policy.GetName()})
	}
	var requests []reconcile.Request
	for _, bucket := range loop.Requests(ctx, r.Client, &v1alpha1.SovereignBucketList{}, bound...) {
		requests = append(requests, r.to(ctx, bucket.NamespacedName)...)
	}
	return requests
}

// ofSecret wakes the access that a copy of a key is of, or those that use the
// account whose credentials changed.
func (r *Reconciler) ofSecret(ctx context.Context, object client.Object) []reconcile.Request {
	if h, isCopy := holderNamed(object.GetAnnotations()[accessAnnotation]); isCopy {
		return []reconcile.Request{{NamespacedName: h.name()}}
	}
	var providers v1alpha1.SovereignProviderList
	if err := r.Client.List(ctx, &providers); err != nil {
		return nil
	}
	var requests []reconcile.Request
	for i := range providers.Items {
		if providers.Items[i].Spec.CredentialsRef() == object.GetName() {
			requests = append(requests, r.atProvider(ctx, &providers.Items[i])...)
		}
	}
	return requests
}

func (r *Reconciler) to(ctx context.Context, bucket types.NamespacedName) []reconcile.Request {
	return r.listed(ctx, client.InNamespace(bucket.Namespace), client.MatchingFields{gather.AccessBucketField: bucket.Name})
}

func (r *Reconciler) listed(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	return loop.Requests(ctx, r.Client, &v1alpha1.SovereignBucketAccessList{}, options...)
}
