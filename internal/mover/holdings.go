package mover

import (
	"context"
	"iter"

	"github.com/rempart/rempart/internal/mover/manifest"
)

// Holdings gives what the target of a job is known to hold in its range, in order of
// the keys, or one error and then nothing. A manifest of which a part cannot be
// read is an error.
func Holdings(ctx context.Context, job Job) (iter.Seq2[manifest.Entry, error], error) {
	store := job.Target.manifest()
	snapshot, err := store.LoadSound(ctx)
	if err != nil {
		return nil, err
	}
	return store.SoundEntries(ctx, snapshot.Only(job.source()), job.Options.Range), nil
}

// source identifies what the job copies.
func (j Job) source() string {
	return manifest.SourceID(j.Source.Session.Place().Endpoint, j.Source.Bucket, j.Source.Prefix)
}
