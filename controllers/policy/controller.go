// Package policy reconciles SovereigntyPolicies: it counts how the buckets under
// each fare. Everything else about policies is decided where they apply.
//
// Start reading at Reconciler.Reconcile.
package policy

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
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
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
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
// +kubebuilder:rbac:groups=rempart.dev,resources=sovereignbuckets,verbs=get;list;watch

// SetupWithManager has the manager run the reconciler.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("policy").
		For(&v1alpha1.SovereigntyPolicy{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.SovereignBucket{}, handler.EnqueueRequestsFromMapFunc(policyOf)).
		WithOptions(loop.ControllerOptions(1)).
		Complete(r)
}

// Reconcile counts the buckets under one policy.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (result ctrl.Result, err error) {
	var policy v1alpha1.SovereigntyPolicy
	if err := r.Client.Get(ctx, request.NamespacedName, &policy); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	s := &scope{policy: &policy}
	pass := r.finisher.Begin(&policy)
	defer func() { result, err = pass.Finish(ctx, s.report(err), err) }()
	return ctrl.Result{}, loop.Run(ctx, s, r.count)
}

// scope holds what one reconcile finds out.
type scope struct {
	policy  *v1alpha1.SovereigntyPolicy
	summary v1alpha1.PolicySummary
}

// count counts the buckets that name the policy.
func (r *Reconciler) count(ctx context.Context, s *scope) error {
	var buckets v1alpha1.SovereignBucketList
	if err := r.Client.List(ctx, &buckets, client.MatchingFields{gather.BucketPolicyField: s.policy.Name}); err != nil {
		return fmt.Errorf("list the buckets: %w", err)
	}
	s.summary = summarise(buckets.Items)
	return nil
}

// summarise counts a bucket as failed unless it is known to comply.
func summarise(buckets []v1alpha1.SovereignBucket) v1alpha1.PolicySummary {
	var summary v1alpha1.PolicySummary
	for _, bucket := range buckets {
		if meta.IsStatusConditionTrue(bucket.Status.Conditions, v1alpha1.ConditionResidencyCompliant) {
			summary.Pass++
		} else {
			summary.Fail++
		}
	}
	return summary
}

func (s *scope) report(err error) loop.Report {
	if err == nil {
		s.policy.Status.Summary = s.summary
	}
	return loop.Report{Conditions: []metav1.Condition{condition.True(v1alpha1.ConditionReady, v1alpha1.ReasonSucceeded, "")}}
}

func policyOf(_ context.Context, object client.Object) []reconcile.Request {
	bucket := object.(*v1alpha1.SovereignBucket)
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: bucket.Spec.PolicyRef.Name}}}
}
