package mover

import (
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
	// partsAtOnce is how many parts of one object are on their way at once.
	partsAtOnce = 4
	// abortTimeout bounds the abort of an upload after the run was stopped.
	abortTimeout = 15 * time.Second
)

// partSize gives the size of the parts of an object.
func (s sizes) partSize(size int64) int64 {
	return max(s.part, s.fewest(size, s.parts))
}

// fewest gives the size of parts of which so many are enough.
func (s sizes) fewest(size int64, parts int) int64 {
	smallest := (size + int64(parts) - 1) / int64(parts)
	return (smallest + s.unit - 1) / s.unit * s.unit
}

// nextPart gives the size of the next part of an object, of which so much is left
// and so many parts are stored or under way.
func (t *transfer) nextPart(size, left int64, stored int) (int64, error) {
	if t.pace == nil {
		return min(t.sizes.partSize(size), left), nil
	}
	length, err := t.pace.part(size, left, stored)
	return min(length, left), err
}

// copyLarge stores an object in parts. Every part is bound to its own digest or sum,
// the object's digest runs over all of them. An upload that fails is aborted.
func (t *transfer) copyLarge(ctx context.Context, key string, object provider.Object, body io.Reader) (copied, error) {
	ref := t.target.ref(key)
	isSummed := t.sumsParts(ctx)
	t.uploads.Add(1)
	attributes := object.Attributes
	attributes.PartsByCRC32C = isSummed
	uploadID, err := t.target.Session.StartUpload(ctx, ref, attributes)
	if err != nil {
		return copied{}, t.doubtSums(isSummed, fmt.Errorf("start an upload to the target: %w", err))
	}
	result, err := t.uploadParts(ctx, upload{ref, uploadID, key, isSummed}, object.Size, body)
	if err != nil {
		t.abort(ctx, ref, uploadID)
		return copied{}, t.doubtSums(isSummed, err)
	}
	return result, nil
}

// upload is one that is open at the target, of the object with a key.
type upload struct {
	provider.Ref
	id, key string
	// isSummed tells that its parts are bound by their CRC-32C.
	isSummed bool
}

func (t *transfer) uploadParts(ctx context.Context, up upload, size int64, body io.Reader) (copied, error) {
	whole := sha256.New()
	var parts []*provider.Part
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	for left := size; left > 0; {
		length, err := t.nextPart(size, left, len(parts))
		if err != nil {
			group.Go(func() error { return err })
			break
		}
		held, err := t.memory.hold(groupCtx, length)
		if err != nil {
			break // the group knows the cause
		}
		left -= length
		read := held.read
		if left == 0 {
			read = held.readLast
		}
		content, err := read(body, length)
		if err != nil {
			held.release()
			group.Go(func() error { return err })
			break
		}
		content.writeTo(whole)
		stored := &provider.Part{}
		parts = append(parts, stored)
		number := len(parts)
		digest := ""
		if number == 1 {
			digest = hex.EncodeToString(whole.Sum(nil)) // the part is all there was so far
		}
		group.Go(func() (err error) {
			defer held.release()
			*stored, err = t.uploadPart(groupCtx, up, number, content, digest)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return copied{}, err
	}
	if err := ctx.Err(); err != nil {
		return copied{}, err
	}
	return t.complete(ctx, up, parts, hex.EncodeToString(whole.Sum(nil)))
}

// uploadPart stores a part. Its digest is empty where it is not known yet.
func (t *transfer) uploadPart(ctx context.Context, up upload, number int, content *content, digest string) (part provider.Part, err error) {
	sent := provider.Content{Reader: content, Size: content.size, SHA256: digest}
	switch {
	case up.isSummed:
		sent.SHA256, sent.CRC32C = "", content.crc32c()
	case digest == "":
		sent.SHA256 = content.sha256()
	}
	err = t.pace.carry(ctx, up.key, content.size, func(ctx context.Context) (err error) {
		part, err = t.target.Session.UploadPart(ctx, up.Ref, up.id, number, sent)
		return err
	})
	if err != nil {
		return provider.Part{}, fmt.Errorf("write part %d to the target: %w", number, err)
	}
	return part, nil
}

func (t *transfer) complete(ctx context.Context, up upload, parts []*provider.Part, digest string) (copied, error) {
	stored, err := t.target.Session.CompleteUpload(ctx, up.Ref, up.id, valuesOf(parts))
	if err != nil {
		return copied{}, fmt.Errorf("complete the upload to the target: %w", err)
	}
	// Ceph RGW tells the ETag of an upload only when asked afterwards.
	stored, err = t.withETag(ctx, up.Ref, stored)
	return copied{sha256: digest, stored: stored}, err
}

func valuesOf(parts []*provider.Part) []provider.Part {
	values := make([]provider.Part, len(parts))
	for i, part := range parts {
		values[i] = *part
	}
	return values
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
