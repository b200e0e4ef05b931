package mover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
)

// patchTimeout bounds the last writing of a manifest after a run was stopped.
const patchTimeout = time.Minute

// verify makes sure that the target holds what was sent, as the job asks for it.
func (t *transfer) verify(ctx context.Context, key string, want manifest.Entry) error {
	switch t.verification {
	case VerifyNone:
		return nil
	case VerifyTransferred:
		isBound, err := t.checks.isBound(ctx)
		if err != nil {
			return err
		}
		if isBound {
			return nil
		}
	}
	got, err := t.readBack(ctx, t.target, key)
	if err != nil {
		return fmt.Errorf("read back from the target: %w", err)
	}
	if got.SHA256 != want.SHA256 || got.Size != want.Size {
		return fault.New(fault.Transient, fault.VerificationMismatch,
			"the target gives other content back than was sent: SHA-256 %s instead of %s: %w",
			got.SHA256, want.SHA256, provider.ErrContentMismatch)
	}
	return nil
}

// compare reads both sides of an object of which nothing is known, and tells
// whether content and attributes are the same.
func (t *transfer) compare(ctx context.Context, key string, listed provider.Object) (manifest.Entry, bool, error) {
	for attempt := 1; ; attempt++ {
		entry, same, err := t.compareOnce(ctx, key, listed)
		if err == nil || attempt == attempts || !isWorthAnotherTry(err) {
			return entry, same, err
		}
		t.observer.Observe(Event{Kind: EventRetried, Key: key, Err: err})
		if err := t.pause(ctx, attempt); err != nil {
			return manifest.Entry{}, false, err
		}
	}
}

func (t *transfer) compareOnce(ctx context.Context, key string, listed provider.Object) (manifest.Entry, bool, error) {
	source, err := t.readBack(ctx, t.source, key)
	if err != nil {
		return manifest.Entry{}, false, fmt.Errorf("read from the source: %w", sourceError(err))
	}
	target, err := t.readBack(ctx, t.target, key)
	if err != nil {
		return manifest.Entry{}, false, fmt.Errorf("read from the target: %w", err)
	}
	same := source.SHA256 == target.SHA256 && source.MetadataDigest == target.MetadataDigest
	source.TargetETag = target.ETag
	if source.ETag == listed.ETag {
		source.Modified = listed.Modified
	}
	return source, same, nil
}

// readBack reads an object and gives what a manifest says of it.
func (t *transfer) readBack(ctx context.Context, end End, key string) (manifest.Entry, error) {
	body, object, err := end.Session.Get(ctx, end.ref(key), provider.GetOptions{})
	if err != nil {
		return manifest.Entry{}, err
	}
	defer body.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, t.watched(body))
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

func (c *contentCheck) isBound(ctx context.Context) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == "" || c.known == provider.Unknown {
		support, err := probe.ContentHash(ctx, c.session, c.bucket, provider.ReservedPrefix+"probe/")
		if err != nil {
			return false, fmt.Errorf("find out whether the target checks content: %w", err)
		}
		c.known = support
	}
	return c.known == provider.Supported, nil
}
