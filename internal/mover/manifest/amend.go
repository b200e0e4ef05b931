package manifest

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"
)

// Change is what a manifest is to say of a key: nothing if there is no entry.
type Change struct {
	Key   string
	Entry *Entry
}

// Amendment is a set of changes to a manifest that was written before.
type Amendment struct {
	// Before is the manifest as it is, of one source.
	Before Snapshot
	Source string
	// Within is the range whose index is written again.
	Within Range
	// Changes are sorted by their keys, each of which comes once.
	Changes []Change
	Now     time.Time
	// Warn is told of segments that cannot be read and are left out.
	Warn func(error)
}

// Totals are what a manifest lists: so many objects, which hold so many bytes.
type Totals struct{ Objects, Bytes int64 }

// Amend writes a manifest again with changes in it. A segment that none of them
// concerns is neither read nor written.
func (s Store) Amend(ctx context.Context, a Amendment) (Index, Totals, error) {
	var totals Totals
	w := s.NewWriter(a.Before, a.Within, a.Source, a.Before.AsOf())
	refs, rest := a.Before.segments(a.Within), a.Changes
	for i, ref := range refs {
		here := rest
		if i < len(refs)-1 {
			_, _, to := ref.span()
			here = rest[:countUpTo(rest, to)]
		}
		rest = rest[len(here):]
		if len(here) == 0 && ref.Range.IsWhole() && !a.Before.isDamaged(ref.Name) {
			totals.Objects += ref.Count
			totals.Bytes += ref.Bytes
			if err := w.keep(ctx, ref); err != nil {
				return Index{}, Totals{}, err
			}
			continue
		}
		if err := totals.add(ctx, w, patched(s.within(ctx, a, ref), here)); err != nil {
			return Index{}, Totals{}, err
		}
	}
	if err := totals.add(ctx, w, patched(nothing, rest)); err != nil {
		return Index{}, Totals{}, err
	}
	index, _, err := w.Amend(ctx, a.Now)
	return index, totals, err
}

// within gives the entries of one segment.
func (s Store) within(ctx context.Context, a Amendment, ref SegmentRef) iter.Seq2[Entry, error] {
	return s.entriesOf(ctx, a.Before, []SegmentRef{ref}, a.Warn)
}

func nothing(func(Entry, error) bool) {}

// add writes entries and counts them.
func (t *Totals) add(ctx context.Context, w *Writer, entries iter.Seq2[Entry, error]) error {
	for entry, err := range entries {
		if err != nil {
			return err
		}
		t.Objects++
		t.Bytes += entry.Size
		if err := w.Add(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

// countUpTo counts the changes whose key is not above a key.
func countUpTo(changes []Change, key string) int {
	n, isThere := slices.BinarySearchFunc(changes, key, byKey)
	if isThere {
		n++
	}
	return n
}

func byKey(c Change, key string) int { return cmp.Compare(c.Key, key) }

// patched merges sorted changes into a sequence of entries.
func patched(entries iter.Seq2[Entry, error], changes []Change) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		rest := changes
		for entry, err := range entries {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			next, isChanged := slices.BinarySearchFunc(rest, entry.Key, byKey)
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
func yieldEntries(changes []Change, yield func(Entry, error) bool) bool {
	for _, c := range changes {
		if c.Entry != nil && !yield(*c.Entry, nil) {
			return false
		}
	}
	return true
}

// Lookup gives what a manifest says of some keys, which are sorted; of those that it
// does not list, nothing. It reads only the segments in which they would be.
func (s Store) Lookup(ctx context.Context, snapshot Snapshot, keys []string, warn func(error)) (map[string]Entry, error) {
	var refs []SegmentRef
	for _, ref := range snapshot.segments(Range{}) {
		from, _, to := ref.span()
		if next, _ := slices.BinarySearch(keys, from); next < len(keys) && keys[next] <= to {
			refs = append(refs, ref)
		}
	}
	found := make(map[string]Entry, len(keys))
	for entry, err := range s.entriesOf(ctx, snapshot, refs, warn) {
		if err != nil {
			return nil, err
		}
		if _, isAsked := slices.BinarySearch(keys, entry.Key); isAsked {
			found[entry.Key] = entry
		}
	}
	return found, nil
}

// Knows tells whether the snapshot is of a manifest that was written at all.
func (s Snapshot) Knows() bool { return len(s.indexes) > 0 }

// IsCollectionDue tells whether the manifest retired segments so long ago that they
// may go, and enough later that it is worth looking for them.
func (s Snapshot) IsCollectionDue(now time.Time) bool {
	return slices.ContainsFunc(s.indexes, func(i Index) bool {
		return slices.ContainsFunc(i.Retired, func(r Retired) bool { return now.Sub(r.At) > grace+collectEvery })
	})
}

// collectEvery is how often those who amend a manifest look for what may go.
const collectEvery = time.Hour
