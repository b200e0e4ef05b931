package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// expectation says what the sandbox must hold. It judges every key by what was
// really read when it was restored, which the sandbox's own manifest tells.
type expectation struct {
	source, copied Copy
	// before is what the copy held at the moment of loss, restored what was read
	// from it, later what the copy's manifest says after that.
	before, restored, later iter.Seq2[manifest.Entry, error]
	// began is when the drill began, since the earliest time at which the
	// replication can have written what before does not know. Both are on the
	// clock of the copy's store.
	began, since time.Time
	// known is the digest of before.
	known   *manifest.Digest
	changes Changes
	// wrong counts the keys that are not as they should be, isSourceLost tells that
	// the source does not answer: then it is not asked any more.
	wrong        int64
	isSourceLost bool
	// marked are the keys whose expected state is not that at the moment of loss.
	marked marks
}

// key is one key with what is known of it.
type key struct {
	name                    string
	before, restored, later *manifest.Entry
}

// askLimit is after how many wrong keys nobody is asked about further ones: the
// verdict would not change, and each costs a request.
const askLimit = 1000

// entries yields what the sandbox must hold, in order of the keys, or one error
// and then nothing. What is wrong with the copy shows as a difference from it.
func (e *expectation) entries(ctx context.Context) iter.Seq2[manifest.Entry, error] {
	return func(yield func(manifest.Entry, error) bool) {
		for row, err := range mover.Merge(ctx, e.before, e.restored, e.later) {
			if err != nil {
				yield(manifest.Entry{}, fmt.Errorf("hold what was restored against the manifest of the copy: %w", err))
				return
			}
			k := key{row.Key, row.Entries[0], row.Entries[1], row.Entries[2]}
			if k.before != nil {
				e.known.Add(*k.before)
			}
			want, err := e.of(ctx, k)
			if err != nil {
				yield(manifest.Entry{}, err)
				return
			}
			if want != nil && !yield(*want, nil) {
				return
			}
		}
	}
}

// of gives what the sandbox must hold under one key, or nil.
func (e *expectation) of(ctx context.Context, k key) (*manifest.Entry, error) {
	switch {
	case k.before == nil && k.restored == nil:
		return nil, nil // it was added after the restore had passed it
	case k.restored != nil && isSame(k.before, k.restored):
		return k.before, nil
	case k.restored != nil && isSame(k.later, k.restored):
		e.changes.Newer++
		e.marked.add(k.name, evidence.Newer)
		return k.later, nil
	case hasRotted(k.before, k.restored):
		return e.find(k.before), nil
	case hasRotted(k.later, k.restored):
		return e.find(cmp.Or(k.before, k.later)), nil
	}
	changed, err := e.isChanged(ctx, k)
	switch {
	case err != nil:
		return nil, err
	case !changed:
		return e.find(k.before), nil
	case k.restored == nil:
		e.changes.Gone++
		return nil, nil
	case k.restored.Modified.Before(e.since):
		// Whatever replaced it later: what was restored was there before the run
		// that wrote the manifest, and is not what that run found.
		return e.find(k.before), nil
	}
	e.changes.Between++
	e.marked.add(k.name, evidence.Between)
	e.changes.BetweenBytes += k.restored.Size
	return k.restored, nil
}

// find counts a key that is not as it should be, and gives what should be there.
func (e *expectation) find(want *manifest.Entry) *manifest.Entry {
	e.wrong++
	return want
}

// isSame tells whether an object has the content and the attributes of an entry.
func isSame(entry, object *manifest.Entry) bool {
	return entry != nil && entry.Size == object.Size && entry.SHA256 == object.SHA256 &&
		entry.MetadataDigest == object.MetadataDigest
}

// hasRotted tells whether the store of the copy says that it holds the object of
// the entry, and gave another content.
func hasRotted(entry, object *manifest.Entry) bool {
	return entry != nil && object != nil && entry.TargetETag != "" && entry.TargetETag == object.ETag && entry.SHA256 != object.SHA256
}

