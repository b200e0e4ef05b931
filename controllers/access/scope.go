package access

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/provider"
)

// scope holds what one reconcile finds out.
type scope struct {
	access *v1alpha1.SovereignBucketAccess
	now    time.Time
	// bucket is nil when the SovereignBucket does not exist, and facts are empty.
	bucket *v1alpha1.SovereignBucket
	facts  gather.Facts
	// incomplete says which facts are missing, if some are.
	incomplete error
	// keys are what the operator remembers, once it has looked.
	keys       ring
	remembered bool
	session    provider.Session
	// account is the account's own key, where the provider issues none.
	account *provider.Key
	// isPublished tells that consumers have their key, isCrowded that a new one is
	// due and waits until an old one is revoked.
	isPublished, isCrowded bool
	// isUseless tells that the bucket refuses the key that is published.
	isUseless bool
	// trouble is why keys could not be issued or revoked although the published one
	// goes on working.
	trouble error
	// formerEnd is when keys end of accesses of this name that are gone.
	formerEnd []time.Time
	// withdrawn tells that all keys were revoked with the bucket.
	withdrawn bool
	events    []loop.Event
	gone      bool
}

// target is the bucket that the key is for, or nil while there is none.
func (s *scope) target() *target {
	primary := s.facts.Primary()
	if primary == nil || !meta.IsStatusConditionTrue(primary.Status.Conditions, v1alpha1.ConditionProvisioned) {
		return nil
	}
	return &target{PlaceReference: primary.Spec.PlaceReference, bucketName: primary.Spec.BucketName}
}

// primary is the primary's replica, one on its way out included.
func (s *scope) primary() *v1alpha1.BucketReplica {
	if primary := s.facts.Primary(); primary != nil {
		return primary
	}
	for i := range s.facts.Replicas {
		if s.facts.Replicas[i].Spec.Role == v1alpha1.RolePrimary {
			return &s.facts.Replicas[i]
		}
	}
	return nil
}

// current is the key that is to be published, or nil while there is none.
func (s *scope) current() *slot {
	if at := s.target(); at != nil {
		return s.keys.current(*at)
	}
	return nil
}

// isUnproven tells whether the primary is another object than the one for which
// the published key is known to work.
func (s *scope) isUnproven() bool {
	key := s.current()
	return key != nil && key.isPublished() && key.replica != s.facts.Primary().UID
}

// wish is what is asked of the key to a bucket.
func (s *scope) wish(at target) wish {
	w := wish{target: at, mode: s.access.Spec.AccessMode, requested: s.requested(), isUseless: s.isUseless}
	if interval := s.access.Spec.Rotation.Interval; interval != nil {
		w.interval = interval.Duration
	}
	return w
}

// requested stands for the request for a new key that was made last.
func (s *scope) requested() string {
	value := s.access.Annotations[v1alpha1.RotateRequestedAnnotation]
	if value == "" {
		return ""
	}
	digest := sha256.Sum256([]byte(value))
	return hex.EncodeToString(digest[:8])
}

// defaultOverlap is how long an old key goes on working where nothing else is said.
const defaultOverlap = 24 * time.Hour

func (s *scope) overlap() time.Duration {
	if overlap := s.access.Spec.Rotation.Overlap; overlap != nil {
		return overlap.Duration
	}
	return defaultOverlap
}

// isSuspended tells whether nothing may be written outside the cluster.
func (s *scope) isSuspended() bool { return s.bucket != nil && s.bucket.Spec.Suspend }

// mayBePublished tells whether a key was ever published: one that was issued may
// have been just before a crash.
func (s *scope) mayBePublished() bool {
	return slices.ContainsFunc(s.keys, slot.isIssued) || s.access.Status.Grant != ""
}

// fate is what becomes of keys.
type fate int

// Fates.
const (
	// keepKeys: they go on working.
	keepKeys fate = iota
	// endKeys: they are revoked.
	endKeys
	// awaitBucket: what becomes of the bucket decides.
	awaitBucket
)

// fate says what becomes of the keys now that the access is being deleted, or its
// bucket is. They end with an access that somebody deletes by hand, and with a
// bucket that is deleted for good. They go on working with one that is retained,
// with a namespace, and while the bucket's own access is away.
func (s *scope) fate() fate {
	isDeleted := !s.access.DeletionTimestamp.IsZero()
	switch {
	case s.bucket == nil:
		return keepKeys
	case s.bucket.DeletionTimestamp.IsZero() && !s.facts.IsNamespaceEnding:
		if isDeleted && !s.access.IsDefault() {
			return endKeys
		}
		return keepKeys
	case s.bucket.Spec.DeletionPolicy != v1alpha1.DeletionDelete:
		return keepKeys
	case s.isBucketGoing():
		return endKeys
	case isDeleted && !s.facts.IsNamespaceEnding && !s.access.IsDefault():
		return endKeys
	case isDeleted:
		return awaitBucket
	}
	return keepKeys
}

// isBucketGoing tells whether a bucket that is deleted may go, and only waits for
// its keys: as long as deletion is blocked nothing of it is touched.
func (s *scope) isBucketGoing() bool {
	if s.bucket.DeletionTimestamp.IsZero() {
		return false
	}
	primary := s.primary()
	if primary == nil {
		return true
	}
	if s.wasWithdrawn() {
		return !primary.DeletionTimestamp.IsZero() // what was ended is not begun again
	}
	ready := meta.FindStatusCondition(primary.Status.Conditions, v1alpha1.ConditionReady)
	return !primary.DeletionTimestamp.IsZero() && ready != nil && ready.Reason == v1alpha1.ReasonWaitingForKeys
}

// wasWithdrawn tells whether the keys were revoked with the bucket before.
func (s *scope) wasWithdrawn() bool {
	valid := meta.FindStatusCondition(s.access.Status.Conditions, v1alpha1.ConditionCredentialsValid)
	return valid != nil && valid.Status == metav1.ConditionFalse && valid.Reason == v1alpha1.ReasonKeysRevoked
}
