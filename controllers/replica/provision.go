package replica

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
)

// gather reads the dataset that the copy is of, and what binds it.
func (r *Reconciler) gather(ctx context.Context, s *scope) error {
	s.memory = r.memory.of(s.replica.UID)
	var bucket v1alpha1.SovereignBucket
	name := types.NamespacedName{Namespace: s.replica.Namespace, Name: s.replica.Spec.BucketRef.Name}
	err := r.Client.Get(ctx, name, &bucket)
	isDeleting := !s.replica.DeletionTimestamp.IsZero()
	if apierrors.IsNotFound(err) || err == nil && !metav1.IsControlledBy(s.replica, &bucket) {
		if isDeleting {
			return nil
		}
		r.pool.Cancel(s.key())
		return fault.New(fault.Waiting, fault.BucketNotFound,
			"SovereignBucket %s, which made this replica, does not exist: nothing is done for it", name.Name)
	}
	if err != nil {
		return fmt.Errorf("read the bucket: %w", err)
	}
	s.bucket = &bucket
	s.facts, err = r.gatherer.Bucket(ctx, &bucket)
	if fault.HasReason(err, fault.PolicyNotFound) {
		if isDeleting {
			return nil
		}
		r.pool.Cancel(s.key()) // nobody knows any more where data may go
	}
	return err
}

// judge makes sure once more that the copy may be where it is. Whatever the
// replica says, and whoever wrote it, no byte goes to a place that the policies
// forbid.
func (r *Reconciler) judge(_ context.Context, s *scope) error {
	objection := s.objection()
	if objection == nil {
		return nil
	}
	r.pool.Cancel(s.key())
	return fault.New(fault.Waiting, fault.Reason(objection.Reason), "nothing is written to %s: %s", s.replica.Spec.PlaceReference, objection.Message)
}

// heed leaves a store alone that asked for it. What is known of the copy goes on
// getting older meanwhile.
func (r *Reconciler) heed(_ context.Context, s *scope) error {
	left := s.memory.throttledUntil.Sub(s.now)
	if left <= 0 {
		return nil
	}
	return &fault.Error{Class: fault.Throttled, Reason: fault.Of(s.memory.throttled).Reason, After: left, Err: s.memory.throttled}
}

// rememberThrottling takes in how long a store wants to be left alone.
func (r *Reconciler) rememberThrottling(s *scope, err error) {
	asked := fault.Of(err)
	if asked == nil || asked.Class != fault.Throttled || asked.After <= 0 || s.now.Before(s.memory.throttledUntil) {
		return
	}
	remembered := r.memory.of(s.replica.UID)
	remembered.throttled, remembered.throttledUntil = asked.Err, s.now.Add(asked.After)
	r.memory.set(s.replica.UID, remembered)
}

// open opens the session at the copy's place.
func (r *Reconciler) open(ctx context.Context, s *scope) error {
	session, err := r.Sessions.Open(ctx, s.facts.Provider(s.replica.Spec.ProviderName), s.replica.Spec.Location)
	s.session = session
	return err
}

// provision makes the bucket, or makes sure that it is there, is ours and is as
// it should be.
func (r *Reconciler) provision(ctx context.Context, s *scope) error {
	isDue, err := r.isLookDue(ctx, s)
	if err != nil || !isDue {
		return err
	}
	state, err := s.session.ObserveBucket(ctx, s.replica.Spec.BucketName)
	if isClosed(err) {
		return s.taken("the name is taken by a bucket that is closed to us")
	}
	if err != nil {
		return err
	}
	s.looked = true
	switch {
	case !state.Exists && s.isAdopted() && !s.wasProvisioned():
		return s.absent()
	case !state.Exists:
		return r.create(ctx, s)
	}
	if err := r.own(ctx, s, state); err != nil {
		return err
	}
	if s.isAdopted() && !s.wasProvisioned() {
		if state, err = r.adopt(ctx, s, state); err != nil {
			return err
		}
	}
	return r.configure(ctx, s, state)
}

// isClosed tells whether a bucket exists and is somebody else's.
func isClosed(err error) bool {
	return errors.Is(err, provider.ErrDenied) || errors.Is(err, provider.ErrOwnedByOther)
}

