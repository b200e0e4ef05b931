package mover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
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

// change is what the manifest is to say of a key after a held step was carried
// out: nothing if the object was removed.
type change struct {
	key   string
	entry *manifest.Entry
}

func (r *run) carryOutPending(ctx context.Context) ([]change, error) {
	var (
		mu      sync.Mutex
		changes []change
	)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.Options.Workers)
	for _, held := range r.pending.steps {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			done, ok := r.carryOutHeld(ctx, held)
			if ok {
				mu.Lock()
				defer mu.Unlock()
				changes = append(changes, done)
			}
			return ctx.Err()
		})
	}
	err := group.Wait()
	if err == nil && r.pending.more {
		r.fail("", "delete", fault.New(fault.Transient, fault.ObjectsFailed,
			"a run removes or overwrites at most %d objects; the next one goes on", pendingLimit))
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.key, b.key) })
	return changes, err
}

// carryOutHeld removes or overwrites one object.
func (r *run) carryOutHeld(ctx context.Context, held pendingStep) (change, bool) {
	if held.Source == nil {
		return r.removeHeld(ctx, held)
	}
	entry, err := r.transfer.copy(ctx, held.Key, *held.Source)
	if err != nil {
		r.failed(ctx, task{step: step{key: held.Key, source: held.Source}}, "copy", err)
		return change{}, false
	}
	r.count(func(report *Report) { report.Copied++; report.CopiedBytes += entry.Size })
	r.observe(Event{Kind: EventCopied, Key: held.Key, Bytes: entry.Size})
	return change{key: held.Key, entry: &entry}, true
}

// removeHeld removes an object from the target, after asking the source about
// this very object: listings have been seen to leave objects out.
func (r *run) removeHeld(ctx context.Context, held pendingStep) (change, bool) {
	_, err := r.Source.Session.Head(ctx, r.Source.ref(held.Key))
	switch {
	case err == nil:
		r.fail(held.Key, "delete", fault.New(fault.Transient, fault.SourceListingSuspicious,
			"the source's listing left the object out, and the source has it"))
		return change{}, false
	case !errors.Is(err, provider.ErrNotFound) || fault.HasReason(err, fault.BucketMissing):
		r.fail(held.Key, "delete", fmt.Errorf("ask the source about it: %w", err))
		return change{}, false
	}
	if err := r.Target.Session.Remove(ctx, r.Target.ref(held.Key)); err != nil {
		r.fail(held.Key, "delete", err)
		return change{}, false
	}
	r.count(func(report *Report) { report.Deleted++ })
	r.observe(Event{Kind: EventDeleted, Key: held.Key, Bytes: held.Target.Size})
	return change{key: held.Key}, true
}

// patchManifest writes the manifest again with the changes in it.
func (r *run) patchManifest(ctx context.Context, changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	// What was deleted stays deleted when the run is stopped now: the manifest
	// must say so.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patchTimeout)
	defer cancel()
	store := r.Target.manifest()
	before, err := store.Load(ctx, r.warn)
	if err != nil {
		return err
	}
	asOf := r.report.AsOf
	if asOf.IsZero() {
		asOf = before.AsOf()
	}
	writer := store.NewWriter(before, r.Options.Range, before.Source(), asOf)
	r.report.Objects, r.report.Bytes = 0, 0
	for entry, err := range patched(store.Entries(ctx, before, r.Options.Range, r.warn), changes) {
		if err != nil {
			return err
		}
		r.report.Objects++
		r.report.Bytes += entry.Size
		if err := writer.Add(ctx, entry); err != nil {
			return err
		}
	}
	_, _, err = writer.Finish(ctx, r.Options.Now())
	return err
}

// patched merges sorted changes into a sequence of entries.
func patched(entries iter.Seq2[manifest.Entry, error], changes []change) iter.Seq2[manifest.Entry, error] {
	return func(yield func(manifest.Entry, error) bool) {
		rest := changes
		flush := func(before string, all bool) bool {
			for len(rest) > 0 && (all || rest[0].key < before) {
				if rest[0].entry != nil && !yield(*rest[0].entry, nil) {
					return false
				}
				rest = rest[1:]
			}
			return true
		}
		for entry, err := range entries {
			if err != nil {
				yield(manifest.Entry{}, err)
				return
			}
			if !flush(entry.Key, false) {
				return
			}
			if len(rest) > 0 && rest[0].key == entry.Key {
				continue
			}
			if !yield(entry, nil) {
				return
			}
		}
		flush("", true)
	}
}
