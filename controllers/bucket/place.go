package bucket

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/placement"
)

// maximumAttempts is how many names are tried at a place where strangers have
// taken the ones before.
const maximumAttempts = 8

// observe gathers the facts about the bucket, its copies, its drills and the
// application's access.
func (r *Reconciler) observe(ctx context.Context, s *scope) error {
	var drills v1alpha1.ReversibilityDrillList
	if err := r.Client.List(ctx, &drills, client.InNamespace(s.bucket.Namespace),
		client.MatchingFields{gather.DrillBucketField: s.bucket.Name}); err != nil {
		return fmt.Errorf("list the drills: %w", err)
	}
	s.drills = drills.Items
	if err := r.observeAccess(ctx, s); err != nil {
		return err
	}
	facts, err := r.gatherer.Bucket(ctx, s.bucket)
	s.facts = facts
	return err
}

// observeAnyway gathers what can be gathered of a bucket that is being deleted: a
// missing policy does not keep it.
func (r *Reconciler) observeAnyway(ctx context.Context, s *scope) error {
	if err := r.observe(ctx, s); err != nil && !fault.HasReason(err, fault.PolicyNotFound) {
		return err
	}
	return nil
}

// decide decides where the copies are to be. It changes nothing.
func (r *Reconciler) decide(_ context.Context, s *scope) error {
	request := s.facts.Request()
	for i := range request.Candidates {
		request.Candidates[i].Holds = slices.Contains(s.held, request.Candidates[i].PlaceReference)
	}
	decision := placement.Decide(request)
	s.decision = &decision
	return nil
}

// place makes a BucketReplica for every copy that is to be and is not. The name
// of the bucket at the provider is recorded in it before anything is made there.
// A dataset whose primary is there goes on without the copies that have no place;
// PlacementSatisfied says so.
func (r *Reconciler) place(ctx context.Context, s *scope) error {
	switch {
	case s.decision.Satisfied:
	case s.facts.Primary() != nil && s.decision.Reason != v1alpha1.ReasonPrimaryRelocationRequired:
		return nil
	default:
		return fault.New(fault.Waiting, fault.Reason(s.decision.Reason), "%s", s.decision.Message)
	}
	var errs []error
	for _, copied := range s.decision.Copies {
		errs = append(errs, r.placeCopy(ctx, s, copied))
	}
	return errors.Join(errs...)
}

// placeCopy makes the replica of one copy, or its next attempt when the name was
// taken by a stranger.
func (r *Reconciler) placeCopy(ctx context.Context, s *scope, copied placement.Copy) error {
	latest, attempt := r.latestAttempt(s, copied.PlaceReference)
	if latest != nil && !isNameConflict(latest) {
		return r.dropOlder(ctx, s, latest)
	}
	if latest != nil {
		attempt++
	}
	if attempt >= maximumAttempts {
		return fault.New(fault.Terminal, fault.NameConflict,
			"the first %d names for a bucket at %s are all taken by strangers", maximumAttempts, copied)
	}
	replica := r.replica(s.bucket, copied, attempt)
	if err := controllerutil.SetControllerReference(s.bucket, replica, r.Client.Scheme()); err != nil {
		return fmt.Errorf("own the replica at %s: %w", copied, err)
	}
	err := r.Client.Create(ctx, replica)
	if apierrors.IsAlreadyExists(err) {
		// Our cache is behind, and the next look finds it; or it was restored from
		// a backup; or the object is not ours.
		return r.takeUp(ctx, s.bucket, replica)
	}
	if err != nil {
		return fmt.Errorf("make the replica at %s: %w", copied, err)
	}
	s.facts.Replicas = append(s.facts.Replicas, *replica)
	if attempt == 0 {
		s.events = append(s.events, loop.Normal("PlacementChanged", fmt.Sprintf("a %s is placed at %s", copied.Role, copied)))
	}
	return nil
}

