package providertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
)

func testVersions(t *testing.T, s Suite) {
	if !s.declares(provider.CapabilityVersioning) {
		t.Run("are not there", func(t *testing.T) {
			f := s.start(t, "")
			err := f.UpdateBucket(t.Context(), provider.Bucket{Name: f.bucket, Versioning: provider.VersioningEnabled})
			if s.Traits.Capabilities.Of(provider.CapabilityVersioning) == provider.Unsupported && !errors.Is(err, provider.ErrUnsupported) {
				t.Errorf("got %v", err)
			}
		})
		return
	}
	t.Run("are kept", func(t *testing.T) { testHistory(t, s) })
	t.Run("are listed by pages", func(t *testing.T) { testVersionPages(t, s) })
	t.Run("of before versioning", func(t *testing.T) { testNullVersion(t, s) })
}

// history lists all versions: key, what kind, and what is in them, newest first.
func (f fixture) history(t testing.TB) []string {
	t.Helper()
	var all []string
	for v, err := range provider.ListVersions(t.Context(), f, f.bucket, "") {
		if err != nil {
			t.Fatal(err)
		}
		what := "deleted"
		if !v.IsDeleteMarker {
			if what, _, err = f.get(t, f.version(v.Key, v.VersionID), provider.GetOptions{}); err != nil {
				t.Errorf("get %q %s: %v", v.Key, v.VersionID, err)
			}
		}
		if v.IsLatest {
			what += " latest"
		}
		all = append(all, v.Key+" "+what)
	}
	return all
}

func testHistory(t *testing.T, s Suite) {
	f := s.start(t, provider.VersioningEnabled)
	first := f.put(t, "k", "1", provider.Attributes{})
	second := f.put(t, "k", "2", provider.Attributes{})
	if first.VersionID == "" || first.VersionID == second.VersionID {
		t.Fatalf("versions are %q and %q", first.VersionID, second.VersionID)
	}
	if err := f.Remove(t.Context(), f.ref("k")); err != nil {
		t.Fatal(err)
	}
	f.put(t, "other", "x", provider.Attributes{})
	if diff := cmp.Diff([]string{"k deleted latest", "k 2", "k 1", "other x latest"}, f.history(t)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"other"}, f.keys(t, provider.ListOptions{})); diff != "" {
		t.Errorf("current keys (-want +got):\n%s", diff)
	}
	_, err := f.Head(t.Context(), f.ref("k"))
	wantMissing(t, "head of a deleted object", err)
	object, err := f.Head(t.Context(), f.version("k", first.VersionID))
	if err != nil || object.VersionID != first.VersionID || object.Size != 1 {
		t.Errorf("head of a version: %+v, %v", object, err)
	}
	versions, err := f.ListVersionsPage(t.Context(), f.bucket, provider.VersionsRequest{Prefix: "k"})
	if err != nil || len(versions.Versions) != 3 {
		t.Fatalf("got %+v, %v", versions, err)
	}
	marker := versions.Versions[0].VersionID
	_, _, err = f.get(t, f.version("k", marker), provider.GetOptions{})
	wantMissing(t, "get of a delete marker", err)
	_, err = f.Head(t.Context(), f.version("k", marker))
	wantMissing(t, "head of a delete marker", err)
	for _, id := range []string{marker, second.VersionID} {
		for range 2 {
			if err := f.Remove(t.Context(), f.version("k", id)); err != nil {
				t.Errorf("remove a version: %v", err)
			}
		}
	}
	if diff := cmp.Diff([]string{"k 1 latest", "other x latest"}, f.history(t)); diff != "" {
		t.Errorf("history after removing (-want +got):\n%s", diff)
	}
	if text, _, err := f.get(t, f.ref("k"), provider.GetOptions{}); text != "1" || err != nil {
		t.Errorf("current is %q, %v", text, err)
	}
}

func testVersionPages(t *testing.T, s Suite) {
	f := s.start(t, provider.VersioningEnabled)
	var want []string
	for i := range 5 {
		key := fmt.Sprintf("é+ %d", i)
		for v := range 3 {
			f.put(t, key, fmt.Sprint(v), provider.Attributes{})
		}
		want = append(want, key+" 2 latest", key+" 1", key+" 0")
	}
	var got []string
	request := provider.VersionsRequest{Prefix: "é+", Limit: 4}
	for {
		page, err := f.ListVersionsPage(t.Context(), f.bucket, request)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Versions) > 4 {
			t.Errorf("a page of 4 has %d versions", len(page.Versions))
		}
		for _, v := range page.Versions {
			text, _, err := f.get(t, f.version(v.Key, v.VersionID), provider.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			entry := v.Key + " " + text
			if v.IsLatest {
				entry += " latest"
			}
			// Whether the marker itself comes again is left to the store.
			if !slices.Contains(got, entry) {
				got = append(got, entry)
			}
		}
		if !page.More {
			break
		}
		request.KeyMarker, request.VersionIDMarker = page.NextKeyMarker, page.NextVersionIDMarker
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions by pages (-want +got):\n%s", diff)
	}
}

// testNullVersion: an object of before has a version too, which can be removed.
func testNullVersion(t *testing.T, s Suite) {
	f := s.start(t, "")
	f.put(t, "k", "before", provider.Attributes{})
	if err := f.UpdateBucket(t.Context(), provider.Bucket{Name: f.bucket, Versioning: provider.VersioningEnabled}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"k before latest"}, f.history(t)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	f.put(t, "k", "after", provider.Attributes{})
	if diff := cmp.Diff([]string{"k after latest", "k before"}, f.history(t)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}
