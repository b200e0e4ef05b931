package replica

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/notification"
	"github.com/rempart/rempart/internal/provider"
)

// hearing is a run over keys that notifications named, and what it came to.
type hearing struct {
	report mover.NamedReport
	// source is the primary's bucket that was asked.
	source string
	err    error
}

// memorisedEvents is what this process remembers of what it heard about a copy's source.
type memorisedEvents struct {
	// heard is the time on the source's clock of the newest change that was copied
	// because a notification named it.
	heard time.Time
	// heldSince is when the oldest change was made that is known and left to a pass, and
	// heldAt when the last of them was found.
	heldSince, heldAt time.Time
	// unnoted is what was copied and is not in the manifest yet.
	unnoted []manifest.Change
	// noted is what the manifest lists since the last pass ended; nil if that is what
	// the pass said.
	noted *manifest.Totals
	// failures counts runs in a row that left something, and retryAt is when to go on.
	failures int
	retryAt  time.Time
}

// Runs over named keys are small, and go beside passes.
const (
	hearingWorkers       = 8
	hearingBytes   int64 = 32 << 20
)

// How long to wait after a run that left something, doubled each time.
const (
	firstHearingPause   = time.Second
	longestHearingPause = time.Minute
)

// stuckAfter is how long a change may wait that a notification named until the status
// shows it.
const stuckAfter = 10 * time.Second

// listen takes up what the last run over named keys came to.
func (r *Reconciler) listen(_ context.Context, s *scope) error {
	ended, isRunning, known := r.hearings.Look(s.key())
	s.isHearing = isRunning
	if !isRunning && known {
		s.heard = &ended
		s.memory.events = r.takeUpHearing(s, ended)
		if fault.HasReason(ended.err, fault.NotOwner) {
			s.memory.lookedAt = time.Time{}
		}
		r.memory.set(s.replica.UID, s.memory)
		r.hearings.Forget(s.key())
	}
	s.told = r.told(s)
	return nil
}

// takeUpHearing gives what is remembered after a run over named keys.
func (r *Reconciler) takeUpHearing(s *scope, ended hearing) memorisedEvents {
	report, m := ended.report, s.memory.events
	given, since := r.Notifications.Done(s.key(), report.Again)
	m.unnoted = report.Unnoted
	if report.Newest.After(m.heard) {
		m.heard = report.Newest
	}
	if report.Held > 0 || given > 0 {
		m.heldSince, m.heldAt = earliest(m.heldSince, report.HeldSince, since), s.now
	}
	if report.IsNoted {
		m.noted = &manifest.Totals{Objects: report.Objects, Bytes: report.Bytes}
	}
	m.failures++
	m.retryAt = s.now.Add(hearingPause(m.failures))
	if len(report.Again) == 0 && ended.err == nil {
		m.failures, m.retryAt = 0, time.Time{}
	}
	return m
}

func hearingPause(failures int) time.Duration {
	pause := firstHearingPause
	for range failures - 1 {
		pause = min(2*pause, longestHearingPause)
	}
	return pause
}

// after gives what is remembered once a pass has ended: it did what was left to it, if
// that was found before it began.
func (m memorisedEvents) after(pass activity) memorisedEvents {
	if !hasSeenAll(pass.report) {
		return m
	}
	m.noted = nil
	if !m.heldAt.After(pass.beganAt) {
		m.heldSince = time.Time{}
	}
	return m
}

// hear has copied at once what notifications named. It comes after everything that a
// pass comes after, so that nothing is read or written that a pass might not.
func (r *Reconciler) hear(ctx context.Context, s *scope) error {
	if s.isPrimary() || s.isHearing || s.now.Before(s.memory.events.retryAt) || !s.hasWorkNamed() {
		return nil
	}
	if s.waiting = r.mayBegin(ctx, s); s.waiting != nil {
		return nil //nolint:nilerr // a condition says it, and what changes it wakes us
	}
	source, err := r.source(ctx, s)
	if err != nil {
		return err
	}
	s.isHearing = r.beginHearing(s, source)
	return nil
}

