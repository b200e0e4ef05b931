package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// afterReserved is the marker after all keys under the reserved prefix.
const afterReserved = ReservedPrefix + "\U0010FFFF"

// HoldsNothing tells whether a bucket holds no version of any object, not even
// one of Rempart's own.
func HoldsNothing(ctx context.Context, objects Objects, bucket string) (bool, error) {
	key, err := firstVersion(ctx, objects, bucket, "")
	return key == "", err
}

// HoldsOnlyOurs tells whether a bucket holds no version of any object but
// Rempart's own.
func HoldsOnlyOurs(ctx context.Context, objects Objects, bucket string) (bool, error) {
	key, err := firstVersion(ctx, objects, bucket, "")
	if err != nil || key == "" {
		return key == "", err
	}
	if !strings.HasPrefix(key, ReservedPrefix) {
		return false, nil
	}
	key, err = firstVersion(ctx, objects, bucket, afterReserved)
	return key == "", err
}

// firstVersion gives the key of the first version after a marker, or nothing.
func firstVersion(ctx context.Context, objects Objects, bucket, after string) (string, error) {
	versions, err := objects.ListVersionsPage(ctx, bucket, VersionsRequest{KeyMarker: after, Limit: 1})
	if errors.Is(err, ErrUnsupported) {
		page, err := objects.ListPage(ctx, bucket, ListRequest{StartAfter: after, Limit: 1})
		if err != nil || len(page.Objects) == 0 {
			return "", err
		}
		return page.Objects[0].Key, nil
	}
	if err != nil || len(versions.Versions) == 0 {
		return "", err
	}
	return versions.Versions[0].Key, nil
}

// emptyingWorkers is how many removals of one bucket are under way at once.
const emptyingWorkers = 16

// Empty removes everything from a bucket: every version, every delete marker,
// every unfinished upload. It gives how many it removed, and stops at the first
// that does not go. It never asks for what to spare: whoever calls it has made
// sure.
//
// The versions of one key go one after the other: versitygw 1.8.0 answers 204 to
// removals of several at the same time, and keeps some of them.
func Empty(ctx context.Context, session Session, bucket string) (int64, error) {
	if err := abortUploads(ctx, session, bucket); err != nil {
		return 0, err
	}
	var removed atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(emptyingWorkers)
	var lastKey string
	var lastGone <-chan struct{}
	for version, err := range EveryVersion(ctx, session, bucket) {
		if err != nil {
			group.Go(func() error { return fmt.Errorf("list bucket %q to empty it: %w", bucket, err) })
			break
		}
		if version.Key != lastKey {
			lastKey, lastGone = version.Key, nil
		}
		before, gone := lastGone, make(chan struct{})
		lastGone = gone
		group.Go(func() error {
			defer close(gone)
			if before != nil {
				<-before // it was begun earlier, so it ends
			}
			ref := Ref{Bucket: bucket, Key: version.Key, VersionID: version.VersionID}
			if err := session.Remove(ctx, ref); err != nil {
				return fmt.Errorf("empty bucket %q: %w", bucket, err)
			}
			removed.Add(1)
			return nil
		})
	}
	err := group.Wait()
	return removed.Load(), err
}

// EveryVersion lists versions, or current objects where the store has no
// version listings.
func EveryVersion(ctx context.Context, objects Objects, bucket string) func(yield func(Object, error) bool) {
	return func(yield func(Object, error) bool) {
		for version, err := range ListVersions(ctx, objects, bucket, "") {
			if errors.Is(err, ErrUnsupported) {
				List(ctx, objects, bucket, ListOptions{})(yield)
				return
			}
			if !yield(version, err) {
				return
			}
		}
	}
}

func abortUploads(ctx context.Context, session Session, bucket string) error {
	uploads, err := session.ListUploads(ctx, bucket, "")
	if errors.Is(err, ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list the unfinished uploads of bucket %q: %w", bucket, err)
	}
	for _, upload := range uploads {
		if err := session.AbortUpload(ctx, Ref{Bucket: bucket, Key: upload.Key}, upload.ID); err != nil {
			return fmt.Errorf("abort an unfinished upload in bucket %q: %w", bucket, err)
		}
	}
	return nil
}
