package provider

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/rempart/rempart/internal/fault"
)

// ListRequest asks for a page of current objects.
type ListRequest struct {
	Prefix string
	// StartAfter is the key before the first one wanted; only for a first page.
	StartAfter string
	// Token continues after an earlier page.
	Token string
	// Limit bounds the page; 0 is the store's own.
	Limit int
}

// ListPage is a page of current objects. Next is empty on the last page.
type ListPage struct {
	Objects []Object
	Next    string
}

// VersionsRequest asks for a page of versions, after the given pair.
type VersionsRequest struct {
	Prefix                     string
	KeyMarker, VersionIDMarker string
	Limit                      int
}

// VersionsPage is a page of versions. More tells whether another one follows.
type VersionsPage struct {
	Versions                           []Object
	More                               bool
	NextKeyMarker, NextVersionIDMarker string
}

// ListOptions selects what List yields.
type ListOptions struct {
	Prefix     string
	StartAfter string
}

// List yields the current objects of a bucket in strictly ascending order of
// their keys, or one error and then nothing. Stores have been seen to repeat,
// skip, loop and shuffle pages, and whoever infers deletions from a listing pays
// for it: a page that does not continue the one before it fails with
// ErrUnsortedListing, and a cancelled context is an error, never an early end.
func List(ctx context.Context, objects Objects, bucket string, options ListOptions) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		walk := walk{bucket: bucket, yield: yield, key: options.StartAfter}
		request := ListRequest{Prefix: options.Prefix, StartAfter: options.StartAfter}
		for {
			page, err := objects.ListPage(ctx, bucket, request)
			if err = cmp.Or(err, ctx.Err()); err != nil {
				walk.fail(err)
				return
			}
			if !walk.objects(page.Objects) || page.Next == "" {
				return
			}
			if page.Next == request.Token {
				walk.fail(unsorted(bucket, walk.key, samePage))
				return
			}
			request = ListRequest{Prefix: options.Prefix, Token: page.Next}
		}
	}
}

// ListVersions yields every version and delete marker under a prefix, ascending
// by key, or one error and then nothing. Stores disagree on whether a key marker
// is inclusive, so entries repeated at a page's border are dropped; a page that
// goes back to an earlier key fails with ErrUnsortedListing.
func ListVersions(ctx context.Context, objects Objects, bucket, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		walk := walk{bucket: bucket, yield: yield}
		request := VersionsRequest{Prefix: prefix}
		for {
			page, err := objects.ListVersionsPage(ctx, bucket, request)
			if err = cmp.Or(err, ctx.Err()); err != nil {
				walk.fail(err)
				return
			}
			if !walk.versions(page.Versions) || !page.More {
				return
			}
			next := VersionsRequest{Prefix: prefix, KeyMarker: page.NextKeyMarker, VersionIDMarker: page.NextVersionIDMarker}
			if next == request {
				walk.fail(unsorted(bucket, walk.key, samePage))
				return
			}
			request = next
		}
	}
}

// samePage stands in messages for a page that comes again.
const samePage = "the same page again"

// walk is how far a listing has come. Its methods tell whether it goes on.
type walk struct {
	bucket       string
	yield        func(Object, error) bool
	key, version string
}

func (w *walk) fail(err error) bool {
	w.yield(Object{}, err)
	return false
}

// objects yields a page of objects, each after the one before.
func (w *walk) objects(page []Object) bool {
	for _, object := range page {
		if object.Key <= w.key {
			return w.fail(unsorted(w.bucket, w.key, object.Key))
		}
		w.key = object.Key
		if !w.yield(object, nil) {
			return false
		}
	}
	return true
}

// versions yields a page of versions, without one that comes again.
func (w *walk) versions(page []Object) bool {
	for _, version := range page {
		if version.Key == w.key && version.VersionID == w.version {
			continue
		}
		if version.Key < w.key {
			return w.fail(unsorted(w.bucket, w.key, version.Key))
		}
		w.key, w.version = version.Key, version.VersionID
		if !w.yield(version, nil) {
			return false
		}
	}
	return true
}

func unsorted(bucket, last, next string) error {
	return &fault.Error{
		Class:  fault.Terminal,
		Reason: fault.UnsortedListing,
		Err:    fmt.Errorf("list bucket %q: after %q came %q: %w", bucket, last, next, ErrUnsortedListing),
	}
}
