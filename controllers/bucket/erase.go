package bucket

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
)

// erase lets go of the copies that may not stay where they are and of which
// somebody confirmed that they may be erased. Whether it is time for that is
// decided by the reconciler of replicas, which does it.
func (r *Reconciler) erase(ctx context.Context, s *scope) error {
	var errs []error
	for i := range s.facts.Replicas {
		replica := &s.facts.Replicas[i]
		if !s.isIllegal(replica) || !replica.DeletionTimestamp.IsZero() || !isLetGo(s.bucket, replica) {
			continue
		}
		if err := client.IgnoreNotFound(r.Client.Delete(ctx, replica)); err != nil {
			errs = append(errs, fmt.Errorf("let go of the copy at %s: %w", replica.Spec.PlaceReference, err))
		}
	}
	return errors.Join(errs...)
}

// isIllegal tells whether the decision found that the copy may not be where it is.
func (s *scope) isIllegal(replica *v1alpha1.BucketReplica) bool {
	for _, illegal := range s.decision.Illegal {
		if illegal.PlaceReference == replica.Spec.PlaceReference && illegal.Role == replica.Spec.Role {
			return true
		}
	}
	return false
}

// isLetGo tells whether somebody named the copy's bucket as one to be erased, or
// to be forgotten.
func isLetGo(bucket *v1alpha1.SovereignBucket, replica *v1alpha1.BucketReplica) bool {
	name := replica.Spec.BucketName
	isErased := replica.Spec.Role == v1alpha1.RoleReplica && bucket.Annotations[v1alpha1.ConfirmDeleteAnnotation] == name
	return isErased || bucket.Annotations[v1alpha1.AbandonCopyAnnotation] == name
}
