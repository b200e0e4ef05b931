package s3_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
)

func TestPartsAreListedInPages(t *testing.T) {
	_, core := start(t, small)
	id := begin(t, core)
	want := []int{1, 2, 5, 7, 9}
	for _, n := range want {
		uploadPart(t, core, id, n, strings.Repeat("x", n))
	}
	var got []int
	marker := 0
	for {
		page, err := core.ListObjectParts(context.Background(), bucket, "k", id, marker, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.ObjectParts {
			got = append(got, p.PartNumber)
			if p.Size != int64(p.PartNumber) || strings.Trim(p.ETag, `"`) != md5sum(strings.Repeat("x", p.PartNumber)) {
				t.Errorf("part %d: %d bytes, %s", p.PartNumber, p.Size, p.ETag)
			}
		}
		if !page.IsTruncated {
			break
		}
		marker = page.NextPartNumberMarker
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

func TestUploadsAreListedInPages(t *testing.T) {
	_, core := start(t, small)
	ctx := context.Background()
	var want []string
	for _, key := range []string{"a", "a", "b//c", "b/d", "é"} {
		id, err := core.NewMultipartUpload(ctx, bucket, key, minio.PutObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, key+" "+id)
	}
	for size := 1; size <= 6; size++ {
		var got []string
		key, id := "", ""
		for {
			page, err := core.ListMultipartUploads(ctx, bucket, "", key, id, "", size)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range page.Uploads {
				got = append(got, u.Key+" "+u.UploadID)
			}
			if !page.IsTruncated {
				break
			}
			key, id = page.NextKeyMarker, page.NextUploadIDMarker
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
	}
	page, err := core.ListMultipartUploads(ctx, bucket, "", "", "", "/", 10)
	if err != nil || len(page.CommonPrefixes) != 1 || page.CommonPrefixes[0].Prefix != "b/" || len(page.Uploads) != 3 {
		t.Errorf("with a delimiter: %v, %v, %v", page.CommonPrefixes, page.Uploads, err)
	}
}

func TestPartsAreCopied(t *testing.T) {
	srv, core := start(t, small)
	ctx := context.Background()
	put(t, core, "from", "0123456789")
	id := begin(t, core)
	whole, err := core.CopyObjectPart(ctx, bucket, "from", bucket, "k", id, 1, 0, -1, nil)
	if err != nil {
		t.Fatal(err)
	}
	some, err := core.CopyObjectPart(ctx, bucket, "from", bucket, "k", id, 2, 2, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := core.CompleteMultipartUpload(ctx, bucket, "k", id, []minio.CompletePart{whole, some}, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if o, _ := srv.Object(bucket, "k"); string(o.Body) != "0123456789234" {
		t.Errorf("copied %q", o.Body)
	}
	beyond := request{method: "PUT", key: "k", query: url.Values{"uploadId": {begin(t, core)}, "partNumber": {"1"}}, header: map[string]string{
		"X-Amz-Copy-Source": "/" + bucket + "/from", "X-Amz-Copy-Source-Range": "bytes=5-99",
	}}.must(t, srv)
	if beyond.Code != "InvalidArgument" {
		t.Errorf("a range beyond the end: %d %s", beyond.Status, beyond.Code)
	}
}

func TestListingsOfUploadsAreChecked(t *testing.T) {
	srv, core := start(t, small)
	id := begin(t, core)
	for name, tc := range map[string]struct {
		key   string
		query url.Values
		want  string
	}{
		"parts of nothing":              {"k", url.Values{"uploadId": {"x"}}, "NoSuchUpload"},
		"a marker that is no number":    {"k", url.Values{"uploadId": {id}, "part-number-marker": {"x"}}, "InvalidArgument"},
		"a page of parts, negative":     {"k", url.Values{"uploadId": {id}, "max-parts": {"-1"}}, "InvalidArgument"},
		"parts in an unknown encoding":  {"k", url.Values{"uploadId": {id}, "encoding-type": {"x"}}, "InvalidArgument"},
		"a page of uploads, negative":   {"", url.Values{"uploads": {""}, "max-uploads": {"-1"}}, "InvalidArgument"},
		"uploads, unknown encoding":     {"", url.Values{"uploads": {""}, "encoding-type": {"x"}}, "InvalidArgument"},
		"a page of no uploads is empty": {"", url.Values{"uploads": {""}, "max-uploads": {"0"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := request{method: "GET", key: tc.key, query: tc.query}.must(t, srv)
			if got.Code != tc.want || strings.Contains(got.Body, "<IsTruncated>true") {
				t.Errorf("got %d %s", got.Status, got.Body)
			}
		})
	}
}
