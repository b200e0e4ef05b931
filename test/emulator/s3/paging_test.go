package s3_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

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
