package s3_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

func TestObjectComesBackAsItWasSent(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 890_000_000, time.UTC)
	srv := s3.Start(t, s3.Options{Clock: func() time.Time { return at }})
	srv.CreateBucket(bucket)
	srv.PutObjectDirect(bucket, s3.Object{
		Key: "k", Body: []byte("raw \x1f\x8b bytes"), StorageClass: "STANDARD_IA",
		Headers: map[string]string{
			"Content-Type": "text/x; charset=odd", "Content-Encoding": "gzip", "Content-Disposition": "attachment",
			"Content-Language": "fr", "Cache-Control": "no-cache", "Expires": "Thu, 01 Dec 2033 16:00:00 GMT",
		},
		Metadata: map[string]string{"mixed-case": "Kept As Sent"},
		Tags:     map[string]string{"a": "1", "b": "2"},
	})
	// The server's clock is far off, so the object is read anonymously.
	allowEverybody(t, srv)
	got := request{method: "GET", key: "k", unsigned: true}.must(t, srv)
	want := http.Header{
		"Content-Type": {"text/x; charset=odd"}, "Content-Encoding": {"gzip"}, "Content-Disposition": {"attachment"},
		"Content-Language": {"fr"}, "Cache-Control": {"no-cache"}, "Expires": {"Thu, 01 Dec 2033 16:00:00 GMT"},
		"X-Amz-Meta-Mixed-Case": {"Kept As Sent"}, "X-Amz-Tagging-Count": {"2"}, "X-Amz-Storage-Class": {"STANDARD_IA"},
		"Last-Modified": {"Wed, 04 Mar 2026 05:06:07 GMT"}, "Date": {"Wed, 04 Mar 2026 05:06:07 GMT"},
		"Content-Length": {"12"}, "Accept-Ranges": {"bytes"}, "Server": {"S3Emulator"},
		"Etag": {`"` + md5sum("raw \x1f\x8b bytes") + `"`},
	}
	got.Header.Del("X-Amz-Request-Id")
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got.Body != "raw \x1f\x8b bytes" {
		t.Errorf("body %q was re-encoded", got.Body)
	}
}

