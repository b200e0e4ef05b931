package probe

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/rempart/rempart/internal/outlast"
	"github.com/rempart/rempart/internal/provider"
)

// noETag is of no object that a trial puts.
const noETag = "00000000000000000000000000000000"

// refusal is an answer to what a trial asked for, and no failure.
type refusal struct{ because error }

// tryPut is put with a condition or a checksum. A refusal is told apart from a
// failure; nil is none.
func (b *bench) tryPut(ctx context.Context, key, text string, trial provider.PutTrial) (provider.Object, *refusal, error) {
	ref := provider.Ref{Bucket: b.bucket, Key: key}
	stored, err := b.session.TryPut(ctx, ref, object(text), trial)
	if isRefusal(err) || errors.Is(err, provider.ErrChanged) || errors.Is(err, provider.ErrContentMismatch) {
		return stored, &refusal{because: err}, nil
	}
	b.note(ref, stored, err)
	return stored, nil, err
}

// tryChecksum sends a wrong checksum and a right one.
func (b *bench) tryChecksum(ctx context.Context) (provider.Support, error) {
	key := b.prefix + "checksum"
	_, refused, err := b.tryPut(ctx, key, "content", provider.PutTrial{Checksum: checksum("other content")})
	switch {
	case err != nil:
		return provider.Unknown, err
	case refused == nil:
		return provider.Broken, nil
	}
	_, refused, err = b.tryPut(ctx, key, "content", provider.PutTrial{Checksum: checksum("content")})
	switch {
	case err != nil:
		return provider.Unknown, err
	case refused != nil:
		return provider.Unsupported, nil
	}
	return provider.Supported, nil
}

func checksum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(digest[:])
}

// tryConditions makes an object twice, and overwrites it under a wrong ETag and
// the right one, with quotes and without.
func (b *bench) tryConditions(ctx context.Context) (provider.Capabilities, error) {
	found := provider.Capabilities{}
	key := b.prefix + "condition"
	create, etag, err := b.tryCreate(ctx, key)
	if err != nil {
		return found, fmt.Errorf("try %s: %w", provider.CapabilityConditionalWrites, err)
	}
	forms := []struct {
		capability provider.Capability
		quote      string
	}{{provider.CapabilityIfMatchQuoted, `"`}, {provider.CapabilityIfMatchUnquoted, ""}}
	for _, form := range forms {
		found[form.capability], etag, err = b.tryMatch(ctx, key, etag, form.quote)
		if err != nil {
			return found, fmt.Errorf("try %s: %w", form.capability, err)
		}
	}
	found[provider.CapabilityConditionalWrites] = joinConditions(create,
		found[provider.CapabilityIfMatchQuoted], found[provider.CapabilityIfMatchUnquoted])
	return found, nil
}

// joinConditions tells whether writes can be made safe against each other.
func joinConditions(create provider.Support, forms ...provider.Support) provider.Support {
	var works, lies bool
	for _, form := range forms {
		works = works || form == provider.Supported
		lies = lies || form == provider.Broken
	}
	switch {
	case create == provider.Supported && works:
		return provider.Supported
	case create == provider.Broken || !works && lies:
		return provider.Broken
	}
	return provider.Unsupported
}

// tryCreate makes an object on condition that it is absent, twice, and gives the
// ETag of what is there then.
func (b *bench) tryCreate(ctx context.Context, key string) (provider.Support, string, error) {
	made, refused, err := b.tryPut(ctx, key, "first", provider.PutTrial{IfAbsent: true})
	if err != nil {
		return provider.Unknown, "", err
	}
	if refused != nil {
		support := provider.Unsupported
		if errors.Is(refused.because, provider.ErrChanged) {
			support = provider.Broken // it was absent
		}
		made, err = b.put(ctx, key, object("first"), provider.Attributes{})
		return support, made.ETag, err
	}
	again, refused, err := b.tryPut(ctx, key, "second", provider.PutTrial{IfAbsent: true})
	switch {
	case err != nil:
		return provider.Unknown, "", err
	case refused == nil:
		return provider.Broken, again.ETag, nil
	}
	return provider.Supported, made.ETag, nil
}

// tryMatch overwrites an object on condition of its ETag, a wrong one first, and
// gives the ETag of what is there then.
func (b *bench) tryMatch(ctx context.Context, key, etag, quote string) (provider.Support, string, error) {
	over, refused, err := b.tryPut(ctx, key, "third", provider.PutTrial{IfMatch: quote + noETag + quote})
	switch {
	case err != nil:
		return provider.Unknown, etag, err
	case refused == nil:
		return provider.Broken, over.ETag, nil
	}
	over, refused, err = b.tryPut(ctx, key, "fourth", provider.PutTrial{IfMatch: quote + etag + quote})
	switch {
	case err != nil:
		return provider.Unknown, etag, err
	case refused != nil:
		return provider.Unsupported, etag, nil
	}
	return provider.Supported, over.ETag, nil
}

// tryParts stores an object in a part, and reads it.
func (b *bench) tryParts(ctx context.Context) (provider.Support, error) {
	ref := provider.Ref{Bucket: b.bucket, Key: b.prefix + "parts"}
	id, err := b.session.StartUpload(ctx, ref, provider.Attributes{})
	if err != nil {
		return judge(err)
	}
	if err := b.complete(ctx, ref, id); err != nil {
		support, err := judge(err)
		return support, errors.Join(err, b.abort(ctx, ref, id))
	}
	text, err := b.read(ctx, ref)
	switch {
	case errors.Is(err, provider.ErrNotFound), err == nil && text != "part":
		return provider.Broken, nil
	case err != nil:
		return provider.Unknown, err
	}
	return provider.Supported, nil
}

func (b *bench) complete(ctx context.Context, ref provider.Ref, id string) error {
	part, err := b.session.UploadPart(ctx, ref, id, 1, object("part"))
	if err != nil {
		return err
	}
	stored, err := b.session.CompleteUpload(ctx, ref, id, []provider.Part{part})
	b.note(ref, stored, err)
	return err
}

// abort ends an upload, also when the caller has left.
func (b *bench) abort(ctx context.Context, ref provider.Ref, id string) error {
	ctx, cancel := outlast.Context(ctx, parting)
	defer cancel()
	return b.session.AbortUpload(ctx, ref, id)
}
