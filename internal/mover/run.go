package mover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// run is one run of a job.
type run struct {
	Job
	policy   policy
	transfer *transfer
	ledger   *ledger
	// before is the manifest as it was, writer writes the new one.
	before manifest.Snapshot
	writer *manifest.Writer
	// todo is the part of the range that this run lists: less than all of it when
	// it goes on after a checkpoint.
	todo manifest.Range
	// overwritesAreDeletions tells that the target keeps no versions.
	overwritesAreDeletions bool
	started                time.Time
	// saveEvery is how often the manifest and the checkpoint are saved.
	saveEvery time.Duration
	// id identifies the job, source what it copies.
	id, source string
	// listings measure what listing the source and the target takes.
	listings [2]*stopwatch
	// release gives the manifest back to others who work on the target.
	release func()
	// unanswered counts objects that failed in a row because nothing answered;
	// patience is how many may.
	unanswered atomic.Int64
	patience   int64

	// mu guards report, to which workers add.
	mu     sync.Mutex
	report Report

	// What follows belongs to the recorder until the pass ends.
	census  census
	pending pending
	// unexpected counts failures after which the pass cannot be trusted to infer
	// deletions.
	unexpected int64
	// mark is where a stopped run can go on.
	mark mark
	// isListed tells that the pass came to its end and the manifest is written.
	isListed bool
}

// Run carries out a job. The report says how it ended; the error is not nil when
// the run could not be carried out at all, or was stopped by the context.
func Run(ctx context.Context, job Job) (Report, error) {
	return newRun(job).run(ctx)
}

func newRun(job Job) *run {
	job.Options = job.Options.withDefaults()
	for _, end := range []*End{&job.Source, &job.Target} {
		if end.Requests == nil {
			end.Requests = &Counter{}
			end.Session = provider.Intercept(end.Session, end.Requests.Intercept)
		}
	}
	listings := [2]*stopwatch{{now: job.Options.Now}, {now: job.Options.Now}}
	job.Source.Session = provider.Intercept(job.Source.Session, listings[0].intercept)
	job.Target.Session = provider.Intercept(job.Target.Session, listings[1].intercept)
	return &run{
		Job:       job,
		policy:    policy{deletes: job.Options.Deletes, sourcePrefix: job.Source.Prefix, targetPrefix: job.Target.Prefix},
		transfer:  newTransfer(job),
		ledger:    newLedger(),
		todo:      job.Options.Range,
		started:   job.Options.Now(),
		saveEvery: checkpointInterval,
		patience:  usualPatience,
		id:        job.ID(),
		source:    job.source(),
		listings:  listings,
	}
}

func (r *run) run(ctx context.Context) (Report, error) {
	err := r.execute(ctx)
	r.conclude(ctx, err)
	if r.release != nil {
		r.release()
	}
	if r.report.Result == Aborted && isGuarded(r.report.Reason) {
		err = nil
	}
	return r.report, err
}

func (r *run) execute(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	if err := r.pass(ctx); err != nil {
		return err
	}
	if err := r.finishManifest(ctx); err != nil {
		return err
	}
	if err := r.settlePending(ctx); err != nil {
		return err
	}
	r.sweepOwn(ctx)
	return nil
}

// begin finds out what has to be known before the first object.
func (r *run) begin(ctx context.Context) error {
	health, err := r.Source.Session.Ping(ctx)
	if err != nil && !errors.Is(err, provider.ErrDenied) { // a scoped key may not list buckets
		return fmt.Errorf("reach the source: %w", err)
	}
	r.report.AsOf = health.ServerTime
	if err := r.observeTarget(ctx); err != nil {
		return err
	}
	if err := r.sweepUploads(ctx); err != nil {
		return err
	}
	if r.release, err = r.Options.Together.haveManifest(ctx); err != nil {
		return err
	}
	return r.loadManifest(ctx)
}

// observeTarget finds out whether the target is there, may be written to, and keeps
// what is overwritten.
func (r *run) observeTarget(ctx context.Context) error {
	state, err := r.Target.Session.ObserveBucket(ctx, r.Target.Bucket)
	switch {
	case errors.Is(err, provider.ErrDenied):
		// A scoped key may not look at the bucket's configuration. That it keeps no
		// versions is the safe assumption, and that it exists shows soon.
		r.warn(fmt.Errorf("observe the target: %w", err))
	case err != nil:
		return fmt.Errorf("observe the target: %w", err)
	case !state.Exists:
		return fault.New(fault.Transient, fault.BucketMissing, "the target bucket %q does not exist", r.Target.Bucket)
	}
	if r.Options.Admit != nil && err == nil {
		if err := r.Options.Admit(state); err != nil {
			return err
		}
	}
	r.overwritesAreDeletions = state.Versioning != provider.VersioningEnabled
	return nil
}

