package mover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
)

// settlePending decides about the deletions and overwrites that the pass held
// back, and carries them out if it may.
func (r *run) settlePending(ctx context.Context) error {
	if len(r.pending.steps) == 0 {
		return nil
	}
	if r.unexpected > 0 {
		// A pass with failures says less than it seems to. The next run asks again.
		r.holdBack()
		return nil
	}
	if objection := r.Options.Guard.objection(r.census); objection != "" {
		guard := r.pending.report()
		if guard.Digest != r.Options.Guard.Approved {
			r.holdBack()
			r.report.Guard = guard
			r.report.Result, r.report.Reason = Aborted, fault.DeletionGuardTripped
			r.report.Message = objection + "; nothing was deleted or overwritten"
			return nil
		}
	}
	changes, err := r.carryOutPending(ctx)
	if patchErr := r.patchManifest(ctx, changes); patchErr != nil {
		return errors.Join(err, patchErr)
	}
	return err
}

// holdBack notes what the target lacks because overwrites were not made.
func (r *run) holdBack() {
	for _, held := range r.pending.steps {
		if held.Source != nil {
			r.report.missing(held.Source.Modified)
		}
	}
}

func (r *run) carryOutPending(ctx context.Context) ([]manifest.Change, error) {
	var (
		mu      sync.Mutex
		changes []manifest.Change
	)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(r.Options.Workers)
	for _, held := range r.pending.steps {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			done, failure := r.carryOutHeld(groupCtx, held)
			if done != nil {
				mu.Lock()
				changes = append(changes, *done)
				mu.Unlock()
			}
			r.recordFailure(failure)
			return r.hopeless(failure)
		})
	}
	err := cmp.Or(group.Wait(), ctx.Err())
	if err == nil && r.pending.more {
		r.recordFailure(r.failed(step{}, "delete", fault.New(fault.Transient, fault.ObjectsFailed,
			"a run removes or overwrites at most %d objects; the next one goes on", pendingLimit)))
	}
	slices.SortFunc(changes, func(a, b manifest.Change) int { return cmp.Compare(a.Key, b.Key) })
	return changes, err
}

// carryOutHeld removes or overwrites one object. It gives what the manifest is to
// say of it, or nothing if nothing was done.
func (r *run) carryOutHeld(ctx context.Context, held pendingStep) (*manifest.Change, *failure) {
	s := step{key: held.Key, source: held.Source, target: &held.Target}
	if held.Source == nil {
		return r.removeHeld(ctx, s)
	}
	entry, err := r.transfer.copy(ctx, held.Key, *held.Source)
	if err != nil {
		return nil, r.notCarriedOver(ctx, s, "copy", err)
	}
	r.copied(held.Key, entry.Size)
	return &manifest.Change{Key: held.Key, Entry: &entry}, nil
}

// removeHeld removes an object from the target, after asking the source about
// this very object: listings have been seen to leave objects out.
func (r *run) removeHeld(ctx context.Context, s step) (*manifest.Change, *failure) {
	release, err := r.Options.Together.hold(ctx, s.key)
	if err != nil {
		return nil, nil
	}
	defer release()
	there, err := r.Source.Session.Head(ctx, r.Source.ref(s.key))
	switch {
	case ctx.Err() != nil:
		return nil, nil
	case err == nil && !r.report.AsOf.IsZero() && there.Modified.After(r.report.AsOf):
		return nil, nil // it was written after the listing; the next run compares it
	case err == nil:
		return nil, r.failed(s, "delete", fault.New(fault.Transient, fault.SourceListingSuspicious,
			"the source's listing left the object out, and the source has it"))
	}
	if err := sourceError(r.Source.Bucket, err); !errors.Is(err, errSourceGone) {
		return nil, r.failed(s, "delete", fmt.Errorf("ask the source about it: %w", err))
	}
	if err := r.Target.Session.Remove(ctx, r.Target.ref(s.key)); err != nil {
		if ctx.Err() != nil {
			return nil, nil
		}
		return nil, r.failed(s, "delete", err)
	}
	r.unanswered.Store(0)
	r.count(func(report *Report) { report.Deleted++ })
	r.observe(Event{Kind: EventDeleted, Key: s.key, Bytes: s.target.Size})
	return &manifest.Change{Key: s.key}, nil
}
