// Package replica reconciles BucketReplicas: it makes the bucket of a copy, keeps
// it set up as it should be, keeps its content true to the primary, and puts it
// in order when the copy goes.
//
// It is the one place that writes to buckets of datasets. Before it does, it
// judges the place once more and makes sure that the bucket is ours.
//
// Start reading at Reconciler.Reconcile; status.go turns what was found into
// conditions.
package replica

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/notification"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/rollcall"
	"github.com/rempart/rempart/internal/session"
	"github.com/rempart/rempart/internal/work"
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
	// MayRead tells why the operator may not read a bucket's data where it
	// stands, or nil if it may.
	MayRead func(ctx context.Context, facts gather.Facts) error
	Metrics *Metrics
	// Notifications keeps what stores tell of changed objects; nil is told nothing.
	Notifications *notification.Queue
	// Waker wakes copies; nil is one that nobody else has.
	Waker *work.Waker
	// Concurrency is how many copies are worked on at once; 0 is 4.
	Concurrency int
}

// Reconciler reconciles BucketReplicas.
type Reconciler struct {
	Config
	finisher loop.Finisher
	gatherer gather.Gatherer
	// pool runs what takes long: runs of the mover, audits, emptying.
	pool *work.Pool[activity]
	// hearings runs over keys that notifications named, beside the pool.
	hearings *work.Pool[hearing]
	waker    *work.Waker
	memory   *memory
}

// NewReconciler makes a reconciler. It starts nothing.
func NewReconciler(config Config) *Reconciler {
	if config.Concurrency <= 0 {
		config.Concurrency = 4
	}
	waker := config.Waker
	if waker == nil {
		waker = &work.Waker{}
	}
	if config.Notifications == nil {
		config.Notifications = notification.NewQueue()
	}
	return &Reconciler{
		Config: config,
		finisher: loop.Finisher{
			Client: config.Client, Recorder: config.Recorder, Clock: config.Clock, Writes: loop.NewWrites(), Names: eventNames,
		},
		gatherer: gather.Gatherer{Reader: config.Client, Clock: config.Clock},
		pool:     work.NewPool[activity](config.Concurrency, waker.Wake),
		hearings: work.NewPool[hearing](config.Concurrency, waker.Wake),
		waker:    waker,
		memory:   newMemory(),
	}
}

// +kubebuilder:rbac:groups=rempart.dev,resources=bucketreplicas,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=bucketreplicas/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=bucketreplicas/finalizers,verbs=update
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbuckets;sovereignbucketaccesses;sovereignproviders;sovereigntypolicies;sovereigntyexceptions,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=nodes,verbs=get

// SetupWithManager has the manager run the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	for _, pool := range []manager.Runnable{r.pool, r.hearings} {
		if err := mgr.Add(pool); err != nil {
			return err
		}
	}
	specChanged := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("replica").
		For(&v1alpha1.BucketReplica{}, specChanged).
		Watches(&v1alpha1.BucketReplica{}, handler.EnqueueRequestsFromMapFunc(r.siblings),
			builder.WithPredicates(predicate.Funcs{UpdateFunc: concernsSiblings})).
		Watches(&v1alpha1.SovereignBucket{}, handler.EnqueueRequestsFromMapFunc(r.ofBucket),
			builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		// A bucket that goes waits until the keys to it are revoked.
		Watches(&v1alpha1.SovereignBucketAccess{}, handler.EnqueueRequestsFromMapFunc(r.accessed)).
		Watches(&v1alpha1.SovereignProvider{}, handler.EnqueueRequestsFromMapFunc(r.atProvider)).
		Watches(&v1alpha1.SovereigntyPolicy{}, handler.EnqueueRequestsFromMapFunc(r.all), specChanged).
		Watches(&v1alpha1.SovereigntyException{}, handler.EnqueueRequestsFromMapFunc(r.excepted), specChanged).
		// Its labels tell which baselines bind a bucket.
		Watches(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.inNamespace),
			builder.WithPredicates(predicate.LabelChangedPredicate{})).
		WatchesRawSource(r.waker.Source()).
		WithOptions(loop.ControllerOptions(8)).
		Complete(r)
}

