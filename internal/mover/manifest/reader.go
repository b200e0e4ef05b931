package manifest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

// Store is where a manifest is kept: the bucket of the copy, and the prefix that
// the copy has there.
type Store struct {
	Objects provider.Objects
	Bucket  string
	Prefix  string
}

// Snapshot is what a store knew when it was loaded. The zero value knows nothing.
type Snapshot struct {
	// indexes, the latest written first.
	indexes []Index
	// damaged holds the names of segments that turned out unreadable.
	damaged *sync.Map
}

// Load reads the indexes of a manifest. Damaged ones are told to warn and left
// out; an absent manifest is an empty snapshot.
func (s Store) Load(ctx context.Context, warn func(error)) (Snapshot, error) {
	snapshot := Snapshot{damaged: &sync.Map{}}
	indexes := provider.ListOptions{Prefix: Root(s.Prefix) + indexFolder}
	for object, err := range provider.List(ctx, s.Objects, s.Bucket, indexes) {
		if err != nil {
			return Snapshot{}, fmt.Errorf("list the manifest: %w", err)
		}
		index, err := s.loadIndex(ctx, object.Key)
		switch {
		case errors.Is(err, errDamaged), errors.Is(err, provider.ErrNotFound):
			warn(fmt.Errorf("manifest index %q is left out: %w", object.Key, err))
			continue
		case err != nil:
			return Snapshot{}, err
		}
		snapshot.indexes = append(snapshot.indexes, index)
	}
	slices.SortStableFunc(snapshot.indexes, func(a, b Index) int { return b.Written.Compare(a.Written) })
	return snapshot, nil
}

func (s Store) loadIndex(ctx context.Context, key string) (Index, error) {
	stored, err := s.read(ctx, key, maximumIndex)
	if err != nil {
		return Index{}, fmt.Errorf("read the manifest index %q: %w", key, err)
	}
	var index Index
	if err := json.Unmarshal(stored, &index); err != nil {
		return Index{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if index.Format != formatVersion {
		return Index{}, fmt.Errorf("%w: it has format %d, this version knows %d", errDamaged, index.Format, formatVersion)
	}
	return index, nil
}

func (s Store) read(ctx context.Context, key string, limit int64) ([]byte, error) {
	body, _, err := s.Objects.Get(ctx, provider.Ref{Bucket: s.Bucket, Key: key}, provider.GetOptions{})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, limit))
}

// isDamaged tells whether a segment turned out unreadable.
func (s Snapshot) isDamaged(name string) bool {
	if s.damaged == nil {
		return false
	}
	_, damaged := s.damaged.Load(name)
	return damaged
}

// Source tells what the whole manifest, or its latest part, was copied from;
// empty when nothing is known.
func (s Snapshot) Source() string {
	if len(s.indexes) == 0 {
		return ""
	}
	return s.indexes[0].Source
}

// AsOf is the time on the source's clock when the run that wrote the latest part
// began; zero when nothing is known.
func (s Snapshot) AsOf() time.Time {
	if len(s.indexes) == 0 {
		return time.Time{}
	}
	return s.indexes[0].AsOf
}

// Whole gives the index of the whole key space, if the latest one is that.
func (s Snapshot) Whole() (Index, bool) {
	if len(s.indexes) == 0 || !s.indexes[0].Range.IsWhole() {
		return Index{}, false
	}
	return s.indexes[0], true
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
	slices.SortFunc(refs, func(a, b SegmentRef) int {
		return cmp.Compare(max(a.First, a.Range.After), max(b.First, b.Range.After))
	})
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

// Entries yields the entries of a range in order of their keys, or one error and
// then nothing. Segments that are missing or damaged are told to warn and left
// out.
func (s Store) Entries(ctx context.Context, snapshot Snapshot, within Range, warn func(error)) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, ref := range snapshot.segments(within) {
			entries, err := s.loadSegment(ctx, ref)
			switch {
			case errors.Is(err, errDamaged), errors.Is(err, provider.ErrNotFound):
				snapshot.damaged.Store(ref.Name, true)
				warn(fmt.Errorf("manifest segment %s is left out: %w", ref.Name, err))
				continue
			case err != nil:
				yield(Entry{}, err)
				return
			}
			for _, entry := range entries {
				if ref.Range.Contains(entry.Key) && !yield(entry, nil) {
					return
				}
			}
		}
	}
}

func (s Store) loadSegment(ctx context.Context, ref SegmentRef) ([]Entry, error) {
	body, _, err := s.Objects.Get(ctx, provider.Ref{Bucket: s.Bucket, Key: Root(s.Prefix) + ref.Name}, provider.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the manifest segment %s: %w", ref.Name, err)
	}
	defer body.Close()
	return decode(body, ref)
}

// put stores one of the manifest's own objects.
func (s Store) put(ctx context.Context, name string, stored []byte, contentType string) error {
	digest := sha256.Sum256(stored)
	content := provider.Content{
		Reader: bytes.NewReader(stored), Size: int64(len(stored)), SHA256: hex.EncodeToString(digest[:]),
	}
	ref := provider.Ref{Bucket: s.Bucket, Key: Root(s.Prefix) + name}
	if _, err := s.Objects.Put(ctx, ref, content, provider.Attributes{ContentType: contentType}); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}
