package mover

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/outlast"
)

// patchTimeout bounds the last writing of a manifest after a run was stopped.
const patchTimeout = time.Minute

// patchManifest writes the manifest of the run again with the changes in it, which
// are sorted.
func (r *run) patchManifest(ctx context.Context, changes []manifest.Change) error {
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
	_, totals, err := r.Target.manifest().Amend(ctx, manifest.Amendment{
		Before: snapshot.Only(r.source), Source: r.source, Within: r.Options.Range,
		Changes: changes, Now: r.Options.Now(), Warn: r.warn,
	})
	r.report.Objects, r.report.Bytes = totals.Objects, totals.Bytes
	return err
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
	var changes []manifest.Change
	for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		changes = append(changes, manifest.Change{Key: key})
	}
	_, _, err = end.manifest().Amend(ctx, manifest.Amendment{
		Before: snapshot.Only(snapshot.Source()), Source: snapshot.Source(), Within: options.Range,
		Changes: changes, Now: options.Now(), Warn: warn,
	})
	if err != nil {
		return fmt.Errorf("take %d keys out of the manifest: %w", len(changes), err)
	}
	return nil
}
