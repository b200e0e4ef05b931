// Package drill reconciles ReversibilityDrills: it decides which copy is restored
// where, records that, has the drill played beside the loop, and cleans up.
//
// A drill whose operator was restarted in the middle has lost its clock and ends
// as Inconclusive. Whatever happened, its sandbox is removed.
//
// Start reading at Reconciler.Reconcile; plan.go decides, status.go turns what
// was found into conditions.
package drill

import (
	"context"
	"crypto/ed25519"

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
	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
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
	// MayRead tells why the operator may not read a bucket's data where it
	// stands, or nil if it may.
	MayRead func(ctx context.Context, facts gather.Facts) error
	// Signer gives the key that signs evidence.
	Signer func(ctx context.Context) (ed25519.PrivateKey, error)
	// Version of the software, for the evidence.
	Version string
	Metrics *Metrics
	// Concurrency is how many drills are played at once; 0 is 2.
	Concurrency int
}

// Reconciler reconciles ReversibilityDrills.
type Reconciler struct {
	Config
	finisher loop.Finisher
	gatherer gather.Gatherer
	pool     *work.Pool[progress]
	waker    *work.Waker
	played   *played
	chain    drill.Chain
}

// progress is where a drill that is being played has come to.
type progress struct {
	step drill.Step
	// held is what it waits for, if it does.
	held error
	// outcome is set once the drill has been played.
	outcome *drill.Outcome
}

// NewReconciler makes a reconciler. It starts nothing.
func NewReconciler(config Config) *Reconciler {
	if config.Concurrency <= 0 {
		config.Concurrency = 2
	}
	waker := &work.Waker{}
	return &Reconciler{
		Config: config,
		finisher: loop.Finisher{
			Client: config.Client, Recorder: config.Recorder, Clock: config.Clock, Writes: loop.NewWrites(), Names: eventNames,
		},
		gatherer: gather.Gatherer{Reader: config.Client, Clock: config.Clock},
		pool:     work.NewPool[progress](config.Concurrency, waker.Wake),
		waker:    waker,
		played:   &played{drills: map[types.UID]bool{}},
	}
}

// +kubebuilder:rbac:groups=rempart.dev,resources=reversibilitydrills,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=reversibilitydrills/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=reversibilitydrills/finalizers,verbs=update

// SetupWithManager has the manager run the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	if err := mgr.Add(r.pool); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("drill").
		For(&v1alpha1.ReversibilityDrill{}, builder.WithPredicates(predicate.Or(
			predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		Watches(&v1alpha1.SovereignBucket{}, handler.EnqueueRequestsFromMapFunc(r.ofBucket)).
		WatchesRawSource(r.waker.Source()).
		WithOptions(loop.ControllerOptions(4)).
		Complete(r)
}

// Reconcile looks after one drill.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (result ctrl.Result, err error) {
	var object v1alpha1.ReversibilityDrill
	if err := r.Client.Get(ctx, request.NamespacedName, &object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	s := &scope{drill: &object, now: r.Clock.Now()}
	pass := r.finisher.Begin(&object)
	defer func() { result, err = pass.Finish(ctx, s.report(err), err) }()

	switch object.Status.Progression {
	case v1alpha1.ProgressionDone:
		return ctrl.Result{}, loop.Run(ctx, s, r.letGo)
	case v1alpha1.ProgressionCleaningUp:
		return ctrl.Result{}, loop.Run(ctx, s, r.cleanUp, r.letGo)
	case v1alpha1.ProgressionPreflight, v1alpha1.ProgressionRestoring, v1alpha1.ProgressionVerifying, v1alpha1.ProgressionReporting:
		return ctrl.Result{}, loop.Run(ctx, s, r.follow)
	default:
		return ctrl.Result{}, loop.Run(ctx, s, r.giveUp, r.ensureFinalizer, r.plan)
	}
}

// ensureFinalizer keeps the drill until its sandbox is gone.
func (r *Reconciler) ensureFinalizer(ctx context.Context, s *scope) error {
	if s.ended() {
		return nil
	}
	return loop.EnsureFinalizer(ctx, r.Client, s.drill)
}

// letGo lets a drill go that is being deleted and has nothing left.
func (r *Reconciler) letGo(ctx context.Context, s *scope) error {
	if s.drill.DeletionTimestamp.IsZero() || s.progression() != v1alpha1.ProgressionDone || s.abandoned {
		return nil
	}
	s.gone = true
	r.played.forget(s.drill.UID)
	return loop.RemoveFinalizer(ctx, r.Client, s.drill)
}

// ofBucket wakes the drills of a bucket that have not begun, because they wait for it,
// and those whose sandbox stays for a while, because it may have to go.
func (r *Reconciler) ofBucket(ctx context.Context, bucket client.Object) []reconcile.Request {
	var drills v1alpha1.ReversibilityDrillList
	if err := r.Client.List(ctx, &drills, client.InNamespace(bucket.GetNamespace()),
		client.MatchingFields{gather.DrillBucketField: bucket.GetName()}); err != nil {
		return nil
	}
	var requests []reconcile.Request
	for _, d := range drills.Items {
		if d.Status.StartTime == nil && d.Status.Verdict == "" || d.Status.Progression == v1alpha1.ProgressionCleaningUp {
			requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: d.Namespace, Name: d.Name}})
		}
	}
	return requests
}
