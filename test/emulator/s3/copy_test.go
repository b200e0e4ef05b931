package s3_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

func TestObjectTagging(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	base := request{key: "k", query: url.Values{"tagging": {""}}}
	set := base
	set.method, set.body = "PUT", "<Tagging><TagSet><Tag><Key>a</Key><Value>/1 @</Value></Tag></TagSet></Tagging>"
	if got := set.must(t, srv); got.Status != 200 {
		t.Fatalf("put: %d %s", got.Status, got.Body)
	}
	o, _ := srv.Object(bucket, "k")
	if diff := cmp.Diff(map[string]string{"a": "/1 @"}, o.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	got, err := core.GetObjectTagging(context.Background(), bucket, "k", minio.GetObjectTaggingOptions{})
	if err != nil || got.ToMap()["a"] != "/1 @" {
		t.Errorf("get: %v, %v", got, err)
	}
	if err := core.RemoveObjectTagging(context.Background(), bucket, "k", minio.RemoveObjectTaggingOptions{}); err != nil {
		t.Fatal(err)
	}
	if o, _ := srv.Object(bucket, "k"); len(o.Tags) != 0 || string(o.Body) != "x" {
		t.Errorf("after the deletion: %v", o)
	}
}

func TestCopies(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	put(t, core, "other", "y")
	if _, err := core.Client.PutObject(ctx, bucket, "from", strings.NewReader("x"), 1, minio.PutObjectOptions{
		ContentType: "text/a", UserMetadata: map[string]string{"m": "1"}, UserTags: map[string]string{"t": "1"},
	}); err != nil {
		t.Fatal(err)
	}
	src := minio.CopySrcOptions{Bucket: bucket, Object: "from"}
	cases := map[string]struct {
		src  minio.CopySrcOptions
		dst  minio.CopyDestOptions
		code string
		want s3.Object
	}{
		"keeps metadata and tags": {src, minio.CopyDestOptions{}, "", s3.Object{
			Headers: map[string]string{"Content-Type": "text/a"}, Metadata: map[string]string{"m": "1"}, Tags: map[string]string{"t": "1"},
		}},
		"replaces metadata": {src, minio.CopyDestOptions{ReplaceMetadata: true, UserMetadata: map[string]string{"n": "2"}}, "", s3.Object{
			Metadata: map[string]string{"n": "2"}, Tags: map[string]string{"t": "1"},
		}},
		"replaces tags": {src, minio.CopyDestOptions{ReplaceTags: true, UserTags: map[string]string{"u": "2"}}, "", s3.Object{
			Headers: map[string]string{"Content-Type": "text/a"}, Metadata: map[string]string{"m": "1"}, Tags: map[string]string{"u": "2"},
		}},
		"with the right ETag":  {minio.CopySrcOptions{Bucket: bucket, Object: "from", MatchETag: md5sum("x")}, minio.CopyDestOptions{ReplaceMetadata: true, ReplaceTags: true}, "", s3.Object{}},
		"with a wrong ETag":    {minio.CopySrcOptions{Bucket: bucket, Object: "from", MatchETag: "other"}, minio.CopyDestOptions{}, "PreconditionFailed", s3.Object{}},
		"unless the same ETag": {minio.CopySrcOptions{Bucket: bucket, Object: "from", NoMatchETag: md5sum("x")}, minio.CopyDestOptions{}, "PreconditionFailed", s3.Object{}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tc.dst.Bucket, tc.dst.Object = bucket, "to "+name
			_, err := core.Client.CopyObject(ctx, tc.dst, tc.src)
			if got := codeOf(err); got != tc.code {
				t.Fatalf("got %q, want %q", got, tc.code)
			}
			if tc.code != "" {
				return
			}
			got, _ := srv.Object(bucket, tc.dst.Object)
			if string(got.Body) != "x" || got.ETag != md5sum("x") {
				t.Errorf("copied %q with ETag %s", got.Body, got.ETag)
			}
			facts := s3.Object{Headers: got.Headers, Metadata: got.Metadata, Tags: got.Tags}
			if len(facts.Tags) == 0 {
				facts.Tags = nil
			}
			if diff := cmp.Diff(tc.want, facts, cmp.AllowUnexported(s3.Object{})); diff != "" {
				t.Errorf("copied (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCopyToItselfMustChangeSomething(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	self := request{method: "PUT", key: "k", header: map[string]string{"X-Amz-Copy-Source": "/" + bucket + "/k"}}
	if got := self.must(t, srv); got.Code != "InvalidRequest" {
		t.Errorf("unchanged: %d %s", got.Status, got.Code)
	}
	self.header["X-Amz-Metadata-Directive"] = "REPLACE"
	self.header["X-Amz-Meta-New"] = "1"
	if got := self.must(t, srv); got.Status != 200 {
		t.Errorf("with new metadata: %d %s", got.Status, got.Code)
	}
	if o, _ := srv.Object(bucket, "k"); o.Metadata["new"] != "1" || string(o.Body) != "x" {
		t.Errorf("stored %v", o)
	}
	self.header["X-Amz-Metadata-Directive"] = "MERGE"
	if got := self.must(t, srv); got.Code != "InvalidArgument" {
		t.Errorf("a directive that is none: %d %s", got.Status, got.Code)
	}
}

func TestCopyOfAVersion(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	if err := core.EnableVersioning(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	old := put(t, core, "k", "old")
	put(t, core, "k", "new")
	marker := srv.PutObjectDirect(bucket, s3.Object{Key: "k", DeleteMarker: true})
	cases := map[string]struct{ source, want, stored string }{
		"an old one":       {"k?versionId=" + old.VersionID, "", "old"},
		"the current":      {"k", "NoSuchKey", ""},
		"a delete marker":  {"k?versionId=" + marker, "InvalidRequest", ""},
		"one that is not":  {"k?versionId=" + strings.Repeat("f", 32), "NoSuchVersion", ""},
		"of another store": {"/", "InvalidArgument", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			to := "copy of " + name
			got := request{method: "PUT", key: to, header: map[string]string{"X-Amz-Copy-Source": "/" + bucket + "/" + tc.source}}.must(t, srv)
			if tc.source == "/" {
				got = request{method: "PUT", key: to, header: map[string]string{"X-Amz-Copy-Source": "/"}}.must(t, srv)
			}
			if o, _ := srv.Object(bucket, to); got.Code != tc.want || string(o.Body) != tc.stored {
				t.Errorf("got %d %q, stored %q", got.Status, got.Code, o.Body)
			}
		})
	}
	if got := (request{method: "PUT", key: "k", header: map[string]string{"X-Amz-Copy-Source": "/other/k"}}).must(t, srv); got.Code != "NoSuchBucket" {
		t.Errorf("from a missing bucket: %d %s", got.Status, got.Code)
	}
}
