package replica

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/work"
)

// activity is a piece of work on a copy, and what it came to.
type activity struct {
	kind activityKind
	// report and asOf are of a run of the mover.
	report mover.Report
	// audit is of an audit.
	audit mover.AuditReport
	// target is the copy's bucket as the run found it; the zero value is not known.
	target provider.BucketState
	// source and requested are what the run answered.
	source, requested string
	beganAt, endedAt  time.Time
	err               error
}

type activityKind string

const (
	syncing  activityKind = "sync"
	auditing activityKind = "audit"
	emptying activityKind = "empty"
)

// How often a copy is synchronised: often enough that two runs in a row may fail
// before the objective is missed, and neither all the time nor hardly ever.
const (
	runsPerObjective = 3
	shortestInterval = 2 * time.Second
	longestInterval  = time.Hour
)

// defaultRPO applies where the policy sets no objective.
const defaultRPO = time.Hour

// collect takes up what work on the copy came to since the last look.
func (r *Reconciler) collect(_ context.Context, s *scope) error {
	ended, isRunning, known := r.pool.Look(s.key())
	s.isRunning, s.runs = isRunning, ended.kind
	if isRunning || !known {
		return nil
	}
	s.ended = &ended
	s.written = func() { r.pool.Forget(s.key()) }
	switch ended.kind {
	case syncing:
		s.memory.ranAt, s.memory.source, s.memory.requested = s.now, ended.source, ended.requested
		s.memory.report = &ended.report
		s.memory.events = s.memory.events.after(ended)
		if hasSeenAll(ended.report) {
			s.memory.seenSince = ended.beganAt
		}
		r.suspectPrimary(s, ended.report)
		r.suspectCopy(s, ended)
		s.events = append(s.events, syncEvents(s.replica, ended)...)
	case auditing:
		s.rememberAudit(ended)
		s.events = append(s.events, auditEvents(s.replica, ended)...)
	case emptying: // release looks what is left
	}
	r.memory.set(s.replica.UID, s.memory)
	return nil
}

// suspectPrimary has the primary looked at when a run could not list it: its
// bucket may be gone.
func (r *Reconciler) suspectPrimary(s *scope, report mover.Report) {
	primary := s.facts.Primary()
	if report.Reason != fault.SourceListingSuspicious || primary == nil {
		return
	}
	remembered := r.memory.of(primary.UID)
	remembered.lookedAt = time.Time{}
	r.memory.set(primary.UID, remembered)
	r.waker.Wake(work.Key(client.ObjectKeyFromObject(primary)))
}

// suspectCopy has the copy's bucket looked at when the run found it otherwise than
// it should be, or somebody else's.
func (r *Reconciler) suspectCopy(s *scope, ended activity) {
	isKnown := func(d provider.Drift) bool { return len(s.driftOf(d.Property)) > 0 }
	drift := slices.DeleteFunc(s.want(r.Installation).Drift(ended.target), isKnown)
	if ended.report.Reason == fault.NotOwner || ended.target.Exists && len(drift) > 0 {
		s.memory.lookedAt = time.Time{}
	}
}

// admit tells why a run may not write to the copy's bucket as it finds it: it may
// have become somebody else's since it was looked at. That the mark is missing may
// be known already; otherwise a look has to find out what that means.
func (r *Reconciler) admit(owner ownership.Owner, bucketName string, isUnmarked bool, state provider.BucketState) error {
	switch standing := r.Installation.Judge(state.Mark, owner, bucketName); {
	case standing == ownership.Unmarked && !isUnmarked:
		return fault.New(fault.Waiting, fault.NotOwner, "bucket %s carries no mark any more; nothing is written to it before it was looked at", bucketName)
	case standing == ownership.Stranger:
		return fault.New(fault.Waiting, fault.NotOwner, "bucket %s carries the mark of another owner; nothing is written to it", bucketName)
	}
	return nil
}

// admission judges the copy's bucket as a run finds it, which found takes unless it is
// nil.
func (r *Reconciler) admission(s *scope, found *provider.BucketState) func(provider.BucketState) error {
	owner, name, isUnmarked := s.owner(), s.replica.Spec.BucketName, len(s.driftOf(provider.MarkProperty)) > 0
	return func(state provider.BucketState) error {
		if found != nil {
			*found = state
		}
		return r.admit(owner, name, isUnmarked, state)
	}
}

