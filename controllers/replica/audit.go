package replica

import (
	"context"
	"errors"
	"time"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/manifest"
)

// auditInterval is how often the content of a copy is read again.
const auditInterval = 7 * 24 * time.Hour

// An audit without a clean result is made again after a pause that doubles each
// time: it reads the whole copy, which costs the provider and its customer.
const (
	firstAuditPause   = time.Minute
	longestAuditPause = 24 * time.Hour
)

// isAuditDue tells whether it is time for an audit: a copy that a run did not
// verify as a whole gets one as soon as it is complete.
func (s *scope) isAuditDue() bool {
	status := s.replica.Status
	if status.LastSyncTime == nil || s.now.Sub(s.memory.auditedAt) < auditPause(s.memory.audits) {
		return false
	}
	return status.LastVerifiedTime == nil || s.hasMismatch() || s.now.Sub(status.LastVerifiedTime.Time) >= auditInterval
}

// auditPause is how long to wait after so many audits without a clean result.
func auditPause(failed int) time.Duration {
	if failed == 0 {
		return 0
	}
	pause := firstAuditPause
	for range failed - 1 {
		pause = min(2*pause, longestAuditPause)
	}
	return pause
}

// rememberAudit takes in how an audit ended.
func (s *scope) rememberAudit(ended activity) {
	switch {
	case errors.Is(ended.err, context.Canceled):
		return // it was stopped, and says nothing
	case ended.err != nil:
		s.memory.audits++
	case ended.audit.IsClean():
		s.memory.audits = 0
	default:
		s.memory.audits++
		s.memory.ranAt = time.Time{} // what was found different is compared by the next run
	}
	s.memory.auditedAt, s.memory.auditErr = s.now, ended.err
}

// beginAudit reads the whole copy again and holds it against its manifest. What
// is different is taken out of the manifest, so that the next run compares it
// with the primary and sets it right.
func (r *Reconciler) beginAudit(s *scope) bool {
	end, keepsDeleted := s.target(), s.options(nil).Deletes == mover.IgnoreDeletes
	return r.pool.Begin(s.key(), activity{kind: auditing}, func(ctx context.Context, _ func(activity)) activity {
		ended := activity{kind: auditing}
		ended.audit, ended.err = audit(ctx, end, keepsDeleted)
		ended.endedAt = r.Clock.Now()
		return ended
	})
}

// audit holds a copy against its manifest. One whose manifest cannot be read as a
// whole is not verified by what is left of it: the next run makes it whole again.
func audit(ctx context.Context, end mover.End, keepsDeleted bool) (mover.AuditReport, error) {
	store := manifest.Store{Objects: end.Session, Bucket: end.Bucket}
	snapshot, err := store.LoadWhole(ctx)
	if err != nil {
		return mover.AuditReport{}, err
	}
	expected := store.SoundEntries(ctx, snapshot, manifest.Range{})
	report, err := mover.Audit{End: end, Expected: expected, AllowExtra: keepsDeleted}.Run(ctx)
	if err != nil || report.IsClean() {
		return report, err
	}
	var keys []string
	for _, finding := range report.Findings {
		keys = append(keys, finding.Key)
	}
	return report, mover.Forget(ctx, end, keys, mover.Options{})
}
