package replica

import (
	"context"
	"fmt"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
)

// adopt marks a bucket that was there before us, and reads the mark back. Until it
// is there, nothing else is written to the bucket and nobody gets a key. A bucket
// that carries our mark already, from a declaration before this one, is known
// again.
func (r *Reconciler) adopt(ctx context.Context, s *scope, state provider.BucketState) (provider.BucketState, error) {
	want := s.want(r.Installation)
	if r.Installation.Judge(state.Mark, s.owner(), want.Name) == ownership.Mine {
		return state, nil
	}
	if s.isSuspended() {
		return state, fault.New(fault.Waiting, fault.Suspended, "the bucket is not marked while writing is suspended")
	}
	if err := s.session.UpdateBucket(ctx, provider.Bucket{Name: want.Name, Mark: want.Mark}); err != nil {
		return state, fmt.Errorf("mark the bucket as ours: %w", err)
	}
	marked, err := s.session.ObserveBucket(ctx, want.Name)
	if err != nil {
		return state, fmt.Errorf("read the mark back: %w", err)
	}
	if r.Installation.Judge(marked.Mark, s.owner(), want.Name) != ownership.Mine {
		return state, fault.New(fault.Transient, fault.PreflightFailed,
			"the mark of bucket %s at %s does not read back as it was written; nothing else is written to it",
			want.Name, s.replica.Spec.PlaceReference)
	}
	s.events = append(s.events, loop.Normal("BucketAdopted",
		fmt.Sprintf("bucket %s at %s is marked as ours", want.Name, s.replica.Spec.PlaceReference)))
	return marked, nil
}

// absent says that there is nothing to adopt.
func (s *scope) absent() error {
	message := fmt.Sprintf("bucket %s does not exist at %s, and existingBucket makes none: create it there, or declare the dataset "+
		"without existingBucket", s.replica.Spec.BucketName, s.replica.Spec.PlaceReference)
	s.provisioned = new(condition.False(v1alpha1.ConditionProvisioned, v1alpha1.ReasonBucketMissing, message))
	return fault.New(fault.Waiting, fault.BucketMissing, "%s", message)
}