// sync keeps the content of a replica true to the primary. The work itself is
// done beside the loop.
func (r *Reconciler) sync(ctx context.Context, s *scope) error {
	if s.isPrimary() {
		return nil
	}
	if s.waiting = r.mayWork(ctx, s); s.waiting != nil {
		// Also what is under way ends, unless it is only not known whether it may go on.
		if fault.Of(s.waiting).Class == fault.Waiting {
			r.breakOff(s)
		}
		return nil // a condition says it, and what changes it wakes us
	}
	if s.isRunning || s.ended != nil {
		return nil // what ended is written down before something else begins
	}
	if s.waiting = s.awaitsPrimary(); s.waiting != nil {
		return nil //nolint:nilerr // a condition says it, and what changes it wakes us
	}
	source, err := r.source(ctx, s)
	if err != nil {
		return err
	}
	switch {
	case s.isRunDue(source.Bucket):
		s.isRunning = r.beginSync(s, source)
	case s.isAuditDue() && !s.isHearing:
		s.isRunning = r.beginAudit(s)
	}
	return nil
}

// breakOff ends what is under way on the copy.
func (r *Reconciler) breakOff(s *scope) {
	r.pool.Cancel(s.key())
	r.hearings.Cancel(s.key())
}

// mayBegin tells why no work may begin on the copy, or nil.
func (r *Reconciler) mayBegin(ctx context.Context, s *scope) error {
	if err := r.mayWork(ctx, s); err != nil {
		return err
	}
	return s.awaitsPrimary()
}

// awaitsPrimary tells that there is nothing to copy yet, or nil.
func (s *scope) awaitsPrimary() error {
	if primary := s.facts.Primary(); primary == nil || !isThere(primary) {
		return fault.New(fault.Waiting, fault.Progressing, "waiting for the primary")
	}
	return nil
}

// mayWork tells why the copy may not be worked on, or nil.
func (r *Reconciler) mayWork(ctx context.Context, s *scope) error {
	if s.isSuspended() {
		return fault.New(fault.Waiting, fault.Suspended, "writing is suspended")
	}
	if err := s.holdBack(); err != nil {
		return err
	}
	return r.MayRead(ctx, s.facts)
}

// isThere tells whether a copy's bucket is there, though it may lack protection.
func isThere(replica *v1alpha1.BucketReplica) bool {
	provisioned := meta.FindStatusCondition(replica.Status.Conditions, v1alpha1.ConditionProvisioned)
	return provisioned != nil && (provisioned.Status == metav1.ConditionTrue || isUnprotected(provisioned))
}

// source opens the primary.
func (r *Reconciler) source(ctx context.Context, s *scope) (mover.End, error) {
	primary := s.facts.Primary()
	at := s.facts.Provider(primary.Spec.ProviderName)
	if at == nil {
		return mover.End{}, fault.New(fault.Waiting, fault.LocationUnknown, "SovereignProvider %s does not exist", primary.Spec.ProviderName)
	}
	session, err := r.Sessions.Open(ctx, at, primary.Spec.Location)
	if err != nil {
		return mover.End{}, fmt.Errorf("open the primary: %w", err)
	}
	if limit := s.bytesPerSecond(); limit > 0 {
		session = r.memory.line(s.replica.UID, limit).Bytes(session)
	}
	return mover.End{Session: session, Bucket: primary.Spec.BucketName}, nil
}

// bytesPerSecond is the least bandwidth that a policy sets for a copy; 0 is no
// limit.
func (s *scope) bytesPerSecond() int64 {
	var least int64
	for _, policy := range s.facts.Policies {
		if limit := policy.Spec.Replication.Bandwidth.BytesPerSecond; limit != nil && (least == 0 || limit.Value() < least) {
			least = limit.Value()
		}
	}
	return least
}

func (s *scope) target() mover.End {
	return mover.End{Session: s.session, Bucket: s.replica.Spec.BucketName}
}

// isRunDue tells whether it is time for a run.
func (s *scope) isRunDue(source string) bool {
	switch {
	case s.memory.ranAt.IsZero(), s.memory.source != source, s.requested() != s.memory.requested, s.isApproved():
		return true
	}
	return s.now.Sub(s.memory.ranAt) >= s.syncInterval()
}

