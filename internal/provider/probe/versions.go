package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rempart/rempart/internal/provider"
)

// pageLimit is small, so that three objects are more than a page.
const pageLimit = 2

// tryOrder lists keys whose folders sort otherwise than their bytes: by pages,
// and after one of them.
func (b *bench) tryOrder(ctx context.Context) (provider.Support, error) {
	base := b.prefix + "order/"
	keys := []string{base + "a-b", base + "a/b", base + "a0"}
	for _, key := range keys {
		if _, err := b.put(ctx, key, object("order"), provider.Attributes{}); err != nil {
			return judge(err)
		}
	}
	listed, err := b.pages(ctx, provider.ListRequest{Prefix: base, Limit: pageLimit})
	if err != nil || !slices.Equal(keys, listed) {
		return brokenUnless(err)
	}
	listed, err = b.pages(ctx, provider.ListRequest{Prefix: base, StartAfter: keys[1]})
	if err != nil || !slices.Equal(keys[2:], listed) {
		return brokenUnless(err)
	}
	return provider.Supported, nil
}

// brokenUnless tells a listing that is wrong from one that did not come.
func brokenUnless(err error) (provider.Support, error) {
	switch {
	case err == nil, errors.Is(err, provider.ErrSuspiciousListing):
		return provider.Broken, nil
	case errors.Is(err, provider.ErrUnsupported):
		return provider.Unsupported, nil
	}
	return provider.Unknown, err
}

// maximumPages ends a listing that does not.
const maximumPages = 5

// pages lists keys as they come, page by page.
func (b *bench) pages(ctx context.Context, request provider.ListRequest) ([]string, error) {
	var keys []string
	for range maximumPages {
		page, err := b.session.ListPage(ctx, b.bucket, request)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Objects {
			keys = append(keys, object.Key)
		}
		if page.Next == "" {
			break
		}
		request = provider.ListRequest{Prefix: request.Prefix, Limit: request.Limit, Token: page.Next}
	}
	return keys, nil
}

// tryVersions overwrites an object in a versioned bucket, reads what it was, and
// lists its versions and another object's. A store without versions still has a
// listing of what is there.
func (b *bench) tryVersions(ctx context.Context) (provider.Capabilities, error) {
	found := provider.Capabilities{}
	fail := func(what provider.Capability, err error) (provider.Capabilities, error) {
		return found, fmt.Errorf("try %s: %w", what, err)
	}
	versioning, err := judge(b.session.UpdateBucket(ctx, provider.Bucket{Name: b.bucket, Versioning: provider.VersioningEnabled}))
	if err != nil {
		return fail(provider.CapabilityVersioning, err)
	}
	history, err := b.putHistory(ctx)
	if err != nil {
		return fail(provider.CapabilityVersioning, err)
	}
	if versioning == provider.Supported {
		if versioning, err = b.keepsVersions(ctx, history); err != nil {
			return fail(provider.CapabilityVersioning, err)
		}
	}
	found[provider.CapabilityVersioning] = versioning
	listed, markers, err := b.listsVersions(ctx, history.listed())
	if err != nil {
		return fail(provider.CapabilityListVersions, err)
	}
	found[provider.CapabilityListVersions], found[provider.CapabilityExclusiveMarkers] = listed, markers
	return found, nil
}

// history is an object with its first version, and another one behind it.
type history struct{ first, second, other provider.Object }

func (b *bench) putHistory(ctx context.Context) (h history, err error) {
	if h.first, err = b.put(ctx, b.prefix+"a", object("first"), provider.Attributes{}); err != nil {
		return h, err
	}
	if h.second, err = b.put(ctx, b.prefix+"a", object("second"), provider.Attributes{}); err != nil {
		return h, err
	}
	h.other, err = b.put(ctx, b.prefix+"b", object("other"), provider.Attributes{})
	return h, err
}

// listed are the entries of a listing of versions: by key, the newest first.
func (h history) listed() []provider.Object {
	if h.first.VersionID == h.second.VersionID {
		return []provider.Object{h.second, h.other} // it was overwritten
	}
	return []provider.Object{h.second, h.first, h.other}
}

func (b *bench) keepsVersions(ctx context.Context, h history) (provider.Support, error) {
	if h.first.VersionID == "" || h.first.VersionID == h.second.VersionID {
		return provider.Broken, nil
	}
	kept, err := b.read(ctx, provider.Ref{Bucket: b.bucket, Key: h.first.Key, VersionID: h.first.VersionID})
	switch {
	case errors.Is(err, provider.ErrNotFound) || (err == nil && kept != "first"):
		return provider.Broken, nil
	case err != nil:
		return provider.Unknown, err
	}
	return provider.Supported, nil
}

// listsVersions lists versions by pages, and those behind the first key.
func (b *bench) listsVersions(ctx context.Context, want []provider.Object) (listed, markers provider.Support, err error) {
	found, err := b.versionPages(ctx, provider.VersionsRequest{Prefix: b.prefix, Limit: pageLimit})
	if err == nil && slices.EqualFunc(want, found, sameVersion) {
		listed = provider.Supported
	} else if listed, err = brokenUnless(err); err != nil || listed == provider.Unsupported {
		return listed, listed, err
	}
	behind, err := b.versionPages(ctx, provider.VersionsRequest{Prefix: b.prefix, KeyMarker: want[0].Key})
	switch {
	case err != nil:
		markers, err = brokenUnless(err)
	case len(behind) == 1 && sameVersion(behind[0], want[len(want)-1]):
		markers = provider.Supported
	default:
		markers = provider.Broken
	}
	return listed, markers, err
}

// sameVersion holds an entry of a listing against what a put told. A store tells
// no version of what was put before there were any.
func sameVersion(a, b provider.Object) bool {
	id := func(o provider.Object) string {
		if o.VersionID == "null" {
			return ""
		}
		return o.VersionID
	}
	return a.Key == b.Key && id(a) == id(b) && !a.IsDeleteMarker && !b.IsDeleteMarker
}

// versionPages lists versions as they come, without one that comes again at the
// border of a page: whether a marker is inclusive is another question.
func (b *bench) versionPages(ctx context.Context, request provider.VersionsRequest) ([]provider.Object, error) {
	var found []provider.Object
	for range maximumPages {
		page, err := b.session.ListVersionsPage(ctx, b.bucket, request)
		if err != nil {
			return nil, err
		}
		versions := page.Versions
		if len(found) > 0 && len(versions) > 0 && sameVersion(versions[0], found[len(found)-1]) {
			versions = versions[1:]
		}
		found = append(found, versions...)
		if !page.More {
			break
		}
		request.KeyMarker, request.VersionIDMarker = page.NextKeyMarker, page.NextVersionIDMarker
	}
	return found, nil
}
