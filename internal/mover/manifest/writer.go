package manifest

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Writer writes the manifest of a run, entry by entry in order.
type Writer struct {
	store  Store
	before Snapshot
	index  Index
	open   segment
	// last is the key up to which the run has come.
	last string
	// stored are the segments that are known to be in the bucket.
	stored map[string]bool
}

// NewWriter starts the manifest of a run over a range. Source and asOf are
// recorded in the index; before is what was known when the run began.
func (s Store) NewWriter(before Snapshot, within Range, source string, asOf time.Time) *Writer {
	w := &Writer{
		store: s, before: before, stored: map[string]bool{}, last: within.After,
		index: Index{Format: formatVersion, Source: source, Range: within, AsOf: asOf.UTC()},
	}
	for _, index := range before.indexes {
		for _, ref := range index.Segments {
			w.stored[ref.Name] = true
		}
	}
	return w
}

// Add takes the next entry. Keys ascend strictly.
func (w *Writer) Add(ctx context.Context, entry Entry) error {
	if entry.Key <= w.last {
		return fmt.Errorf("manifest entry %q does not come after %q", entry.Key, w.last)
	}
	w.last = entry.Key
	w.open.add(entry)
	if !endsSegment(entry.Key, len(w.open.entries)) {
		return nil
	}
	return w.close(ctx)
}

// Pass records that the run has come to a key of which there is nothing to say.
func (w *Writer) Pass(key string) { w.last = max(w.last, key) }

// close stores the open segment and starts another one.
func (w *Writer) close(ctx context.Context) error {
	ref, err := w.storeOpen(ctx)
	if err != nil {
		return err
	}
	w.index.Segments = append(w.index.Segments, ref)
	w.open = segment{}
	return nil
}

func (w *Writer) storeOpen(ctx context.Context) (SegmentRef, error) {
	encoded, ref, err := w.open.encode()
	if err != nil {
		return SegmentRef{}, err
	}
	if w.stored[ref.Name] && !w.before.isDamaged(ref.Name) {
		return ref, nil
	}
	if err := w.store.put(ctx, ref.Name, encoded, "application/gzip"); err != nil {
		return SegmentRef{}, err
	}
	w.stored[ref.Name] = true
	return ref, nil
}

// Checkpoint makes what was added so far safe: a run that starts after a crash
// finds it, followed by what was known before of the keys not reached.
func (w *Writer) Checkpoint(ctx context.Context, now time.Time) error {
	index := w.index
	index.Segments = slices.Clone(w.index.Segments)
	if len(w.open.entries) > 0 {
		ref, err := w.storeOpen(ctx)
		if err != nil {
			return err
		}
		index.Segments = append(index.Segments, ref)
	}
	rest := w.before.segments(Range{After: w.last, Until: w.index.Range.Until})
	index.Segments = append(index.Segments, rest...)
	return w.write(ctx, index, now)
}

// Finish writes the complete manifest, unless it is what it was before, and tells
// whether it wrote.
func (w *Writer) Finish(ctx context.Context, now time.Time) (Index, bool, error) {
	if len(w.open.entries) > 0 {
		if err := w.close(ctx); err != nil {
			return Index{}, false, err
		}
	}
	w.index.Complete = true
	if unchanged, ok := w.unchanged(); ok {
		return unchanged, false, nil
	}
	return w.index, true, w.write(ctx, w.index, now)
}

// unchanged gives the index that is there already, if it says the same.
func (w *Writer) unchanged() (Index, bool) {
	for _, index := range w.before.indexes {
		if index.Range != w.index.Range {
			continue
		}
		same := index.Complete && index.Source == w.index.Source && slices.Equal(index.Segments, w.index.Segments)
		return index, same
	}
	return Index{}, false
}

func (w *Writer) write(ctx context.Context, index Index, now time.Time) error {
	index.Written = now.UTC()
	encoded, err := index.encode()
	if err != nil {
		return err
	}
	return w.store.put(ctx, index.Range.indexName(), encoded, "application/json")
}
