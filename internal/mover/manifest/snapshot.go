package manifest

import (
	"slices"
	"sync"
	"time"
)

// Snapshot is what a store knew when it was loaded. The zero value knows nothing.
type Snapshot struct {
	// indexes, the latest first.
	indexes []Index
	// damaged holds the names of segments that turned out unreadable.
	damaged *sync.Map
}

// isDamaged tells whether a segment turned out unreadable.
func (s Snapshot) isDamaged(name string) bool {
	if s.damaged == nil {
		return false
	}
	_, damaged := s.damaged.Load(name)
	return damaged
}

// repaired tells that a segment was stored again.
func (s Snapshot) repaired(name string) {
	if s.damaged != nil {
		s.damaged.Delete(name)
	}
}

// Only gives what the snapshot knows of copies of one source: what was copied from
// another one says nothing about this one's ETags.
func (s Snapshot) Only(source string) Snapshot {
	only := Snapshot{damaged: s.damaged}
	for _, index := range s.indexes {
		if index.Source == source {
			only.indexes = append(only.indexes, index)
		}
	}
	return only
}

// Source tells what the whole manifest, or its latest part, was copied from;
// empty when nothing is known.
func (s Snapshot) Source() string {
	if len(s.indexes) == 0 {
		return ""
	}
	return s.indexes[0].Source
}

// AsOf is the time on the source's clock when the run began that wrote the latest
// part; zero when nothing is known.
func (s Snapshot) AsOf() time.Time {
	if len(s.indexes) == 0 {
		return time.Time{}
	}
	return s.indexes[0].AsOf
}

// Whole gives the latest index, if runs have been through the whole key space:
// only then what the manifest does not list is not in the copy.
func (s Snapshot) Whole() (Index, bool) {
	if !s.Covers(Range{}) {
		return Index{}, false
	}
	return s.indexes[0], true
}

// Covers tells whether runs have been through all of a range.
func (s Snapshot) Covers(within Range) bool {
	open := []Range{within}
	for _, index := range s.indexes {
		var rest []Range
		for _, r := range open {
			if !index.Complete && !r.intersect(index.Range).isEmpty() {
				return false // it hides what earlier ones know
			}
			rest = append(rest, r.minus(index.Range)...)
		}
		open = rest
	}
	return !slices.ContainsFunc(open, func(r Range) bool { return !r.isEmpty() })
}

// segments gives references to all entries that count in a range, in order. A
// later index hides everything in its range that earlier ones say.
func (s Snapshot) segments(within Range) []SegmentRef {
	var refs []SegmentRef
	open := []Range{within}
	for _, index := range s.indexes {
		var rest []Range
		for _, r := range open {
			refs = append(refs, clip(index.Segments, r.intersect(index.Range))...)
			rest = append(rest, r.minus(index.Range)...)
		}
		open = rest
	}
	slices.SortFunc(refs, byPosition)
	return refs
}

// clip narrows the references to a range.
func clip(refs []SegmentRef, to Range) []SegmentRef {
	var clipped []SegmentRef
	for _, ref := range refs {
		narrowed := ref.Range.intersect(to)
		if narrowed.isEmpty() || !narrowed.overlaps(ref.First, ref.Last) {
			continue
		}
		// Bounds that cut nothing off are left open, so that an untouched segment
		// keeps the same reference from run to run.
		if narrowed.After < ref.First {
			narrowed.After = ""
		}
		if narrowed.Until >= ref.Last {
			narrowed.Until = ""
		}
		ref.Range = narrowed
		clipped = append(clipped, ref)
	}
	return clipped
}
