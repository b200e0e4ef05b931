package mover

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/outlast"
)

// patchTimeout bounds the last writing of a manifest after a run was stopped.
const patchTimeout = time.Minute

// change is what the manifest is to say of a key after a held step was carried
// out: nothing if the object was removed.
type change struct {
	key   string
	entry *manifest.Entry
}

// patchManifest writes the manifest of the run again with the changes in it, which
// are sorted.
func (r *run) patchManifest(ctx context.Context, changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	// What was deleted stays deleted when the run is stopped now: the manifest
	// must say so.
	ctx, cancel := outlast.Context(ctx, patchTimeout)
	defer cancel()
	snapshot, err := r.Target.manifest().Load(ctx, r.warn)
	if err != nil {
		return err
	}
	p := patch{
		store: r.Target.manifest(), before: snapshot.Only(r.source), source: r.source,
		within: r.Options.Range, now: r.Options.Now(), warn: r.warn,
	}
	r.report.Objects, r.report.Bytes, err = p.apply(ctx, changes)
	return err
}

// patch changes a manifest that was written before.
type patch struct {
	store  manifest.Store
	before manifest.Snapshot
	source string
	within manifest.Range
	now    time.Time
	warn   func(error)
}

// apply writes the manifest with sorted changes in it and gives how many objects
// it lists now, and what they hold.
func (p patch) apply(ctx context.Context, changes []change) (objects, bytes int64, err error) {
	writer := p.store.NewWriter(p.before, p.within, p.source, p.before.AsOf())
	for entry, err := range patched(p.store.Entries(ctx, p.before, p.within, p.warn), changes) {
		if err != nil {
			return 0, 0, err
		}
		objects++
		bytes += entry.Size
		if err := writer.Add(ctx, entry); err != nil {
			return 0, 0, err
		}
	}
	_, _, err = writer.Amend(ctx, p.now)
	return objects, bytes, err
}

// patched merges sorted changes into a sequence of entries.
func patched(entries iter.Seq2[manifest.Entry, error], changes []change) iter.Seq2[manifest.Entry, error] {
	return func(yield func(manifest.Entry, error) bool) {
		rest := changes
		for entry, err := range entries {
			if err != nil {
				yield(manifest.Entry{}, err)
				return
			}
			next, isChanged := slices.BinarySearchFunc(rest, entry.Key, func(c change, key string) int { return cmp.Compare(c.key, key) })
			if !yieldEntries(rest[:next], yield) {
				return
			}
			rest = rest[next:]
			if !isChanged && !yield(entry, nil) {
				return
			}
		}
		yieldEntries(rest, yield)
	}
}

// yieldEntries yields the entries of changes that have one, until there is no
// demand for more.
func yieldEntries(changes []change, yield func(manifest.Entry, error) bool) bool {
	for _, c := range changes {
		if c.entry != nil && !yield(*c.entry, nil) {
			return false
		}
	}
	return true
}

// Forget takes keys out of an end's manifest, so that the next run compares them
// with the source again. A manifest that does not list them stays as it is.
func Forget(ctx context.Context, end End, keys []string, options Options) error {
	if len(keys) == 0 {
		return nil
	}
	options = options.withDefaults()
	warn := func(err error) { options.Observer.Observe(Event{Kind: EventWarned, Err: err}) }
	snapshot, err := end.manifest().Load(ctx, warn)
	if err != nil || snapshot.Source() == "" {
		return err
	}
	var changes []change
	for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		changes = append(changes, change{key: key})
	}
	p := patch{
		store: end.manifest(), before: snapshot.Only(snapshot.Source()), source: snapshot.Source(),
		within: options.Range, now: options.Now(), warn: warn,
	}
	if _, _, err := p.apply(ctx, changes); err != nil {
		return fmt.Errorf("take %d keys out of the manifest: %w", len(changes), err)
	}
	return nil
}
