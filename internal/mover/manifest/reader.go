package manifest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// Store is where a manifest is kept: the bucket of the copy, and the prefix that
// the copy has there.
type Store struct {
	Objects provider.Objects
	Bucket  string
	Prefix  string
}

// Load reads the indexes of a manifest. Damaged ones are told to warn and left
// out; an absent manifest is an empty snapshot.
func (s Store) Load(ctx context.Context, warn func(error)) (Snapshot, error) {
	snapshot := Snapshot{damaged: &sync.Map{}}
	root := Root(s.Prefix)
	storedAt := map[Range]time.Time{}
	for object, err := range provider.List(ctx, s.Objects, s.Bucket, provider.ListOptions{Prefix: root + indexFolder}) {
		if err != nil {
			return Snapshot{}, fmt.Errorf("list the manifest: %w", err)
		}
		index, err := s.loadIndex(ctx, strings.TrimPrefix(object.Key, root))
		switch {
		case isUnreadable(err):
			warn(fmt.Errorf("manifest index %q is left out: %w", object.Key, err))
			continue
		case err != nil:
			return Snapshot{}, err
		}
		storedAt[index.Range] = object.Modified
		snapshot.indexes = append(snapshot.indexes, index)
	}
	// The store's clock is one, those of the writers are many. It may tell whole
	// seconds only.
	slices.SortStableFunc(snapshot.indexes, func(a, b Index) int {
		if order := storedAt[b.Range].Compare(storedAt[a.Range]); order != 0 {
			return order
		}
		return b.Written.Compare(a.Written)
	})
	return snapshot, nil
}

func (s Store) loadIndex(ctx context.Context, name string) (Index, error) {
	stored, err := s.read(ctx, name, maximumIndex)
	if err != nil {
		return Index{}, fmt.Errorf("read the manifest index %q: %w", name, err)
	}
	return decodeIndex(stored, name)
}

func decodeIndex(stored []byte, name string) (Index, error) {
	var index Index
	if err := json.Unmarshal(stored, &index); err != nil {
		return Index{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if err := index.check(name); err != nil {
		return Index{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return index, nil
}

// isUnreadable tells a part of a manifest that cannot be had from a store that
// cannot be asked.
func isUnreadable(err error) bool {
	return errors.Is(err, errDamaged) || errors.Is(err, provider.ErrNotFound) && !fault.HasReason(err, fault.BucketMissing)
}

// readAttempts is how often an object is read whose body breaks off; the requests
// themselves are repeated by the session.
const readAttempts = 3

func (s Store) read(ctx context.Context, name string, limit int64) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		body, _, err := s.Objects.Get(ctx, provider.Ref{Bucket: s.Bucket, Key: Root(s.Prefix) + name}, provider.GetOptions{})
		if err != nil {
			return nil, err
		}
		stored, err := io.ReadAll(io.LimitReader(body, limit+1))
		_ = body.Close() // everything that was wanted is read, or the error says why not
		switch {
		case err == nil && int64(len(stored)) > limit:
			return nil, fmt.Errorf("%w: it has more than %d bytes", errDamaged, limit)
		case err == nil:
			return stored, nil
		case attempt == readAttempts || ctx.Err() != nil:
			return nil, err
		}
	}
}

// Entries yields the entries of a range in order of their keys, or one error and
// then nothing. Segments that are missing or damaged are told to warn and left
// out.
func (s Store) Entries(ctx context.Context, snapshot Snapshot, within Range, warn func(error)) iter.Seq2[Entry, error] {
	return s.entriesOf(ctx, snapshot, snapshot.segments(within), warn)
}

// entriesOf is Entries of some segments.
func (s Store) entriesOf(ctx context.Context, snapshot Snapshot, refs []SegmentRef, warn func(error)) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, ref := range refs {
			entries, err := s.loadSegment(ctx, ref)
			switch {
			case isUnreadable(err):
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
	stored, err := s.read(ctx, ref.Name, maximumSegment)
	if err != nil {
		return nil, fmt.Errorf("read the manifest segment %s: %w", ref.Name, err)
	}
	return decode(stored, ref)
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
