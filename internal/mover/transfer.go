package mover

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
	observer       Observer
	keys           *probe.KeyTrial
	checks         *contentCheck
	memory         *memory
	// pause waits between two tries of an object.
	pause func(ctx context.Context, attempt int) error
}

const (
	// smallObject is the size up to which an object is read whole and stored in
	// one request.
	smallObject = 16 << 20
	// attempts is how often an object is tried when reading its body fails; single
	// requests are tried again by the session.
	attempts = 3
)

func newTransfer(job Job) *transfer {
	return &transfer{
		source: job.Source, target: job.Target,
		verification: job.Options.Verification,
		observer:     job.Options.Observer,
		keys:         probe.NewKeyTrial(job.Target.Session, job.Target.Bucket, provider.ReservedPrefix+"probe/"),
		checks:       &contentCheck{session: job.Target.Session, bucket: job.Target.Bucket, known: job.Options.TargetChecksContent},
		memory:       newMemory(job.Options.BytesInFlight),
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

// copy carries an object over, verifies it and gives its manifest entry. Listed
// is what the source's listing said of it.
func (t *transfer) copy(ctx context.Context, key string, listed provider.Object) (manifest.Entry, error) {
	if err := t.exact(ctx, t.target.Prefix+key, listed.Size); err != nil {
		return manifest.Entry{}, err
	}
	for attempt := 1; ; attempt++ {
		entry, err := t.copyOnce(ctx, key, listed)
		if err == nil || attempt == attempts || !isWorthAnotherTry(err) {
			return entry, err
		}
		t.observer.Observe(Event{Kind: EventRetried, Key: key, Err: err})
		if err := t.pause(ctx, attempt); err != nil {
			return manifest.Entry{}, err
		}
	}
}

// exact tells why the target would not keep the key as it is, or nil. Such a key
// is never sent: some stores would silently write another object.
func (t *transfer) exact(ctx context.Context, key string, size int64) error {
	if size == 0 {
		return t.keys.ExactEmpty(ctx, key)
	}
	return t.keys.Exact(ctx, key)
}

func isWorthAnotherTry(err error) bool {
	class := fault.Of(err).Class
	return (class == fault.Transient || class == fault.Throttled) && !errors.Is(err, errSourceGone) &&
		!errors.Is(err, context.Canceled)
}

// copied is what a transfer of the bytes found out.
type copied struct {
	sha256 string
	stored provider.Object
}

func (t *transfer) copyOnce(ctx context.Context, key string, listed provider.Object) (manifest.Entry, error) {
	body, object, err := t.source.Session.Get(ctx, t.source.ref(key), provider.GetOptions{})
	if err != nil {
		return manifest.Entry{}, fmt.Errorf("read from the source: %w", sourceError(err))
	}
	defer body.Close()
	if object.Attributes.Tags, err = t.tags(ctx, t.source, key, object); err != nil {
		return manifest.Entry{}, err
	}
	moved := t.watched(body)
	var result copied
	if object.Size <= smallObject {
		result, err = t.copySmall(ctx, key, object, moved)
	} else {
		result, err = t.copyLarge(ctx, key, object, moved)
	}
	if err != nil {
		return manifest.Entry{}, err
	}
	entry := entryFor(key, listed, object, result)
	return entry, t.verify(ctx, key, entry)
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
func (t *transfer) copySmall(ctx context.Context, key string, object provider.Object, body io.Reader) (copied, error) {
	release, err := t.memory.hold(ctx, object.Size)
	if err != nil {
		return copied{}, err
	}
	defer release()
	content, err := readExactly(body, object.Size)
	if err != nil {
		return copied{}, err
	}
	digest := sha256.Sum256(content)
	result := copied{sha256: hex.EncodeToString(digest[:])}
	result.stored, err = t.target.Session.Put(ctx, t.target.ref(key), provider.Content{
		Reader: bytes.NewReader(content), Size: object.Size, SHA256: result.sha256,
	}, object.Attributes)
	if err != nil {
		return copied{}, fmt.Errorf("write to the target: %w", err)
	}
	return result, nil
}

// readExactly reads as many bytes as were announced, and makes sure that there
// are no more.
func readExactly(body io.Reader, size int64) ([]byte, error) {
	content := make([]byte, size)
	if n, err := io.ReadFull(body, content); err != nil {
		return nil, fmt.Errorf("read from the source: %d of %d bytes came: %w", n, size, err)
	}
	if n, _ := io.ReadFull(body, make([]byte, 1)); n > 0 {
		return nil, fault.New(fault.Transient, fault.VerificationMismatch,
			"read from the source: more bytes came than the %d announced", size)
	}
	return content, nil
}

// watched tells the observer of the bytes that are read.
func (t *transfer) watched(body io.Reader) io.Reader { return &watchedReader{body, t.observer} }

type watchedReader struct {
	body     io.Reader
	observer Observer
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	if n > 0 {
		w.observer.Observe(Event{Kind: EventMoved, Bytes: int64(n)})
	}
	return n, err
}
