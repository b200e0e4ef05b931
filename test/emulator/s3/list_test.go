package s3_test

import (
	"context"
	"fmt"
	"math/rand/v2"
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

// model is the naive store a listing is compared with.
type model map[string]bool

// list returns keys and common prefixes behind after, in one order.
func (m model) list(prefix, delimiter, after string) []string {
	seen := map[string]bool{}
	for key := range m {
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		line := key
		if delimiter != "" {
			if i := strings.Index(key[len(prefix):], delimiter); i >= 0 {
				line = key[:len(prefix)+i+len(delimiter)]
			}
		}
		if line > after {
			seen[line] = true
		}
	}
	var lines []string
	for line := range seen {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func randomKey(random *rand.Rand) string {
	alphabet := []string{"a", "b", "/", "/", ".", "é", " ", "-"}
	var key strings.Builder
	for range 1 + random.IntN(6) {
		key.WriteString(alphabet[random.IntN(len(alphabet))])
	}
	return key.String()
}

// TestPagingMatchesANaiveModel lists random buckets with random prefixes,
// delimiters, starts and page sizes, and joins the pages.
func TestPagingMatchesANaiveModel(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	srv, core := start(t, s3.Options{})
	for round := range 60 {
		name := fmt.Sprintf("round-%d", round)
		keys := model{}
		srv.CreateBucket(name)
		for range random.IntN(60) {
			key := randomKey(random)
			keys[key] = true
			srv.PutObjectDirect(name, s3.Object{Key: key})
		}
		for range 8 {
			prefix, delimiter, after := "", "", ""
			if random.IntN(2) == 0 {
				prefix = string([]rune(randomKey(random))[:1])
			}
			if random.IntN(2) == 0 {
				delimiter = []string{"/", ".", "b/", "é"}[random.IntN(4)]
			}
			if random.IntN(2) == 0 {
				after = randomKey(random)
			}
			size := 1 + random.IntN(7)
			t.Run(fmt.Sprintf("prefix %q delimiter %q after %q by %d", prefix, delimiter, after, size), func(t *testing.T) {
				want := keys.list(prefix, delimiter, after)
				if diff := cmp.Diff(want, pagesV2(t, core, name, prefix, delimiter, after, size)); diff != "" {
					t.Errorf("version 2 (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(want, pagesV1(t, core, name, prefix, delimiter, after, size)); diff != "" {
					t.Errorf("version 1 (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(want, pagesOfVersions(t, srv, name, prefix, delimiter, after, size)); diff != "" {
					t.Errorf("versions (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func pagesV2(t *testing.T, core *minio.Core, name, prefix, delimiter, after string, size int) []string {
	t.Helper()
	var lines []string
	token := ""
	for range 200 {
		page, err := core.ListObjectsV2(name, prefix, after, token, delimiter, size)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, mergedLines(t, page.Contents, page.CommonPrefixes, size)...)
		if !page.IsTruncated {
			return lines
		}
		token = page.NextContinuationToken
	}
	t.Fatal("the listing does not end")
	return nil
}

func pagesV1(t *testing.T, core *minio.Core, name, prefix, delimiter, after string, size int) []string {
	t.Helper()
	var lines []string
	marker := after
	for range 200 {
		page, err := core.ListObjects(name, prefix, marker, delimiter, size)
		if err != nil {
			t.Fatal(err)
		}
		got := mergedLines(t, page.Contents, page.CommonPrefixes, size)
		lines = append(lines, got...)
		if !page.IsTruncated {
			return lines
		}
		if marker = page.NextMarker; marker == "" {
			marker = got[len(got)-1]
		}
	}
	t.Fatal("the listing does not end")
	return nil
}

func mergedLines(t *testing.T, objects []minio.ObjectInfo, prefixes []minio.CommonPrefix, size int) []string {
	t.Helper()
	var lines []string
	for _, o := range objects {
		lines = append(lines, o.Key)
	}
	for _, p := range prefixes {
		lines = append(lines, p.Prefix)
	}
	if len(lines) > size {
		t.Fatalf("a page of %d lines, asked for %d", len(lines), size)
	}
	slices.Sort(lines)
	return lines
}

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

func pagesOfVersions(t *testing.T, srv *s3.Server, name, prefix, delimiter, after string, size int) []string {
	t.Helper()
	var lines []string
	query := url.Values{"prefix": {prefix}, "delimiter": {delimiter}, "max-keys": {strconv.Itoa(size)}, "key-marker": {after}}
	for range 200 {
		page := versions(t, srv, name, query)
		var got []string
		for _, v := range page.Version {
			got = append(got, v.Key)
		}
		for _, p := range page.CommonPrefixes {
			got = append(got, p.Prefix)
		}
		slices.Sort(got)
		lines = append(lines, got...)
		if !page.IsTruncated {
			return lines
		}
		query.Set("key-marker", page.NextKeyMarker)
		query.Set("version-id-marker", page.NextVersionIDMarker)
	}
	t.Fatal("the listing does not end")
	return nil
}

// TestVersionsArePagedWithinAKey lists every page size over keys with several
// versions and delete markers.
func TestVersionsArePagedWithinAKey(t *testing.T) {
	srv, core := start(t, s3.Options{})
	if err := core.EnableVersioning(context.Background(), bucket); err != nil {
		t.Fatal(err)
	}
	type line struct {
		Key, ID        string
		Latest, Marker bool
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
		order := map[string]int{}
		for i, l := range want {
			order[l.ID] = i
		}
		slices.SortStableFunc(got, func(a, b line) int { return order[a.ID] - order[b.ID] })
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

func TestSyntheticBucketIsListedReadAndWritten(t *testing.T) {
	const n = 100_000
	srv, core := start(t, s3.Options{})
	srv.Synthetic(bucket, n, 64)
	gone, changed := s3.SyntheticKey(5), s3.SyntheticKey(7)
	put(t, core, changed, "new content")
	put(t, core, "added", "x")
	if err := core.Client.RemoveObject(context.Background(), bucket, gone, minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	keys := listKeys(t, core, bucket)
	if len(keys) != n {
		t.Errorf("%d keys listed, want %d: one gone, one added", len(keys), n)
	}
	if !slices.IsSorted(keys) || slices.Contains(keys, gone) {
		t.Error("the listing is unordered or shows the deleted key")
	}
	if got := get(t, core, changed); got != "new content" {
		t.Errorf("changed object: %q", got)
	}
	info, err := core.StatObject(context.Background(), bucket, s3.SyntheticKey(n-1), minio.StatObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	content := get(t, core, s3.SyntheticKey(n-1))
	stored, _ := srv.Object(bucket, s3.SyntheticKey(n-1))
	if content != string(stored.Body) || info.Size != 64 || len(content) != 64 || !strings.HasSuffix(content, "000000099999") {
		t.Errorf("generated object of %d bytes: %q", info.Size, content)
	}
	if got := srv.Buckets()[bucket].Keys; got != 3 {
		t.Errorf("%d keys take memory, want 3", got)
	}
}

func BenchmarkPageOfAMillionSyntheticKeys(b *testing.B) {
	srv, core := start(b, s3.Options{})
	srv.Synthetic(bucket, 1_000_000, 1024)
	for b.Loop() {
		after := s3.SyntheticKey(rand.IntN(999_000))
		page, err := core.ListObjectsV2(bucket, "", after, "", "", 1000)
		if err != nil || len(page.Contents) != 1000 {
			b.Fatalf("%d keys, %v", len(page.Contents), err)
		}
	}
}

func BenchmarkListAMillionStoredKeys(b *testing.B) {
	srv, core := start(b, s3.Options{})
	for i := range 1_000_000 {
		srv.PutObjectDirect(bucket, s3.Object{Key: fmt.Sprintf("dir-%03d/%07d", i%1000, i), Body: []byte("x")})
	}
	for b.Loop() {
		n := 0
		for o := range core.Client.ListObjects(context.Background(), bucket, minio.ListObjectsOptions{Recursive: true}) {
			if o.Err != nil {
				b.Fatal(o.Err)
			}
			n++
		}
		if n != 1_000_000 {
			b.Fatalf("%d keys", n)
		}
	}
}
