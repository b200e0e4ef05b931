package probe

import (
	"context"
	"errors"

	"github.com/rempart/rempart/internal/outlast"
	"github.com/rempart/rempart/internal/provider"
)

// oddAttributes make the request one of those that get the benefit of the doubt:
// a store that signs over the content it received answers a wrong hash with a
// wrong signature, which must not be taken for wrong credentials.
var oddAttributes = provider.Attributes{UserMetadata: map[string]string{"probe": "two  spaces"}}

// ContentHash finds out whether a store refuses content that does not match its
// announced SHA-256: Supported when it does, Broken when it takes it. It sends three
// requests, most of them to leave nothing behind, and two more to a store that
// refuses in its own words.
func ContentHash(ctx context.Context, objects provider.Objects, bucket, prefix string) (provider.Support, error) {
	folder := newFolder(objects, bucket, prefix)
	support, err := folder.tryHash(ctx)
	ctx, cancel := outlast.Context(ctx, parting)
	defer cancel()
	return support, errors.Join(err, folder.clean(ctx))
}

func (f *folder) tryHash(ctx context.Context) (provider.Support, error) {
	wrong := object("content")
	wrong.SHA256 = object("other content").SHA256
	_, err := f.put(ctx, f.prefix+"hash", wrong, oddAttributes)
	switch {
	case err == nil:
		return provider.Broken, nil
	case errors.Is(err, provider.ErrContentMismatch):
		return provider.Supported, nil
	case !isRefusal(err):
		return provider.Unknown, err
	}
	// Refused in other words: it is the hash, if the right one is taken.
	if _, second := f.put(ctx, f.prefix+"hash", object("content"), oddAttributes); second != nil {
		return provider.Unknown, errors.Join(err, second)
	}
	return provider.Supported, nil
}
