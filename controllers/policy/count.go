package policy

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/placement"
)

// observe reads the namespaces, whose labels say whom the policy is for, and the
// buckets that it binds.
func (r *Reconciler) observe(ctx context.Context, s *scope) error {
	var namespaces corev1.NamespaceList
	if err := r.Client.List(ctx, &namespaces); err != nil {
		return fmt.Errorf("list the namespaces: %w", err)
	}
	for _, namespace := range namespaces.Items {
		s.namespaces = append(s.namespaces, placement.Namespace{Name: namespace.Name, Labels: namespace.Labels})
	}
	var options []client.ListOption
	if s.policy.Spec.AppliesTo == nil {
		options = append(options, client.MatchingFields{gather.BucketPolicyField: s.policy.Name})
	}
	var buckets v1alpha1.SovereignBucketList
	if err := r.Client.List(ctx, &buckets, options...); err != nil {
		return fmt.Errorf("list the buckets: %w", err)
	}
	s.buckets = slices.DeleteFunc(buckets.Items, func(b v1alpha1.SovereignBucket) bool { return !s.binds(&b) })
	return nil
}

// binds tells whether the policy binds a bucket.
func (s *scope) binds(bucket *v1alpha1.SovereignBucket) bool {
	if bucket.Spec.PolicyRef.Name == s.policy.Name {
		return true
	}
	index := slices.IndexFunc(s.namespaces, func(n placement.Namespace) bool { return n.Name == bucket.Namespace })
	return index >= 0 && placement.IsBaselineOf(s.policy.Spec, s.namespaces[index])
}

// summarise counts a bucket as passed only if it is known to comply. Under a policy
// that does not deny nothing fails.
func summarise(policy *v1alpha1.SovereigntyPolicy, buckets []v1alpha1.SovereignBucket) v1alpha1.PolicySummary {
	var summary v1alpha1.PolicySummary
	denies := policy.Spec.Action() == v1alpha1.ActionDeny
	for i := range buckets {
		switch complies := residencyOf(&buckets[i]); {
		case denies && complies == metav1.ConditionTrue:
			summary.Pass++
		case denies:
			summary.Fail++
		case complies != metav1.ConditionUnknown && !hasObjection(policy.Name, &buckets[i]):
			summary.Pass++
		default:
			summary.Warn++
		}
	}
	return summary
}

// residencyOf is what is known of a bucket's residency.
func residencyOf(bucket *v1alpha1.SovereignBucket) metav1.ConditionStatus {
	if found := meta.FindStatusCondition(bucket.Status.Conditions, v1alpha1.ConditionResidencyCompliant); found != nil {
		return found.Status
	}
	return metav1.ConditionUnknown
}

// hasObjection tells whether a policy objects to the place of a copy.
func hasObjection(policy string, bucket *v1alpha1.SovereignBucket) bool {
	for _, candidate := range bucket.Status.Candidates {
		for _, copied := range bucket.Status.Copies {
			isThere := candidate.ProviderName == copied.ProviderName && slices.Contains(candidate.Locations, copied.Location)
			objects := func(o v1alpha1.ObjectionStatus) bool {
				return o.Policy == policy && o.Reason != v1alpha1.ReasonExceptionActive && (o.Role == "" || o.Role == copied.Role)
			}
			if isThere && slices.ContainsFunc(candidate.Objections, objects) {
				return true
			}
		}
	}
	return false
}
