package replica

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover"
)

// isProvisioned tells whether the bucket is there, ours and set up.
func (s *scope) isProvisioned(err error) metav1.Condition {
	const this = v1alpha1.ConditionProvisioned
	before := s.before(this)
	switch drift := s.replica.Status.Drift; {
	case s.provisioned != nil && s.provisioned.Status != metav1.ConditionTrue:
		return *s.provisioned
	case s.provisioned == nil && (before == nil || before.Status != metav1.ConditionTrue):
		return s.notProvisioned(before, err)
	case len(drift) > 0:
		return condition.True(this, v1alpha1.ReasonDriftDetected, "the bucket was changed: "+describe(drift))
	}
	return condition.True(this, v1alpha1.ReasonSucceeded, "")
}

// notProvisioned says why a bucket is not known to be there.
func (s *scope) notProvisioned(before *metav1.Condition, err error) metav1.Condition {
	const this = v1alpha1.ConditionProvisioned
	switch {
	case err != nil:
		return condition.False(this, string(fault.Of(err).Reason), err.Error())
	case before != nil:
		return *before
	}
	return condition.Unknown(this, v1alpha1.ReasonNotObserved, "it was not looked yet")
}

// initialSyncComplete tells whether one run has brought over everything. It stays
// true from then on.
func (s *scope) initialSyncComplete() metav1.Condition {
	const this = v1alpha1.ConditionInitialSyncComplete
	before := s.before(this)
	switch {
	case before != nil && before.Status == metav1.ConditionTrue && s.replica.Status.LastSyncTime != nil:
		return *before
	case s.ended != nil && s.ended.kind == syncing && s.ended.report.Result == mover.Complete:
		return condition.True(this, v1alpha1.ReasonSucceeded, "")
	case s.lastRun() != nil && s.lastRun().Result != mover.Complete:
		return condition.False(this, string(s.lastRun().Reason), s.lastRun().Message)
	case s.waiting != nil:
		return condition.False(this, string(fault.Of(s.waiting).Reason), s.waiting.Error())
	case before != nil && before.Reason != v1alpha1.ReasonNotObserved && s.replica.Status.LastSyncTime != nil:
		return *before
	}
	return condition.False(this, v1alpha1.ReasonProgressing, "the first run has not come to its end yet")
}

// lastRun is what the last run of this process came to, nil before the first.
func (s *scope) lastRun() *mover.Report { return s.memory.report }

// withinRPO tells whether nothing older than the objective is missing. What
// happened at the source since the last complete look is not known, so the age
// of that look counts too.
func (s *scope) withinRPO() metav1.Condition {
	const this = v1alpha1.ConditionWithinRPO
	rpo := s.rpo()
	status := s.replica.Status
	asOf := s.asOf()
	switch {
	case status.Guard != nil:
		return condition.False(this, v1alpha1.ReasonDeletionGuardTripped, s.guardMessage())
	case asOf == nil:
		return condition.Unknown(this, v1alpha1.ReasonProgressing, "the first run has not come to its end yet")
	case status.UnreplicatedSince != nil && s.now.Sub(status.UnreplicatedSince.Time) > rpo:
		return condition.False(this, v1alpha1.ReasonLagExceeded,
			fmt.Sprintf("a change is missing that is older than the objective of %s", rpo))
	case s.isUnattainable():
		return condition.False(this, v1alpha1.ReasonRPOUnattainable, s.unattainable())
	case s.now.Sub(asOf.Time) > rpo && s.receivesEvents():
		return condition.False(this, v1alpha1.ReasonLagExceeded, fmt.Sprintf(
			"for longer than the objective of %s neither a pass nor an event showed that the copy is complete: what changed since is not known", rpo))
	case s.now.Sub(asOf.Time) > rpo:
		return condition.False(this, v1alpha1.ReasonLagExceeded,
			fmt.Sprintf("it is longer ago than the objective of %s that the copy was known to be complete", rpo))
	}
	return condition.True(this, v1alpha1.ReasonSucceeded, "")
}

