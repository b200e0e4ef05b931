package mover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/outlast"
	"github.com/rempart/rempart/internal/provider"
)

// NamedReport is what a run over named keys did.
type NamedReport struct {
	// Copied objects were written to the target, CopiedBytes their content. Current
	// ones were there already, as far as the manifest tells.
	Copied, CopiedBytes, Current int64
	// Newest is the time on the source's clock of the newest change that was copied.
	Newest time.Time
	// Held is how many changes wait for a pass: only one that knows all of them can
	// guard the target against too many. HeldSince is when the oldest was made, or
	// seen where it is a deletion.
	Held      int64
	HeldSince time.Time
	// Again are the keys that could not be carried over and may be at the next try, or
	// that the run did not come to; FailedSince is the oldest time of those changes, as
	// far as the source told it.
	Again       []string
	FailedSince time.Time
	// Failures names the first of them.
	Failures []Failure
	// Unnoted is what the manifest is to say of what was copied, as long as it could
	// not be written down: give it to the next run.
	Unnoted []manifest.Change
	// IsNoted tells that the manifest was written, and lists Objects, which hold Bytes.
	IsNoted        bool
	Objects, Bytes int64
	// Requests counts what was asked of each end.
	Requests Requests
}

// CopyNamed copies what is named, and nothing else, for somebody who says that these objects
// have changed. It believes nothing of that: it asks the source about each once, lists
// neither side, and copies what the manifest does not know in this state.
//
// It removes nothing, and overwrites nothing where the target keeps no versions: those
// changes are left to a pass, whose guard counts all of them before it makes the first.
// Beside a pass of the same Together it may run at any time, but one at a time.
//
// The error is not nil when the run came to nothing, or was given up; the report says
// what was done all the same.
func CopyNamed(ctx context.Context, job Job, keys []string, unnoted []manifest.Change) (NamedReport, error) {
	n := &named{run: newRun(job), keys: slices.Compact(slices.Sorted(slices.Values(keys))), settled: map[string]bool{}}
	n.did.Unnoted = unnoted
	err := n.execute(ctx)
	for _, key := range n.keys {
		if !n.settled[key] {
			n.did.Again = append(n.did.Again, key)
		}
	}
	n.did.Copied, n.did.CopiedBytes, n.did.Failures = n.report.Copied, n.report.CopiedBytes, n.report.Failures
	n.did.Requests = Requests{Source: n.Source.Requests.Counts(), Target: n.Target.Requests.Counts()}
	return n.did, err
}

// named is a run over named keys.
type named struct {
	*run
	keys  []string
	known map[string]manifest.Entry
	// era is when the run began, if no pass was at the manifest then.
	era     int
	isQuiet bool

	// guard guards what follows, to which workers add.
	guard   sync.Mutex
	did     NamedReport
	settled map[string]bool
	changes []manifest.Change
}

func (n *named) execute(ctx context.Context) error {
	n.era, n.isQuiet = n.Options.Together.era()
	if err := n.observeTarget(ctx); err != nil {
		return err
	}
	snapshot, err := n.Target.manifest().Load(ctx, n.warn)
	if err != nil {
		return err
	}
	if n.known, err = n.Target.manifest().Lookup(ctx, snapshot.Only(n.source), n.keys, n.warn); err != nil {
		return err
	}
	err = n.carryOutAll(ctx)
	return errors.Join(err, n.note(ctx))
}

func (n *named) carryOutAll(ctx context.Context) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(n.Options.Workers)
	for _, key := range n.keys {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			failure := n.carryOutKey(groupCtx, key)
			if groupCtx.Err() != nil {
				return groupCtx.Err()
			}
			n.settle(key, failure)
			return n.hopeless(failure)
		})
	}
	return cmp.Or(group.Wait(), ctx.Err())
}

// settle records that the run is done with a key, unless it is worth another try.
func (n *named) settle(key string, f *failure) {
	n.recordFailure(f)
	if f != nil && isExpected(f.err) {
		n.hold(f.since) // a pass names it again and again
	}
	n.guard.Lock()
	defer n.guard.Unlock()
	if f == nil || isExpected(f.err) {
		n.settled[key] = true
		return
	}
	n.did.FailedSince = earlier(n.did.FailedSince, f.since)
}

// carryOutKey does what there is to do about one key.
func (n *named) carryOutKey(ctx context.Context, key string) *failure {
	if key == "" || !n.Options.Range.Contains(key) || isReserved(n.Source.Prefix+key) || isReserved(n.Target.Prefix+key) {
		return nil // a pass names it, if it is there at all
	}
	object, err := n.transfer.head(ctx, key)
	object.Key = key
	s := step{key: key, source: &object}
	entry, isKnown := n.known[key]
	switch {
	case errors.Is(err, errSourceGone):
		n.unanswered.Store(0)
		if isKnown && n.Options.Deletes == PropagateDeletes {
			n.hold(n.Options.Now())
		}
		return nil
	case errors.Is(err, provider.ErrInvalidKey):
		return nil // the store cannot have it
	case err != nil:
		return n.failed(step{key: key}, "ask", fmt.Errorf("ask the source about it: %w", err))
	case isKnown && entry.DescribesRead(object):
		n.unanswered.Store(0)
		n.guard.Lock()
		defer n.guard.Unlock()
		n.did.Current++
		return nil
	}
	wouldOverwrite, err := n.wouldOverwrite(ctx, key)
	switch {
	case err != nil:
		return n.failed(s, "ask", err)
	case wouldOverwrite:
		n.hold(object.Modified)
		return nil
	}
	return n.copyNow(ctx, s)
}

