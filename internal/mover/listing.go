package mover

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// join opens the three streams and merges them.
func (r *run) join(ctx context.Context) iter.Seq2[step, error] {
	source := listing(ctx, r.Source, r.todo)
	target := listing(ctx, r.Target, r.todo)
	known := r.Target.manifest().Entries(ctx, r.before, r.todo, r.warn)
	return join(
		ahead(ctx, within(relative(suspicious(source, r.Source.Bucket), r.Source.Prefix, false), r.todo)),
		ahead(ctx, within(relative(target, r.Target.Prefix, true), r.todo)),
		ahead(ctx, known),
	)
}

func listing(ctx context.Context, end End, keys manifest.Range) iter.Seq2[provider.Object, error] {
	options := provider.ListOptions{Prefix: end.Prefix}
	if keys.After != "" {
		options.StartAfter = end.Prefix + keys.After
	}
	return provider.List(ctx, end.Session, end.Bucket, options)
}

// suspicious makes the absence of the source bucket a reason to stop: what is
// gone says nothing about what was in it.
func suspicious(listing iter.Seq2[provider.Object, error], bucket string) iter.Seq2[provider.Object, error] {
	return func(yield func(provider.Object, error) bool) {
		for object, err := range listing {
			if errors.Is(err, provider.ErrNotFound) {
				err = sourceLost(bucket, err)
			}
			if !yield(object, err) {
				return
			}
		}
	}
}

// errSourceLost: there is no source bucket, whatever was listed of it.
var errSourceLost = errors.New("nothing is inferred about its objects")

func sourceLost(bucket string, err error) error {
	return fault.New(fault.Terminal, fault.SourceListingSuspicious,
		"the source bucket %q does not exist: %w: %w", bucket, errSourceLost, err)
}

// relative strips the prefix of an end from the keys of its listing and leaves
// out Rempart's own objects. At the target everything reserved is left out.
func relative(listing iter.Seq2[provider.Object, error], prefix string, isTarget bool) iter.Seq2[provider.Object, error] {
	return func(yield func(provider.Object, error) bool) {
		for object, err := range listing {
			if err == nil && (isOwn(object.Key) || isTarget && isReserved(object.Key)) {
				continue
			}
			object.Key = strings.TrimPrefix(object.Key, prefix)
			if !yield(object, err) {
				return
			}
		}
	}
}

// within ends a listing after the last key of a range.
func within(listing iter.Seq2[provider.Object, error], keys manifest.Range) iter.Seq2[provider.Object, error] {
	return func(yield func(provider.Object, error) bool) {
		for object, err := range listing {
			if err == nil && keys.Until != "" && object.Key > keys.Until {
				return
			}
			if !yield(object, err) {
				return
			}
		}
	}
}

// isReserved tells whether the key is under the prefix that Rempart keeps for
// itself.
func isReserved(key string) bool { return strings.HasPrefix(key, provider.ReservedPrefix) }

// own are the keys, and beginnings of keys, that Rempart itself writes. Trying
// whether a bucket keeps a slash at the beginning takes a key beside the others.
var own = []string{
	provider.ReservedPrefix + "manifest/", provider.ReservedPrefix + "evidence/",
	probePrefix, "/" + probePrefix,
}

// isOwn tells whether a key is one that Rempart itself writes.
func isOwn(key string) bool {
	if key == provider.MarkKey {
		return true
	}
	for _, prefix := range own {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

func reservedKey(key string) error {
	if key == "" {
		return fault.New(fault.Terminal, fault.ReservedKey, "the object's key is the prefix itself, so nothing is left to name it at the target")
	}
	return fault.New(fault.Terminal, fault.ReservedKey,
		"the key %q is under %q, which Rempart keeps for itself: give the object another key", key, provider.ReservedPrefix)
}
