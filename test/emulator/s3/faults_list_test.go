package s3_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

func TestHeadAndListingDisagree(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "j", "0123456789")
	put(t, core, "k", "0123456789")
	srv.Faults().Add(s3.Match{Operation: "HeadObject", Key: "k"}, s3.Alter(func(o *s3.Object) { o.Size++ }))
	srv.Faults().Add(s3.Match{Operation: "ListObjectsV2", Key: "k"}, s3.Alter(func(o *s3.Object) { o.ETag = "listed" }))
	ctx := context.Background()
	info, err := core.StatObject(ctx, bucket, "k", minio.StatObjectOptions{})
	if err != nil || info.Size != 11 {
		t.Errorf("head: %d, %v", info.Size, err)
	}
	page, err := core.ListObjectsV2(bucket, "", "", "", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range page.Contents {
		got = append(got, fmt.Sprint(o.Key, " ", strings.Trim(o.ETag, `"`), " ", o.Size))
	}
	if diff := cmp.Diff([]string{"j " + md5sum("0123456789") + " 10", "k listed 10"}, got); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
}

func TestLateKeys(t *testing.T) {
	now := time.Now()
	srv, core := start(t, s3.Options{Clock: func() time.Time { return now }})
	put(t, core, "old", "x")
	now = now.Add(5 * time.Minute)
	put(t, core, "new", "x")
	put(t, core, "newer", "x")
	all := []string{"new", "newer", "old"}
	late := srv.Faults().Add(s3.Match{KeyPrefix: "new"}, s3.LateBy(time.Minute))
	if diff := cmp.Diff([]string{"old"}, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("at once (-want +got):\n%s", diff)
	}
	if got := get(t, core, "new"); got != "x" {
		t.Errorf("a late key is read: %q", got)
	}
	now = now.Add(time.Minute)
	if diff := cmp.Diff(all, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("after a minute (-want +got):\n%s", diff)
	}
	late.Clear()
	always := srv.Faults().Add(s3.Match{Key: "new"}, s3.Late())
	if diff := cmp.Diff([]string{"newer", "old"}, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("while armed (-want +got):\n%s", diff)
	}
	always.Clear()
	if diff := cmp.Diff(all, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("when cleared (-want +got):\n%s", diff)
	}
}

