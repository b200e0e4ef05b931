package webhook

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/placement"
)

// moves judges SovereignBuckets that leave their policy for another one. The API
// server asks it only about those who may not approve that, and takes no answer for a
// refusal: once a bucket has left, nothing tells any more what was asked of it.
type moves struct{ gatherer gather.Gatherer }

// ValidateCreate lets every bucket in: it leaves nothing.
func (m moves) ValidateCreate(context.Context, *v1alpha1.SovereignBucket) (admission.Warnings, error) {
	return nil, nil
}

// ValidateUpdate refuses that a bucket with copies goes where less is asked of it by
// any rule. Baselines count, for they bind it there as well.
func (m moves) ValidateUpdate(ctx context.Context, before, bucket *v1alpha1.SovereignBucket) (admission.Warnings, error) {
	if !bucket.DeletionTimestamp.IsZero() || bucket.Spec.PolicyRef == before.Spec.PolicyRef {
		return nil, nil
	}
	leaving, err := m.gatherer.Bucket(ctx, before)
	switch {
	case fault.HasReason(err, fault.PolicyNotFound) || err == nil && len(leaving.Replicas) == 0:
		return nil, nil
	case err != nil:
		return nil, unknowable(err)
	}
	joining, err := m.gatherer.Bucket(ctx, bucket)
	doesExist := !fault.HasReason(err, fault.PolicyNotFound)
	if doesExist && err != nil {
		return nil, unknowable(err)
	}
	instead := make([]v1alpha1.SovereigntyPolicySpec, 0, len(joining.Policies))
	for _, policy := range joining.Policies {
		instead = append(instead, policy.Spec)
	}
	return nil, refuseMove(ctx, before, bucket, placement.LostTo(leaving.Policies[0].Spec, instead), doesExist)
}

// ValidateDelete lets everything go.
func (m moves) ValidateDelete(context.Context, *v1alpha1.SovereignBucket) (admission.Warnings, error) {
	return nil, nil
}

func unknowable(err error) error {
	return fmt.Errorf("what the other policy asks of the bucket is not known at present, try again: %w", err)
}

// refuseMove says by which rules less would be asked, and what to do; nothing if by
// none.
func refuseMove(ctx context.Context, before, bucket *v1alpha1.SovereignBucket, lost []placement.Loosening, doesExist bool) error {
	if len(lost) == 0 {
		return nil
	}
	rules := make([]string, 0, len(lost))
	for _, l := range lost {
		rules = append(rules, l.String())
	}
	why := "which asks less of it"
	if !doesExist {
		why = "which does not exist and so asks less of it"
	}
	who := "whoever asks"
	if request, err := admission.RequestFromContext(ctx); err == nil && request.UserInfo.Username != "" {
		who = request.UserInfo.Username
	}
	from := before.Spec.PolicyRef.Name
	return errors.New("the bucket would leave SovereigntyPolicy " + from + " for " + bucket.Spec.PolicyRef.Name + ", " + why + " by " +
		strings.Join(rules, ", ") + "; " + who + " may not approve that, which takes the verb approve on " + from +
		". A SovereigntyException to " + from + " lets a rule not count until an end, and the bucket stays under it")
}
