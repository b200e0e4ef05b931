package s3_test

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

// versionsPage decodes what minio-go's Core does not offer.
type versionsPage struct {
	IsTruncated         bool
	NextKeyMarker       string
	NextVersionIDMarker string `xml:"NextVersionIdMarker"`
	Version             []versionLine
	DeleteMarker        []versionLine
	CommonPrefixes      []struct{ Prefix string }
}

type versionLine struct {
	Key       string
	VersionID string `xml:"VersionId"`
	IsLatest  bool
}

func versions(t *testing.T, srv *s3.Server, name string, query url.Values) versionsPage {
	t.Helper()
	query.Set("versions", "")
	query.Set("encoding-type", "url")
	got := request{method: "GET", bucket: name, query: query}.must(t, srv)
	if got.Status != 200 {
		t.Fatalf("list versions: %d %s", got.Status, got.Body)
	}
	var page versionsPage
	decode(t, got.Body, &page)
	unescape := func(s *string) {
		plain, err := url.QueryUnescape(*s)
		if err != nil {
			t.Fatal(err)
		}
		*s = plain
	}
	unescape(&page.NextKeyMarker)
	for i := range page.Version {
		unescape(&page.Version[i].Key)
	}
	for i := range page.DeleteMarker {
		unescape(&page.DeleteMarker[i].Key)
	}
	for i := range page.CommonPrefixes {
		unescape(&page.CommonPrefixes[i].Prefix)
	}
	return page
}

type line struct {
	Key, ID        string
	Latest, Marker bool
}

// TestVersionsArePagedWithinAKey lists every page size over keys with several
// versions and delete markers.
func TestVersionsArePagedWithinAKey(t *testing.T) {
	srv, core := start(t, s3.Options{})
	if err := core.EnableVersioning(context.Background(), bucket); err != nil {
		t.Fatal(err)
	}
	var want []line
	for _, key := range []string{"a", "b/1", "b/2", "c"} {
		var ids []string
		for i := range 4 {
			marker := i == 3 && key != "c"
			ids = append(ids, srv.PutObjectDirect(bucket, s3.Object{Key: key, DeleteMarker: marker}))
		}
		for i := 3; i >= 0; i-- {
			want = append(want, line{key, ids[i], i == 3, i == 3 && key != "c"})
		}
	}
	for size := 1; size <= 17; size++ {
		var got []line
		query := url.Values{"max-keys": {strconv.Itoa(size)}}
		for page := (versionsPage{IsTruncated: true}); page.IsTruncated; {
			page = versions(t, srv, bucket, query)
			start := len(got)
			for _, v := range page.Version {
				got = append(got, line{v.Key, v.VersionID, v.IsLatest, false})
			}
			for _, v := range page.DeleteMarker {
				got = append(got, line{v.Key, v.VersionID, v.IsLatest, true})
			}
			if len(got)-start > size {
				t.Fatalf("a page of %d, asked for %d", len(got)-start, size)
			}
			query.Set("key-marker", page.NextKeyMarker)
			query.Set("version-id-marker", page.NextVersionIDMarker)
		}
		// The decoded page keeps versions and markers apart.
		slices.SortFunc(got, func(a, b line) int { return slices.Index(want, a) - slices.Index(want, b) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
	}
	if got := srv.Keys(bucket); !slices.Equal(got, []string{"c"}) {
		t.Errorf("visible keys are %q, want only c", got)
	}
}

func TestListingOfVersionsKeepsDocumentOrder(t *testing.T) {
	srv, core := start(t, s3.Options{})
	if err := core.EnableVersioning(context.Background(), bucket); err != nil {
		t.Fatal(err)
	}
	for _, marker := range []bool{false, true, false} {
		srv.PutObjectDirect(bucket, s3.Object{Key: "k", DeleteMarker: marker})
	}
	var got []bool
	for o := range core.Client.ListObjects(context.Background(), bucket, minio.ListObjectsOptions{WithVersions: true}) {
		got = append(got, o.IsDeleteMarker)
	}
	if diff := cmp.Diff([]bool{false, true, false}, got); diff != "" {
		t.Errorf("delete markers, newest first (-want +got):\n%s", diff)
	}
}

func TestListingParametersAreChecked(t *testing.T) {
	cases := map[string]struct {
		query url.Values
		want  string
	}{
		"a page size that is no number":             {url.Values{"list-type": {"2"}, "max-keys": {"x"}}, "InvalidArgument"},
		"a negative page size":                      {url.Values{"list-type": {"2"}, "max-keys": {"-1"}}, "InvalidArgument"},
		"a token nobody gave":                       {url.Values{"list-type": {"2"}, "continuation-token": {"?"}}, "InvalidArgument"},
		"an unknown encoding":                       {url.Values{"list-type": {"2"}, "encoding-type": {"base64"}}, "InvalidArgument"},
		"a list type of the future":                 {url.Values{"list-type": {"3"}}, "InvalidArgument"},
		"a version marker without a key":            {url.Values{"versions": {""}, "version-id-marker": {"x"}}, "InvalidArgument"},
		"a parameter of another listing":            {url.Values{"list-type": {"2"}, "key-marker": {"x"}}, "NotImplemented"},
		"MinIO's extensions, which change nothing":  {url.Values{"list-type": {"2"}, "metadata": {"true"}, "unsorted": {"true"}}, ""},
		"a page size over the limit, which is kept": {url.Values{"list-type": {"2"}, "max-keys": {"5000"}}, ""},
	}
	srv, _ := start(t, s3.Options{})
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := request{method: "GET", query: tc.query}.must(t, srv)
			if got.Code != tc.want {
				t.Errorf("got %d %q, want %q", got.Status, got.Code, tc.want)
			}
		})
	}
}

func TestAPageHoldsAtMostAThousandKeys(t *testing.T) {
	srv, core := start(t, s3.Options{})
	srv.Synthetic("many", 2500, 10)
	page, err := core.ListObjectsV2("many", "", "", "", "", 5000)
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Contents) != 1000 || page.MaxKeys != 1000 || !page.IsTruncated {
		t.Errorf("%d keys of at most %d, truncated %t", len(page.Contents), page.MaxKeys, page.IsTruncated)
	}
	empty := request{method: "GET", query: url.Values{"list-type": {"2"}, "max-keys": {"0"}}, bucket: "many"}.must(t, srv)
	if !strings.Contains(empty.Body, "<KeyCount>0</KeyCount>") || !strings.Contains(empty.Body, "<IsTruncated>false</IsTruncated>") {
		t.Errorf("a page of no keys: %s", empty.Body)
	}
}

func TestListedTimes(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 890_000_000, time.UTC)
	for name, tc := range map[string]struct {
		coarse bool
		want   string
	}{
		"have milliseconds":         {false, "2026-03-04T05:06:07.890Z"},
		"or whole seconds, on wish": {true, "2026-03-04T05:06:07.000Z"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, _ := start(t, s3.Options{CoarseTimes: tc.coarse})
			srv.PutObjectDirect(bucket, s3.Object{Key: "k", LastModified: at})
			got := request{method: "GET", query: url.Values{"list-type": {"2"}}}.must(t, srv)
			if !strings.Contains(got.Body, "<LastModified>"+tc.want+"<") {
				t.Errorf("want %s in %s", tc.want, got.Body)
			}
		})
	}
}