// create makes the bucket. A primary that was there before is not made again: an
// empty primary would read as an order to delete the copies.
func (r *Reconciler) create(ctx context.Context, s *scope) error {
	switch {
	case s.isPrimary() && s.wasProvisioned():
		s.provisioned = new(condition.False(v1alpha1.ConditionProvisioned, v1alpha1.ReasonPrimaryRelocationRequired,
			s.lostMessage()))
		return fault.New(fault.Waiting, fault.PrimaryRelocationRequired, "%s", s.lostMessage())
	case s.isSuspended():
		return fault.New(fault.Waiting, fault.Suspended, "the bucket is not made while writing is suspended")
	}
	want := s.want(r.Installation)
	if err := s.session.CreateBucket(ctx, want); errors.Is(err, provider.ErrOwnedByOther) {
		return s.taken("the name is taken by another account")
	} else if err != nil {
		return err
	}
	if err := s.session.UpdateBucket(ctx, want); err != nil {
		return fmt.Errorf("set up the new bucket: %w", err)
	}
	if s.wasProvisioned() {
		r.memory.forget(s.replica.UID)
		s.memory = memorised{}
		s.startOver()
	}
	s.events = append(s.events, loop.Normal("BucketCreated",
		fmt.Sprintf("bucket %s was made at %s", want.Name, s.replica.Spec.PlaceReference)))
	r.provisioned(s)
	return nil
}

func (s *scope) lostMessage() string {
	if s.isAdopted() {
		return fmt.Sprintf("bucket %s no longer exists at %s. It was adopted and is not made again: bring it back under this name; "+
			"the copies stay as they are until deletions are approved", s.replica.Spec.BucketName, s.replica.Spec.PlaceReference)
	}
	return fmt.Sprintf("bucket %s no longer exists at %s. It is not made again by itself, because an empty primary would read as "+
		"an order to delete the copies. To begin anew with an empty bucket, delete BucketReplica %s; the copies stay as they are "+
		"until deletions are approved", s.replica.Spec.BucketName, s.replica.Spec.PlaceReference, s.replica.Name)
}

// startOver forgets what the status says of a copy whose bucket was made again.
func (s *scope) startOver() {
	s.replica.Status.LastSyncTime, s.replica.Status.LastVerifiedTime = nil, nil
	s.replica.Status.Objects, s.replica.Status.Bytes = nil, nil
}

// own makes sure that an existing bucket is ours. An unmarked one is if it holds
// nothing: then it is the one that was made just before a crash. One that was ours
// may have lost its mark, which is drift; or it is gone, and another one has its
// name.
func (r *Reconciler) own(ctx context.Context, s *scope, state provider.BucketState) error {
	name := s.replica.Spec.BucketName
	switch r.Installation.Judge(state.Mark, s.owner(), name) {
	case ownership.Mine:
		return nil
	case ownership.Stranger:
		return s.taken("the bucket carries the mark of another owner")
	case ownership.Unmarked: // what it holds decides
	}
	switch {
	case s.wasLost():
		return s.taken("the bucket that was ours is gone, and this one carries no mark")
	case s.isAdopted(), s.wasProvisioned() && s.isPrimary():
		return nil // it is to get a mark, or its mark was removed
	case s.wasProvisioned():
		if holds, err := r.holdsManifest(ctx, s); err != nil || holds {
			return err
		}
	}
	empty, err := provider.HoldsNothing(ctx, s.session, name)
	if err != nil {
		return err
	}
	if !empty {
		return s.taken("a bucket of this name exists, carries no mark and holds objects")
	}
	if s.wasProvisioned() {
		s.startOver() // whatever was copied is not there
	}
	return nil
}

// wasLost tells whether the primary's bucket is known to be gone, or to be somebody
// else's, so that one without a mark is not ours that lost it.
func (s *scope) wasLost() bool {
	before := s.before(v1alpha1.ConditionProvisioned)
	return s.isPrimary() && !s.isAdopted() && before != nil &&
		(before.Reason == v1alpha1.ReasonPrimaryRelocationRequired || before.Reason == v1alpha1.ReasonNotOwner)
}

// holdsManifest tells whether the bucket holds what only a copy of ours does.
func (r *Reconciler) holdsManifest(ctx context.Context, s *scope) (bool, error) {
	page, err := s.session.ListPage(ctx, s.replica.Spec.BucketName, provider.ListRequest{Prefix: manifest.Root(""), Limit: 1})
	if err != nil {
		return false, fmt.Errorf("look for the copy's manifest: %w", err)
	}
	return len(page.Objects) > 0, nil
}