// Reconcile looks after one copy.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (result ctrl.Result, err error) {
	var replica v1alpha1.BucketReplica
	if err := r.Client.Get(ctx, request.NamespacedName, &replica); err != nil {
		r.Metrics.forget(request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	s := newScope(&replica, r.Clock.Now())
	pass := r.finisher.Begin(&replica)
	defer func() {
		r.rememberThrottling(s, err)
		result, err = pass.Finish(ctx, s.report(err), err)
		if !s.gone {
			r.Metrics.record(&replica, s)
		}
	}()

	switch {
	case !replica.DeletionTimestamp.IsZero():
		return ctrl.Result{}, loop.Run(ctx, s, r.gather, r.stop, r.release)
	default:
		return ctrl.Result{}, loop.Run(ctx, s, r.ensureFinalizer, r.gather, r.collect, r.listen, r.judge, r.heed, r.open, r.provision, r.inspect, r.hear, r.sync)
	}
}

// ensureFinalizer keeps the replica until its bucket is in order.
func (r *Reconciler) ensureFinalizer(ctx context.Context, s *scope) error {
	return loop.EnsureFinalizer(ctx, r.Client, s.replica)
}

// siblings wakes the other copies of the dataset: they wait for the primary.
func (r *Reconciler) siblings(ctx context.Context, object client.Object) []reconcile.Request {
	replica := object.(*v1alpha1.BucketReplica)
	return r.listed(ctx, client.InNamespace(replica.Namespace),
		client.MatchingFields{gather.ReplicaBucketField: replica.Spec.BucketRef.Name})
}

func (r *Reconciler) ofBucket(ctx context.Context, bucket client.Object) []reconcile.Request {
	return r.listed(ctx, client.InNamespace(bucket.GetNamespace()),
		client.MatchingFields{gather.ReplicaBucketField: bucket.GetName()})
}

// excepted wakes the copies of the bucket that an exception is for.
func (r *Reconciler) excepted(ctx context.Context, object client.Object) []reconcile.Request {
	made := object.(*v1alpha1.SovereigntyException)
	return r.listed(ctx, client.InNamespace(made.Namespace),
		client.MatchingFields{gather.ReplicaBucketField: made.Spec.SubjectRef.Name})
}

// accessed wakes the primary that an access is to, if it waits for it.
func (r *Reconciler) accessed(ctx context.Context, object client.Object) []reconcile.Request {
	access := object.(*v1alpha1.SovereignBucketAccess)
	var replicas v1alpha1.BucketReplicaList
	if err := r.Client.List(ctx, &replicas, client.InNamespace(access.Namespace),
		client.MatchingFields{gather.ReplicaBucketField: access.Spec.BucketRef.Name}); err != nil {
		return nil
	}
	var requests []reconcile.Request
	for i := range replicas.Items {
		if replica := &replicas.Items[i]; replica.Spec.Role == v1alpha1.RolePrimary && !replica.DeletionTimestamp.IsZero() {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(replica)})
		}
	}
	return requests
}

func (r *Reconciler) atProvider(ctx context.Context, p client.Object) []reconcile.Request {
	return r.listed(ctx, client.MatchingFields{gather.ReplicaProviderField: p.GetName()})
}

func (r *Reconciler) inNamespace(ctx context.Context, namespace client.Object) []reconcile.Request {
	return r.listed(ctx, client.InNamespace(namespace.GetName()))
}

func (r *Reconciler) all(ctx context.Context, _ client.Object) []reconcile.Request {
	return r.listed(ctx)
}

func (r *Reconciler) listed(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	return loop.Requests(ctx, r.Client, &v1alpha1.BucketReplicaList{}, options...)
}
