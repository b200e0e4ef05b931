package mover

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

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
	// overwritesAreDeletions tells that the target keeps no versions.
	overwritesAreDeletions bool
	started                time.Time
	// id identifies the job, before a checkpoint narrows its range.
	id string

	// mu guards report, to which workers add.
	mu     sync.Mutex
	report Report
	// unexpected counts failures after which the pass cannot be trusted to
	// infer deletions.
	unexpected int64

	// What follows belongs to the recorder until the pass ends.
	census  census
	pending pending
	reached string
}

// Run carries out a job. The report says how it ended; the error is not nil when
// the run could not be carried out at all, or was stopped by the context.
func Run(ctx context.Context, job Job) (Report, error) {
	r := newRun(job)
	err := r.execute(ctx)
	r.conclude(ctx, err)
	if r.report.Result == Aborted && isGuarded(r.report.Reason) {
		err = nil
	}
	return r.report, err
}

func newRun(job Job) *run {
	job.Options = job.Options.withDefaults()
	for _, end := range []*End{&job.Source, &job.Target} {
		if end.Requests == nil {
			end.Requests = &Counter{}
			end.Session = provider.Intercept(end.Session, end.Requests.Intercept)
		}
	}
	r := &run{
		Job:     job,
		policy:  policy{deletes: job.Options.Deletes, sourcePrefix: job.Source.Prefix, targetPrefix: job.Target.Prefix},
		ledger:  newLedger(),
		started: job.Options.Now(),
		id:      job.ID(),
	}
	r.transfer = newTransfer(job)
	return r
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
	return r.settlePending(ctx)
}

// begin finds out what has to be known before the first object.
func (r *run) begin(ctx context.Context) error {
	health, err := r.Source.Session.Ping(ctx)
	if err != nil {
		return fmt.Errorf("reach the source: %w", err)
	}
	r.report.AsOf = health.ServerTime
	state, err := r.Target.Session.ObserveBucket(ctx, r.Target.Bucket)
	if err != nil {
		return fmt.Errorf("observe the target: %w", err)
	}
	if !state.Exists {
		return fault.New(fault.Transient, fault.BucketMissing, "the target bucket %q does not exist", r.Target.Bucket)
	}
	r.overwritesAreDeletions = state.Versioning != provider.VersioningEnabled
	if err := r.sweepUploads(ctx); err != nil {
		return err
	}
	return r.loadManifest(ctx)
}

// loadManifest reads what was known before. What was copied from another source
// says nothing about this one.
func (r *run) loadManifest(ctx context.Context) error {
	snapshot, err := r.Target.manifest().Load(ctx, r.warn)
	if err != nil {
		return err
	}
	source := manifest.SourceID(r.Source.Session.Place().Endpoint, r.Source.Bucket, r.Source.Prefix)
	if snapshot.Source() == source {
		r.before = snapshot
	}
	within := r.Options.Range
	if resumed := r.Options.Resume; resumed != nil && resumed.Job == r.id && within.Contains(resumed.After) {
		within.After = resumed.After
		r.census = resumed.Census
		for _, held := range resumed.Pending {
			r.pending.add(held)
		}
		r.pending.more = resumed.More
	}
	r.Options.Range = within
	r.reached = within.After
	r.writer = r.Target.manifest().NewWriter(r.before, within, source, r.report.AsOf)
	return nil
}

// sweepUploads aborts what an earlier run left open.
func (r *run) sweepUploads(ctx context.Context) error {
	if !r.Options.OwnsTarget {
		return nil
	}
	uploads, err := r.Target.Session.ListUploads(ctx, r.Target.Bucket, r.Target.Prefix)
	if errors.Is(err, provider.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for unfinished uploads: %w", err)
	}
	for _, upload := range uploads {
		ref := provider.Ref{Bucket: r.Target.Bucket, Key: upload.Key}
		if err := r.Target.Session.AbortUpload(ctx, ref, upload.ID); err != nil {
			return fmt.Errorf("abort an unfinished upload of %q: %w", upload.Key, err)
		}
	}
	return nil
}

