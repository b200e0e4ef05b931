package provider

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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

// LockedError says until when object lock keeps a bucket from being emptied. It is
// ErrLocked.
type LockedError struct {
	Bucket string
	// Until is when the last of what is there may go, as far as the store tells.
	Until time.Time
	// Err is the refusal.
	Err error
}

// Error implements error, with the day: which version was refused first, and the
// second at which it may go, are another one at each try.
func (e *LockedError) Error() string {
	return fmt.Sprintf("what it holds is under object lock until %s", e.Until.UTC().Format(time.DateOnly))
}

// Unwrap gives the sentinel and the refusal.
func (e *LockedError) Unwrap() []error { return []error{ErrLocked, e.Err} }

// Empty removes everything from a bucket: every version, every delete marker,
// every unfinished upload. It gives how many it removed, and stops at the first
// that does not go. Where object lock is why, it fails with a LockedError. It never
// asks for what to spare: whoever calls it has made sure. The object MarkKey goes
// last, so that a bucket that could not be emptied to the end is still known as
// ours.
//
// The versions of one key go one after the other: versitygw 1.8.0 answers 204 to
// removals of several at the same time, and keeps some of them.
func Empty(ctx context.Context, session Session, bucket string) (int64, error) {
	if err := abortUploads(ctx, session, bucket); err != nil {
		return 0, err
	}
	e := emptying{session: session, bucket: bucket}
	err := e.run(ctx, everyVersion(ctx, session, bucket, ""), func(key string) bool { return key != MarkKey })
	if err == nil {
		err = e.run(ctx, everyVersion(ctx, session, bucket, MarkKey), func(key string) bool { return key == MarkKey })
	}
	if e.lock.isFound() {
		return e.removed.Load(), e.locked(ctx)
	}
	return e.removed.Load(), err
}

// emptying is a bucket on its way to be empty.
type emptying struct {
	session Session
	bucket  string
	removed atomic.Int64
	lock    lockFound
}

// run removes those versions, one after the other, whose keys are to go.
func (e *emptying) run(ctx context.Context, versions iter.Seq2[Object, error], goes func(key string) bool) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(emptyingWorkers)
	var lastKey string
	var lastGone <-chan struct{}
	for version, err := range versions {
		if err == nil && !goes(version.Key) {
			continue
		}
		if err != nil {
			group.Go(func() error { return fmt.Errorf("list bucket %q to empty it: %w", e.bucket, err) })
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
			return e.remove(ctx, version)
		})
	}
	return group.Wait()
}

func (e *emptying) remove(ctx context.Context, version Object) error {
	ref := Ref{Bucket: e.bucket, Key: version.Key, VersionID: version.VersionID}
	err := e.session.Remove(ctx, ref)
	if err == nil {
		e.removed.Add(1)
		return nil
	}
	// A refusal may have several reasons, and stores have several words for it.
	if until := e.lockedUntil(ctx, ref, version, err); !until.IsZero() {
		e.lock.note(until, err)
	}
	return fmt.Errorf("empty bucket %q: %w", e.bucket, err)
}

// lockedUntil tells until when a version that did not go is under lock; zero when
// it is not. MinIO refuses its removal as a bad request.
func (e *emptying) lockedUntil(ctx context.Context, ref Ref, version Object, refusal error) time.Time {
	if !errors.Is(refusal, ErrDenied) && !errors.Is(refusal, ErrUnsupported) {
		return time.Time{}
	}
	object, err := e.session.Head(ctx, ref)
	if err != nil || !object.LockedUntil.IsZero() {
		return object.LockedUntil
	}
	// versitygw 1.8.0 holds to the bucket's default, and does not tell it of objects.
	protection, err := e.session.ObserveProtection(ctx, e.bucket)
	if err != nil {
		return time.Time{}
	}
	return protection.Retention.until(version.Modified)
}

// locked tells when the last version may go: the newest one, if it has the
// bucket's default retention. It takes a whole listing, and removes nothing.
func (e *emptying) locked(ctx context.Context) error {
	found := &LockedError{Bucket: e.bucket, Until: e.lock.until, Err: e.lock.refusal}
	protection, err := e.session.ObserveProtection(ctx, e.bucket)
	if err != nil || protection.Retention.IsZero() {
		return found
	}
	for version, err := range EveryVersion(ctx, e.session, e.bucket) {
		if err != nil {
			return found
		}
		if until := protection.Retention.until(version.Modified); !version.IsDeleteMarker && until.After(found.Until) {
			found.Until = until
		}
	}
	return found
}

// lockFound is what several workers found of locks.
type lockFound struct {
	mu      sync.Mutex
	until   time.Time
	refusal error
}

func (l *lockFound) note(until time.Time, refusal error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.until) {
		l.until, l.refusal = until, refusal
	}
}

func (l *lockFound) isFound() bool { return l.refusal != nil }

// EveryVersion lists versions, or current objects where the store has no
// version listings.
func EveryVersion(ctx context.Context, objects Objects, bucket string) iter.Seq2[Object, error] {
	return everyVersion(ctx, objects, bucket, "")
}

func everyVersion(ctx context.Context, objects Objects, bucket, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for version, err := range ListVersions(ctx, objects, bucket, prefix) {
			if errors.Is(err, ErrUnsupported) {
				List(ctx, objects, bucket, ListOptions{Prefix: prefix})(yield)
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