// loadManifest reads what was known before, and goes on where an earlier run was
// stopped.
func (r *run) loadManifest(ctx context.Context) error {
	snapshot, err := r.Target.manifest().Load(ctx, r.warn)
	if err != nil {
		return err
	}
	r.before = snapshot.Only(r.source)
	r.startWriter()
	return r.resume(ctx)
}

func (r *run) startWriter() {
	r.writer = r.Target.manifest().NewWriter(r.before, r.Options.Range, r.source, r.report.AsOf)
}

// sweepOwn aborts uploads of this run that it does not know of: a store may start
// one and not come to say so.
func (r *run) sweepOwn(ctx context.Context) {
	if r.transfer.uploads.Load() == 0 {
		return
	}
	if err := r.sweepUploads(ctx); err != nil {
		r.warn(err) // the next run does it
	}
}

// sweepUploads aborts what was left open in the range.
func (r *run) sweepUploads(ctx context.Context) error {
	if !r.Options.OwnsTarget {
		return nil
	}
	uploads, err := r.Target.Session.ListUploads(ctx, r.Target.Bucket, r.Target.Prefix)
	if errors.Is(err, provider.ErrUnsupported) || errors.Is(err, provider.ErrDenied) {
		r.warn(fmt.Errorf("look for unfinished uploads: %w", err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for unfinished uploads: %w", err)
	}
	for _, upload := range uploads {
		key := strings.TrimPrefix(upload.Key, r.Target.Prefix)
		if !r.Options.Range.Contains(key) || r.Options.Together.isHeld(key) {
			continue // another run's, which has another part of the keys, or works beside this one
		}
		ref := provider.Ref{Bucket: r.Target.Bucket, Key: upload.Key}
		if err := r.Target.Session.AbortUpload(ctx, ref, upload.ID); err != nil {
			return fmt.Errorf("abort an unfinished upload of %q: %w", upload.Key, err)
		}
	}
	return nil
}

func (r *run) finishManifest(ctx context.Context) error {
	index, wrote, err := r.writer.Finish(ctx, r.Options.Now())
	if err != nil {
		return err
	}
	r.isListed = true
	if !wrote {
		return nil
	}
	err = r.Target.manifest().Collect(ctx, index, r.Options.Now())
	if errors.Is(err, provider.ErrLocked) {
		r.warn(err) // it goes once its lock has ended
		return nil
	}
	return err
}

// conclude fills in how the run ended, and saves where a stopped one can go on.
func (r *run) conclude(ctx context.Context, err error) {
	switch {
	case err != nil && ctx.Err() != nil:
		r.report.Result, r.report.Reason = Partial, fault.Interrupted
		r.report.Message = "the run was stopped: " + context.Cause(ctx).Error()
	case err != nil:
		classified := fault.Of(err)
		r.report.Result, r.report.Reason, r.report.Message = Aborted, classified.Reason, err.Error()
	case r.report.Result != "": // the guard said so
	case r.report.Failed > 0:
		r.report.Result, r.report.Reason = Partial, fault.ObjectsFailed
		r.report.Message = fmt.Sprintf("%d objects could not be copied or removed", r.report.Failed)
	default:
		r.report.Result = Complete
	}
	r.saveAtTheEnd(ctx)
	r.report.Requests = Requests{Source: r.Source.Requests.Counts(), Target: r.Target.Requests.Counts()}
	r.report.Seconds = r.Options.Now().Sub(r.started).Seconds()
	r.report.ListingSeconds = max(r.listings[0].total(), r.listings[1].total()).Seconds()
}

// isGuarded tells whether a run that was aborted for this reason protected the
// target from its source.
func isGuarded(reason fault.Reason) bool {
	return reason == fault.DeletionGuardTripped || reason == fault.SourceListingSuspicious || reason == fault.UnsortedListing
}

func (r *run) count(change func(*Report)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.report)
}

func (r *run) observe(e Event) { r.Options.Observer.Observe(e) }

func (r *run) warn(err error) { r.observe(Event{Kind: EventWarned, Err: err}) }