// pass lists both sides once, copies what can be copied and records the rest.
func (r *run) pass(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	defer context.AfterFunc(ctx, r.ledger.wake)()
	work := make(chan task, r.Options.Workers)
	group.Go(func() error {
		defer close(work)
		return r.plan(ctx, work)
	})
	var workers sync.WaitGroup
	for range r.Options.Workers {
		workers.Add(1)
		group.Go(func() error {
			defer workers.Done()
			for t := range work {
				// An object that was given up because the run ends stays unsettled:
				// the next run begins before it.
				if o := r.carryOut(ctx, t); ctx.Err() == nil {
					r.ledger.settle(t.number, o)
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		workers.Wait()
		r.ledger.close()
		return nil
	})
	group.Go(func() error { return r.record(ctx) })
	return group.Wait()
}

// task is a step with the number under which its outcome is expected.
type task struct {
	step
	number int64
	action action
}

// plan joins the streams and hands out what needs work; everything else it
// settles itself.
func (r *run) plan(ctx context.Context, work chan<- task) error {
	for s, err := range r.join(ctx) {
		if err != nil {
			return err
		}
		number, err := r.ledger.issue(ctx)
		if err != nil {
			return err
		}
		t := task{step: s, number: number, action: r.policy.decide(s)}
		if s.source != nil {
			r.count(func(report *Report) { report.Scanned++ })
			r.observe(Event{Kind: EventScanned, Key: s.key, Bytes: s.source.Size})
		}
		if settled, done := r.settleAtOnce(t); done {
			r.ledger.settle(number, settled)
			continue
		}
		r.observe(Event{Kind: EventPlanned, Key: s.key, Bytes: s.source.Size})
		select {
		case work <- t:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.observe(Event{Kind: EventListed})
	return nil
}

// settleAtOnce gives the outcome of a step that needs no object to be read.
func (r *run) settleAtOnce(t task) (outcome, bool) {
	o := outcome{key: t.key, entry: t.known, atSource: t.source != nil, atTarget: t.target != nil}
	switch t.action {
	case skip:
		r.count(func(report *Report) { report.Skipped++ })
		r.observe(Event{Kind: EventSkipped, Key: t.key, Bytes: t.source.Size})
	case keep:
	case forget:
		o.entry = nil
	case refuse:
		r.fail(t.key, "plan", reservedKey(t.key))
		o.entry = nil
	case remove:
		o.held = &pendingStep{Key: t.key, Target: *t.target}
	case overwrite:
		if !r.overwritesAreDeletions {
			return outcome{}, false
		}
		o.held = &pendingStep{Key: t.key, Source: t.source, Target: *t.target}
	default:
		return outcome{}, false
	}
	return o, true
}

// record writes outcomes to the manifest in the order of the keys.
func (r *run) record(ctx context.Context) error {
	batch := make([]outcome, 0, 1024)
	saved := r.Options.Now()
	for {
		batch = r.ledger.take(batch)
		if len(batch) == 0 {
			return ctx.Err()
		}
		for _, o := range batch {
			if err := r.recordOne(ctx, o); err != nil {
				return err
			}
		}
		if now := r.Options.Now(); now.Sub(saved) >= checkpointInterval {
			saved = now
			if err := r.save(ctx); err != nil {
				return err
			}
		}
	}
}

func (r *run) recordOne(ctx context.Context, o outcome) error {
	r.census.count(o)
	if o.held != nil {
		r.pending.add(*o.held)
	}
	if o.key != "" {
		r.reached = o.key
	}
	if o.entry == nil {
		r.writer.Pass(o.key)
		return nil
	}
	r.report.Objects++
	r.report.Bytes += o.entry.Size
	return r.writer.Add(ctx, *o.entry)
}

// save makes the work so far safe against a crash.
func (r *run) save(ctx context.Context) error {
	if err := r.writer.Checkpoint(ctx, r.Options.Now()); err != nil {
		return err
	}
	if r.Options.SaveCheckpoint == nil {
		return nil
	}
	return r.Options.SaveCheckpoint(Checkpoint{
		Job: r.id, After: r.reached, Pending: r.pending.steps, More: r.pending.more, Census: r.census,
	})
}

func (r *run) finishManifest(ctx context.Context) error {
	index, wrote, err := r.writer.Finish(ctx, r.Options.Now())
	if err != nil || !wrote {
		return err
	}
	return r.Target.manifest().Collect(ctx, index, r.Options.Now())
}

// conclude fills in how the run ended. A stopped run makes what it did safe
// first, on time of its own because the context is over.
func (r *run) conclude(ctx context.Context, err error) {
	switch {
	case err != nil && ctx.Err() != nil:
		r.report.Result, r.report.Reason = Partial, fault.Interrupted
		r.report.Message = "the run was stopped: " + context.Cause(ctx).Error()
		r.saveAtTheEnd(ctx)
	case err != nil:
		classified := fault.Of(err)
		r.report.Result, r.report.Reason, r.report.Message = Aborted, classified.Reason, err.Error()
		r.saveAtTheEnd(ctx)
	case r.report.Result != "": // the guard said so
	case r.report.Failed > 0:
		r.report.Result, r.report.Reason = Partial, fault.ObjectsFailed
		r.report.Message = fmt.Sprintf("%d objects could not be copied", r.report.Failed)
	default:
		r.report.Result = Complete
	}
	r.report.Requests = Requests{Source: r.Source.Requests.Counts(), Target: r.Target.Requests.Counts()}
	r.report.Seconds = r.Options.Now().Sub(r.started).Seconds()
}

func (r *run) saveAtTheEnd(ctx context.Context) {
	if r.writer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := r.save(ctx); err != nil {
		r.warn(fmt.Errorf("save what was done: %w", err))
	}
}

// isGuarded tells whether a run that was aborted for this reason protected the
// target from its source.
func isGuarded(reason fault.Reason) bool {
	return reason == fault.DeletionGuardTripped || reason == fault.SourceListingSuspicious || reason == fault.UnsortedListing
}

// join opens the three streams and merges them.
func (r *run) join(ctx context.Context) iter.Seq2[step, error] {
	keys := r.Options.Range
	source := r.listing(ctx, r.Source, keys)
	target := r.listing(ctx, r.Target, keys)
	known := r.Target.manifest().Entries(ctx, r.before, keys, r.warn)
	return join(
		ahead(ctx, within(relative(suspicious(source, r.Source.Bucket), r.Source.Prefix, false), keys)),
		ahead(ctx, within(relative(target, r.Target.Prefix, true), keys)),
		ahead(ctx, known),
	)
}

func (r *run) listing(ctx context.Context, end End, keys manifest.Range) iter.Seq2[provider.Object, error] {
	options := provider.ListOptions{Prefix: end.Prefix}
	if keys.After != "" {
		options.StartAfter = end.Prefix + keys.After
	}
	return provider.List(ctx, end.Session, end.Bucket, options)
}

// suspicious makes the absence of the source bucket a reason to stop: what is
// gone says nothing about what was in it.
func suspicious(listing iter.Seq2[provider.Object, error], bucket string) iter.Seq2[provider.Object, error] {
	return func(yield func(provider.Object, error) bool) {
		for object, err := range listing {
			if errors.Is(err, provider.ErrNotFound) {
				err = fault.New(fault.Terminal, fault.SourceListingSuspicious,
					"the source bucket %q does not exist, so nothing is inferred about its objects: %w", bucket, err)
			}
			if !yield(object, err) {
				return
			}
		}
	}
}

func (r *run) count(change func(*Report)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.report)
}

func (r *run) fail(key, operation string, err error) {
	r.mu.Lock()
	r.report.fail(key, operation, err)
	if !isExpected(err) {
		r.unexpected++
	}
	r.mu.Unlock()
	r.observe(Event{Kind: EventFailed, Key: key, Err: err})
}

func (r *run) observe(e Event) { r.Options.Observer.Observe(e) }

func (r *run) warn(err error) { r.observe(Event{Kind: EventWarned, Err: err}) }
