package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// run is one drill under way.
type run struct {
	Plan
	progress func(Step)
	// decided is when the drill began, on the monotonic clock, and lost the moment
	// at which the source counts as lost, on its own clock.
	decided time.Time
	lost    time.Time
	// snapshot is what the copy held at that moment.
	snapshot manifest.Snapshot
	sandbox  mover.End
	outcome  Outcome
	audit    mover.AuditReport
	lag      lag
}

// Run plays the scenario Restore through: preflight, restore, verification,
// evidence. It tells progress of each step before it begins. The outcome always
// has a verdict; what made a drill inconclusive is in its Err. The sandbox stays:
// see Cleanup.
func Run(ctx context.Context, plan Plan, progress func(Step)) Outcome {
	r := &run{Plan: plan, progress: progress, decided: time.Now()}
	err := r.play(ctx)
	r.judge(err)
	progress(Reporting)
	if err := r.storeEvidence(ctx); err != nil {
		r.outcome.Err = errors.Join(r.outcome.Err, err)
		if r.outcome.Verdict == Passed {
			// A drill without evidence proves nothing to anybody else.
			r.outcome.Verdict = Inconclusive
		}
	}
	return r.outcome
}

func (r *run) play(ctx context.Context) error {
	r.progress(Preflight)
	if err := r.preflight(ctx); err != nil {
		return err
	}
	r.progress(Restoring)
	if err := r.provision(ctx); err != nil {
		return err
	}
	if err := r.restore(ctx); err != nil {
		return err
	}
	r.progress(Verifying)
	return r.verify(ctx)
}

// preflight finds out what the copy holds, and from when on the source counts as
// lost. The order matters: what is copied after the snapshot does not count.
func (r *run) preflight(ctx context.Context) error {
	if r.From.Operator == r.To.Operator {
		return fault.New(fault.Terminal, fault.PreflightFailed,
			"the sandbox would be at the operator of the copy, %s: that shows nothing about leaving it", r.From.Operator)
	}
	var err error
	if r.snapshot, err = r.From.store().Load(ctx, func(error) {}); err != nil {
		return fmt.Errorf("read the manifest of the copy: %w", err)
	}
	if _, complete := r.snapshot.Whole(); !complete {
		return fault.New(fault.Terminal, fault.PreflightFailed, "the copy has no complete manifest: its first run has not come to its end")
	}
	health, pingErr := r.Source.Session.Ping(ctx)
	if pingErr != nil { // a lost source is what a drill is about
		r.outcome.NotTested = append(r.outcome.NotTested, "RPO: the source does not answer")
		return nil //nolint:nilerr // see above
	}
	r.lost = health.ServerTime
	r.outcome.Measured.Skew, _ = health.Skew()
	return r.measureLag(ctx)
}

func (c Copy) store() manifest.Store { return manifest.Store{Objects: c.Session, Bucket: c.Bucket} }

func (c Copy) entries(ctx context.Context, snapshot manifest.Snapshot) func(func(manifest.Entry, error) bool) {
	return c.store().Entries(ctx, snapshot, manifest.Range{}, func(error) {})
}

// provision makes the sandbox and its own key.
func (r *run) provision(ctx context.Context) error {
	want := provider.Bucket{Name: r.To.Bucket, Mark: r.To.Mark}
	state, err := r.To.Session.ObserveBucket(ctx, want.Name)
	if err != nil {
		return fmt.Errorf("look for the sandbox: %w", err)
	}
	if state.Exists {
		return fault.New(fault.Terminal, fault.NameConflict, "a bucket has the name of the sandbox, %s", want.Name)
	}
	if err := r.To.Session.CreateBucket(ctx, want); err != nil {
		return fmt.Errorf("make the sandbox: %w", err)
	}
	if err := r.refuseLock(ctx); err != nil {
		return err
	}
	if err := r.To.Session.UpdateBucket(ctx, want); err != nil {
		return fmt.Errorf("mark the sandbox: %w", err)
	}
	return r.openSandbox(ctx)
}

// refuseLock makes sure that what is restored can be removed again. The sandbox is
// made without object lock, whatever the policy asks of copies; but a store may put
// all new buckets under it.
func (r *run) refuseLock(ctx context.Context) error {
	protection, err := r.To.Session.ObserveProtection(ctx, r.To.Bucket)
	switch {
	case err != nil:
		return fmt.Errorf("look whether the sandbox is under object lock: %w", err)
	case !protection.Retention.IsZero():
		return fault.New(fault.Terminal, fault.PreflightFailed,
			"the store puts what is written to a new bucket under object lock, %s: a sandbox there could not be removed", protection.Retention)
	}
	return nil
}

