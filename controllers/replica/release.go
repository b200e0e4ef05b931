package replica

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
)

// stop stops work on a copy that is on its way out, and waits for it to end.
func (r *Reconciler) stop(_ context.Context, s *scope) error {
	latest, isRunning, known := r.pool.Look(s.key())
	if isRunning && latest.kind != emptying {
		r.pool.Cancel(s.key())
	}
	if isRunning {
		s.isRunning = true
		return fault.New(fault.Waiting, fault.Deleting, "waiting for the work on the copy to end")
	}
	if known && latest.kind == emptying {
		s.ended = &latest
	}
	r.pool.Forget(s.key())
	return nil
}

// release puts the bucket of a copy in order that is on its way out.
func (r *Reconciler) release(ctx context.Context, s *scope) error {
	switch {
	case s.bucket == nil:
	case s.isAbandoned():
		s.events = append(s.events, loop.Warning("CopyAbandoned",
			fmt.Sprintf("bucket %s at %s is left as it is, as somebody asked for", s.replica.Spec.BucketName, s.replica.Spec.PlaceReference)))
	case s.comesBeforeItsBucket():
		return fault.New(fault.Waiting, fault.Deleting, "waiting for the SovereignBucket to be deleted with its namespace")
	case s.goesWithItsBucket(), s.isLeaving():
		if err := r.deleteBucket(ctx, s); err != nil {
			return err
		}
	}
	s.gone = true
	r.memory.forget(s.replica.UID)
	r.Metrics.forget(s.name())
	return loop.RemoveFinalizer(ctx, r.Client, s.replica)
}

// errNotOurs: the bucket is not, or no longer, ours, so that nothing is done to it.
var errNotOurs = errors.New("the bucket is not ours")

// deleteBucket deletes the bucket if it is ours, and empties it first if somebody
// confirmed that.
func (r *Reconciler) deleteBucket(ctx context.Context, s *scope) error {
	blocked := func(err error) error {
		return fault.New(fault.Transient, fault.DeletionBlocked, "bucket %s at %s cannot be deleted: %w; %s",
			s.replica.Spec.BucketName, s.replica.Spec.PlaceReference, err, s.wayOut())
	}
	if s.ended != nil && s.ended.err != nil {
		return blocked(s.ended.err)
	}
	if s.isAdopted() {
		return blocked(errors.New("it was adopted, and an adopted bucket is never deleted"))
	}
	err := r.openOurs(ctx, s)
	if errors.Is(err, errNotOurs) {
		return nil
	}
	if err != nil {
		return blocked(err)
	}
	isEmpty, err := provider.HoldsOnlyOurs(ctx, s.session, s.replica.Spec.BucketName)
	if err != nil {
		return blocked(err)
	}
	if !isEmpty {
		if err := s.mayEmpty(); err != nil {
			return err
		}
	}
	if err := r.awaitWithdrawal(ctx, s); err != nil {
		return err
	}
	return r.emptyAndDelete(ctx, s, blocked)
}

// emptyAndDelete empties the bucket beside the loop, however much it holds, and
// deletes it once it is empty.
func (r *Reconciler) emptyAndDelete(ctx context.Context, s *scope, blocked func(error) error) error {
	name, session := s.replica.Spec.BucketName, s.session
	err := session.DeleteBucket(ctx, name)
	if err == nil {
		s.events = append(s.events, loop.Normal("BucketDeleted",
			fmt.Sprintf("bucket %s at %s was deleted", name, s.replica.Spec.PlaceReference)))
		return nil
	}
	if !errors.Is(err, provider.ErrNotEmpty) {
		return blocked(err)
	}
	r.pool.Begin(s.key(), activity{kind: emptying}, func(ctx context.Context, _ func(activity)) activity {
		_, err := provider.Empty(ctx, session, name)
		return activity{kind: emptying, err: err}
	})
	s.isRunning = true
	return fault.New(fault.Waiting, fault.Deleting, "the bucket is being emptied")
}

// openOurs opens the session, and fails with errNotOurs when the bucket is gone
// or somebody else's.
func (r *Reconciler) openOurs(ctx context.Context, s *scope) error {
	at := s.facts.Provider(s.replica.Spec.ProviderName)
	if at == nil {
		return fmt.Errorf("SovereignProvider %s does not exist", s.replica.Spec.ProviderName)
	}
	var err error
	if s.session, err = r.Sessions.Open(ctx, at, s.replica.Spec.Location); err != nil {
		return err
	}
	state, err := s.session.ObserveBucket(ctx, s.replica.Spec.BucketName)
	if errors.Is(err, provider.ErrOwnedByOther) || isClosed(err) && !s.wasProvisioned() {
		return errNotOurs
	}
	if err != nil {
		return err
	}
	if !state.Exists || r.Installation.Judge(state.Mark, s.owner(), s.replica.Spec.BucketName) != ownership.Mine {
		return errNotOurs
	}
	return nil
}

// awaitWithdrawal waits until every key to the bucket is revoked, so that nothing
// is stored in it while it is emptied.
func (r *Reconciler) awaitWithdrawal(ctx context.Context, s *scope) error {
	if !s.isPrimary() {
		return nil
	}
	left, err := r.gatherer.AccessesWithKeys(ctx, client.ObjectKey{Namespace: s.replica.Namespace, Name: s.replica.Spec.BucketRef.Name})
	if err != nil || len(left) == 0 {
		return err
	}
	return fault.New(fault.Waiting, fault.WaitingForKeys, "waiting for SovereignBucketAccess %s to revoke its keys", left[0].Name)
}
