package manifest

import (
	"cmp"
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

// keep takes over a segment of before as it is.
func (w *Writer) keep(ctx context.Context, ref SegmentRef) error {
	if len(w.open.entries) > 0 {
		if err := w.close(ctx); err != nil {
			return err
		}
	}
	w.index.Segments = append(w.index.Segments, ref)
	w.Pass(ref.Last)
	return nil
}

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
	w.before.repaired(ref.Name)
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
	rest := Range{After: w.last, Until: w.index.Range.Until}
	index.Segments = append(index.Segments, w.before.segments(rest)...)
	if index.Complete = w.before.Covers(rest); index.Complete {
		index.AsOf = w.before.AsOf()
	}
	index.Retired = w.retired(index, now)
	return w.write(ctx, index, now)
}

// Finish writes the manifest of a run that came to the end of its range, unless it
// is what it was before, and tells whether it wrote.
func (w *Writer) Finish(ctx context.Context, now time.Time) (Index, bool, error) {
	return w.finish(ctx, true, now)
}

// Amend is Finish for whoever corrected what was known without looking at the
// source: the manifest is as complete as it was.
func (w *Writer) Amend(ctx context.Context, now time.Time) (Index, bool, error) {
	return w.finish(ctx, w.before.Covers(w.index.Range), now)
}

func (w *Writer) finish(ctx context.Context, isComplete bool, now time.Time) (Index, bool, error) {
	if len(w.open.entries) > 0 {
		if err := w.close(ctx); err != nil {
			return Index{}, false, err
		}
	}
	w.index.Complete = isComplete
	if unchanged, ok := w.unchanged(); ok {
		return unchanged, false, nil
	}
	w.index.Retired = w.retired(w.index, now)
	return w.index, true, w.write(ctx, w.index, now)
}

// unchanged gives the index that is there already, if it says the same.
func (w *Writer) unchanged() (Index, bool) {
	for _, index := range w.before.indexes {
		if index.Range != w.index.Range {
			continue
		}
		same := index.Complete == w.index.Complete && index.Source == w.index.Source && slices.Equal(index.Segments, w.index.Segments)
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

// maximumRetired bounds the list of an index that changes all the time: what is
// dropped from it is kept a shorter time.
const maximumRetired = 1000

// retired lists the segments that this index ceases to list, or others ceased to
// less than the grace ago. Only an index of everything knows.
func (w *Writer) retired(index Index, now time.Time) []Retired {
	if !index.Range.IsWhole() {
		return nil
	}
	since := map[string]time.Time{}
	for name := range w.stored {
		since[name] = now.UTC()
	}
	for _, before := range w.before.indexes {
		for _, r := range before.Retired {
			since[r.Name] = r.At
		}
	}
	for _, ref := range index.Segments {
		delete(since, ref.Name)
	}
	var retired []Retired
	for name, at := range since {
		if now.Sub(at) <= grace {
			retired = append(retired, Retired{Name: name, At: at})
		}
	}
	slices.SortFunc(retired, func(a, b Retired) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Name, b.Name)) })
	return retired[:min(len(retired), maximumRetired)]
}