// told gives what waits for the copy.
func (r *Reconciler) told(s *scope) notification.State {
	primary := s.facts.Primary()
	if primary == nil {
		return notification.State{}
	}
	return r.Notifications.Look(s.key(), primary.Spec.ProviderName)
}

// hasWorkNamed tells whether there is something to copy, or to write down once no pass is
// at the manifest. What else works on a copy relies on nobody else writing to it.
func (s *scope) hasWorkNamed() bool {
	if s.isRunning {
		return s.told.Waiting > 0 && s.runs == syncing
	}
	return s.told.Waiting > 0 || len(s.memory.events.unnoted) > 0
}

func (r *Reconciler) beginHearing(s *scope, source mover.End) bool {
	job := mover.Job{Source: source, Target: s.target(), Options: s.options(r.Metrics.observer(s.replica))}
	job.Options.Workers, job.Options.BytesInFlight = hearingWorkers, hearingBytes
	job.Options.Together = r.memory.together(s.replica.UID)
	job.Options.Admit = r.admission(s, nil)
	job.Options.Now = r.Clock.Now
	// It is tried every day anyway, and not for every change.
	job.Options.TargetChecksContent = job.Options.Known.Capabilities.Of(provider.CapabilityContentHash)
	keys, unnoted := r.Notifications.Take(s.key()), s.memory.events.unnoted
	return r.hearings.Begin(s.key(), hearing{}, func(ctx context.Context, _ func(hearing)) hearing {
		ended := hearing{source: source.Bucket}
		ended.report, ended.err = mover.CopyNamed(ctx, job, keys, unnoted)
		return ended
	})
}

// receivesEvents tells whether the store of the primary is to tell of changes.
func (s *scope) receivesEvents() bool {
	primary := s.facts.Primary()
	if primary == nil {
		return false
	}
	at := s.facts.Provider(primary.Spec.ProviderName)
	return at != nil && at.Spec.ReceivesEvents()
}

// isServedByEvents tells whether notifications are known to come and to be taken: one
// was right, and none was lost since the last pass that saw everything began.
func (s *scope) isServedByEvents() bool {
	return s.receivesEvents() && !s.memory.events.heard.IsZero() && !s.told.LostAt.After(s.memory.seenSince)
}

// isUnattainable tells whether the objective is shorter than a look at everything takes,
// and nothing else tells of changes.
func (s *scope) isUnattainable() bool {
	run := s.lastRun()
	return run != nil && run.ListingSeconds > s.rpo().Seconds() && !s.isServedByEvents()
}

// unattainable says why the objective cannot be kept, and what to do.
func (s *scope) unattainable() string {
	why := fmt.Sprintf("listing the source or the copy takes longer than the objective of %s, so that no pass can find changes in time", s.rpo())
	switch {
	case !s.receivesEvents():
		return why + ": have the store tell of changes (spec.s3.events of the SovereignProvider), or set a longer rpo"
	case s.memory.events.heard.IsZero():
		return why + "; events are enabled, and none has come that was right"
	}
	return why + "; events are enabled, and some were lost: the next pass makes up for them"
}

// unreplicatedSince is the time of the oldest change that is known and that the copy
// lacks, nil if none is.
func (s *scope) unreplicatedSince() *metav1.Time {
	oldest := s.memory.events.heldSince
	if run := s.lastRun(); run != nil && hasSeenAll(*run) {
		oldest = earliest(oldest, run.OldestMissing)
	} else if before := s.replica.Status.UnreplicatedSince; before != nil {
		oldest = earliest(oldest, before.Time)
	}
	if since := s.told.Since; !since.IsZero() && s.now.Sub(since) >= stuckAfter {
		oldest = earliest(oldest, since)
	}
	return timeOf(oldest)
}

// earliest gives the earliest of times, of which zero ones are none.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// untilHeard is when to look again at what was named: to go on, or because it is stuck;
// 0 is never.
func (s *scope) untilHeard() time.Duration {
	if s.told.Since.IsZero() || s.isHearing {
		return 0
	}
	left := s.told.Since.Add(stuckAfter).Sub(s.now)
	if retry := s.memory.events.retryAt.Sub(s.now); retry > 0 && (left <= 0 || retry < left) {
		left = retry
	}
	return max(left, 0)
}
