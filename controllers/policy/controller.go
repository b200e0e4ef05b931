// Package policy reconciles SovereigntyPolicies: it counts how the buckets that each
// binds fare and what each operator holds of them, and tells whether it can bind any
// and whether there are places that satisfy it. Everything else about policies is
// decided where they apply.
//
// Start reading at Reconciler.Reconcile.
package policy

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	"github.com/rempart/rempart/internal/concentration"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/placement"
)

// Config is what the reconciler needs.
type Config struct {
	Client   client.Client
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
}

// Reconciler reconciles SovereigntyPolicies.
type Reconciler struct {
	Config
	finisher loop.Finisher
}

// NewReconciler makes a reconciler. It starts nothing.
func NewReconciler(config Config) *Reconciler {
	return &Reconciler{Config: config, finisher: loop.Finisher{
		Client: config.Client, Recorder: config.Recorder, Clock: config.Clock, Writes: loop.NewWrites(),
	}}
}

// +kubebuilder:rbac:groups=rempart.dev,resources=sovereigntypolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereigntypolicies/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbuckets;sovereignproviders;bucketreplicas,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch

// SetupWithManager has the manager run the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("policy").
		For(&v1alpha1.SovereigntyPolicy{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.SovereignBucket{}, handler.EnqueueRequestsFromMapFunc(r.concernedBy)).
		// Its labels tell whom a policy is for.
		Watches(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.all), builder.WithPredicates(predicate.LabelChangedPredicate{})).
		Watches(&v1alpha1.SovereignProvider{}, handler.EnqueueRequestsFromMapFunc(r.all)).
		Watches(&v1alpha1.BucketReplica{}, r.holdings(), builder.WithPredicates(holdingChanged())).
		WithOptions(loop.ControllerOptions(1)).
		Complete(r)
}

// Reconcile counts the buckets that one policy binds.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (result ctrl.Result, err error) {
	var policy v1alpha1.SovereigntyPolicy
	if err := r.Client.Get(ctx, request.NamespacedName, &policy); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	s := &scope{policy: &policy, now: r.Clock.Now()}
	pass := r.finisher.Begin(&policy)
	defer func() { result, err = pass.Finish(ctx, s.report(err), err) }()
	return ctrl.Result{}, loop.Run(ctx, s, r.observe, r.survey, r.weigh)
}

// scope holds what one reconcile finds out.
type scope struct {
	policy     *v1alpha1.SovereigntyPolicy
	namespaces []placement.Namespace
	// buckets are those that the policy binds.
	buckets []v1alpha1.SovereignBucket
	// datasets are what their copies hold, in the same order.
	datasets  []concentration.Dataset
	providers []v1alpha1.SovereignProvider
	// candidates are the places of the providers.
	candidates []placement.Candidate
	now        time.Time
}

func (s *scope) report(err error) loop.Report {
	if err != nil {
		return loop.Report{} // what was not read says nothing
	}
	s.policy.Status.Summary = summarise(s.policy, s.buckets)
	s.policy.Status.Concentration = s.concentrationStatus()
	conditions := []metav1.Condition{s.ready(), s.satisfiable()}
	if within, isAsked := s.withinConcentration(); isAsked {
		conditions = append(conditions, within)
	} else {
		condition.Remove(&s.policy.Status.Conditions, v1alpha1.ConditionWithinConcentration)
	}
	return loop.Report{Conditions: conditions, Decay: s.untilExpiry()}
}

// concernedBy wakes the policy that a bucket names, and every baseline.
func (r *Reconciler) concernedBy(ctx context.Context, object client.Object) []reconcile.Request {
	bucket := object.(*v1alpha1.SovereignBucket)
	requests := []reconcile.Request{{NamespacedName: types.NamespacedName{Name: bucket.Spec.PolicyRef.Name}}}
	var policies v1alpha1.SovereigntyPolicyList
	if err := r.Client.List(ctx, &policies); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "baselines were not woken")
		return requests
	}
	for _, policy := range policies.Items {
		if policy.Spec.AppliesTo != nil && policy.Name != bucket.Spec.PolicyRef.Name {
			requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Name: policy.Name}})
		}
	}
	return requests
}

func (r *Reconciler) all(ctx context.Context, _ client.Object) []reconcile.Request {
	return loop.Requests(ctx, r.Client, &v1alpha1.SovereigntyPolicyList{})
}
