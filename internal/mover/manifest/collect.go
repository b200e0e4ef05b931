package manifest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

// grace is how long a segment that nothing refers to any more is kept: whoever
// loaded the index before, such as a drill, may still read it.
const grace = 24 * time.Hour

// Collect removes what a complete manifest of the whole key space made obsolete:
// indexes of parts at once, segments and old versions after a day. It never
// touches anything outside the manifest.
func (s Store) Collect(ctx context.Context, whole Index, now time.Time) error {
	if !whole.Complete || !whole.Range.IsWhole() {
		return nil
	}
	kept := make(map[string]bool, len(whole.Segments)+len(whole.Retired))
	for _, ref := range whole.Segments {
		kept[ref.Name] = true
	}
	for _, r := range whole.Retired {
		kept[r.Name] = true
	}
	root := Root(s.Prefix)
	for version, err := range provider.ListVersions(ctx, s.Objects, s.Bucket, root) {
		if errors.Is(err, provider.ErrUnsupported) {
			return s.collectCurrent(ctx, kept, now)
		}
		if err != nil {
			return fmt.Errorf("list the manifest's versions: %w", err)
		}
		name := strings.TrimPrefix(version.Key, root)
		isOld := now.Sub(version.Modified) > grace
		if !isObsolete(name, version.IsLatest && !version.IsDeleteMarker, isOld, kept) {
			continue
		}
		ref := provider.Ref{Bucket: s.Bucket, Key: version.Key, VersionID: version.VersionID}
		if err := s.remove(ctx, ref); err != nil {
			return err
		}
	}
	return nil
}

// collectCurrent is Collect for stores that have no version listings.
func (s Store) collectCurrent(ctx context.Context, kept map[string]bool, now time.Time) error {
	root := Root(s.Prefix)
	for object, err := range provider.List(ctx, s.Objects, s.Bucket, provider.ListOptions{Prefix: root}) {
		if err != nil {
			return fmt.Errorf("list the manifest: %w", err)
		}
		isOld := now.Sub(object.Modified) > grace
		if isObsolete(strings.TrimPrefix(object.Key, root), true, isOld, kept) {
			if err := s.remove(ctx, provider.Ref{Bucket: s.Bucket, Key: object.Key}); err != nil {
				return err
			}
		}
	}
	return nil
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

// remove removes one version. Versions under object lock stay until it ends.
func (s Store) remove(ctx context.Context, ref provider.Ref) error {
	if err := s.Objects.Remove(ctx, ref); err != nil && !errors.Is(err, provider.ErrDenied) {
		return fmt.Errorf("remove an obsolete part of the manifest: %w", err)
	}
	return nil
}
