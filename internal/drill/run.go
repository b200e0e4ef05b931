package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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
	// began is when, on the clock of the copy's store, the drill had read nothing
	// of the copy yet. Snapshot is what the copy then held, known the digest of it.
	began    time.Time
	snapshot manifest.Snapshot
	known    *manifest.Digest
	sandbox  mover.End
	outcome  Outcome
	audit    mover.AuditReport
	// record is the manifest of what was found, ended when the evidence was made.
	record *record
	ended  time.Time
	lag    lag
}

// Run plays the scenario Restore through: preflight, restore, verification,
// evidence. It tells progress of each step before it begins. The outcome always
// has a verdict; what made a drill inconclusive is in its Err. The sandbox stays:
// see Cleanup.
func Run(ctx context.Context, plan Plan, progress func(Step)) Outcome {
	r := &run{Plan: plan, progress: progress, decided: time.Now()}
	r.record = newRecord(r.sandbox, &marks{}, plan.PartBytes)
	err := r.play(ctx)
	if len(r.record.manifest.Parts) == 0 {
		r.record.finish(false)
	}
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
	return r.whilePermitted(ctx, func(ctx context.Context) error {
		if err := r.provision(ctx); err != nil {
			return err
		}
		if err := r.restore(ctx); err != nil {
			return err
		}
		r.progress(Verifying)
		return r.verify(ctx)
	})
}

// whilePermitted works as long as data may be where the sandbox is: what permits it
// may change while data is on its way, or come to its end. Then the work ends, and the
// error says why.
func (r *run) whilePermitted(ctx context.Context, work func(context.Context) error) error {
	ctx, end := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { r.watch(ctx, end) })
	err := work(ctx)
	end(nil)
	watch.Wait()
	if cause := context.Cause(ctx); fault.Of(cause).Class != fault.Transient {
		return fmt.Errorf("nothing more is written to the sandbox's place: %w", cause)
	}
	return err
}

// watch asks again and again whether the work may go on, and ends it when it is known
// that it may not.
func (r *run) watch(ctx context.Context, end context.CancelCauseFunc) {
	ticker := time.NewTicker(cmp.Or(r.AskContinue, time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := r.Continue(ctx); err != nil && fault.Of(err).Class != fault.Transient {
				end(err)
				return
			}
		}
	}
}

// preflight finds out what the copy holds, and from when on the source counts as
// lost. The order matters: what is copied after the snapshot does not count.
func (r *run) preflight(ctx context.Context) error {
	if r.From.Operator == r.To.Operator {
		return fault.New(fault.Terminal, fault.PreflightFailed,
			"the sandbox would be at the operator of the copy, %s: that shows nothing about leaving it", r.From.Operator)
	}
	health, err := r.From.Session.Ping(ctx)
	if err != nil {
		return fmt.Errorf("reach the copy: %w", err)
	}
	r.began = health.ServerTime
	if r.snapshot, err = r.From.load(ctx); err != nil {
		return fmt.Errorf("read the manifest of the copy: %w", err)
	}
	health, err = r.Source.Session.Ping(ctx)
	if err != nil { // a lost source is what a drill is about
		r.outcome.NotTested = append(r.outcome.NotTested, "RPO: the source does not answer")
		return nil //nolint:nilerr // see above
	}
	r.lost = health.ServerTime
	r.outcome.Measured.Skew, _ = health.Skew()
	return r.measureLag(ctx)
}

