package access

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
)

// release lets the access go, once what is to become of its keys has come about.
func (r *Reconciler) release(ctx context.Context, s *scope) error {
	switch s.fate() {
	case awaitBucket:
		return fault.New(fault.Waiting, fault.Deleting, "waiting for the bucket to be deleted or retained")
	case endKeys:
		if err := r.withdrawOrAbandon(ctx, s); err != nil {
			return err
		}
	case keepKeys:
	}
	r.published.forget(s.access.UID)
	r.Metrics.forget(client.ObjectKeyFromObject(s.access))
	s.gone = true
	return loop.RemoveFinalizer(ctx, r.Client, s.access)
}

// withdrawOrAbandon revokes the keys, or forgets them if somebody says so.
func (r *Reconciler) withdrawOrAbandon(ctx context.Context, s *scope) error {
	err := r.withdraw(ctx, s)
	if err == nil {
		return nil
	}
	if s.access.Annotations[v1alpha1.AbandonKeysAnnotation] != "true" {
		return fault.New(fault.Transient, fault.DeletionBlocked,
			"the keys cannot be revoked: %w; to let this object go and leave them working, set the annotation %s to true",
			err, v1alpha1.AbandonKeysAnnotation)
	}
	for _, key := range s.keys {
		ctrl.LoggerFrom(ctx).Info("key abandoned", "keyID", key.name(), "place", key.PlaceReference.String())
	}
	return r.forgetAll(ctx, s)
}

// endWithBucket revokes the keys of a bucket that is deleted for good, before it is
// emptied.
func (r *Reconciler) endWithBucket(ctx context.Context, s *scope) error {
	if s.fate() != endKeys {
		return nil
	}
	if err := r.withdraw(ctx, s); err != nil {
		return fault.New(fault.Transient, fault.DeletionBlocked,
			"the keys cannot be revoked: %w; to leave bucket and keys as they are, set spec.deletionPolicy of the SovereignBucket to Retain", err)
	}
	s.withdrawn = true
	return fault.New(fault.Waiting, fault.KeysRevoked, "the bucket is being deleted, and the keys to it were revoked")
}

// withdraw revokes the keys, removes the Secret and forgets the keys, in this
// order: whatever happens in between, it can be done again.
func (r *Reconciler) withdraw(ctx context.Context, s *scope) error {
	keys := s.keys
	if len(keys) == 0 {
		keys = r.forgotten(s)
	}
	if err := r.revokeAll(ctx, keys); err != nil {
		return err
	}
	return r.forgetAll(ctx, s)
}

// forgotten are the keys that the status speaks of and the operator has no copies
// of any more: their names can be derived.
func (r *Reconciler) forgotten(s *scope) ring {
	primary := s.primary()
	if primary == nil || len(s.access.Status.ActiveKeys) == 0 {
		return nil
	}
	at := target{PlaceReference: primary.Spec.PlaceReference, bucketName: primary.Spec.BucketName}
	var keys ring
	for number := range ownership.KeySlots {
		keys = append(keys, slot{
			target: at, number: number, mode: s.access.Spec.AccessMode, consumer: r.consumer(holderOf(s.access), at, number),
		})
	}
	return keys
}

// forgetAll removes the Secret of the consumers and the operator's copies.
func (r *Reconciler) forgetAll(ctx context.Context, s *scope) error {
	if err := r.unpublish(ctx, s); err != nil {
		return err
	}
	for _, key := range s.keys {
		if err := r.forget(ctx, key); err != nil {
			return err
		}
	}
	s.keys = nil
	return nil
}

// retireOrphans revokes the keys whose time is over of an access that is gone: its
// last key goes on working with a bucket that was retained, and the one before does
// not.
func (r *Reconciler) retireOrphans(ctx context.Context, name types.NamespacedName) (ctrl.Result, error) {
	holders, err := r.holders(ctx, name)
	if err != nil {
		return ctrl.Result{}, err
	}
	var result ctrl.Result
	for _, h := range holders {
		again, err := r.retireOf(ctx, h)
		if err != nil {
			return ctrl.Result{}, err
		}
		if again > 0 && (result.RequeueAfter == 0 || again < result.RequeueAfter) {
			result.RequeueAfter = again
		}
	}
	return result, nil
}

// retireFormer does the same for accesses of this name to other buckets, which are
// gone.
func (r *Reconciler) retireFormer(ctx context.Context, s *scope) error {
	holders, err := r.holders(ctx, client.ObjectKeyFromObject(s.access))
	if err != nil {
		return err
	}
	for _, h := range holders {
		if h == holderOf(s.access) {
			continue
		}
		again, err := r.retireOf(ctx, h)
		if err != nil {
			s.troubled(err)
		}
		if again > 0 {
			s.formerEnd = append(s.formerEnd, s.now.Add(again))
		}
	}
	return nil
}

// retireOf revokes what is due and tells when to look again; 0 is never.
func (r *Reconciler) retireOf(ctx context.Context, h holder) (time.Duration, error) {
	keys, err := r.keys(ctx, r.Reader, h)
	if err != nil {
		return 0, err
	}
	var overlap time.Duration
	if active := keys.active(); active != nil {
		overlap = active.overlap
	}
	now := r.Clock.Now()
	due := keys.due(now, overlap, nil)
	if begun := keys.pending(); begun != nil && !begun.isIssued() {
		due = append(due, *begun) // nobody knows its secret, if it has one
	}
	for _, old := range due {
		if err := r.end(ctx, old); err != nil {
			return 0, fmt.Errorf("revoke key %s of an access that is gone: %w", old.name(), err)
		}
		keys = keys.without(old.consumer)
		ctrl.LoggerFrom(ctx).Info("key retired", "keyID", old.name(), "place", old.PlaceReference.String())
	}
	if len(keys.retiring()) == 0 {
		return 0, nil
	}
	return max(keys.retireAt(overlap).Sub(now), time.Second), nil
}
