package provider_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// pages is a store that gives prepared pages, by token.
type pages struct {
	provider.Session
	objects  map[string]provider.ListPage
	versions map[string]provider.VersionsPage
	asked    []provider.ListRequest
	err      error
	cancel   context.CancelFunc
}

func (p *pages) ListPage(_ context.Context, _ string, request provider.ListRequest) (provider.ListPage, error) {
	p.asked = append(p.asked, request)
	page, known := p.objects[request.Token]
	if p.cancel != nil {
		p.cancel()
	}
	if !known {
		return provider.ListPage{}, p.err
	}
	return page, nil
}

func (p *pages) ListVersionsPage(_ context.Context, _ string, request provider.VersionsRequest) (provider.VersionsPage, error) {
	page, known := p.versions[request.KeyMarker+request.VersionIDMarker]
	if p.cancel != nil {
		p.cancel()
	}
	if !known {
		return provider.VersionsPage{}, p.err
	}
	return page, nil
}

func objects(next string, keys ...string) provider.ListPage {
	page := provider.ListPage{Next: next}
	for _, key := range keys {
		page.Objects = append(page.Objects, provider.Object{Key: key})
	}
	return page
}

func versions(nextKey, nextID string, ids ...string) provider.VersionsPage {
	page := provider.VersionsPage{More: nextKey != "", NextKeyMarker: nextKey, NextVersionIDMarker: nextID}
	for _, id := range ids {
		page.Versions = append(page.Versions, provider.Object{Key: id[:1], VersionID: id[1:]})
	}
	return page
}