// taken says that the name belongs to a stranger. Before the first time that it
// was ours, another name is tried; later, nothing is touched.
func (s *scope) taken(why string) error {
	reason, class := fault.NameConflict, fault.Waiting
	message := fmt.Sprintf("bucket %s at %s is not ours: %s", s.replica.Spec.BucketName, s.replica.Spec.PlaceReference, why)
	if s.wasProvisioned() || s.isAdopted() {
		reason = fault.NotOwner
		message += "; nothing is written to it"
	}
	s.provisioned = new(condition.False(v1alpha1.ConditionProvisioned, string(reason), message))
	return fault.New(class, reason, "%s", message)
}

// configure sets the bucket up as it should be. What was changed since it was set
// up is drift, and is set right or only shown, as the policy says.
func (r *Reconciler) configure(ctx context.Context, s *scope, state provider.BucketState) error {
	want := s.want(r.Installation)
	if err := s.observeProtection(ctx, want, &state); err != nil {
		return err
	}
	drift := want.Drift(state)
	// After a restart it is not known what the bucket was set up as; then a
	// difference counts as drift too.
	isDrift := s.wasProvisioned() && (s.memory.setUp == want || s.memory.setUp == provider.Bucket{})
	isKept := s.isSuspended() || isDrift && !s.correctsDrift()
	isMissing := false
	var err error
	switch {
	case len(drift) == 0:
	case isKept:
		isMissing = want.ObjectLock && !state.ObjectLock
		s.drift = found(drift)
	default:
		if isMissing, err = r.setUp(ctx, s, want); err != nil && isDrift {
			s.drift = uncorrected(found(drift), err)
		}
	}
	if isMissing {
		s.drift = found(drift)
	}
	if isDrift && !s.lacksProtection() {
		s.tellDrift(found(drift), s.drift)
	}
	if err != nil {
		return err
	}
	r.provisioned(s)
	if isMissing {
		s.unprotected(want)
	}
	return nil
}

// observeProtection asks for what ObserveBucket does not tell, where a policy asks
// for it.
func (s *scope) observeProtection(ctx context.Context, want provider.Bucket, state *provider.BucketState) (err error) {
	if want.Protection == (provider.Protection{}) {
		return nil
	}
	state.Protection, err = s.session.ObserveProtection(ctx, want.Name)
	return err
}

// setUp writes what differs, and tells whether the store cannot give the bucket
// the protection that is asked for. A bucket that was there before goes on as it is
// then, and says so: without its copies the data would be less protected still. A
// new one holds nothing yet, and nothing is written to it.
func (r *Reconciler) setUp(ctx context.Context, s *scope, want provider.Bucket) (isMissing bool, err error) {
	err = s.session.UpdateBucket(ctx, want)
	cannot := errors.Is(err, provider.ErrUnsupported) || errors.Is(err, provider.ErrNotKept)
	switch {
	case err == nil:
		return false, nil
	case cannot && s.wasProvisioned() && want.Protection != (provider.Protection{}):
		return true, nil
	}
	return false, fmt.Errorf("set up the bucket: %w", err)
}

// unprotected says that the bucket lacks what its store cannot add, and the way out.
func (s *scope) unprotected(want provider.Bucket) {
	way := fmt.Sprintf("to have it made anew with all of it, delete bucket %s at %s while the other copies are complete: "+
		"this copy is then made again and filled", want.Name, s.replica.Spec.PlaceReference)
	if s.isPrimary() {
		way = "the primary has to move to a new bucket, which is a person's decision"
	}
	s.provisioned = new(condition.False(v1alpha1.ConditionProvisioned, v1alpha1.ReasonProtectionMissing,
		fmt.Sprintf("bucket %s was there before it was asked for, or its store does not keep it: %s. What it holds is kept up, without that protection; %s",
			want.Name, describe(s.drift), way)))
}

// lacksProtection tells whether the bucket was found before to lack what its store
// cannot add.
func (s *scope) lacksProtection() bool { return isUnprotected(s.before(v1alpha1.ConditionProvisioned)) }

// isUnprotected tells a bucket that is there and lacks protection from one that is
// not there.
func isUnprotected(provisioned *metav1.Condition) bool {
	return provisioned != nil && provisioned.Status == metav1.ConditionFalse && provisioned.Reason == v1alpha1.ReasonProtectionMissing
}

// provisioned records that the bucket is there, ours and set up.
func (r *Reconciler) provisioned(s *scope) {
	s.provisioned = new(condition.True(v1alpha1.ConditionProvisioned, v1alpha1.ReasonSucceeded, ""))
	s.memory.lookedAt, s.memory.setUp = s.now, s.want(r.Installation)
	s.memory.lookDue = s.now.Add(lookInterval(s.drift))
	s.memory.lookAnswered = s.requested()
	r.memory.set(s.replica.UID, s.memory)
}
