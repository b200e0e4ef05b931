package manifest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

// grace is how long a segment that nothing refers to any more is kept: whoever
// loaded the index before, such as a drill, may still read it.
const grace = 24 * time.Hour

// collectLimit bounds what one Collect removes: the oldest go first, and what is
// left is there the next time.
const collectLimit = 1000

// Collect removes what a complete manifest of the whole key space made obsolete:
// indexes of parts at once, segments and old versions after a day. It never
// touches anything outside the manifest.
//
// It fails with provider.ErrLocked when the store keeps something, as it does under
// object lock: that goes another time, and nothing is wrong. It then stops, for
// what is newer is kept too, and would be asked for in vain at every run.
func (s Store) Collect(ctx context.Context, whole Index, now time.Time) error {
	if !whole.Complete || !whole.Range.IsWhole() {
		return nil
	}
	obsolete, err := s.obsolete(ctx, whole, now)
	if err != nil {
		return err
	}
	for _, version := range obsolete {
		ref := provider.Ref{Bucket: s.Bucket, Key: version.Key, VersionID: version.VersionID}
		err := s.Objects.Remove(ctx, ref)
		switch {
		case errors.Is(err, provider.ErrDenied), errors.Is(err, provider.ErrUnsupported): // MinIO has the latter for a lock
			return fmt.Errorf("remove obsolete parts of the manifest: %w, and kept for now (%w)", provider.ErrLocked, err)
		case err != nil:
			return fmt.Errorf("remove an obsolete part of the manifest: %w", err)
		}
	}
	return nil
}

// obsolete gives the oldest versions that may go, the oldest first.
func (s Store) obsolete(ctx context.Context, whole Index, now time.Time) ([]provider.Object, error) {
	kept := make(map[string]bool, len(whole.Segments)+len(whole.Retired))
	for _, ref := range whole.Segments {
		kept[ref.Name] = true
	}
	for _, r := range whole.Retired {
		kept[r.Name] = true
	}
	root := Root(s.Prefix)
	var found []provider.Object
	for version, err := range s.versions(ctx, root) {
		if err != nil {
			return nil, fmt.Errorf("list the manifest: %w", err)
		}
		isOld := now.Sub(version.Modified) > grace
		if isObsolete(strings.TrimPrefix(version.Key, root), version.IsLatest && !version.IsDeleteMarker, isOld, kept) {
			found = append(found, version)
		}
		if len(found) >= 2*collectLimit {
			found = oldest(found)
		}
	}
	return oldest(found), nil
}

// oldest keeps as many as one Collect removes.
func oldest(versions []provider.Object) []provider.Object {
	slices.SortStableFunc(versions, func(a, b provider.Object) int { return a.Modified.Compare(b.Modified) })
	return versions[:min(len(versions), collectLimit)]
}

// versions lists versions, or what is there where the store cannot.
func (s Store) versions(ctx context.Context, root string) iter.Seq2[provider.Object, error] {
	return func(yield func(provider.Object, error) bool) {
		for version, err := range provider.ListVersions(ctx, s.Objects, s.Bucket, root) {
			if errors.Is(err, provider.ErrUnsupported) {
				s.current(ctx, root)(yield)
				return
			}
			if !yield(version, err) {
				return
			}
		}
	}
}

// current lists what is there as the latest versions that it is.
func (s Store) current(ctx context.Context, root string) iter.Seq2[provider.Object, error] {
	return func(yield func(provider.Object, error) bool) {
		for object, err := range provider.List(ctx, s.Objects, s.Bucket, provider.ListOptions{Prefix: root}) {
			object.IsLatest = true
			if !yield(object, err) {
				return
			}
		}
	}
}

// isObsolete judges one version of an object of the manifest. What is neither
// listed nor retired was left by a run that did not come to its end.
func isObsolete(name string, isCurrent, isOld bool, kept map[string]bool) bool {
	switch {
	case strings.HasPrefix(name, indexFolder):
		return isCurrent && name != Range{}.indexName() || !isCurrent && isOld
	case strings.Contains(name, "/"): // the manifest of another prefix
		return false
	case strings.HasSuffix(name, segmentSuffix):
		return isOld && (!isCurrent || !kept[name])
	}
	return false
}
