package mover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
)

// transfer moves the bytes of single objects.
type transfer struct {
	source, target End
	verification   Verification
	sizes          sizes
	observer       Observer
	keys           *probe.KeyTrial
	checks         *contentCheck
	sums           *sumCheck
	lock           *lockCheck
	known          Known
	memory         *memory
	together       *Together
	pace           *pace
	// uploads counts those that were begun.
	uploads atomic.Int64
	// pause waits between two tries of an object.
	pause func(ctx context.Context, attempt int) error
}

// sizes decide how an object is stored.
type sizes struct {
	// small is the size up to which an object is read whole and stored in one
	// request.
	small int64
	// part is the usual size of a part of a larger one, and unit what it is a
	// multiple of. Least is how small all parts but the last may be, and parts how
	// many there may be.
	part, unit, least int64
	parts             int
}

// usualSizes are within what S3 allows, and leave room below its 10 000 parts.
var usualSizes = sizes{small: 16 << 20, part: 16 << 20, unit: 1 << 20, least: 5 << 20, parts: 9_500}

// attempts is how often an object is tried when reading its body fails; single
// requests are tried again by the session.
const attempts = 3

// probePrefix is where the target is tried.
const probePrefix = provider.ReservedPrefix + "probe/"

func newTransfer(job Job) *transfer {
	return &transfer{
		source: job.Source, target: job.Target,
		verification: job.Options.Verification,
		sizes:        usualSizes,
		observer:     job.Options.Observer,
		keys:         probe.NewKeyTrial(job.Target.Session, job.Target.Bucket, probePrefix),
		checks:       &contentCheck{session: job.Target.Session, bucket: job.Target.Bucket, known: job.Options.TargetChecksContent},
		sums:         &sumCheck{session: job.Target.Session, bucket: job.Target.Bucket},
		lock:         &lockCheck{session: job.Target.Session, bucket: job.Target.Bucket},
		known:        job.Options.Known,
		together:     job.Options.Together,
		memory:       newMemory(job.Options.BytesInFlight),
		pace:         newPace(job.Target.Session.Limits().UploadDuration, usualSizes, job.Options),
		pause:        pause,
	}
}