// isChanged tells whether the replication had a reason to touch the key since the
// moment of loss. Where the manifests do not tell, the source does: a run may not
// have come to write down what it did.
func (e *expectation) isChanged(ctx context.Context, k key) (bool, error) {
	if k.before != nil && k.later != nil && !k.before.IsOfSameSource(*k.later) || k.before == nil && k.later != nil {
		return true, nil
	}
	atSource, isKnown, err := e.atSource(ctx, k.name)
	switch {
	case err != nil:
		return false, err
	case k.before == nil && atSource == nil:
		return e.hasPassed(ctx, k)
	case !isKnown:
		return k.later == nil, nil
	case k.before == nil || atSource == nil:
		return true, nil
	}
	return !k.before.Describes(*atSource), nil
}

// hasPassed tells whether an object that neither the manifests nor the source
// know was replicated and deleted again since the moment of loss. One that was in
// the copy before, and is still, is nobody's.
func (e *expectation) hasPassed(ctx context.Context, k key) (bool, error) {
	if isDuring := !k.restored.Modified.Before(e.began.Add(resolution)); isDuring || e.wrong >= askLimit {
		return isDuring, nil
	}
	inCopy, err := listed(ctx, e.copied, k.name)
	if err != nil {
		return false, fmt.Errorf("look for %q in the copy: %w", k.name, err)
	}
	return inCopy == nil || inCopy.ETag != k.restored.ETag, nil
}

// resolution is that of the time which servers tell.
const resolution = time.Second

// atSource gives what the source lists under a key now, and whether it answered.
func (e *expectation) atSource(ctx context.Context, name string) (*provider.Object, bool, error) {
	if e.isSourceLost || e.wrong >= askLimit {
		return nil, false, nil
	}
	object, err := listed(ctx, e.source, name)
	if err != nil {
		e.isSourceLost = true
		return nil, false, ctx.Err()
	}
	return object, true, nil
}

// listed gives what a bucket lists under one key, or nil. A listing tells times as
// exactly as manifests do; a read does not.
func listed(ctx context.Context, in Copy, name string) (*provider.Object, error) {
	page, err := in.Session.ListPage(ctx, in.Bucket, provider.ListRequest{Prefix: name, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(page.Objects) == 0 || page.Objects[0].Key != name {
		return nil, nil
	}
	return &page.Objects[0], nil
}

// expect prepares what the sandbox must hold, once everything is restored.
func (r *run) expect(ctx context.Context) (*expectation, error) {
	later, err := r.From.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the manifest of the copy again: %w", err)
	}
	sandbox := Copy{Session: r.sandbox.Session, Bucket: r.sandbox.Bucket}
	restored, err := sandbox.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was restored: %w", err)
	}
	return &expectation{
		source: r.Source, copied: r.From, isSourceLost: r.lost.IsZero(),
		before: r.From.entries(ctx, r.snapshot), restored: sandbox.entries(ctx, restored), later: r.From.entries(ctx, later),
		began: r.began, since: r.writtenSince(), known: manifest.NewDigest(),
	}, nil
}

// writtenSince gives the earliest time, on the clock of the copy's store, at which
// something can have been written to the copy that the snapshot does not know: the
// run that came to the end of the manifest had begun by then.
func (r *run) writtenSince() time.Time {
	if r.lost.IsZero() {
		return r.began
	}
	ago := max(r.lost.Sub(r.snapshot.AsOf()), 0)
	return r.began.Add(-ago - 2*resolution) // both clocks were read to the second
}

// load reads a manifest that must be whole.
func (c Copy) load(ctx context.Context) (manifest.Snapshot, error) {
	snapshot, err := c.store().LoadWhole(ctx)
	if errors.Is(err, manifest.ErrNotWhole) {
		return manifest.Snapshot{}, fault.New(fault.Terminal, fault.PreflightFailed, "the copy in bucket %s cannot be held against its manifest: %w", c.Bucket, err)
	}
	return snapshot, err
}

func (c Copy) store() manifest.Store { return manifest.Store{Objects: c.Session, Bucket: c.Bucket} }

// entries yields the entries of a snapshot. A part that cannot be read is an error:
// what it lists would look like objects that nobody expects.
func (c Copy) entries(ctx context.Context, snapshot manifest.Snapshot) iter.Seq2[manifest.Entry, error] {
	return c.store().SoundEntries(ctx, snapshot, manifest.Range{})
}
