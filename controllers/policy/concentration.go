package policy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/concentration"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/placement"
)

// weigh reads what the copies of the bound buckets hold.
func (r *Reconciler) weigh(ctx context.Context, s *scope) error {
	if len(s.buckets) == 0 {
		return nil
	}
	var replicas v1alpha1.BucketReplicaList
	if err := r.Client.List(ctx, &replicas); err != nil {
		return fmt.Errorf("list the copies: %w", err)
	}
	owners := map[types.UID]int{}
	for i := range s.buckets {
		owners[s.buckets[i].UID] = i
	}
	s.datasets = make([]concentration.Dataset, len(s.buckets))
	for i := range replicas.Items {
		replica := &replicas.Items[i]
		owner := metav1.GetControllerOf(replica)
		if owner == nil {
			continue
		}
		if index, isBound := owners[owner.UID]; isBound && holdsSomething(replica) {
			s.datasets[index] = append(s.datasets[index], s.copyOf(replica))
		}
	}
	return nil
}

// holdsSomething tells whether there is a bucket to a replica that may hold data.
// One that is on its way out counts until it is gone.
func holdsSomething(replica *v1alpha1.BucketReplica) bool {
	return replica.Status.Bytes != nil || meta.IsStatusConditionTrue(replica.Status.Conditions, v1alpha1.ConditionProvisioned)
}

func (s *scope) copyOf(replica *v1alpha1.BucketReplica) concentration.Copy {
	copied := concentration.Copy{Operator: s.operatorAt(replica.Spec.ProviderName), Bytes: -1, IsReliable: isReliable(replica)}
	if replica.Status.Bytes != nil {
		copied.Bytes = *replica.Status.Bytes
	}
	return copied
}

// isReliable tells whether a dataset could go on with this copy alone.
func isReliable(replica *v1alpha1.BucketReplica) bool {
	is := func(conditionType string) bool {
		return meta.IsStatusConditionTrue(replica.Status.Conditions, conditionType)
	}
	if !replica.DeletionTimestamp.IsZero() {
		return false
	}
	if replica.Spec.Role == v1alpha1.RolePrimary {
		return is(v1alpha1.ConditionProvisioned)
	}
	return is(v1alpha1.ConditionInitialSyncComplete) && is(v1alpha1.ConditionWithinRPO)
}

// operatorAt identifies who runs a provider. One that is gone counts by itself: its
// name is all that is known of it.
func (s *scope) operatorAt(providerName string) string {
	if p := s.provider(func(p *v1alpha1.SovereignProvider) bool { return p.Name == providerName }); p != nil {
		return placement.OperatorOf(p)
	}
	return providerName
}

func (s *scope) provider(is func(*v1alpha1.SovereignProvider) bool) *v1alpha1.SovereignProvider {
	for i := range s.providers {
		if is(&s.providers[i]) {
			return &s.providers[i]
		}
	}
	return nil
}

// maximumOperators bounds what the status shows, the largest first.
const maximumOperators = 64

// concentrationStatus is what the status says of what is stored, nil while nothing is
// known to be.
func (s *scope) concentrationStatus() *v1alpha1.ConcentrationStatus {
	measured := concentration.Measure(s.datasets)
	if len(measured.Shares) == 0 {
		return nil
	}
	status := &v1alpha1.ConcentrationStatus{
		EffectiveOperators: strconv.FormatFloat(measured.EffectiveOperators(), 'f', 1, 64),
		SurvivalPercent:    bounded(measured.SurvivalPercent()),
		UnmeasuredBuckets:  bounded(measured.Unmeasured),
	}
	for _, share := range measured.Shares[:min(len(measured.Shares), maximumOperators)] {
		status.Operators = append(status.Operators, v1alpha1.OperatorShare{
			Operator: share.Operator, Name: s.nameOf(share.Operator), SharePercent: bounded(share.Percent()),
		})
	}
	return status
}

func bounded(n int) int32 { return int32(min(n, 1<<31-1)) } //nolint:gosec // it is

// nameOf is what people call an operator; empty if it is not known.
func (s *scope) nameOf(operator string) string {
	p := s.provider(func(p *v1alpha1.SovereignProvider) bool { return placement.OperatorOf(p) == operator })
	if p == nil {
		return ""
	}
	return location.OperatorOf(p).LegalEntity
}

// withinConcentration tells whether no operator holds more than the policy wants, or
// false where the policy wants nothing.
func (s *scope) withinConcentration() (metav1.Condition, bool) {
	const this = v1alpha1.ConditionWithinConcentration
	most := s.policy.Spec.Concentration.MaximumSharePercent
	if most == 0 {
		return metav1.Condition{}, false
	}
	measured := concentration.Measure(s.datasets)
	switch {
	case len(measured.Shares) == 0:
		return condition.Unknown(this, v1alpha1.ReasonNotObserved, "nothing is known to be stored under this policy yet"), true
	case measured.Shares[0].Percent() > int(most): // as the status shows it, and as places are ranked by it
		largest := measured.Shares[0].Operator
		return condition.False(this, v1alpha1.ReasonTooConcentrated, fmt.Sprintf(
			"operator %s holds more than %d %% of what is stored under this policy; new copies go elsewhere where they can: see status.concentration",
			cmp.Or(s.nameOf(largest), largest), most)), true
	}
	return condition.True(this, v1alpha1.ReasonSucceeded, ""), true
}

// weighDelay gathers the copies that change at about the same time into one look:
// each adds up everything.
const weighDelay = 5 * time.Second

// holdings wakes the policies that bind the bucket of a copy, a little later.
func (r *Reconciler) holdings() handler.EventHandler {
	enqueue := func(ctx context.Context, object client.Object, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		replica := object.(*v1alpha1.BucketReplica)
		var bucket v1alpha1.SovereignBucket
		key := client.ObjectKey{Namespace: replica.Namespace, Name: replica.Spec.BucketRef.Name}
		if err := r.Client.Get(ctx, key, &bucket); err != nil {
			return // without its bucket nothing binds it
		}
		for _, request := range r.concernedBy(ctx, &bucket) {
			queue.AddAfter(request, weighDelay)
		}
	}
	type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { enqueue(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) { enqueue(ctx, e.ObjectNew, q) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { enqueue(ctx, e.Object, q) },
	}
}

// holdingChanged lets through what changes shares or survival.
func holdingChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.(*v1alpha1.BucketReplica), e.ObjectNew.(*v1alpha1.BucketReplica)
		return holdsSomething(before) != holdsSomething(after) || isReliable(before) != isReliable(after) ||
			!slices.Equal(bytesOf(before), bytesOf(after))
	}}
}

// bytesOf gives what a copy holds, or nothing where that is not known.
func bytesOf(replica *v1alpha1.BucketReplica) []int64 {
	if replica.Status.Bytes == nil {
		return nil
	}
	return []int64{*replica.Status.Bytes}
}
