package provider

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/provider"
)

// nearPercent is how much of a vendor's limit may be used before somebody should
// know: raising one takes a vendor's support days.
const nearPercent = 80

// withinLimits tells whether the account keeps away from what its vendor limits, or
// false where the vendor states no limits.
func (s *scope) withinLimits() (metav1.Condition, bool) {
	const this = v1alpha1.ConditionWithinLimits
	var limits provider.StoreLimits
	buckets, answered := 0, false
	for _, found := range s.probed {
		if found.err == nil {
			limits, answered = found.limits, true
			buckets += found.buckets
		}
	}
	switch {
	case !answered:
		return metav1.Condition{}, false
	case limits.Buckets == 0 && limits.ObjectsPerBucket == 0:
		return metav1.Condition{}, false
	case isNear(int64(buckets), int64(limits.Buckets)):
		return condition.False(this, v1alpha1.ReasonQuotaNear, fmt.Sprintf(
			"the account has more than %d %% of the %d buckets that it can have: ask the provider for more, or remove some, before no new copy can be made",
			nearPercent, limits.Buckets)), true
	}
	for _, replica := range s.copies {
		if held := replica.Status.Objects; held != nil && isNear(*held, limits.ObjectsPerBucket) {
			return condition.False(this, v1alpha1.ReasonQuotaNear, fmt.Sprintf(
				"bucket %s of %s/%s holds more than %d %% of the %d objects that a bucket here can hold, older versions not counted: split the dataset",
				replica.Spec.BucketName, replica.Namespace, replica.Spec.BucketRef.Name, nearPercent, limits.ObjectsPerBucket)), true
		}
	}
	return condition.True(this, v1alpha1.ReasonSucceeded, ""), true
}

func isNear(used, limit int64) bool { return limit > 0 && used*100 > limit*nearPercent }