// openSandbox opens the sandbox with a key that reaches nothing else, where the
// provider issues one.
func (r *run) openSandbox(ctx context.Context) error {
	r.sandbox = mover.End{Session: r.To.Session, Bucket: r.To.Bucket}
	issuer, issues := r.To.Session.Keys()
	if !issues {
		r.outcome.NotTested = append(r.outcome.NotTested,
			"a key of the sandbox alone: the provider issues none, so the account's own was used")
		return nil
	}
	key, err := issuer.IssueKey(ctx, r.To.grant())
	if err != nil {
		return fmt.Errorf("issue a key for the sandbox: %w", err)
	}
	r.sandbox.Session, err = r.To.OpenWith(key)
	if err != nil {
		return fmt.Errorf("open the sandbox with its own key: %w", err)
	}
	return nil
}

// restore copies everything that the copy holds into the sandbox.
func (r *run) restore(ctx context.Context) error {
	started := time.Now()
	report, err := mover.Run(ctx, mover.Job{
		Source: r.From.end(), Target: r.sandbox,
		Options: mover.Options{OwnsTarget: true, Observer: r.Observer},
	})
	r.outcome.Measured.Restore = time.Since(started)
	if err != nil {
		return fmt.Errorf("restore the copy: %w", err)
	}
	switch {
	case report.Result == mover.Complete:
		return nil
	case report.Reason == fault.ObjectsFailed && !hasOtherFailure(report):
		// The target cannot hold some keys: the verification finds them missing,
		// and says that the data cannot leave for there whole.
		return nil
	case len(report.Failures) > 0:
		first := report.Failures[0]
		return fault.New(fault.Transient, first.Reason, "restore the copy: %d objects failed, first %q: %s", report.Failed, first.Key, first.Error)
	}
	return fault.New(fault.Transient, report.Reason, "restore the copy: %s", report.Message)
}

// hasOtherFailure tells whether an object failed for another reason than that
// the target would change its key: a store that is down says nothing about the
// copy.
func hasOtherFailure(report mover.Report) bool {
	return slices.ContainsFunc(report.Failures, func(f mover.Failure) bool { return f.Reason != fault.KeysNotExact })
}

// verify reads every object of the sandbox and holds it against the manifest of
// what was copied from the source.
func (r *run) verify(ctx context.Context) error {
	started := time.Now()
	var err error
	r.audit, err = mover.Audit{
		End: r.sandbox, Expected: r.From.entries(ctx, r.snapshot), Observer: r.Observer,
	}.Run(ctx)
	ended := time.Now()
	r.outcome.Measured.Verify = ended.Sub(started)
	if err != nil {
		return fmt.Errorf("verify the restored objects: %w", err)
	}
	r.outcome.Measured.Objects, r.outcome.Measured.Bytes = r.audit.Matched, r.audit.MatchedBytes
	rto := ended.Sub(r.decided)
	r.outcome.Measured.RTO = &rto
	return r.setAsideChanges(ctx)
}

// setAsideChanges takes out of the findings what the replication, which goes on
// during a drill, wrote to the copy after the snapshot: such an object is
// restored in its newer state, and verified against the newer manifest.
func (r *run) setAsideChanges(ctx context.Context) error {
	if r.audit.IsClean() {
		return nil
	}
	later, err := r.From.store().Load(ctx, func(error) {})
	if err != nil {
		return fmt.Errorf("read the manifest of the copy again: %w", err)
	}
	changed := map[string]manifest.Entry{}
	wanted := map[string]bool{}
	for _, finding := range r.audit.Findings {
		wanted[finding.Key] = true
	}
	for entry, err := range r.From.entries(ctx, later) {
		if err != nil {
			return fmt.Errorf("read the manifest of the copy again: %w", err)
		}
		if wanted[entry.Key] {
			changed[entry.Key] = entry
		}
	}
	r.audit = withoutChanges(r.audit, changed, wanted)
	return nil
}

// withoutChanges drops findings that the newer manifest explains.
func withoutChanges(audit mover.AuditReport, newer map[string]manifest.Entry, known map[string]bool) mover.AuditReport {
	var left []mover.Finding
	for _, finding := range audit.Findings {
		entry, isListed := newer[finding.Key]
		switch {
		case finding.Kind == "missing" && known[finding.Key] && !isListed:
			audit.Missing-- // deleted from the copy meanwhile
		case finding.Kind == "different" && isListed && entry.SHA256 == finding.Found && entry.SHA256 != finding.Expected:
			audit.Different-- // overwritten in the copy meanwhile
		case finding.Kind == "extra" && isListed:
			audit.Extra-- // added to the copy meanwhile
		default:
			left = append(left, finding)
		}
	}
	audit.Findings = left
	return audit
}
