package bucket

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
)

// release lets the bucket go: at once under Retain; under Delete once every copy
// is empty, or somebody confirmed that they may be emptied, and all are gone. As
// long as it may not go, nothing of it is touched and its copies are kept up.
func (r *Reconciler) release(ctx context.Context, s *scope) error {
	if s.bucket.Spec.DeletesBuckets() {
		if err := r.mayDelete(ctx, s); err != nil {
			return err
		}
	}
	left, err := r.dropReplicas(ctx, s)
	if err != nil {
		return err
	}
	if left > 0 {
		return fault.New(fault.Waiting, fault.Deleting, "waiting for %d copies to be let go", left)
	}
	if s.bucket.Spec.DeletesBuckets() {
		if err := r.awaitWithdrawal(ctx, s); err != nil {
			return err
		}
	}
	s.gone = true
	r.Metrics.forget(client.ObjectKeyFromObject(s.bucket))
	return loop.RemoveFinalizer(ctx, r.Client, s.bucket)
}

// mayDelete tells why the buckets may not be deleted yet, or nil. Copies that are
// on their way out already were looked at before.
func (r *Reconciler) mayDelete(ctx context.Context, s *scope) error {
	if isConfirmed(s) {
		return nil
	}
	for i := range s.facts.Replicas {
		replica := &s.facts.Replicas[i]
		if !replica.DeletionTimestamp.IsZero() || !wasProvisioned(replica) || isNameConflict(replica) {
			continue
		}
		if err := r.isEmpty(ctx, s, replica); err != nil {
			return err
		}
	}
	return nil
}

// isConfirmed tells whether somebody confirmed that the objects may go.
func isConfirmed(s *scope) bool {
	primary := s.bucket.Status.Primary
	return primary != nil && s.bucket.Annotations[v1alpha1.ConfirmDeleteAnnotation] == primary.BucketName
}

func wasProvisioned(replica *v1alpha1.BucketReplica) bool {
	return meta.FindStatusCondition(replica.Status.Conditions, v1alpha1.ConditionProvisioned) != nil
}

// isEmpty tells why a copy's bucket may not be deleted without confirmation, or
// nil if it holds nothing but our own objects, or is not ours at all.
func (r *Reconciler) isEmpty(ctx context.Context, s *scope, replica *v1alpha1.BucketReplica) error {
	empty, err := r.lookWhetherEmpty(ctx, s, replica)
	if err != nil {
		return fault.New(fault.Transient, fault.DeletionBlocked,
			"it is not known whether bucket %s at %s is empty: %w; to leave it where it is, set spec.deletionPolicy to Retain",
			replica.Spec.BucketName, replica.Spec.PlaceReference, err)
	}
	if empty {
		return nil
	}
	return fault.New(fault.Waiting, fault.DeletionBlocked,
		"bucket %s at %s holds objects: to delete them and every copy, set the annotation %s to %s; to keep them, set spec.deletionPolicy to Retain",
		replica.Spec.BucketName, replica.Spec.PlaceReference, v1alpha1.ConfirmDeleteAnnotation, confirmation(s, replica))
}

// confirmation is what the annotation has to say.
func confirmation(s *scope, replica *v1alpha1.BucketReplica) string {
	if primary := s.bucket.Status.Primary; primary != nil {
		return primary.BucketName
	}
	return replica.Spec.BucketName
}

func (r *Reconciler) lookWhetherEmpty(ctx context.Context, s *scope, replica *v1alpha1.BucketReplica) (bool, error) {
	at := s.facts.Provider(replica.Spec.ProviderName)
	if at == nil {
		return false, fmt.Errorf("SovereignProvider %s does not exist", replica.Spec.ProviderName)
	}
	session, err := r.Sessions.Open(ctx, at, replica.Spec.Location)
	if err != nil {
		return false, err
	}
	name := replica.Spec.BucketName
	state, err := session.ObserveBucket(ctx, name)
	if errors.Is(err, provider.ErrOwnedByOther) {
		// A bucket that is closed to us is somebody else's, and is not touched.
		return true, nil
	}
	if err != nil {
		return false, err
	}
	owner := ownership.Owner{Namespace: s.bucket.Namespace, Name: s.bucket.Name}
	if !state.Exists || r.Installation.Judge(state.Mark, owner, name) != ownership.Mine {
		return true, nil
	}
	return provider.HoldsOnlyOurs(ctx, session, name)
}

// awaitWithdrawal tells which access still has keys to the bucket, or nil.
func (r *Reconciler) awaitWithdrawal(ctx context.Context, s *scope) error {
	left, err := r.gatherer.AccessesWithKeys(ctx, client.ObjectKeyFromObject(s.bucket))
	if err != nil || len(left) == 0 {
		return err
	}
	return fault.New(fault.Waiting, fault.WaitingForKeys, "waiting for SovereignBucketAccess %s to revoke its keys", left[0].Name)
}

// dropReplicas deletes the replicas and tells how many are left. What happens to
// their buckets is decided once more by the reconciler of replicas.
func (r *Reconciler) dropReplicas(ctx context.Context, s *scope) (int, error) {
	var errs []error
	for i := range s.facts.Replicas {
		replica := &s.facts.Replicas[i]
		if replica.DeletionTimestamp.IsZero() {
			errs = append(errs, client.IgnoreNotFound(r.Client.Delete(ctx, replica)))
		}
	}
	return len(s.facts.Replicas), errors.Join(errs...)
}
