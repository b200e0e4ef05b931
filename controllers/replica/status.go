package replica

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/mover"
)

// verifiedFor is how long a verification counts.
const verifiedFor = 30 * 24 * time.Hour

// report puts what was found into the status and gives the conditions.
func (s *scope) report(err error) loop.Report {
	s.replica.Status.Drift = s.driftNow()
	if s.inspected {
		s.replica.Status.DriftUnknown = s.unknown
	}
	s.takeUp()
	s.takeUpEvents()
	conditions := []metav1.Condition{s.isProvisioned(err)}
	if !s.isPrimary() {
		conditions = append(conditions, s.initialSyncComplete(), s.withinRPO(), s.isVerified())
	}
	if err == nil {
		conditions = append(conditions, s.ready(conditions))
	}
	return loop.Report{Conditions: conditions, Events: s.events, RequeueAfter: s.lookAgain(), Decay: s.decay(), Gone: s.gone, Written: s.written}
}

// takeUp puts what the last piece of work came to into the status.
func (s *scope) takeUp() {
	if s.ended == nil {
		return
	}
	switch s.ended.kind {
	case syncing:
		s.takeUpRun(s.ended.report)
	case auditing:
		s.takeUpAudit()
	case emptying: // the bucket goes, and this status with it
	}
}

// hasSeenAll tells whether a run saw all of the source, so that what it says of
// the copy is the whole of it.
func hasSeenAll(report mover.Report) bool {
	switch report.Result {
	case mover.Complete:
		return true
	case mover.Partial:
		return report.Reason == fault.ObjectsFailed
	default:
		return report.Reason == fault.DeletionGuardTripped
	}
}

func (s *scope) takeUpRun(report mover.Report) {
	status := &s.replica.Status
	status.FailedObjects = report.Failed
	status.Failures = failuresOf(report)
	status.Guard = nil
	if report.Guard != nil {
		status.Guard = &v1alpha1.GuardStatus{Planned: report.Guard.Planned, Digest: report.Guard.Digest}
	}
	if !hasSeenAll(report) {
		return
	}
	status.Objects, status.Bytes = new(report.Objects), new(report.Bytes)
	isOld := status.LastSyncTime == nil || report.AsOf.Sub(status.LastSyncTime.Time) > s.rpo()/2
	if report.Copied+report.Deleted > 0 || isOld {
		status.LastSyncTime = timeOf(report.AsOf)
	}
	if report.Result == mover.Complete && status.LastVerifiedTime == nil && report.Verified == report.Objects {
		// Every object of the copy was bound to its digest, or read back. Where a run
		// found some of them there, an audit follows.
		status.LastVerifiedTime = timeOf(s.ended.endedAt)
	}
}

// takeUpEvents puts into the status what is known because of notifications. The time
// of the oldest change that is missing comes from there and from passes.
func (s *scope) takeUpEvents() {
	if s.isPrimary() {
		return
	}
	status := &s.replica.Status
	status.UnreplicatedSince = s.unreplicatedSince()
	if noted := s.memory.events.noted; noted != nil {
		status.Objects, status.Bytes = new(noted.Objects), new(noted.Bytes)
	}
}

func failuresOf(report mover.Report) []v1alpha1.ObjectFailure {
	const shown = 10
	var failures []v1alpha1.ObjectFailure
	for _, failure := range report.Failures[:min(len(report.Failures), shown)] {
		if failure.Key == "" {
			continue
		}
		failures = append(failures, v1alpha1.ObjectFailure{
			Key: failure.Key, Reason: string(failure.Reason), Message: condition.Shorten(failure.Error),
		})
	}
	return failures
}

func (s *scope) takeUpAudit() {
	if s.ended.err == nil && s.ended.audit.IsClean() {
		s.replica.Status.LastVerifiedTime = timeOf(s.ended.endedAt)
	}
}

func timeOf(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.UTC().Truncate(time.Second)}
}

// lookAgain is when the next run is due, or a condition may decay.
func (s *scope) lookAgain() time.Duration {
	if s.bucket == nil || s.isPrimary() {
		return driftInterval
	}
	if s.ended != nil {
		return time.Millisecond // the next run may be due already
	}
	if heard := s.untilHeard(); heard > 0 {
		return min(heard, s.untilRun())
	}
	return s.untilRun()
}

// untilRun is when the next run is due.
func (s *scope) untilRun() time.Duration {
	if s.isRunning {
		return min(s.syncInterval(), driftInterval) // a run that is awaited wakes us; this is for decay
	}
	if s.memory.ranAt.IsZero() {
		return shortestInterval
	}
	return min(max(s.memory.ranAt.Add(s.syncInterval()).Sub(s.now), shortestInterval/2), driftInterval)
}

// before gives a condition as the status has it.
func (s *scope) before(conditionType string) *metav1.Condition {
	return meta.FindStatusCondition(s.replica.Status.Conditions, conditionType)
}
