package replica

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
)

func TestWhenABucketGoesWithItsCopy(t *testing.T) {
	deleting := func(s *scope) {
		s.bucket.DeletionTimestamp = &metav1.Time{Time: now}
		s.bucket.Spec.DeletionPolicy = v1alpha1.DeletionDelete
	}
	for name, test := range map[string]struct {
		change func(*scope)
		want   bool
	}{
		"the dataset is deleted with its buckets": {func(*scope) {}, true},
		"only the copy is deleted":                {func(s *scope) { s.bucket.DeletionTimestamp = nil }, false},
		"the buckets are retained":                {func(s *scope) { s.bucket.Spec.DeletionPolicy = v1alpha1.DeletionRetain }, false},
		"nobody knows the dataset any more":       {func(s *scope) { s.bucket = nil }, false},
		"the bucket was there before us":          {func(s *scope) { s.replica.Spec.Origin = v1alpha1.OriginAdopted }, false},
		"another copy of an adopted dataset":      {func(s *scope) { s.bucket.Spec.ExistingBucket = &v1alpha1.ExistingBucket{} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := replicaScope(deleting, test.change).deletesBucket(); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
