package providertest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/rempart/rempart/internal/provider"
)

// keys lists a bucket by the contract's own List, which checks the order.
func (f fixture) keys(t testing.TB, options provider.ListOptions) []string {
	t.Helper()
	var keys []string
	for object, err := range provider.List(t.Context(), f, f.bucket, options) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, object.Key)
	}
	return keys
}

// fill stores an object under every key.
func (f fixture) fill(t testing.TB, keys []string) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(16)
	for _, key := range keys {
		group.Go(func() error {
			_, err := f.Put(ctx, f.ref(key), content(key), provider.Attributes{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

func testListings(t *testing.T, s Suite) {
	t.Run("of an empty bucket", func(t *testing.T) {
		f := s.start(t, "")
		page, err := f.ListPage(t.Context(), f.bucket, provider.ListRequest{})
		if err != nil || len(page.Objects) > 0 || page.Next != "" {
			t.Errorf("got %+v, %v", page, err)
		}
	})
	t.Run("in the order of bytes", func(t *testing.T) {
		// Folders and files of the same beginning: a walk over folders sorts them
		// otherwise than their keys.
		keys := []string{"a", "b!/x", "b/x", "b/y/z", "b-c", "b.d", "b0", "bé", "c/a/b", "c/a-b", "c/a0/x", "z"}
		f := s.start(t, "")
		f.fill(t, keys)
		slices.Sort(keys)
		if diff := cmp.Diff(keys, f.keys(t, provider.ListOptions{})); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"b/x", "b/y/z"}, f.keys(t, provider.ListOptions{Prefix: "b/"})); diff != "" {
			t.Errorf("keys of a folder (-want +got):\n%s", diff)
		}
		want := keys[slices.Index(keys, "b/x")+1:]
		if diff := cmp.Diff(want, f.keys(t, provider.ListOptions{StartAfter: "b/x"})); diff != "" {
			t.Errorf("keys after one (-want +got):\n%s", diff)
		}
		if got := f.keys(t, provider.ListOptions{Prefix: "none/"}); got != nil {
			t.Errorf("keys of no folder: %q", got)
		}
	})
	t.Run("of more than a page", func(t *testing.T) { testPages(t, s) })
}

func testPages(t *testing.T, s Suite) {
	const count = 1005
	keys := make([]string, 0, count)
	for i := range count {
		keys = append(keys, fmt.Sprintf("p/%02d/k %04d+", i%7, i))
	}
	f := s.start(t, "")
	f.fill(t, keys)
	slices.Sort(keys)
	if diff := cmp.Diff(keys, f.keys(t, provider.ListOptions{})); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	middle := keys[count/2]
	if diff := cmp.Diff(keys[count/2+1:], f.keys(t, provider.ListOptions{Prefix: "p/", StartAfter: middle})); diff != "" {
		t.Errorf("keys after the middle (-want +got):\n%s", diff)
	}
	// Pages of the size that was asked for, which go on with a token alone.
	var got []string
	request := provider.ListRequest{Prefix: "p/03/", Limit: 50}
	for {
		page, err := f.ListPage(t.Context(), f.bucket, request)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Objects) > 50 {
			t.Errorf("a page of 50 has %d objects", len(page.Objects))
		}
		for _, object := range page.Objects {
			got = append(got, object.Key)
			if object.Size != int64(len(object.Key)) || object.ETag == "" || object.Modified.IsZero() {
				t.Errorf("listed %+v", object)
			}
		}
		if page.Next == "" {
			break
		}
		request = provider.ListRequest{Prefix: "p/03/", Limit: 50, Token: page.Next}
	}
	want := slices.DeleteFunc(keys, func(key string) bool { return key[:5] != "p/03/" })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys by pages (-want +got):\n%s", diff)
	}
}