// requested is the value of the annotation that asks for a run now.
func (s *scope) requested() string { return s.bucket.Annotations[v1alpha1.SyncRequestedAnnotation] }

// isApproved tells whether somebody let the stopped deletions through.
func (s *scope) isApproved() bool {
	guard := s.replica.Status.Guard
	return guard != nil && s.bucket.Annotations[v1alpha1.ApprovedDeletionsAnnotation] == guard.Digest
}

func (s *scope) syncInterval() time.Duration {
	return min(max(s.rpo()/runsPerObjective, shortestInterval), longestInterval)
}

// rpo is the strictest objective of all policies.
func (s *scope) rpo() time.Duration {
	var strictest time.Duration
	for _, policy := range s.facts.Policies {
		if rpo := policy.Spec.Objectives.RPO; rpo != nil && (strictest == 0 || rpo.Duration < strictest) {
			strictest = rpo.Duration
		}
	}
	return cmp.Or(strictest, defaultRPO)
}

func (r *Reconciler) beginSync(s *scope, source mover.End) bool {
	job := mover.Job{Source: source, Target: s.target(), Options: s.options(r.Metrics.observer(s.replica))}
	if s.replica.Status.LastSyncTime == nil && s.memory.ranAt.IsZero() {
		s.events = append(s.events, loop.Normal("ReplicationStarted",
			fmt.Sprintf("copying to %s began", s.replica.Spec.PlaceReference)))
	}
	job.Options.Together = r.memory.together(s.replica.UID)
	ended := activity{kind: syncing, source: source.Bucket, requested: s.requested(), beganAt: s.now}
	job.Options.Admit = r.admission(s, &ended.target)
	return r.pool.Begin(s.key(), activity{kind: syncing}, func(ctx context.Context, _ func(activity)) activity {
		ended.report, ended.err = mover.Run(ctx, job)
		ended.endedAt = r.Clock.Now()
		return ended
	})
}

// options are what the policies ask of a run: the strictest of each.
func (s *scope) options(observer mover.Observer) mover.Options {
	options := mover.Options{
		Deletes: mover.PropagateDeletes, Guard: s.guard(), OwnsTarget: true, Observer: observer, Known: s.known(),
	}
	for _, policy := range s.facts.Policies {
		rules := policy.Spec.Replication
		if rules.Deletes == v1alpha1.DeletesIgnore {
			options.Deletes = mover.IgnoreDeletes
		}
		options.Verification = stricter(options.Verification, mover.Verification(rules.Verification))
	}
	return options
}

// known is what was found out about the copy's store.
func (s *scope) known() mover.Known {
	candidate, declared := s.facts.Candidate(s.replica.Spec.PlaceReference)
	if !declared {
		return mover.Known{}
	}
	return mover.Known{
		Capabilities: provider.Capabilities{
			provider.CapabilityExactKeys:   provider.Support(candidate.Capabilities.ExactKeys),
			provider.CapabilityContentHash: provider.Support(candidate.Capabilities.ContentHash),
		},
		KeysNotKept: candidate.KeysNotKept,
	}
}

// guard is the strictest of all policies that set one.
func (s *scope) guard() mover.Guard {
	guard := mover.Guard{
		MaximumObjects: mover.DefaultMaximumObjects,
		MaximumPercent: mover.DefaultMaximumPercent,
		Approved:       s.bucket.Annotations[v1alpha1.ApprovedDeletionsAnnotation],
	}
	objects, percents := []int64{}, []int64{}
	for _, policy := range s.facts.Policies {
		if limit := policy.Spec.Replication.DeletionGuard.MaximumObjects; limit != nil {
			objects = append(objects, *limit)
		}
		if limit := policy.Spec.Replication.DeletionGuard.MaximumPercent; limit != nil {
			percents = append(percents, int64(*limit))
		}
	}
	if len(objects) > 0 {
		guard.MaximumObjects = slices.Min(objects)
	}
	if len(percents) > 0 {
		guard.MaximumPercent = slices.Min(percents)
	}
	return guard
}

// stricter gives the verification that looks closer.
func stricter(a, b mover.Verification) mover.Verification {
	rank := map[mover.Verification]int{mover.VerifyNone: 1, mover.VerifyTransferred: 2, mover.VerifyFull: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}