// wouldOverwrite tells whether copying would destroy what the target holds.
func (n *named) wouldOverwrite(ctx context.Context, key string) (bool, error) {
	if !n.overwritesAreDeletions {
		return false, nil
	}
	_, err := n.Target.Session.Head(ctx, n.Target.ref(key))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, provider.ErrNotFound) && !fault.HasReason(err, fault.BucketMissing):
		return false, nil
	}
	return false, fmt.Errorf("ask the target about it: %w", err)
}

func (n *named) copyNow(ctx context.Context, s step) *failure {
	entry, err := n.transfer.copy(ctx, s.key, *s.source)
	if err != nil {
		return n.notCarriedOver(ctx, s, "copy", err)
	}
	n.copied(s.key, entry.Size)
	entry.Coarse = true
	n.guard.Lock()
	defer n.guard.Unlock()
	n.changes = append(n.changes, manifest.Change{Key: s.key, Entry: &entry})
	if entry.Modified.After(n.did.Newest) {
		n.did.Newest = entry.Modified
	}
	return nil
}

// hold counts a change that is left to a pass.
func (n *named) hold(since time.Time) {
	n.guard.Lock()
	defer n.guard.Unlock()
	n.did.Held++
	n.did.HeldSince = earlier(n.did.HeldSince, since)
}

// earlier gives the earlier of two times, of which the zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// noteTimeout bounds the writing after a run was stopped: what is not written down is
// looked at by the next pass.
const noteTimeout = 5 * time.Second

// note writes down what was copied, unless a pass is at the manifest: what it writes at
// its end would not have it.
func (n *named) note(ctx context.Context) error {
	before, changes := n.did.Unnoted, n.changes
	n.did.Unnoted = united(before, changes)
	if len(n.did.Unnoted) == 0 {
		return nil
	}
	release, isOurs := n.Options.Together.tryManifest()
	if !isOurs {
		return nil
	}
	defer release()
	ctx, cancel := outlast.Context(ctx, noteTimeout)
	defer cancel()
	store := n.Target.manifest()
	loaded, err := store.Load(ctx, n.warn)
	if err != nil {
		return err
	}
	snapshot := loaded.Only(n.source)
	if !snapshot.Knows() {
		n.did.Unnoted = nil // the first pass compares what it finds
		return nil
	}
	if !n.isQuiet || !n.Options.Together.isStill(n.era) {
		before, changes = n.did.Unnoted, nil
	}
	if before, err = n.stillTrue(ctx, snapshot, before); err != nil {
		return err
	}
	return n.write(ctx, snapshot, united(before, changes))
}

// stillTrue gives the changes that say what the target holds. A pass that had the
// manifest meanwhile may have copied a later state of an object, and written that down.
func (n *named) stillTrue(ctx context.Context, snapshot manifest.Snapshot, changes []manifest.Change) ([]manifest.Change, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	keys := make([]string, len(changes))
	for i, c := range changes {
		keys[i] = c.Key
	}
	known, err := n.Target.manifest().Lookup(ctx, snapshot, keys, n.warn)
	if err != nil {
		return nil, err
	}
	var (
		mu    sync.Mutex
		right []manifest.Change
	)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(n.Options.Workers)
	for _, c := range changes {
		group.Go(func() error {
			there, err := n.Target.Session.Head(groupCtx, n.Target.ref(c.Key))
			switch {
			case errors.Is(err, provider.ErrNotFound) && !fault.HasReason(err, fault.BucketMissing):
				return nil
			case err != nil:
				return fmt.Errorf("ask the target about %q: %w", c.Key, err)
			}
			if before, isKnown := known[c.Key]; isKnown && before.TargetETag == there.ETag || c.Entry.TargetETag != there.ETag {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			right = append(right, c)
			return nil
		})
	}
	return right, group.Wait()
}

// write writes the manifest with the changes in it.
func (n *named) write(ctx context.Context, before manifest.Snapshot, changes []manifest.Change) error {
	n.did.Unnoted = changes
	if len(changes) == 0 {
		return nil
	}
	index, totals, err := n.Target.manifest().Amend(ctx, manifest.Amendment{
		Before: before, Source: n.source, Within: manifest.Range{}, Changes: changes, Now: n.Options.Now(), Warn: n.warn,
	})
	if err != nil {
		return err
	}
	n.did.Unnoted = nil
	n.did.IsNoted, n.did.Objects, n.did.Bytes = true, totals.Objects, totals.Bytes
	return n.collect(ctx, before, index)
}

// collect removes what became obsolete: where events tell of every change, no pass has
// anything to write, and so none collects.
func (n *named) collect(ctx context.Context, before manifest.Snapshot, index manifest.Index) error {
	if !before.IsCollectionDue(n.Options.Now()) {
		return nil
	}
	err := n.Target.manifest().Collect(ctx, index, n.Options.Now())
	if errors.Is(err, provider.ErrLocked) {
		n.warn(err) // it goes once its lock has ended
		return nil
	}
	return err
}

// united gives changes in order of their keys; later ones take the place of earlier ones.
func united(before, later []manifest.Change) []manifest.Change {
	byKey := make(map[string]manifest.Change, len(before)+len(later))
	for _, c := range slices.Concat(before, later) {
		byKey[c.Key] = c
	}
	all := make([]manifest.Change, 0, len(byKey))
	for _, c := range byKey {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b manifest.Change) int { return cmp.Compare(a.Key, b.Key) })
	return all
}