func md5sum(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func allowEverybody(t *testing.T, srv *s3.Server) {
	t.Helper()
	if err := srv.SetBucketPolicy(bucket, `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::`+bucket+`","arn:aws:s3:::`+bucket+`/*"]}]}`); err != nil {
		t.Fatal(err)
	}
}

func TestPutKeepsWhatClientsSend(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	_, err := core.Client.PutObject(ctx, bucket, "k", strings.NewReader("x"), 1, minio.PutObjectOptions{
		UserMetadata: map[string]string{"Origin": "Élysée"}, UserTags: map[string]string{"key": "a b+c=d"},
		ContentType: "text/plain", ContentDisposition: "inline", ContentLanguage: "fr", CacheControl: "no-store",
		StorageClass: "STANDARD_IA", SendContentMd5: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := srv.Object(bucket, "k")
	want := s3.Object{
		Key: "k", VersionID: "null", Body: []byte("x"), Size: 1, ETag: md5sum("x"), LastModified: got.LastModified,
		Headers:  map[string]string{"Content-Type": "text/plain", "Content-Disposition": "inline", "Content-Language": "fr", "Cache-Control": "no-store"},
		Metadata: map[string]string{"origin": "Élysée"}, Tags: map[string]string{"key": "a b+c=d"}, StorageClass: "STANDARD_IA",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(s3.Object{})); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	info, err := core.StatObject(ctx, bucket, "k", minio.StatObjectOptions{})
	if err != nil || info.UserTagCount != 1 || info.UserMetadata["Origin"] != "Élysée" {
		t.Errorf("stat: %d tags, %v, %v", info.UserTagCount, info.UserMetadata, err)
	}
}

func TestPutIsRefused(t *testing.T) {
	cases := map[string]struct {
		options s3.Options
		header  map[string]string
		body    string
		want    string
	}{
		"metadata over 2 KiB":           {header: map[string]string{"X-Amz-Meta-A": strings.Repeat("x", 2048)}, want: "MetadataTooLarge"},
		"a storage class that is none":  {header: map[string]string{"X-Amz-Storage-Class": "FLOPPY"}, want: "InvalidStorageClass"},
		"a key of the customer":         {header: map[string]string{"X-Amz-Server-Side-Encryption-Customer-Algorithm": "AES256"}, want: "NotImplemented"},
		"encryption nobody does":        {header: map[string]string{"X-Amz-Server-Side-Encryption": "AES256"}, want: "NotImplemented"},
		"encryption that is recorded":   {options: s3.Options{StoredConfigurations: []string{"encryption"}}, header: map[string]string{"X-Amz-Server-Side-Encryption": "AES256"}},
		"encryption with KMS":           {options: s3.Options{StoredConfigurations: []string{"encryption"}}, header: map[string]string{"X-Amz-Server-Side-Encryption": "aws:kms"}, want: "NotImplemented"},
		"a public ACL":                  {header: map[string]string{"X-Amz-Acl": "public-read"}, want: "NotImplemented"},
		"a grant":                       {header: map[string]string{"X-Amz-Grant-Read": "id=x"}, want: "NotImplemented"},
		"a private ACL passes":          {header: map[string]string{"X-Amz-Acl": "private"}},
		"a tag twice":                   {header: map[string]string{"X-Amz-Tagging": "a=1&a=2"}, want: "InvalidTag"},
		"a wrong CRC32":                 {header: map[string]string{"X-Amz-Checksum-Crc32": "AAAAAA=="}, body: "x", want: "BadDigest"},
		"a wrong CRC32, ignored":        {options: s3.Options{IgnoreChecksums: true}, header: map[string]string{"X-Amz-Checksum-Crc32": "AAAAAA=="}, body: "x"},
		"a right CRC32":                 {header: map[string]string{"X-Amz-Checksum-Crc32": "y/Q5Jg=="}, body: "123456789"},
		"a right CRC32C":                {header: map[string]string{"X-Amz-Checksum-Crc32c": "4waSgw=="}, body: "123456789"},
		"a right CRC64NVME":             {header: map[string]string{"X-Amz-Checksum-Crc64nvme": "rosUhgp5mIg="}, body: "123456789"},
		"a right SHA1":                  {header: map[string]string{"X-Amz-Checksum-Sha1": "98O8HYCOBHMq32eZZczDTKeuNEE="}, body: "123456789"},
		"a right SHA256":                {header: map[string]string{"X-Amz-Checksum-Sha256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="}, body: "123456789"},
		"a checksum of the wrong size":  {header: map[string]string{"X-Amz-Checksum-Crc32": "AAA="}, body: "x", want: "InvalidRequest"},
		"an algorithm nobody knows":     {header: map[string]string{"X-Amz-Checksum-Rot13": "AAA="}, body: "x", want: "InvalidRequest"},
		"more bytes than one PUT takes": {options: s3.Options{MaxPutSize: 3}, body: "four", want: "EntityTooLarge"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, _ := start(t, tc.options)
			got := request{method: "PUT", key: "k", header: tc.header, body: tc.body}.must(t, srv)
			if got.Code != tc.want {
				t.Errorf("got %d %q, want %q", got.Status, got.Code, tc.want)
			}
			if _, there := srv.Object(bucket, "k"); there != (tc.want == "") {
				t.Errorf("object stored: %t", there)
			}
		})
	}
}

func TestABrokenUploadLeavesNothing(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	_, err := request{method: "PUT", key: "k", body: "four", tamper: func(r *http.Request) {
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader("fo"), brokenReader{}))
	}}.send(t, srv)
	if err == nil {
		t.Fatal("the client did not fail")
	}
	if _, there := srv.Object(bucket, "k"); there {
		t.Error("half an upload was stored")
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestLargeObjectsStreamBothWays(t *testing.T) {
	_, core := start(t, s3.Options{})
	content := bytes.Repeat([]byte("0123456789abcdef"), 500_000)
	put(t, core, "k", string(content))
	if got := get(t, core, "k"); got != string(content) {
		t.Errorf("%d bytes came back, want %d", len(got), len(content))
	}
}