// pause waits a little longer after each try.
func pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(time.Duration(attempt) * 500 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// again tries an object until it succeeds, or another try is not worth it.
func (t *transfer) again(ctx context.Context, key string, try func() error) error {
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil || attempt == attempts || ctx.Err() != nil || !isWorthAnotherTry(err) {
			return err
		}
		t.observer.Observe(Event{Kind: EventRetried, Key: key, Err: err})
		if err := t.pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func isWorthAnotherTry(err error) bool {
	class := fault.Of(err).Class
	return (class == fault.Transient || class == fault.Throttled) && !errors.Is(err, errTargetGone)
}

// copy carries an object over, verifies it and gives its manifest entry. Listed
// is what the source's listing said of it.
func (t *transfer) copy(ctx context.Context, key string, listed provider.Object) (entry manifest.Entry, err error) {
	if err := t.exact(ctx, t.target.Prefix+key, listed.Size); err != nil {
		return manifest.Entry{}, err
	}
	release, err := t.together.hold(ctx, key)
	if err != nil {
		return manifest.Entry{}, err
	}
	defer release()
	room := listed.Size
	err = t.again(ctx, key, func() (err error) {
		entry, err = t.copyOnce(ctx, key, listed, room)
		if now, ok := errors.AsType[*resized](err); ok {
			room = now.size
		}
		return err
	})
	return entry, err
}

// resized: the object has another size than there was room for.
type resized struct{ size int64 }

// Error implements error.
func (r *resized) Error() string {
	return fmt.Sprintf("the object has %d bytes now, which is not what was listed", r.size)
}

// copied is what a transfer of the bytes found out.
type copied struct {
	sha256 string
	stored provider.Object
}

// copyOnce copies an object of at most room bytes. There must be room before the
// object is asked for: a store does not wait long for somebody to read.
func (t *transfer) copyOnce(ctx context.Context, key string, listed provider.Object, room int64) (manifest.Entry, error) {
	isReadBack, err := t.mustReadBack(ctx)
	if err != nil {
		return manifest.Entry{}, err
	}
	whole := t.whole()
	isSmall := room <= whole
	var held *holding
	if isSmall {
		if held, err = t.memory.hold(ctx, room); err != nil {
			return manifest.Entry{}, err
		}
		defer held.release()
	}
	body, object, err := t.open(ctx, t.source, key, "")
	if err != nil {
		return manifest.Entry{}, fmt.Errorf("read from the source: %w", sourceError(t.source.Bucket, err))
	}
	defer body.Close()
	if object.Size > room || isSmall != (object.Size <= whole) {
		return manifest.Entry{}, &resized{object.Size}
	}
	if object.Attributes.Tags, err = t.tags(ctx, t.source, key, object); err != nil {
		return manifest.Entry{}, fmt.Errorf("read from the source: %w", sourceError(t.source.Bucket, err))
	}
	var result copied
	if isSmall {
		result, err = t.copySmall(ctx, key, object, body, held)
	} else {
		result, err = t.copyLarge(ctx, key, object, body)
	}
	if err != nil {
		return manifest.Entry{}, err
	}
	entry := entryFor(key, listed, object, result)
	if isReadBack {
		err = t.verify(ctx, key, entry)
	}
	return entry, err
}

// whole is the size up to which an object is stored in one request now.
func (t *transfer) whole() int64 {
	if t.pace == nil {
		return t.sizes.small
	}
	return min(t.sizes.small, t.pace.size())
}

// tags asks for an object's tags if it has any.
func (t *transfer) tags(ctx context.Context, end End, key string, object provider.Object) (map[string]string, error) {
	if object.TagCount == 0 {
		return nil, nil
	}
	tags, err := end.Session.Tags(ctx, end.ref(key))
	if err != nil {
		return nil, fmt.Errorf("read the tags: %w", err)
	}
	return tags, nil
}

// entryFor gives the manifest entry of a copied object. The time is the one that
// listings tell, which is finer than that of a read; if the object changed since
// it was listed, the next run sees another time and looks again.
func entryFor(key string, listed, read provider.Object, result copied) manifest.Entry {
	entry := manifest.Entry{
		Key: key, VersionID: read.VersionID, ETag: read.ETag, Size: read.Size, Modified: read.Modified,
		SHA256: result.sha256, MetadataDigest: manifest.MetadataDigest(read.Attributes), TargetETag: result.stored.ETag,
	}
	if read.ETag == listed.ETag {
		entry.Modified = listed.Modified
	}
	return entry
}

// copySmall stores an object in one request.
func (t *transfer) copySmall(ctx context.Context, key string, object provider.Object, body io.Reader, held *holding) (copied, error) {
	content, err := held.readLast(body, object.Size)
	if err != nil {
		return copied{}, err
	}
	result := copied{sha256: content.sha256()}
	ref := t.target.ref(key)
	err = t.pace.carry(ctx, key, object.Size, func(ctx context.Context) (err error) {
		result.stored, err = t.target.Session.Put(ctx, ref, provider.Content{
			Reader: content, Size: object.Size, SHA256: result.sha256,
		}, object.Attributes)
		return err
	})
	if err != nil {
		return copied{}, fmt.Errorf("write to the target: %w", err)
	}
	result.stored, err = t.withETag(ctx, ref, result.stored)
	return result, err
}

// withETag asks for the ETag of a stored object where the store did not tell it.
func (t *transfer) withETag(ctx context.Context, ref provider.Ref, stored provider.Object) (provider.Object, error) {
	if stored.ETag != "" {
		return stored, nil
	}
	stored, err := t.target.Session.Head(ctx, ref)
	if err != nil {
		return provider.Object{}, fmt.Errorf("look at what was written to the target: %w", err)
	}
	return stored, nil
}
