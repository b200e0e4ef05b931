package mover

import (
	"context"
	"errors"

	"github.com/rempart/rempart/internal/provider"
)

// carryOut does what a task asks for and gives its outcome.
func (r *run) carryOut(ctx context.Context, t task) outcome {
	o := outcome{key: t.key, entry: t.known, atSource: true, atTarget: t.target != nil}
	if t.action == compare {
		entry, same, err := r.transfer.compare(ctx, t.key, *t.source)
		switch {
		case err != nil:
			r.failed(ctx, t, "compare", err)
			return o
		case same:
			r.count(func(report *Report) { report.Skipped++ })
			r.observe(Event{Kind: EventSkipped, Key: t.key, Bytes: entry.Size})
			o.entry = &entry
			return o
		case r.overwritesAreDeletions:
			o.held = &pendingStep{Key: t.key, Source: t.source, Target: *t.target}
			return o
		}
	}
	entry, err := r.transfer.copy(ctx, t.key, *t.source)
	if err != nil {
		r.failed(ctx, t, "copy", err)
		return o
	}
	r.count(func(report *Report) { report.Copied++; report.CopiedBytes += entry.Size })
	r.observe(Event{Kind: EventCopied, Key: t.key, Bytes: entry.Size})
	o.entry = &entry
	return o
}

// failed records why an object could not be carried over. One that was deleted
// at the source since it was listed is no failure: the next run sees it.
func (r *run) failed(ctx context.Context, t task, operation string, err error) {
	if ctx.Err() != nil || errors.Is(err, errSourceGone) {
		return
	}
	r.fail(t.key, operation, err)
	r.count(func(report *Report) { report.missing(t.source.Modified) })
}

// errSourceGone: the object was deleted between being listed and being read.
var errSourceGone = errors.New("deleted at the source meanwhile")

// sourceError marks an absent source object, so that it is not taken for an
// absent target.
func sourceError(err error) error {
	if errors.Is(err, provider.ErrNotFound) {
		return errors.Join(errSourceGone, err)
	}
	return err
}
