package replica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
)

// stop stops work on a copy that is on its way out, and waits for it to end.
func (r *Reconciler) stop(_ context.Context, s *scope) error {
	_, isHearing, _ := r.hearings.Look(s.key())
	if isHearing {
		r.hearings.Cancel(s.key())
		s.isHearing = true
		return fault.New(fault.Waiting, fault.Deleting, "waiting for the work on the copy to end")
	}
	r.hearings.Forget(s.key())
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
	case s.deletesBucket(), s.isLeaving():
		if err := r.deleteBucket(ctx, s); err != nil {
			return err
		}
	}
	s.gone = true
	r.memory.forget(s.replica.UID)
	r.Notifications.Forget(s.key())
	r.Metrics.forget(s.name())
	return loop.RemoveFinalizer(ctx, r.Client, s.replica)
}

// deletesBucket tells whether the bucket goes with the copy: only with the whole
// dataset, if that says so, and never one that was there before us.
func (s *scope) deletesBucket() bool {
	return s.bucket != nil && !s.bucket.DeletionTimestamp.IsZero() && s.bucket.Spec.DeletesBuckets() && !s.isAdopted()
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
	if locked := r.lock(s); locked != nil {
		return s.lockedFor(locked)
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

// How soon a bucket under object lock is tried again. A lock may be lifted before
// its time; but trying lists the whole bucket.
const (
	soonestLockRetry = time.Minute
	latestLockRetry  = 24 * time.Hour
)

// lock gives the lock that the last try to empty the bucket met, or nil when it is
// time for another one, whatever woke us.
func (r *Reconciler) lock(s *scope) *provider.LockedError {
	if s.ended != nil {
		found, isLocked := errors.AsType[*provider.LockedError](s.ended.err)
		if !isLocked {
			return nil
		}
		s.memory.lock = found
		s.memory.tryLockAt = s.now.Add(min(max(found.Until.Sub(s.now), soonestLockRetry), latestLockRetry))
		r.memory.set(s.replica.UID, s.memory)
	}
	if s.now.Before(s.memory.tryLockAt) {
		return s.memory.lock
	}
	return nil
}

// lockedFor says until when the bucket cannot be emptied. Rempart never lifts a
// lock.
func (s *scope) lockedFor(locked *provider.LockedError) error {
	blocked := fault.New(fault.Waiting, fault.DeletionBlocked,
		"bucket %s at %s cannot be deleted: %w; it goes by itself once that has ended. To leave it where it is, "+
			"set spec.deletionPolicy of the SovereignBucket to Retain",
		s.replica.Spec.BucketName, s.replica.Spec.PlaceReference, locked)
	blocked.After = s.memory.tryLockAt.Sub(s.now)
	return blocked
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
	if !state.Exists {
		return errNotOurs
	}
	switch r.Installation.Judge(state.Mark, s.owner(), s.replica.Spec.BucketName) {
	case ownership.Mine:
		return nil
	case ownership.Unmarked:
		return r.judgeUnmarked(ctx, s)
	default:
		return errNotOurs
	}
}

// judgeUnmarked judges a bucket without a mark by what it holds. An empty one of
// the name that was recorded is ours: its mark was not written yet, or was an object
// and went with the others. One that we had, and that holds something, is not
// forgotten in silence: the data in it was to be deleted.
func (r *Reconciler) judgeUnmarked(ctx context.Context, s *scope) error {
	if s.wasLost() {
		return errNotOurs
	}
	isEmpty, err := provider.HoldsNothing(ctx, s.session, s.replica.Spec.BucketName)
	switch {
	case err != nil:
		return err
	case isEmpty:
		return nil
	case s.wasProvisioned():
		return errors.New("it holds objects and carries Rempart's mark no more, so that whether they are ours is not known")
	}
	return errNotOurs
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