// provision makes the sandbox and its own key, if they may be where they go.
func (r *run) provision(ctx context.Context) error {
	if err := r.Permit(ctx); err != nil {
		return fmt.Errorf("nothing is written to the sandbox's place: %w", err)
	}
	want := provider.Bucket{Name: r.To.Bucket, Mark: r.To.Mark}
	state, err := r.To.Session.ObserveBucket(ctx, want.Name)
	if err != nil {
		return fmt.Errorf("look for the sandbox: %w", err)
	}
	switch {
	case state.Mark != nil && *state.Mark == want.Mark:
		return fault.New(fault.Terminal, fault.Interrupted,
			"the operator was stopped when it had begun the drill, so its clock is lost: the sandbox, %s, is there already", want.Name)
	case state.Exists:
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
	key, err := r.issueKey(ctx, issuer)
	if err != nil {
		return fmt.Errorf("issue a key for the sandbox: %w", err)
	}
	r.sandbox.Session, err = r.To.OpenWith(key)
	if err != nil {
		return fmt.Errorf("open the sandbox with its own key: %w", err)
	}
	return nil
}

// issueKey waits as long as the provider makes the user that the key is for: at
// OVHcloud that may take minutes, as it would in earnest. The drill's end ends it.
func (r *run) issueKey(ctx context.Context, issuer provider.KeyIssuer) (provider.Key, error) {
	for {
		key, err := issuer.IssueKey(ctx, r.To.grant())
		if !errors.Is(err, provider.ErrNotReady) || !fault.HasReason(err, fault.Progressing) {
			return key, err
		}
		if !r.await(ctx) {
			return provider.Key{}, fmt.Errorf("%w while it waited: %s", ctx.Err(), err.Error())
		}
	}
}

// await waits until it is time to ask again, and tells false when the drill ends
// before.
func (r *run) await(ctx context.Context) bool {
	timer := time.NewTimer(cmp.Or(r.AskAgain, defaultAskAgain))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// restore copies everything that the copy holds into the sandbox.
func (r *run) restore(ctx context.Context) error {
	started := time.Now()
	failures := &failures{told: r.Observer}
	report, err := mover.Run(ctx, mover.Job{
		Source: r.From.end(), Target: r.sandbox,
		Options: mover.Options{OwnsTarget: true, Observer: failures},
	})
	r.outcome.Measured.Restore = time.Since(started)
	if err != nil {
		return fmt.Errorf("restore the copy: %w", err)
	}
	switch {
	case report.Result == mover.Complete:
		return nil
	case report.Reason == fault.ObjectsFailed && failures.other.Load() == 0:
		// The target cannot hold some keys: the verification finds them missing,
		// and says that the data cannot leave for there whole.
		return nil
	case len(report.Failures) > 0:
		first := failures.first(report)
		return fault.New(fault.Transient, first.Reason, "restore the copy: %d objects failed, first %q: %s", report.Failed, first.Key, first.Error)
	}
	return fault.New(fault.Transient, report.Reason, "restore the copy: %s", report.Message)
}

// failures counts objects that failed for another reason than that the target
// would change their keys: a store that is down says nothing about the copy. The
// report of a run names the first failures only.
type failures struct {
	told  mover.Observer
	other atomic.Int64
}

// Observe implements mover.Observer.
func (f *failures) Observe(e mover.Event) {
	if e.Kind == mover.EventFailed && !isOfTheKey(fault.Of(e.Err).Reason) {
		f.other.Add(1)
	}
	if f.told != nil {
		f.told.Observe(e)
	}
}

// first gives the first failure that is not about a key, if it is named.
func (*failures) first(report mover.Report) mover.Failure {
	index := slices.IndexFunc(report.Failures, func(f mover.Failure) bool { return !isOfTheKey(f.Reason) })
	return report.Failures[max(index, 0)]
}

func isOfTheKey(reason fault.Reason) bool { return reason == fault.KeysNotExact }

// verify reads every object of the sandbox and holds it against the manifest of
// what was copied from the source.
func (r *run) verify(ctx context.Context) error {
	started := time.Now()
	expected, err := r.expect(ctx)
	if err != nil {
		return err
	}
	r.record = newRecord(r.sandbox, &expected.marked, r.PartBytes)
	r.audit, err = mover.Audit{End: r.sandbox, Expected: expected.entries(ctx), Observer: r.Observer, Told: r.record.take}.Run(ctx)
	ended := time.Now()
	r.outcome.Measured.Verify = ended.Sub(started)
	r.outcome.Changes = expected.changes
	if err != nil {
		return fmt.Errorf("verify the restored objects: %w", err)
	}
	r.known = expected.known
	r.record.finish(true)
	tally := r.record.manifest.Tally
	r.outcome.Measured.Objects, r.outcome.Measured.Bytes = tally.Match+tally.Newer, tally.MatchBytes
	rto := ended.Sub(r.decided)
	r.outcome.Measured.RTO = &rto
	return nil
}
