package mover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// carryOut does what a task asks for and gives its outcome.
func (r *run) carryOut(ctx context.Context, t task) outcome {
	o := t.outcome()
	if t.action == compare || t.action == confirm {
		entry, same, err := r.look(ctx, t)
		switch {
		case errors.Is(err, errTargetGone): // listed, and not there: nothing is lost
		case err != nil:
			o.failure = r.notCarriedOver(ctx, t.step, "compare", err)
			return o
		case same:
			r.unanswered.Store(0)
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
		o.failure = r.notCarriedOver(ctx, t.step, "copy", err)
		return o
	}
	r.copied(t.key, entry.Size)
	o.entry = &entry
	return o
}

// look finds out whether the target holds the object of a task, and gives what the
// manifest is to say of it then.
func (r *run) look(ctx context.Context, t task) (entry manifest.Entry, same bool, err error) {
	if t.action == compare {
		entry, same, err = r.transfer.compare(ctx, t.key, *t.source, *t.target)
	} else {
		entry, same, err = r.transfer.confirm(ctx, *t.known, *t.source)
	}
	if err == nil && same {
		r.count(func(report *Report) {
			report.Skipped++
			if t.action == compare {
				report.Verified++
			}
		})
	}
	return entry, same, err
}

func (r *run) copied(key string, size int64) {
	r.unanswered.Store(0)
	r.count(func(report *Report) {
		report.Copied++
		report.CopiedBytes += size
		if r.Options.Verification != VerifyNone {
			report.Verified++
		}
	})
	r.observe(Event{Kind: EventCopied, Key: key, Bytes: size})
}

// failure is why an object could not be carried over.
type failure struct {
	key, operation string
	err            error
	// since is when the source changed what the target still lacks.
	since time.Time
}

// notCarriedOver gives the failure of an object, unless it is none: the run ends,
// or the object was deleted at the source since it was listed, which the next run
// sees. An object that the source goes on listing was not deleted.
func (r *run) notCarriedOver(ctx context.Context, s step, operation string, err error) *failure {
	if ctx.Err() != nil {
		return nil
	}
	if errors.Is(err, errSourceGone) {
		isListed, listErr := r.isListedStill(ctx, s.key)
		switch {
		case listErr != nil:
			err = errors.Join(err, listErr)
		case !isListed:
			return nil
		default:
			err = fault.New(fault.Transient, fault.SourceListingSuspicious, "the source lists the object and does not have it: %w", err)
		}
	}
	return r.failed(s, operation, err)
}

// isListedStill asks the source's listing about one key.
func (r *run) isListedStill(ctx context.Context, key string) (bool, error) {
	whole := r.Source.Prefix + key
	page, err := r.Source.Session.ListPage(ctx, r.Source.Bucket, provider.ListRequest{Prefix: whole, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("list it again: %w", err)
	}
	return len(page.Objects) > 0 && page.Objects[0].Key == whole, nil
}

// failed tells the observer of a failure. It counts once it is recorded.
func (r *run) failed(s step, operation string, err error) *failure {
	r.observe(Event{Kind: EventFailed, Key: s.key, Err: err})
	f := &failure{key: s.key, operation: operation, err: err}
	if s.source != nil {
		f.since = s.source.Modified
	}
	return f
}

// recordFailure puts a failure into the report.
func (r *run) recordFailure(f *failure) {
	if f == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.fail(f.key, f.operation, f.err)
	r.report.missing(f.since)
	if !isExpected(f.err) {
		r.unexpected++
	}
}

// usualPatience is how many objects in a row may fail because a store does not
// answer, each after many tries, before the run gives up.
const usualPatience = 100

// hopeless tells why no other object can be carried over either, or nil.
func (r *run) hopeless(f *failure) error {
	if f == nil {
		return nil
	}
	err := f.err
	switch {
	case errors.Is(err, provider.ErrAuthentication), errors.Is(err, provider.ErrCertificate), errors.Is(err, provider.ErrClockSkew),
		errors.Is(err, errSourceLost), fault.HasReason(err, fault.BucketMissing):
		return fmt.Errorf("%s %q: %w", f.operation, f.key, err)
	case errors.Is(err, provider.ErrUnreachable), errors.Is(err, provider.ErrServer), errors.Is(err, provider.ErrThrottled):
		if r.unanswered.Add(1) >= r.patience {
			return fmt.Errorf("%d objects failed one after the other, the last one %q: %w", r.patience, f.key, err)
		}
	}
	return nil
}

// errSourceGone: the object was deleted between being listed and being read.
var errSourceGone = errors.New("it is not at the source any more")

// errTargetGone: the target lists an object and does not have it.
var errTargetGone = errors.New("it is not at the target")

// sourceError marks an absent source object, so that it is not taken for an
// absent target, and an absent source bucket.
func sourceError(bucket string, err error) error {
	switch {
	case fault.HasReason(err, fault.BucketMissing):
		return sourceLost(bucket, err)
	case errors.Is(err, provider.ErrNotFound):
		return fmt.Errorf("%w: %w", errSourceGone, err)
	}
	return err
}
