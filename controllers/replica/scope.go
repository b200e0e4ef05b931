package replica

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/notification"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
)

// scope holds what one reconcile finds out.
type scope struct {
	replica *v1alpha1.BucketReplica
	now     time.Time
	facts   gather.Facts
	// bucket is nil when the SovereignBucket is gone.
	bucket  *v1alpha1.SovereignBucket
	session provider.Session
	// provisioned is what was found out about the bucket, nil when it was not
	// looked.
	provisioned *metav1.Condition
	// drift is what was found changed at the bucket and is not set right.
	drift []v1alpha1.DriftStatus
	// looked tells that the bucket was looked at, so that drift is the whole of it.
	looked bool
	// foreign is what was found in the settings that others make, and is not set
	// right; unknown are the settings that the store does not tell.
	foreign []v1alpha1.DriftStatus
	unknown []string
	// inspected tells that the settings were looked at, so that foreign is all.
	inspected bool
	// memory is what earlier runs of this process left behind.
	memory memorised
	// isRunning tells that work on the copy is under way, and runs of what kind.
	isRunning bool
	runs      activityKind
	// isHearing tells that a run over named keys is under way, and heard is what one
	// came to that ended just now.
	isHearing bool
	heard     *hearing
	// told is what notifications named that waits for the copy.
	told notification.State
	// ended is what the last piece of work came to, if one ended just now.
	ended *activity
	// waiting says what a sync waits for, if it does.
	waiting error
	events  []loop.Event
	// written is called once the status is written.
	written func()
	gone    bool
}

func newScope(replica *v1alpha1.BucketReplica, now time.Time) *scope {
	return &scope{replica: replica, now: now}
}

func (s *scope) owner() ownership.Owner {
	return ownership.Owner{Namespace: s.replica.Namespace, Name: s.replica.Spec.BucketRef.Name}
}

// isAdopted tells whether the bucket was there before us: it is never made and
// never deleted.
func (s *scope) isAdopted() bool { return s.replica.Spec.Origin == v1alpha1.OriginAdopted }

func (s *scope) isPrimary() bool { return s.replica.Spec.Role == v1alpha1.RolePrimary }

// wasProvisioned tells whether the bucket was there before, as far as the status
// remembers.
func (s *scope) wasProvisioned() bool {
	before := meta.FindStatusCondition(s.replica.Status.Conditions, v1alpha1.ConditionProvisioned)
	if before == nil {
		return false
	}
	switch before.Reason {
	case v1alpha1.ReasonPrimaryRelocationRequired, v1alpha1.ReasonDriftDetected, v1alpha1.ReasonProtectionMissing:
		return true
	case v1alpha1.ReasonNotOwner:
		// What is to be adopted may have been a stranger's from the beginning.
		return !s.isAdopted()
	}
	return before.Status == metav1.ConditionTrue
}

// want is the bucket as it should be.
func (s *scope) want(installation ownership.Installation) provider.Bucket {
	want := provider.Bucket{
		Name: s.replica.Spec.BucketName,
		Mark: installation.Mark(s.owner(), s.replica.Spec.BucketName),
	}
	want.Versioning, want.Protection = protection(s.facts.Policies)
	return want
}

// protection is what all policies together ask of a bucket: the strictest of each.
// A lock keeps versions, so it takes them.
func protection(policies []placement.Policy) (provider.Versioning, provider.Protection) {
	var asked provider.Protection
	var versioning provider.Versioning
	for _, policy := range policies {
		rules := policy.Spec.Protection
		if lock := rules.ObjectLock; lock != nil && lock.Retention != nil {
			asked.ObjectLock = true
			asked.Retention = asked.Retention.Stricter(provider.Retention{Mode: provider.LockMode(lock.Mode), Days: wholeDays(lock.Retention.Duration)})
		}
		if rules.Encryption == v1alpha1.EncryptionProviderManaged {
			asked.Encryption = provider.ProviderManaged
		}
		if rules.Versioning == v1alpha1.Required || rules.ObjectLock != nil {
			versioning = provider.VersioningEnabled
		}
	}
	return versioning, asked
}

// wholeDays is how many days hold a duration: stores count in days.
func wholeDays(d time.Duration) int {
	const day = 24 * time.Hour
	return int((d + day - 1) / day)
}

// correctsDrift tells whether changes are set right: only if no policy wants
// them reported.
func (s *scope) correctsDrift() bool {
	for _, policy := range s.facts.Policies {
		if policy.Spec.Protection.Drift == v1alpha1.DriftReport {
			return false
		}
	}
	return true
}

// isSuspended tells whether nothing may be written outside the cluster.
func (s *scope) isSuspended() bool {
	at := s.facts.Provider(s.replica.Spec.ProviderName)
	return s.bucket.Spec.Suspend || at != nil && at.Spec.Suspend
}
