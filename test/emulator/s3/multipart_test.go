package s3_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

var small = s3.Options{MinPartSize: 4}

// begin starts an upload of key "k" and returns its id.
func begin(t *testing.T, core *minio.Core) string {
	t.Helper()
	id, err := core.NewMultipartUpload(context.Background(), bucket, "k", minio.PutObjectOptions{
		ContentType: "text/a", UserMetadata: map[string]string{"m": "1"}, UserTags: map[string]string{"t": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func uploadPart(t *testing.T, core *minio.Core, id string, number int, content string) minio.CompletePart {
	t.Helper()
	p, err := core.PutObjectPart(context.Background(), bucket, "k", id, number, strings.NewReader(content), int64(len(content)), minio.PutObjectPartOptions{})
	if err != nil {
		t.Fatalf("part %d: %v", number, err)
	}
	return minio.CompletePart{PartNumber: number, ETag: p.ETag}
}

func multipartETag(parts ...string) string {
	var sums []byte
	for _, p := range parts {
		sum := md5.Sum([]byte(p))
		sums = append(sums, sum[:]...)
	}
	sum := md5.Sum(sums)
	return hex.EncodeToString(sum[:]) + "-" + strconv.Itoa(len(parts))
}

func TestMultipartUpload(t *testing.T) {
	srv, core := start(t, small)
	ctx := context.Background()
	id := begin(t, core)
	// Out of order, with a gap, and one part sent twice.
	third := uploadPart(t, core, id, 9, "cc")
	uploadPart(t, core, id, 1, "wrong")
	first := uploadPart(t, core, id, 1, "aaaa")
	second := uploadPart(t, core, id, 4, "bbbbb")
	if _, there := srv.Object(bucket, "k"); there {
		t.Error("the object is there before its completion")
	}
	info, err := core.CompleteMultipartUpload(ctx, bucket, "k", id, []minio.CompletePart{first, second, third}, minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := multipartETag("aaaa", "bbbbb", "cc")
	if info.ETag != want {
		t.Errorf("answered ETag %s, want %s", info.ETag, want)
	}
	o, _ := srv.Object(bucket, "k")
	if string(o.Body) != "aaaabbbbbcc" || o.Size != 11 || o.ETag != want || o.Metadata["m"] != "1" || o.Tags["t"] != "1" {
		t.Errorf("stored %q of %d bytes, ETag %s, %v, %v", o.Body, o.Size, o.ETag, o.Metadata, o.Tags)
	}
	part := request{method: "GET", key: "k", query: url.Values{"partNumber": {"2"}}}.must(t, srv)
	if part.Status != 206 || part.Body != "bbbbb" || part.Header.Get("X-Amz-Mp-Parts-Count") != "3" {
		t.Errorf("second part: %d %q of %s", part.Status, part.Body, part.Header.Get("X-Amz-Mp-Parts-Count"))
	}
	if got := (request{method: "GET", key: "k", query: url.Values{"partNumber": {"4"}}}).must(t, srv); got.Code != "InvalidPartNumber" {
		t.Errorf("fourth part: %d %s", got.Status, got.Code)
	}
	if _, err := core.CompleteMultipartUpload(ctx, bucket, "k", id, []minio.CompletePart{first}, minio.PutObjectOptions{}); codeOf(err) != "NoSuchUpload" {
		t.Errorf("a second completion: %v", err)
	}
}

func TestCompletionIsRefused(t *testing.T) {
	cases := map[string]struct {
		choose func(a, b, short minio.CompletePart) []minio.CompletePart
		want   string
	}{
		"all in order pass": {func(a, b, short minio.CompletePart) []minio.CompletePart { return []minio.CompletePart{a, b, short} }, ""},
		"only some pass":    {func(_, b, _ minio.CompletePart) []minio.CompletePart { return []minio.CompletePart{b} }, ""},
		"in another order":  {func(a, b, _ minio.CompletePart) []minio.CompletePart { return []minio.CompletePart{b, a} }, "InvalidPartOrder"},
		"one part twice":    {func(a, _, _ minio.CompletePart) []minio.CompletePart { return []minio.CompletePart{a, a} }, "InvalidPartOrder"},
		"none at all":       {func(_, _, _ minio.CompletePart) []minio.CompletePart { return nil }, "MalformedXML"},
		"a wrong ETag": {func(a, b, _ minio.CompletePart) []minio.CompletePart {
			a.ETag = b.ETag
			return []minio.CompletePart{a, b}
		}, "InvalidPart"},
		"a part never sent": {func(a, _, _ minio.CompletePart) []minio.CompletePart {
			return []minio.CompletePart{a, {PartNumber: 99, ETag: a.ETag}}
		}, "InvalidPart"},
		"a short part before another": {func(_, _, short minio.CompletePart) []minio.CompletePart {
			last := short
			last.PartNumber = 4
			return []minio.CompletePart{short, last}
		}, "EntityTooSmall"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, small)
			id := begin(t, core)
			a, b := uploadPart(t, core, id, 1, "aaaa"), uploadPart(t, core, id, 2, "bbbb")
			short := uploadPart(t, core, id, 3, "c")
			uploadPart(t, core, id, 4, "c")
			_, err := core.CompleteMultipartUpload(context.Background(), bucket, "k", id, tc.choose(a, b, short), minio.PutObjectOptions{})
			if got := codeOf(err); got != tc.want {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
			if _, there := srv.Object(bucket, "k"); there != (tc.want == "") {
				t.Errorf("object stored: %t", there)
			}
			if left := srv.Buckets()[bucket].Uploads; (left == 0) != (tc.want == "") {
				t.Errorf("%d uploads left", left)
			}
		})
	}
}

func TestPartsBelowFiveMiBAreTooSmallByDefault(t *testing.T) {
	_, core := start(t, s3.Options{})
	id := begin(t, core)
	parts := []minio.CompletePart{uploadPart(t, core, id, 1, "a"), uploadPart(t, core, id, 2, "b")}
	if _, err := core.CompleteMultipartUpload(context.Background(), bucket, "k", id, parts, minio.PutObjectOptions{}); codeOf(err) != "EntityTooSmall" {
		t.Errorf("got %v", err)
	}
}

func TestPartsAreRefused(t *testing.T) {
	srv, core := start(t, small)
	id := begin(t, core)
	cases := map[string]struct {
		request request
		want    string
	}{
		"number 0":         {request{query: url.Values{"uploadId": {id}, "partNumber": {"0"}}}, "InvalidArgument"},
		"number 10001":     {request{query: url.Values{"uploadId": {id}, "partNumber": {"10001"}}}, "InvalidArgument"},
		"number 10000":     {request{query: url.Values{"uploadId": {id}, "partNumber": {"10000"}}}, ""},
		"no number":        {request{query: url.Values{"uploadId": {id}, "partNumber": {"x"}}}, "InvalidArgument"},
		"another upload":   {request{query: url.Values{"uploadId": {"x"}, "partNumber": {"1"}}}, "NoSuchUpload"},
		"another key":      {request{key: "other", query: url.Values{"uploadId": {id}, "partNumber": {"1"}}}, "NoSuchUpload"},
		"a wrong hash":     {request{query: url.Values{"uploadId": {id}, "partNumber": {"1"}}, hash: strings.Repeat("0", 64)}, "XAmzContentSHA256Mismatch"},
		"a wrong checksum": {request{query: url.Values{"uploadId": {id}, "partNumber": {"1"}}, header: map[string]string{"X-Amz-Checksum-Crc32": "AAAAAQ=="}}, "BadDigest"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tc.request.method, tc.request.body = "PUT", "xxxx"
			if tc.request.key == "" {
				tc.request.key = "k"
			}
			if got := tc.request.must(t, srv); got.Code != tc.want {
				t.Errorf("got %d %q, want %q", got.Status, got.Code, tc.want)
			}
		})
	}
}

func TestAbortedUploadLeavesNothing(t *testing.T) {
	srv, core := start(t, small)
	ctx := context.Background()
	id := begin(t, core)
	uploadPart(t, core, id, 1, "aaaa")
	if err := core.AbortMultipartUpload(ctx, bucket, "k", id); err != nil {
		t.Fatal(err)
	}
	if got := codeOf(core.AbortMultipartUpload(ctx, bucket, "k", id)); got != "NoSuchUpload" {
		t.Errorf("a second abort: %q", got)
	}
	if got := srv.Buckets()[bucket].Uploads; got != 0 {
		t.Errorf("%d uploads left", got)
	}
}

func TestClientSplitsLargeUploads(t *testing.T) {
	srv, core := start(t, s3.Options{})
	content := bytes.Repeat([]byte("0123456789abcdef"), 750_000) // 12 MB
	_, err := core.Client.PutObject(context.Background(), bucket, "k", bytes.NewReader(content), int64(len(content)),
		minio.PutObjectOptions{PartSize: 5 << 20, NumThreads: 2})
	if err != nil {
		t.Fatal(err)
	}
	o, _ := srv.Object(bucket, "k")
	if !bytes.Equal(o.Body, content) || len(o.PartSizes) != 3 {
		t.Errorf("%d bytes in %d parts", len(o.Body), len(o.PartSizes))
	}
	counts := srv.Counts()
	if counts["UploadPart"] != 3 || counts["CreateMultipartUpload"] != 1 || counts["CompleteMultipartUpload"] != 1 {
		t.Errorf("operations: %v", counts)
	}
}

func TestClientSplitsWithTrailingChecksums(t *testing.T) {
	srv := s3.Start(t, s3.Options{AllowTrailers: true})
	srv.CreateBucket(bucket)
	core := trailingClient(t, srv)
	content := bytes.Repeat([]byte("0123456789abcdef"), 400_000)
	for i, checksum := range []minio.ChecksumType{minio.ChecksumCRC32C, minio.ChecksumSHA256, minio.ChecksumFullObjectCRC32} {
		key := fmt.Sprint("k", i)
		_, err := core.Client.PutObject(context.Background(), bucket, key, bytes.NewReader(content), int64(len(content)),
			minio.PutObjectOptions{PartSize: 5 << 20, Checksum: checksum})
		if err != nil {
			t.Errorf("%s: %v", checksum, err)
		}
		o, _ := srv.Object(bucket, key)
		if !bytes.Equal(o.Body, content) || len(o.Checksums) != 1 {
			t.Errorf("%s: %d bytes stored, checksums %v", checksum, len(o.Body), o.Checksums)
		}
		for _, sum := range o.Checksums {
			if composite := strings.HasSuffix(sum, "-2"); composite == checksum.FullObjectRequested() {
				t.Errorf("%s: stored checksum %q", checksum, sum)
			}
		}
	}
}

func TestCompletionKeepsConditions(t *testing.T) {
	srv, core := start(t, small)
	id := begin(t, core)
	part := uploadPart(t, core, id, 1, "aaaa")
	put(t, core, "k", "was first")
	body := fmt.Sprintf("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>", part.ETag)
	got := request{method: "POST", key: "k", query: url.Values{"uploadId": {id}}, body: body, header: map[string]string{"If-None-Match": "*"}}.must(t, srv)
	if got.Code != "PreconditionFailed" {
		t.Errorf("got %d %s", got.Status, got.Code)
	}
	if o, _ := srv.Object(bucket, "k"); string(o.Body) != "was first" {
		t.Errorf("the other's object was replaced by %q", o.Body)
	}
}
