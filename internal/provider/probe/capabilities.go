package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/rempart/rempart/internal/provider"
)

// scratchPrefix is where everything in a scratch bucket is: reserved also there,
// should the bucket be somebody's after all.
const scratchPrefix = provider.ReservedPrefix + "probe/"

// Capabilities finds out what a store can do, in a bucket that it makes and
// removes. A bucket of that name that is ours already, because an earlier trial
// was cut off, is used and removed; in one that holds anything else only what is
// under the reserved prefix for probes is touched, and the bucket stays.
//
// A trial that does not come to an end leaves its capability Unknown and its
// error in the joined one. Give it a session that does not retry refusals.
func Capabilities(ctx context.Context, session provider.Session, scratchBucket string) (provider.Capabilities, error) {
	found := provider.Capabilities{
		provider.CapabilityVersioning:  provider.Unknown,
		provider.CapabilityTagging:     provider.Unknown,
		provider.CapabilityExactKeys:   provider.Unknown,
		provider.CapabilityContentHash: provider.Unknown,
	}
	if err := session.CreateBucket(ctx, provider.Bucket{Name: scratchBucket}); err != nil {
		return found, fmt.Errorf("make a scratch bucket: %w", err)
	}
	plain, versioned := newFolder(session, scratchBucket, scratchPrefix), newFolder(session, scratchBucket, scratchPrefix)
	var failures []error
	try := func(capability provider.Capability, trial func(context.Context) (provider.Support, error)) {
		support, err := trial(ctx)
		if err != nil {
			support = provider.Unknown
			failures = append(failures, fmt.Errorf("try %s: %w", capability, err))
		}
		found[capability] = support
	}
	try(provider.CapabilityContentHash, plain.tryHash)
	try(provider.CapabilityTagging, plain.tryTags)
	try(provider.CapabilityExactKeys, plain.tryKeys)
	// Before there are versions, because then removing leaves delete markers.
	failures = append(failures, plain.clean(ctx))
	try(provider.CapabilityVersioning, func(ctx context.Context) (provider.Support, error) { return versioned.tryVersions(ctx, session) })
	failures = append(failures, versioned.clean(ctx), discard(ctx, session, scratchBucket))
	return found, errors.Join(failures...)
}

// tryTags stores tags with an object and reads them back.
func (f *folder) tryTags(ctx context.Context) (provider.Support, error) {
	key, tags := f.prefix+"tags", map[string]string{"probe": "a b+c"}
	_, err := f.put(ctx, key, object("tags"), provider.Attributes{Tags: tags})
	if isRefusal(err) {
		return provider.Unsupported, nil
	}
	if err != nil {
		return provider.Unknown, err
	}
	read, err := f.objects.Tags(ctx, provider.Ref{Bucket: f.bucket, Key: key})
	switch {
	case err != nil:
		return provider.Unknown, err
	case maps.Equal(read, tags):
		return provider.Supported, nil
	case len(read) == 0:
		return provider.Unsupported, nil
	default:
		return provider.Broken, nil
	}
}

// tryKeys tries the keys with all traits at once, and a slash at the beginning.
// Where those are not kept, it goes through the traits: one that the store changes
// without a word makes it Broken, one that it refuses makes it Unsupported.
func (f *folder) tryKeys(ctx context.Context) (provider.Support, error) {
	together, err := f.compare(ctx, allAtOnce)
	if err == nil && together == exact {
		together, err = f.compare(ctx, leadingSlash)
	}
	if err != nil {
		return provider.Unknown, err
	}
	if together.support != provider.Unsupported {
		return together.support, nil
	}
	for _, t := range append(slices.Clip(traits), folderWithContent) {
		found, err := f.try(ctx, t)
		if err != nil {
			return provider.Unknown, err
		}
		if found.support == provider.Broken {
			return provider.Broken, nil
		}
	}
	return provider.Unsupported, nil
}

// tryVersions overwrites an object in a versioned bucket and reads what it was.
func (f *folder) tryVersions(ctx context.Context, buckets provider.Buckets) (provider.Support, error) {
	err := buckets.UpdateBucket(ctx, provider.Bucket{Name: f.bucket, Versioning: provider.VersioningEnabled})
	if isRefusal(err) {
		return provider.Unsupported, nil
	}
	if err != nil {
		return provider.Unknown, err
	}
	key := f.prefix + "versions"
	first, err := f.put(ctx, key, object("first"), provider.Attributes{})
	if err != nil {
		return provider.Unknown, err
	}
	second, err := f.put(ctx, key, object("second"), provider.Attributes{})
	if err != nil {
		return provider.Unknown, err
	}
	if first.VersionID == "" || first.VersionID == second.VersionID {
		return provider.Broken, nil
	}
	kept, err := f.read(ctx, provider.Ref{Bucket: f.bucket, Key: key, VersionID: first.VersionID})
	switch {
	case errors.Is(err, provider.ErrNotFound) || (err == nil && kept != "first"):
		return provider.Broken, nil
	case err != nil:
		return provider.Unknown, err
	}
	return provider.Supported, nil
}

func (f *folder) read(ctx context.Context, ref provider.Ref) (string, error) {
	body, _, err := f.objects.Get(ctx, ref, provider.GetOptions{})
	if err != nil {
		return "", err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return string(text), err
}

// discard removes a scratch bucket, also when the caller has left, and first what
// an earlier trial that was cut off has left in it.
func discard(ctx context.Context, session provider.Session, bucket string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupLimit)
	defer cancel()
	err := session.DeleteBucket(ctx, bucket)
	if errors.Is(err, provider.ErrNotEmpty) {
		err = errors.Join(
			removeAll(ctx, session, bucket, scratchPrefix),
			removeAll(ctx, session, bucket, "/"+scratchPrefix),
			session.DeleteBucket(ctx, bucket),
		)
	}
	if err != nil {
		return fmt.Errorf("remove the scratch bucket: %w", err)
	}
	return nil
}
