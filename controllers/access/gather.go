package access

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
)

// gather reads the bucket with all that is known of it. Neither it nor its policy
// needs to be there.
func (r *Reconciler) gather(ctx context.Context, s *scope) error {
	var bucket v1alpha1.SovereignBucket
	name := types.NamespacedName{Namespace: s.access.Namespace, Name: s.access.Spec.BucketRef.Name}
	err := r.Client.Get(ctx, name, &bucket)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the bucket: %w", err)
	}
	s.bucket = &bucket
	s.facts, err = r.gatherer.Bucket(ctx, &bucket)
	if fault.HasReason(err, fault.PolicyNotFound) {
		s.incomplete = err
		err = nil
	}
	return err
}

// remember reads what the operator remembers of the keys: from its cache as long
// as there is nothing to do.
func (r *Reconciler) remember(ctx context.Context, s *scope) error {
	var err error
	if s.keys, err = r.keys(ctx, r.Client, holderOf(s.access)); err != nil {
		return err
	}
	if !s.isAtRest() {
		if s.keys, err = r.keys(ctx, r.Reader, holderOf(s.access)); err != nil {
			return err
		}
	}
	s.remembered = true
	return nil
}

// isAtRest tells whether nothing is to be issued, published anew or revoked.
func (s *scope) isAtRest() bool {
	at := s.target()
	if at == nil || !s.access.DeletionTimestamp.IsZero() || s.fate() != keepKeys || s.keys.pending() != nil || s.isUnproven() {
		return false
	}
	fresh, _ := s.keys.next(s.now, s.wish(*at))
	return fresh == nil && len(s.keys.due(s.now, s.overlap(), at)) == 0
}

// admit tells why there can be no key now, or nil.
func (r *Reconciler) admit(ctx context.Context, s *scope) error {
	switch {
	case s.bucket == nil:
		return fault.New(fault.Waiting, fault.BucketNotFound,
			"SovereignBucket %s does not exist in this namespace", s.access.Spec.BucketRef.Name)
	case s.incomplete != nil:
		return s.incomplete
	}
	if err := s.lacksPrimary(); err != nil {
		return err
	}
	rival, err := r.rival(ctx, s.access)
	if err != nil || rival == "" {
		return err
	}
	return fault.New(fault.Waiting, fault.NameConflict,
		"Secret %s is published by SovereignBucketAccess %s, which was there before: choose another accessSecretName",
		s.access.SecretName(), rival)
}

// lacksPrimary tells what is wrong with the primary, or nil.
func (s *scope) lacksPrimary() error {
	primary := s.facts.Primary()
	if primary == nil {
		return fault.New(fault.Waiting, fault.Progressing, "waiting for the primary")
	}
	provisioned := meta.FindStatusCondition(primary.Status.Conditions, v1alpha1.ConditionProvisioned)
	switch {
	case provisioned == nil || provisioned.Status == metav1.ConditionUnknown:
		return fault.New(fault.Waiting, fault.Progressing, "waiting for the primary")
	case provisioned.Status != metav1.ConditionTrue:
		return fault.New(fault.Waiting, fault.Reason(provisioned.Reason), "the primary is not there: %s", provisioned.Message)
	}
	return nil
}

// rival gives the name of another access that publishes the same Secret and came
// first; empty if there is none.
func (r *Reconciler) rival(ctx context.Context, access *v1alpha1.SovereignBucketAccess) (string, error) {
	var accesses v1alpha1.SovereignBucketAccessList
	if err := r.Client.List(ctx, &accesses, client.InNamespace(access.Namespace),
		client.MatchingFields{gather.AccessSecretField: access.SecretName()}); err != nil {
		return "", fmt.Errorf("list the accesses that publish the same Secret: %w", err)
	}
	for i := range accesses.Items {
		if other := &accesses.Items[i]; other.Name != access.Name && cameFirst(other, access) {
			return other.Name, nil
		}
	}
	return "", nil
}

// cameFirst orders accesses by age, and those of one second by name.
func cameFirst(a, b *v1alpha1.SovereignBucketAccess) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.Name < b.Name
}