// takeUp tells a replica that the cache does not show yet from one that somebody
// else made under the name. One that belongs to nobody and says exactly what ours
// would, as a backup leaves it behind, becomes ours.
func (r *Reconciler) takeUp(ctx context.Context, bucket *v1alpha1.SovereignBucket, replica *v1alpha1.BucketReplica) error {
	var existing v1alpha1.BucketReplica
	if err := r.Client.Get(ctx, client.ObjectKeyFromObject(replica), &existing); err != nil {
		return client.IgnoreNotFound(err)
	}
	if metav1.IsControlledBy(&existing, bucket) {
		return nil
	}
	if metav1.GetControllerOf(&existing) != nil || existing.Spec != replica.Spec {
		return fault.New(fault.Waiting, fault.NameConflict,
			"BucketReplica %s exists and was not made for this bucket: delete it", replica.Name)
	}
	before := existing.DeepCopy()
	if err := controllerutil.SetControllerReference(bucket, &existing, r.Client.Scheme()); err != nil {
		return fmt.Errorf("own the replica %s: %w", replica.Name, err)
	}
	if err := r.Client.Patch(ctx, &existing, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("take up the replica %s: %w", replica.Name, err)
	}
	return nil
}

// replica gives the object for an attempt at a copy.
func (r *Reconciler) replica(bucket *v1alpha1.SovereignBucket, copied placement.Copy, attempt int) *v1alpha1.BucketReplica {
	replica := &v1alpha1.BucketReplica{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: bucket.Namespace, Name: ownership.ReplicaName(bucket.Name, copied.ProviderName, copied.Location, attempt),
		},
		Spec: v1alpha1.BucketReplicaSpec{
			BucketRef:      v1alpha1.NameReference{Name: bucket.Name},
			PlaceReference: copied.PlaceReference,
			BucketName:     r.bucketName(bucket, copied.PlaceReference, attempt),
			Role:           copied.Role,
			Origin:         v1alpha1.OriginCreated,
		},
	}
	if existing := bucket.Spec.ExistingBucket; existing != nil && copied.Role == v1alpha1.RolePrimary {
		replica.Spec.BucketName, replica.Spec.Origin = existing.BucketName, v1alpha1.OriginAdopted
	}
	return replica
}

func (r *Reconciler) bucketName(bucket *v1alpha1.SovereignBucket, place v1alpha1.PlaceReference, attempt int) string {
	return r.Installation.BucketName(
		ownership.Owner{Namespace: bucket.Namespace, Name: bucket.Name},
		ownership.Place{Provider: place.ProviderName, Location: place.Location, Attempt: attempt})
}

// latestAttempt gives the replica of the latest attempt at a place, if there is
// any.
func (r *Reconciler) latestAttempt(s *scope, place v1alpha1.PlaceReference) (*v1alpha1.BucketReplica, int) {
	for attempt := maximumAttempts - 1; attempt >= 0; attempt-- {
		name := ownership.ReplicaName(s.bucket.Name, place.ProviderName, place.Location, attempt)
		index := slices.IndexFunc(s.facts.Replicas, func(b v1alpha1.BucketReplica) bool {
			return b.Name == name && b.DeletionTimestamp.IsZero()
		})
		if index >= 0 {
			return &s.facts.Replicas[index], attempt
		}
	}
	return nil, 0
}

// dropOlder removes the replicas of attempts whose name a stranger had.
func (r *Reconciler) dropOlder(ctx context.Context, s *scope, latest *v1alpha1.BucketReplica) error {
	for i := range s.facts.Replicas {
		older := &s.facts.Replicas[i]
		if older.Spec.PlaceReference != latest.Spec.PlaceReference || older.Name == latest.Name ||
			!isNameConflict(older) || !older.DeletionTimestamp.IsZero() {
			continue
		}
		if err := client.IgnoreNotFound(r.Client.Delete(ctx, older)); err != nil {
			return fmt.Errorf("drop the replica %s: %w", older.Name, err)
		}
	}
	return nil
}

func isNameConflict(replica *v1alpha1.BucketReplica) bool {
	provisioned := meta.FindStatusCondition(replica.Status.Conditions, v1alpha1.ConditionProvisioned)
	return provisioned != nil && provisioned.Status == metav1.ConditionFalse &&
		provisioned.Reason == v1alpha1.ReasonNameConflict
}
