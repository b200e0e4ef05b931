package replica

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/placement"
)

// comesBeforeItsBucket tells whether the end of the namespace has reached the copy
// and not yet the dataset, which decides about the bucket.
func (s *scope) comesBeforeItsBucket() bool {
	return s.facts.IsNamespaceEnding && s.bucket.DeletionTimestamp.IsZero() && s.bucket.Spec.DeletesBuckets()
}

// isLeaving tells whether the copy is on its way out of a place where it may not
// be, so that it is not made again there. To let it go untouched would be to
// forget where data is.
func (s *scope) isLeaving() bool {
	return s.bucket.DeletionTimestamp.IsZero() && s.wasProvisioned() && len(s.facts.Policies) > 0 &&
		(s.objection() != nil || s.tooClose() != nil)
}

// tooClose tells why the copy cannot stay beside the others, or nil. As long as it is
// there it is kept up: data may be where it is, and a copy that is too close is better
// than none.
func (s *scope) tooClose() *placement.Objection {
	if s.isPrimary() {
		return nil
	}
	return placement.TooClose(s.facts.Request(), s.replica.Spec.PlaceReference)
}

// whyLeaving says why the copy is on its way out.
func (s *scope) whyLeaving() string {
	if objection := s.objection(); objection != nil {
		return objection.Message.String()
	}
	return s.tooClose().Message.String()
}

// objection tells why the copy may not be where it is, or nil.
func (s *scope) objection() *placement.Objection {
	place := s.replica.Spec.PlaceReference
	candidate, isDeclared := s.facts.Candidate(place)
	if !isDeclared {
		return &placement.Objection{
			Rule: placement.RuleResidency, Reason: v1alpha1.ReasonLocationUnknown,
			Message: message.Of("no SovereignProvider declares %s", place),
		}
	}
	return placement.Against(s.facts.Request(), candidate, s.replica.Spec.Role)
}

// isAbandoned tells whether somebody answers for what is left in the bucket.
func (s *scope) isAbandoned() bool {
	return s.bucket.Annotations[v1alpha1.AbandonCopyAnnotation] == s.replica.Spec.BucketName
}

// wayOut says what a person can do about a bucket that cannot be deleted.
func (s *scope) wayOut() string {
	if s.isLeaving() {
		return "if somebody else erased it, or answers for what is left there, set the annotation " +
			v1alpha1.AbandonCopyAnnotation + " of the SovereignBucket to " + s.replica.Spec.BucketName
	}
	return "to leave it where it is, set spec.deletionPolicy of the SovereignBucket to Retain"
}

// mayEmpty tells why the objects of the copy may not be deleted yet, or nil.
func (s *scope) mayEmpty() error {
	name, place := s.replica.Spec.BucketName, s.replica.Spec.PlaceReference
	confirmed := s.bucket.Annotations[v1alpha1.ConfirmDeleteAnnotation]
	if !s.isLeaving() {
		if primary := s.bucket.Status.Primary; primary != nil && confirmed == primary.BucketName {
			return nil
		}
		return fault.New(fault.Waiting, fault.DeletionNotConfirmed,
			"bucket %s at %s holds objects: set the annotation %s of the SovereignBucket to the primary's bucket name",
			name, place, v1alpha1.ConfirmDeleteAnnotation)
	}
	if s.isPrimary() {
		return fault.New(fault.Waiting, fault.DeletionBlocked,
			"bucket %s at %s holds the primary of the dataset, which is never erased by itself: %s", name, place, s.wayOut())
	}
	if confirmed != name {
		return fault.New(fault.Waiting, fault.DeletionNotConfirmed,
			"bucket %s at %s holds data where it may not be (%s): to erase it, set the annotation %s of the SovereignBucket to %s",
			name, place, s.whyLeaving(), v1alpha1.ConfirmDeleteAnnotation, name)
	}
	if !s.isSafeElsewhere() {
		return fault.New(fault.Waiting, fault.DeletionBlocked,
			"bucket %s at %s is erased once every copy that the policies ask for is there, complete and verified", name, place)
	}
	return nil
}

// isSafeElsewhere tells whether the dataset has every copy that the policies ask
// for without this one, each of them in its place, complete and verified.
func (s *scope) isSafeElsewhere() bool {
	decision := placement.Decide(s.facts.Request())
	if !decision.Satisfied {
		return false
	}
	for _, wanted := range decision.Copies {
		if !s.holds(wanted) {
			return false
		}
	}
	return true
}

// proofs are the conditions that show a copy to be one that can be relied on.
var proofs = map[v1alpha1.CopyRole][]string{
	v1alpha1.RolePrimary: {v1alpha1.ConditionProvisioned},
	v1alpha1.RoleReplica: {v1alpha1.ConditionInitialSyncComplete, v1alpha1.ConditionWithinRPO, v1alpha1.ConditionVerified},
}

// holds tells whether a copy is there and can be relied on.
func (s *scope) holds(wanted placement.Copy) bool {
	for i := range s.facts.Replicas {
		other := &s.facts.Replicas[i]
		if other.Spec.PlaceReference != wanted.PlaceReference || other.Spec.Role != wanted.Role || !other.DeletionTimestamp.IsZero() {
			continue
		}
		return isReliable(other)
	}
	return false
}

// isReliable tells whether a copy is there and, if it is a replica, complete and
// verified.
func isReliable(replica *v1alpha1.BucketReplica) bool {
	return !slices.ContainsFunc(proofs[replica.Spec.Role], func(proof string) bool {
		return !meta.IsStatusConditionTrue(replica.Status.Conditions, proof)
	})
}