func TestListGoesThroughAllPagesInOrder(t *testing.T) {
	broken := errors.New("broken")
	tests := map[string]struct {
		pages   map[string]provider.ListPage
		options provider.ListOptions
		want    []string
		err     error
	}{
		"nothing":                    {map[string]provider.ListPage{"": objects("")}, provider.ListOptions{}, nil, nil},
		"one page":                   {map[string]provider.ListPage{"": objects("", "a", "b")}, provider.ListOptions{}, []string{"a", "b"}, nil},
		"several pages":              {map[string]provider.ListPage{"": objects("1", "a"), "1": objects("2"), "2": objects("", "b")}, provider.ListOptions{}, []string{"a", "b"}, nil},
		"bytes, not letters":         {map[string]provider.ListPage{"": objects("", "B", "a", "\u007f", "é")}, provider.ListOptions{}, []string{"B", "a", "\u007f", "é"}, nil},
		"start after":                {map[string]provider.ListPage{"": objects("", "c")}, provider.ListOptions{StartAfter: "b"}, []string{"c"}, nil},
		"start after that repeats":   {map[string]provider.ListPage{"": objects("", "b", "c")}, provider.ListOptions{StartAfter: "b"}, nil, provider.ErrUnsortedListing},
		"key twice":                  {map[string]provider.ListPage{"": objects("", "a", "a")}, provider.ListOptions{}, []string{"a"}, provider.ErrUnsortedListing},
		"keys out of order":          {map[string]provider.ListPage{"": objects("", "b", "a")}, provider.ListOptions{}, []string{"b"}, provider.ErrUnsortedListing},
		"page that begins again":     {map[string]provider.ListPage{"": objects("1", "a", "b"), "1": objects("", "a", "b")}, provider.ListOptions{}, []string{"a", "b"}, provider.ErrUnsortedListing},
		"token that stays the same":  {map[string]provider.ListPage{"": objects("1", "a"), "1": objects("1")}, provider.ListOptions{}, []string{"a"}, provider.ErrUnsortedListing},
		"error in the middle":        {map[string]provider.ListPage{"": objects("1", "a")}, provider.ListOptions{}, []string{"a"}, broken},
		"error at once":              {nil, provider.ListOptions{}, nil, broken},
		"prefix is asked every time": {map[string]provider.ListPage{"": objects("1", "p/a"), "1": objects("", "p/b")}, provider.ListOptions{Prefix: "p/"}, []string{"p/a", "p/b"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			store := &pages{objects: test.pages, err: broken}
			var got []string
			var failed error
			for object, err := range provider.List(t.Context(), store, "actes", test.options) {
				if failed != nil {
					t.Fatal("went on after an error")
				}
				if failed = err; err == nil {
					got = append(got, object.Key)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" || !errors.Is(failed, test.err) {
				t.Errorf("got error %v, keys (-want +got):\n%s", failed, diff)
			}
			if test.err == provider.ErrUnsortedListing && (fault.Of(failed).Class != fault.Terminal || !fault.HasReason(failed, fault.UnsortedListing)) {
				t.Errorf("got %#v", failed)
			}
			for i, request := range store.asked {
				if request.Prefix != test.options.Prefix || (i > 0 && request.StartAfter != "") {
					t.Errorf("request %d was %+v", i, request)
				}
			}
		})
	}
}

func TestListVersionsGoesThroughAllPages(t *testing.T) {
	broken := errors.New("broken")
	tests := map[string]struct {
		pages map[string]provider.VersionsPage
		want  []string
		err   error
	}{
		"nothing":                   {map[string]provider.VersionsPage{"": versions("", "")}, nil, nil},
		"several pages":             {map[string]provider.VersionsPage{"": versions("a", "1", "a2", "a1"), "a1": versions("b", "7", "b7"), "b7": versions("", "", "b6")}, []string{"a2", "a1", "b7", "b6"}, nil},
		"inclusive marker":          {map[string]provider.VersionsPage{"": versions("a", "1", "a2", "a1"), "a1": versions("", "", "a1", "b1")}, []string{"a2", "a1", "b1"}, nil},
		"marker that stays":         {map[string]provider.VersionsPage{"": versions("a", "1", "a1"), "a1": versions("a", "1")}, []string{"a1"}, provider.ErrUnsortedListing},
		"pages in circles":          {map[string]provider.VersionsPage{"": versions("b", "1", "a1", "b1"), "b1": versions("b", "2", "a1", "b1"), "b2": versions("b", "1")}, []string{"a1", "b1"}, provider.ErrUnsortedListing},
		"error in the middle":       {map[string]provider.VersionsPage{"": versions("a", "1", "a1")}, []string{"a1"}, broken},
		"the same id of other keys": {map[string]provider.VersionsPage{"": versions("", "", "anull", "bnull")}, []string{"anull", "bnull"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			var failed error
			for version, err := range provider.ListVersions(t.Context(), &pages{versions: test.pages, err: broken}, "actes", "") {
				if failed != nil {
					t.Fatal("went on after an error")
				}
				if failed = err; err == nil {
					got = append(got, version.Key+version.VersionID)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" || !errors.Is(failed, test.err) {
				t.Errorf("got error %v, versions (-want +got):\n%s", failed, diff)
			}
		})
	}
}

func TestListingsEndWithTheContextAsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	store := &pages{
		objects:  map[string]provider.ListPage{"": objects("", "a")},
		versions: map[string]provider.VersionsPage{"": versions("", "", "a1")},
		cancel:   cancel, // while the last page is on its way
	}
	for object, err := range provider.List(ctx, store, "actes", provider.ListOptions{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("list: got %q, %v", object.Key, err)
		}
	}
	for version, err := range provider.ListVersions(ctx, store, "actes", "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("list versions: got %q, %v", version.Key, err)
		}
	}
}

func TestListingsAskNoMoreThanIsRead(t *testing.T) {
	store := &pages{objects: map[string]provider.ListPage{}, versions: map[string]provider.VersionsPage{}}
	for i := range 10 {
		token := ""
		if i > 0 {
			token = strconv.Itoa(i)
		}
		store.objects[token] = objects(strconv.Itoa(i+1), fmt.Sprintf("k%d", i))
	}
	read := 0
	for _, err := range provider.List(t.Context(), store, "actes", provider.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if read++; read == 3 {
			break
		}
	}
	if len(store.asked) != 3 {
		t.Errorf("asked %d times for 3 objects in pages of 1", len(store.asked))
	}
	store.versions[""] = versions("a", "1", "a2", "a1")
	for _, err := range provider.ListVersions(t.Context(), store, "actes", "") {
		if err != nil {
			t.Error(err)
		}
		break // the second page would be an error
	}
}