func TestPhantomKeys(t *testing.T) {
	srv, core := start(t, s3.Options{})
	for _, key := range []string{"a", "c", "e"} {
		put(t, core, key, "x")
	}
	srv.Faults().Add(s3.Match{}, s3.Phantom("b", "c", "dir/d"))
	if diff := cmp.Diff([]string{"a", "b", "c", "dir/d", "e"}, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	if got := (request{method: "HEAD", key: "b"}).must(t, srv); got.Status != http.StatusNotFound {
		t.Errorf("a phantom answers %d", got.Status)
	}
	if got := get(t, core, "c"); got != "x" {
		t.Errorf("a key that is there is no phantom: %q", got)
	}
	page, err := core.ListObjectsV2(bucket, "", "", "", "/", 2)
	if err != nil || len(page.Contents) != 2 || page.Contents[1].Key != "b" || !page.IsTruncated {
		t.Errorf("a page with a phantom: %v, %v", page.Contents, err)
	}
}

// pages lists at most limit pages of three keys and returns each.
func pages(t *testing.T, core *minio.Core, limit int) (all [][]string, tokens []string) {
	t.Helper()
	token := ""
	for range limit {
		page, err := core.ListObjectsV2(bucket, "", "", token, "", 3)
		if err != nil {
			t.Fatal(err)
		}
		keys := []string{}
		for _, o := range page.Contents {
			keys = append(keys, o.Key)
		}
		all = append(all, keys)
		token = page.NextContinuationToken
		tokens = append(tokens, token)
		if !page.IsTruncated {
			break
		}
	}
	return all, tokens
}

func letters(words string) (all [][]string) {
	for word := range strings.FieldsSeq(words) {
		all = append(all, strings.Split(strings.Trim(word, "-"), ""))
	}
	for i, page := range all {
		if len(page) == 0 {
			all[i] = []string{}
		}
	}
	return all
}

func TestListingPagesMisbehave(t *testing.T) {
	cases := map[string]struct {
		match  s3.Match
		effect s3.Effect
		want   string // one word for each page; "-" is an empty one
	}{
		"in good order":           {s3.Match{Bucket: "other"}, s3.Unordered(), "abc def gh"},
		"one repeats":             {s3.Match{Skip: 1, Times: 1}, s3.RepeatPage(), "abc abc def gh"},
		"the last is preceded":    {s3.Match{Skip: 2, Times: 1}, s3.RepeatPage(), "abc def def gh"},
		"the first cannot repeat": {s3.Match{Times: 1}, s3.RepeatPage(), "abc def gh"},
		"keys are skipped":        {s3.Match{Skip: 1, Times: 1}, s3.SkipKeys(2), "abc f gh"},
		"all keys are skipped":    {s3.Match{Skip: 1, Times: 1}, s3.SkipKeys(9), "abc - gh"},
		"keys come in reverse":    {s3.Match{Skip: 1, Times: 1}, s3.Unordered(), "abc fed gh"},
		"it ends early":           {s3.Match{Skip: 1, Times: 1}, s3.EndEarly(), "abc -"},
		"it ends at once":         {s3.Match{}, s3.EndEarly(), "-"},
		"the token is stuck":      {s3.Match{Skip: 1}, s3.StuckToken(), "abc def def def def def"},
		"stuck from the start":    {s3.Match{}, s3.StuckToken(), "abc abc abc abc abc abc"},
		"stuck once":              {s3.Match{Skip: 1, Times: 1}, s3.StuckToken(), "abc def def gh"},
		"it goes round":           {s3.Match{}, s3.LoopPages(), "abc def gh abc def gh"},
		"markers are inclusive":   {s3.Match{}, s3.InclusiveMarker(), "abc cde efg gh"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, s3.Options{})
			for key := range strings.SplitSeq("abcdefgh", "") {
				srv.PutObjectDirect(bucket, s3.Object{Key: key})
			}
			srv.Faults().Add(tc.match, tc.effect)
			got, tokens := pages(t, core, 6)
			if diff := cmp.Diff(letters(tc.want), got); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
			tokens = slices.DeleteFunc(tokens, func(s string) bool { return s == "" })
			unique := len(slices.Compact(slices.Sorted(slices.Values(tokens)))) == len(tokens)
			if stuck := strings.Contains(name, "stuck"); unique == stuck {
				t.Errorf("tokens are unique: %t", unique)
			}
		})
	}
}

func TestOtherListingsMisbehaveToo(t *testing.T) {
	srv, core := start(t, s3.Options{})
	for key := range strings.SplitSeq("abcdefgh", "") {
		srv.PutObjectDirect(bucket, s3.Object{Key: key})
	}
	stuck := srv.Faults().Add(s3.Match{Operation: "ListObjects"}, s3.StuckToken())
	page, err := core.ListObjects(bucket, "", "c", "", 3)
	if err != nil || !page.IsTruncated || page.NextMarker != "c" || page.Contents[0].Key != "d" {
		t.Errorf("version 1: %v, next %q, %v", page.Contents, page.NextMarker, err)
	}
	stuck.Clear()
	srv.Faults().Add(s3.Match{Operation: "ListObjectVersions"}, s3.InclusiveMarker())
	got := versions(t, srv, bucket, url.Values{"key-marker": {"c"}, "max-keys": {"2"}})
	if len(got.Version) != 2 || got.Version[0].Key != "c" {
		t.Errorf("versions begin with %v", got.Version)
	}
	srv.Faults().Clear()
	srv.Faults().Add(s3.Match{Operation: "ListObjectVersions", Skip: 1}, s3.RepeatPage())
	first := versions(t, srv, bucket, url.Values{"max-keys": {"2"}})
	again := versions(t, srv, bucket, url.Values{"max-keys": {"2"}, "key-marker": {first.NextKeyMarker}, "version-id-marker": {first.NextVersionIDMarker}})
	if diff := cmp.Diff(first.Version, again.Version); diff != "" {
		t.Errorf("repeated page of versions (-want +got):\n%s", diff)
	}
}

func TestEmptyBody(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	srv.Faults().Add(s3.Match{Operation: "ListObjectsV2"}, s3.EmptyBody())
	got := request{method: "GET", query: url.Values{"list-type": {"2"}}}.must(t, srv)
	if got.Status != 200 || got.Body != "" {
		t.Errorf("got %d %q", got.Status, got.Body)
	}
	if _, err := core.ListObjectsV2(bucket, "", "", "", "", 10); err == nil {
		t.Error("the client took nothing for a listing")
	}
}
