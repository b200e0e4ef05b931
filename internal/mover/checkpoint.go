package mover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
)

// Checkpoint is where a stopped run can go on. What was copied before it is in
// the target's manifest; here is the rest of what the run has to remember. The
// zero value goes on from nowhere.
type Checkpoint struct {
	// Job identifies source, target and range; a checkpoint of another job is not
	// used.
	Job string `json:"job"`
	// After is the key up to which everything is settled: an object that failed and
	// may succeed at the next try is behind it.
	After string `json:"after"`
	// AsOf is the time on the source's clock when the first of the runs began.
	AsOf time.Time `json:"asOf,omitzero"`
	// Objects is how many entries the manifest had up to After.
	Objects int64 `json:"objects"`
	// Pending are deletions and overwrites held back until the pass is complete.
	Pending []pendingStep `json:"pending,omitempty"`
	// More tells that there were more than a run holds back.
	More bool `json:"more,omitempty"`
	// Census is what was counted up to After.
	Census census `json:"census"`
	// Failed objects up to After cannot be copied at all, Failures names the first.
	Failed        int64     `json:"failed,omitempty"`
	Failures      []Failure `json:"failures,omitempty"`
	OldestMissing time.Time `json:"oldestMissing,omitzero"`
}

// ID identifies what a job does, for its checkpoint.
func (j Job) ID() string {
	hash := sha256.New()
	for _, part := range []string{
		j.Source.Session.Place().Endpoint, j.Source.Bucket, j.Source.Prefix,
		j.Target.Session.Place().Endpoint, j.Target.Bucket, j.Target.Prefix,
		j.Options.Range.After, j.Options.Range.Until, string(j.Options.Deletes),
	} {
		_, _ = fmt.Fprintf(hash, "%q\n", part)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// mark is a checkpoint in the making. It stays where the first object failed that
// is to be tried again.
type mark struct {
	isFixed bool
	Checkpoint
	held int
}

// advance moves the mark behind an outcome that was recorded.
func (r *run) advance(o outcome) {
	if o.failure != nil && !isExpected(o.failure.err) {
		r.mark.isFixed = true
	}
	if r.mark.isFixed {
		return
	}
	r.mark.held = len(r.pending.steps)
	r.mark.Checkpoint = Checkpoint{
		Job: r.id, After: o.key, AsOf: r.report.AsOf, Objects: r.report.Objects,
		More: r.pending.more, Census: r.census,
		Failed: r.report.Failed, Failures: r.report.Failures, OldestMissing: r.report.OldestMissing,
	}
}

// save makes the work so far safe against a crash.
func (r *run) save(ctx context.Context) error {
	if err := r.writer.Checkpoint(ctx, r.Options.Now()); err != nil {
		return err
	}
	checkpoint := r.mark.Checkpoint
	checkpoint.Pending = r.pending.steps[:r.mark.held]
	return r.saveCheckpoint(checkpoint)
}

func (r *run) saveCheckpoint(c Checkpoint) error {
	if r.Options.SaveCheckpoint == nil {
		return nil
	}
	return r.Options.SaveCheckpoint(c)
}

// saveTimeout bounds the saving at the end of a stopped run, whose context is over.
const saveTimeout = 10 * time.Second

// saveAtTheEnd makes safe what a stopped run did. One that has been through the
// listings needs no checkpoint any more, and one whose listing was suspicious must
// not go on from what it said.
func (r *run) saveAtTheEnd(ctx context.Context) {
	if r.writer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	var err error
	if !r.isListed {
		err = r.save(ctx)
	}
	if r.isListed || r.report.Result == Aborted && isGuarded(r.report.Reason) {
		err = r.saveCheckpoint(Checkpoint{})
	}
	if err != nil {
		r.warn(fmt.Errorf("save what was done: %w", err))
	}
	if r.report.Reason == fault.Interrupted {
		r.sweepOwn(ctx)
	}
}

// resume goes on where an earlier run was stopped, provided that the manifest
// still is what it was then.
func (r *run) resume(ctx context.Context) error {
	from := r.Options.Resume
	if from == nil || from.Job != r.id || !r.Options.Range.Contains(from.After) {
		return nil
	}
	known := manifest.Range{After: r.Options.Range.After, Until: from.After}
	for entry, err := range r.Target.manifest().Entries(ctx, r.before, known, r.warn) {
		if err != nil {
			return err
		}
		if err := r.know(ctx, entry); err != nil {
			return err
		}
	}
	if r.report.Objects != from.Objects {
		r.warn(fmt.Errorf("the checkpoint is not used: the manifest lists %d objects up to its key, and did list %d", r.report.Objects, from.Objects))
		r.report.Objects, r.report.Bytes = 0, 0
		r.startWriter()
		return nil
	}
	r.goOn(*from)
	return nil
}

func (r *run) goOn(from Checkpoint) {
	r.todo.After = from.After
	r.writer.Pass(from.After)
	r.census = from.Census
	for _, held := range from.Pending {
		r.pending.add(held)
	}
	r.pending.more = from.More
	// The target is known to hold what was there when the first run began.
	r.report.AsOf = from.AsOf
	r.report.Failed, r.report.Failures, r.report.OldestMissing = from.Failed, from.Failures, from.OldestMissing
	r.mark = mark{Checkpoint: from, held: len(r.pending.steps)}
	r.mark.Pending = nil
}

// know records what the target holds.
func (r *run) know(ctx context.Context, entry manifest.Entry) error {
	r.report.Objects++
	r.report.Bytes += entry.Size
	return r.writer.Add(ctx, entry)
}
