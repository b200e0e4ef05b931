package mover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
)

// mustReadBack tells whether what is written has to be read again, as the job asks
// for it and the target allows for it.
func (t *transfer) mustReadBack(ctx context.Context) (bool, error) {
	switch t.verification {
	case VerifyNone:
		return false, nil
	case VerifyFull:
		return true, nil
	case VerifyTransferred: // as the target allows for it
	}
	isBound, err := t.checksContent(ctx)
	return !isBound, err
}

// verify makes sure that the target holds what was sent; a full verification also
// that what was sent is what the source has: bytes may change on their way here.
func (t *transfer) verify(ctx context.Context, key string, want manifest.Entry) error {
	got, err := t.read(ctx, t.target, key, "")
	if err != nil {
		return fmt.Errorf("read back from the target: %w", err)
	}
	if got.SHA256 != want.SHA256 || got.Size != want.Size {
		return mismatch("the target gives other content back than was sent", got, want)
	}
	if t.verification != VerifyFull {
		return nil
	}
	if got, err = t.read(ctx, t.source, key, want.ETag); err != nil {
		return fmt.Errorf("read once more from the source: %w", sourceError(t.source.Bucket, err))
	}
	if got.SHA256 != want.SHA256 || got.Size != want.Size {
		return mismatch("the source gives other content than before", got, want)
	}
	return nil
}

func mismatch(what string, got, want manifest.Entry) error {
	return fault.New(fault.Transient, fault.VerificationMismatch, "%s: SHA-256 %s instead of %s: %w",
		what, got.SHA256, want.SHA256, provider.ErrContentMismatch)
}

// compare reads both sides of an object of which nothing is known, and tells
// whether content and attributes are the same. It fails with errTargetGone if
// there is nothing to compare with.
func (t *transfer) compare(ctx context.Context, key string, source, target provider.Object) (entry manifest.Entry, same bool, err error) {
	release, err := t.together.hold(ctx, key)
	if err != nil {
		return manifest.Entry{}, false, err
	}
	defer release()
	err = t.again(ctx, key, func() (err error) {
		entry, same, err = t.compareOnce(ctx, key, source, target)
		return err
	})
	return entry, same, err
}

func (t *transfer) compareOnce(ctx context.Context, key string, source, target provider.Object) (manifest.Entry, bool, error) {
	there, err := t.read(ctx, t.target, key, "")
	switch {
	case errors.Is(err, provider.ErrNotFound) && !fault.HasReason(err, fault.BucketMissing):
		return manifest.Entry{}, false, errTargetGone
	case err != nil:
		return manifest.Entry{}, false, fmt.Errorf("read from the target: %w", err)
	}
	entry, err := t.read(ctx, t.source, key, "")
	if err != nil {
		return manifest.Entry{}, false, fmt.Errorf("read from the source: %w", sourceError(t.source.Bucket, err))
	}
	if entry.ETag == source.ETag {
		entry.Modified = source.Modified // finer than that of a read
	}
	// The listing's is the one that the next run sees.
	entry.TargetETag = target.ETag
	return entry, entry.SHA256 == there.SHA256 && entry.MetadataDigest == there.MetadataDigest, nil
}

// confirm asks the source about an object that a coarse entry is about, and tells
// whether the entry is right. It then is as fine as the listing.
func (t *transfer) confirm(ctx context.Context, known manifest.Entry, listed provider.Object) (manifest.Entry, bool, error) {
	object, err := t.head(ctx, known.Key)
	if err != nil {
		return manifest.Entry{}, false, fmt.Errorf("ask the source about it: %w", err)
	}
	same := known.DescribesRead(object)
	known.Coarse, known.Modified = false, listed.Modified
	return known, same, nil
}

// head asks the source about an object, its tags included.
func (t *transfer) head(ctx context.Context, key string) (object provider.Object, err error) {
	object, err = t.source.Session.Head(ctx, t.source.ref(key))
	if err == nil {
		object.Attributes.Tags, err = t.tags(ctx, t.source, key, object)
	}
	if err != nil {
		return provider.Object{}, sourceError(t.source.Bucket, err)
	}
	return object, nil
}

// read reads an object, in a state named by its ETag or as it is, and gives what a
// manifest says of it.
func (t *transfer) read(ctx context.Context, end End, key, etag string) (manifest.Entry, error) {
	body, object, err := t.open(ctx, end, key, etag)
	if err != nil {
		return manifest.Entry{}, err
	}
	defer body.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, body)
	if err != nil {
		return manifest.Entry{}, err
	}
	if object.Attributes.Tags, err = t.tags(ctx, end, key, object); err != nil {
		return manifest.Entry{}, err
	}
	return manifest.Entry{
		Key: key, VersionID: object.VersionID, ETag: object.ETag, Size: size, Modified: object.Modified,
		SHA256: hex.EncodeToString(hash.Sum(nil)), MetadataDigest: manifest.MetadataDigest(object.Attributes),
	}, nil
}

// contentCheck knows whether the target refuses content that does not match its
// announced hash. It tries once, when it is needed first.
type contentCheck struct {
	session provider.Session
	bucket  string

	mu    sync.Mutex
	known provider.Support
}

// isKnown tells whether there is nothing to try.
func (c *contentCheck) isKnown() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return isTold(c.known)
}

func isTold(support provider.Support) bool { return support != "" && support != provider.Unknown }

func (c *contentCheck) isBound(ctx context.Context) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !isTold(c.known) {
		support, err := probe.ContentHash(ctx, c.session, c.bucket, probePrefix)
		if err != nil {
			return false, fmt.Errorf("find out whether the target checks content: %w", err)
		}
		c.known = support
	}
	return c.known == provider.Supported, nil
}