// asOf is when the copy was known to be complete, but for what is known to be
// missing; nil if it never was.
func (s *scope) asOf() *metav1.Time {
	seen := s.replica.Status.LastSyncTime
	if run := s.lastRun(); run != nil && hasSeenAll(*run) {
		seen = timeOf(run.AsOf)
	}
	if heard := timeOf(s.memory.events.heard); seen != nil && heard != nil && s.isServedByEvents() && heard.After(seen.Time) {
		return heard
	}
	return seen
}

// decay is when WithinRPO may stop being True although nothing happens; 0 is never.
func (s *scope) decay() time.Duration {
	var soonest time.Duration
	for _, since := range []*metav1.Time{s.asOf(), s.replica.Status.UnreplicatedSince} {
		if since == nil {
			continue
		}
		left := since.Add(s.rpo()).Sub(s.now) + time.Second
		if left > 0 && (soonest == 0 || left < soonest) {
			soonest = left
		}
	}
	if left := s.untilExpiry(); left > 0 && (soonest == 0 || left < soonest) {
		soonest = left
	}
	return soonest
}

// untilExpiry is how long the facts hold that allow the copy to be where it is; 0 is
// for ever.
func (s *scope) untilExpiry() time.Duration {
	if s.bucket == nil {
		return 0
	}
	return s.facts.UntilExpiry()
}

// guardMessage says why a run was stopped and how to let it through.
func (s *scope) guardMessage() string {
	why := "a run would delete or overwrite too much; nothing was deleted or overwritten"
	if run := s.lastRun(); run != nil && run.Guard != nil {
		why = run.Message
	}
	return fmt.Sprintf("%s. If it is right, set the annotation %s of the SovereignBucket to %s",
		why, v1alpha1.ApprovedDeletionsAnnotation, s.replica.Status.Guard.Digest)
}

// isVerified tells whether the content was verified, cleanly and not long ago.
func (s *scope) isVerified() metav1.Condition {
	const this = v1alpha1.ConditionVerified
	if s.ended != nil && s.ended.kind == auditing && s.ended.err == nil && !s.ended.audit.IsClean() {
		found := s.ended.audit
		return condition.False(this, v1alpha1.ReasonVerificationMismatch,
			fmt.Sprintf("the copy does not hold what was copied: %d objects are different, %d are missing, %d should not be there; "+
				"the next runs set that right", found.Different, found.Missing, found.Extra))
	}
	isAudited := s.ended != nil && s.ended.kind == auditing && s.ended.err == nil
	switch verified := s.replica.Status.LastVerifiedTime; {
	case s.hasMismatch() && !isAudited:
		return *s.before(this)
	case verified == nil && s.memory.auditErr != nil:
		return condition.Unknown(this, string(fault.Of(s.memory.auditErr).Reason),
			"the content could not be verified: "+condition.Shorten(s.memory.auditErr.Error()))
	case verified == nil:
		return condition.Unknown(this, v1alpha1.ReasonNotObserved, "the content was not verified yet")
	case s.now.Sub(verified.Time) > verifiedFor:
		return condition.False(this, v1alpha1.ReasonNotObserved, "it is too long ago that the content was verified")
	}
	return condition.True(this, v1alpha1.ReasonSucceeded, "")
}

// hasMismatch tells whether the last audit that came to a result found the copy
// wanting.
func (s *scope) hasMismatch() bool {
	before := s.before(v1alpha1.ConditionVerified)
	return before != nil && before.Reason == v1alpha1.ReasonVerificationMismatch
}

// ready joins what makes a copy usable, and shows why the last run failed.
func (s *scope) ready(conditions []metav1.Condition) metav1.Condition {
	const this = v1alpha1.ConditionReady
	joined := condition.Join(this, conditions[:min(len(conditions), 2)]...)
	if joined.Status != metav1.ConditionTrue || s.isPrimary() {
		return joined
	}
	switch run := s.lastRun(); {
	case s.replica.Status.Guard != nil:
		return condition.False(this, v1alpha1.ReasonDeletionGuardTripped, s.guardMessage())
	case s.waiting != nil:
		return condition.False(this, string(fault.Of(s.waiting).Reason), s.waiting.Error())
	case run != nil && run.Result != mover.Complete && run.Reason != fault.Interrupted:
		return condition.False(this, string(run.Reason), run.Message)
	}
	return joined
}
