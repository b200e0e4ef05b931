package mover

import (
	"context"
	"errors"
	"iter"

	"github.com/rempart/rempart/internal/mover/manifest"
)

// Known gives what the target of a job is known to hold in its range, in order of
// the keys, or one error and then nothing. A manifest of which a part cannot be
// read is an error at its end.
func Known(ctx context.Context, job Job) (iter.Seq2[manifest.Entry, error], error) {
	var unreadable []error
	warn := func(err error) { unreadable = append(unreadable, err) }
	store := job.Target.manifest()
	snapshot, err := store.Load(ctx, warn)
	if err != nil {
		return nil, err
	}
	entries := store.Entries(ctx, snapshot.Only(job.source()), job.Options.Range, warn)
	return func(yield func(manifest.Entry, error) bool) {
		for entry, err := range entries {
			if !yield(entry, err) {
				return
			}
		}
		if len(unreadable) > 0 {
			yield(manifest.Entry{}, errors.Join(unreadable...))
		}
	}, nil
}

// source identifies what the job copies.
func (j Job) source() string {
	return manifest.SourceID(j.Source.Session.Place().Endpoint, j.Source.Bucket, j.Source.Prefix)
}
