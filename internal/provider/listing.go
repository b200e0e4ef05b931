package provider

import (
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
		request := ListRequest{Prefix: options.Prefix, StartAfter: options.StartAfter}
		last := options.StartAfter
		for {
			page, err := objects.ListPage(ctx, bucket, request)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(Object{}, err)
				return
			}
			for _, object := range page.Objects {
				if object.Key <= last {
					yield(Object{}, unsorted(bucket, last, object.Key))
					return
				}
				last = object.Key
				if !yield(object, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			if page.Next == request.Token {
				yield(Object{}, unsorted(bucket, last, "the same page again"))
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
		request := VersionsRequest{Prefix: prefix}
		var lastKey, lastVersion string
		for {
			page, err := objects.ListVersionsPage(ctx, bucket, request)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(Object{}, err)
				return
			}
			for _, version := range page.Versions {
				if version.Key == lastKey && version.VersionID == lastVersion {
					continue
				}
				if version.Key < lastKey {
					yield(Object{}, unsorted(bucket, lastKey, version.Key))
					return
				}
				lastKey, lastVersion = version.Key, version.VersionID
				if !yield(version, nil) {
					return
				}
			}
			if !page.More {
				return
			}
			if page.NextKeyMarker == request.KeyMarker && page.NextVersionIDMarker == request.VersionIDMarker {
				yield(Object{}, unsorted(bucket, lastKey, "the same page again"))
				return
			}
			request.KeyMarker, request.VersionIDMarker = page.NextKeyMarker, page.NextVersionIDMarker
		}
	}
}

func unsorted(bucket, last, next string) error {
	return &fault.Error{
		Class:  fault.Terminal,
		Reason: fault.UnsortedListing,
		Err:    fmt.Errorf("list bucket %q: after %q came %q: %w", bucket, last, next, ErrUnsortedListing),
	}
}
