package mover

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rempart/rempart/internal/provider"
)

const (
	// maximumParts leaves room below the 10 000 that S3 allows.
	maximumParts = 9_500
	// partsAtOnce is how many parts of one object are on their way at once.
	partsAtOnce = 4
	// abortTimeout bounds the abort of an upload after the run was stopped.
	abortTimeout = 15 * time.Second
)

// partSize gives the size of the parts of an object.
func (s sizes) partSize(size int64) int64 {
	smallest := (size + maximumParts - 1) / maximumParts
	return max(s.part, (smallest+s.unit-1)/s.unit*s.unit)
}

// copyLarge stores an object in parts. Every part is bound to its own digest,
// the object's digest runs over all of them. An upload that fails is aborted.
func (t *transfer) copyLarge(ctx context.Context, key string, object provider.Object, body io.Reader) (copied, error) {
	ref := t.target.ref(key)
	t.uploads.Add(1)
	uploadID, err := t.target.Session.StartUpload(ctx, ref, object.Attributes)
	if err != nil {
		return copied{}, fmt.Errorf("start an upload to the target: %w", err)
	}
	result, err := t.uploadParts(ctx, ref, uploadID, object.Size, body)
	if err != nil {
		t.abort(ctx, ref, uploadID)
		return copied{}, err
	}
	return result, nil
}

func (t *transfer) uploadParts(ctx context.Context, ref provider.Ref, uploadID string, size int64, body io.Reader) (copied, error) {
	whole := sha256.New()
	partSize := t.sizes.partSize(size)
	parts := make([]provider.Part, 0, size/partSize+1)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	for offset := int64(0); offset < size; offset += partSize {
		length := min(partSize, size-offset)
		release, err := t.memory.hold(groupCtx, length)
		if err != nil {
			break // the group knows the cause
		}
		content, err := readPart(body, length, offset+length == size)
		if err != nil {
			release()
			group.Go(func() error { return err })
			break
		}
		_, _ = whole.Write(content)
		number := len(parts) + 1
		parts = append(parts, provider.Part{})
		stored := &parts[number-1]
		group.Go(func() (err error) {
			defer release()
			*stored, err = t.uploadPart(groupCtx, ref, uploadID, number, content)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return copied{}, err
	}
	if err := ctx.Err(); err != nil {
		return copied{}, err
	}
	return t.complete(ctx, ref, uploadID, parts, hex.EncodeToString(whole.Sum(nil)))
}

// readPart reads the next part; after the last one nothing may come.
func readPart(body io.Reader, length int64, isLast bool) ([]byte, error) {
	if isLast {
		return readExactly(body, length)
	}
	content := make([]byte, length)
	if n, err := io.ReadFull(body, content); err != nil {
		return nil, fmt.Errorf("read from the source: %d of %d bytes of a part came: %w", n, length, err)
	}
	return content, nil
}

func (t *transfer) uploadPart(ctx context.Context, ref provider.Ref, uploadID string, number int, content []byte) (provider.Part, error) {
	digest := sha256.Sum256(content)
	part, err := t.target.Session.UploadPart(ctx, ref, uploadID, number, provider.Content{
		Reader: bytes.NewReader(content), Size: int64(len(content)), SHA256: hex.EncodeToString(digest[:]),
	})
	if err != nil {
		return provider.Part{}, fmt.Errorf("write part %d to the target: %w", number, err)
	}
	return part, nil
}

func (t *transfer) complete(ctx context.Context, ref provider.Ref, uploadID string, parts []provider.Part, digest string) (copied, error) {
	stored, err := t.target.Session.CompleteUpload(ctx, ref, uploadID, parts)
	if err != nil {
		return copied{}, fmt.Errorf("complete the upload to the target: %w", err)
	}
	// Ceph RGW tells the ETag of an upload only when asked afterwards.
	stored, err = t.withETag(ctx, ref, stored)
	return copied{sha256: digest, stored: stored}, err
}

// abort drops an upload, also when the run was stopped. What cannot be dropped
// now is dropped by the next run.
func (t *transfer) abort(ctx context.Context, ref provider.Ref, uploadID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	if err := t.target.Session.AbortUpload(ctx, ref, uploadID); err != nil {
		t.observer.Observe(Event{Kind: EventWarned, Key: ref.Key, Err: fmt.Errorf("abort an upload: %w", err)})
	}
}
