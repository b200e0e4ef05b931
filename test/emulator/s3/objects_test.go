package s3_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	info, err := core.Client.StatObject(ctx, bucket, "k", minio.StatObjectOptions{})
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

func TestRanges(t *testing.T) {
	cases := map[string]struct {
		header       string
		status       int
		body, ranged string
	}{
		"none":                  {"", 200, "0123456789", ""},
		"the middle":            {"bytes=2-4", 206, "234", "bytes 2-4/10"},
		"the first byte":        {"bytes=0-0", 206, "0", "bytes 0-0/10"},
		"to the end":            {"bytes=7-", 206, "789", "bytes 7-9/10"},
		"beyond the end":        {"bytes=7-99", 206, "789", "bytes 7-9/10"},
		"the last three":        {"bytes=-3", 206, "789", "bytes 7-9/10"},
		"more than there is":    {"bytes=-99", 206, "0123456789", "bytes 0-9/10"},
		"behind the end":        {"bytes=10-", 416, "", "bytes */10"},
		"the last none":         {"bytes=-0", 416, "", "bytes */10"},
		"two, which is ignored": {"bytes=0-1,3-4", 200, "0123456789", ""},
		"backwards":             {"bytes=4-2", 200, "0123456789", ""},
		"another unit":          {"lines=1-2", 200, "0123456789", ""},
		"nonsense":              {"bytes=a-b", 200, "0123456789", ""},
	}
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "0123456789")
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			header := map[string]string{}
			if tc.header != "" {
				header["Range"] = tc.header
			}
			got := request{method: "GET", key: "k", header: header}.must(t, srv)
			if got.Status != tc.status || got.Header.Get("Content-Range") != tc.ranged || tc.status != 416 && got.Body != tc.body {
				t.Errorf("got %d %q %q", got.Status, got.Header.Get("Content-Range"), got.Body)
			}
			head := request{method: "HEAD", key: "k", header: header}.must(t, srv)
			if head.Status != tc.status || head.Header.Get("Content-Range") != tc.ranged || head.Body != "" {
				t.Errorf("HEAD: got %d %q %q", head.Status, head.Header.Get("Content-Range"), head.Body)
			}
		})
	}
	put(t, core, "empty", "")
	if got := (request{method: "GET", key: "empty", header: map[string]string{"Range": "bytes=0-"}}).must(t, srv); got.Code != "InvalidRange" {
		t.Errorf("a range of an empty object: %d %s", got.Status, got.Code)
	}
}

func TestReadConditions(t *testing.T) {
	etag := `"` + md5sum("x") + `"`
	before, after := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	cases := map[string]struct {
		header map[string]string
		want   int
	}{
		"the right If-Match":                        {map[string]string{"If-Match": etag}, 200},
		"the right If-Match without quotes":         {map[string]string{"If-Match": md5sum("x")}, 200},
		"one of several":                            {map[string]string{"If-Match": `"other", ` + etag}, 200},
		"a wrong If-Match":                          {map[string]string{"If-Match": `"other"`}, 412},
		"the right If-None-Match":                   {map[string]string{"If-None-Match": etag}, 304},
		"another If-None-Match":                     {map[string]string{"If-None-Match": `"other"`}, 200},
		"modified since":                            {map[string]string{"If-Modified-Since": before}, 200},
		"not modified since":                        {map[string]string{"If-Modified-Since": after}, 304},
		"unmodified since":                          {map[string]string{"If-Unmodified-Since": after}, 200},
		"modified although it should not":           {map[string]string{"If-Unmodified-Since": before}, 412},
		"If-Match outweighs If-Unmodified-Since":    {map[string]string{"If-Match": etag, "If-Unmodified-Since": before}, 200},
		"If-None-Match outweighs If-Modified-Since": {map[string]string{"If-None-Match": etag, "If-Modified-Since": before}, 304},
	}
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD"} {
				if got := (request{method: method, key: "k", header: tc.header}).must(t, srv); got.Status != tc.want {
					t.Errorf("%s: got %d, want %d", method, got.Status, tc.want)
				}
			}
		})
	}
}

func TestWriteConditions(t *testing.T) {
	etag := `"` + md5sum("x") + `"`
	cases := map[string]struct {
		method, key string
		header      map[string]string
		want        string
	}{
		"create only, when new":        {"PUT", "new", map[string]string{"If-None-Match": "*"}, ""},
		"create only, when there":      {"PUT", "k", map[string]string{"If-None-Match": "*"}, "PreconditionFailed"},
		"create unless an ETag":        {"PUT", "k", map[string]string{"If-None-Match": etag}, "NotImplemented"},
		"replace what is there":        {"PUT", "k", map[string]string{"If-Match": etag}, ""},
		"replace with a bare ETag":     {"PUT", "k", map[string]string{"If-Match": md5sum("x")}, ""},
		"replace something else":       {"PUT", "k", map[string]string{"If-Match": `"other"`}, "PreconditionFailed"},
		"replace what is not there":    {"PUT", "new", map[string]string{"If-Match": etag}, "NoSuchKey"},
		"both conditions":              {"PUT", "k", map[string]string{"If-Match": etag, "If-None-Match": "*"}, "InvalidRequest"},
		"delete what is there":         {"DELETE", "k", map[string]string{"If-Match": etag}, ""},
		"delete something else":        {"DELETE", "k", map[string]string{"If-Match": `"other"`}, "PreconditionFailed"},
		"delete what is not there":     {"DELETE", "new", map[string]string{"If-Match": etag}, "NoSuchKey"},
		"delete what is not, silently": {"DELETE", "new", nil, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, s3.Options{})
			put(t, core, "k", "x")
			if got := (request{method: tc.method, key: tc.key, header: tc.header, body: "y"}).must(t, srv); got.Code != tc.want {
				t.Errorf("got %d %q, want %q", got.Status, got.Code, tc.want)
			}
		})
	}
}

func TestOneOfManyConditionalWritersWins(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	won := make(chan bool)
	for i := range 8 {
		go func() {
			r := request{method: "PUT", key: "k", body: fmt.Sprint(i), header: map[string]string{"If-None-Match": "*"}}
			got, err := r.send(t, srv)
			won <- err == nil && got.Status == 200
		}()
	}
	wins := 0
	for range 8 {
		if <-won {
			wins++
		}
	}
	if wins != 1 {
		t.Errorf("%d writers created the key", wins)
	}
}

func TestMissingThings(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	cases := map[string]struct {
		request request
		want    string
	}{
		"a key":              {request{method: "GET", key: "k"}, "NoSuchKey"},
		"a bucket":           {request{method: "GET", bucket: "other", key: "k"}, "NoSuchBucket"},
		"a version":          {request{method: "GET", key: "k", query: url.Values{"versionId": {strings.Repeat("a", 32)}}}, "NoSuchVersion"},
		"a nonsense version": {request{method: "GET", key: "k", query: url.Values{"versionId": {"x"}}}, "InvalidArgument"},
		"a copy's source":    {request{method: "PUT", key: "k", header: map[string]string{"X-Amz-Copy-Source": "/" + bucket + "/none"}}, "NoSuchKey"},
		"tags of a key":      {request{method: "GET", key: "k", query: url.Values{"tagging": {""}}}, "NoSuchKey"},
		"a method":           {request{method: "PATCH", key: "k"}, "MethodNotAllowed"},
		"a bucket name":      {request{method: "GET", tamper: func(r *http.Request) {}, key: "k", bucket: "x/../.."}, "NoSuchBucket"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := tc.request.must(t, srv); got.Code != tc.want {
				t.Errorf("got %d %q, want %q", got.Status, got.Code, tc.want)
			}
		})
	}
}

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
			Headers: map[string]string{"Content-Type": "text/a"}, Metadata: map[string]string{"m": "1"}, Tags: map[string]string{"t": "1"}}},
		"replaces metadata": {src, minio.CopyDestOptions{ReplaceMetadata: true, UserMetadata: map[string]string{"n": "2"}}, "", s3.Object{
			Metadata: map[string]string{"n": "2"}, Tags: map[string]string{"t": "1"}}},
		"replaces tags": {src, minio.CopyDestOptions{ReplaceTags: true, UserTags: map[string]string{"u": "2"}}, "", s3.Object{
			Headers: map[string]string{"Content-Type": "text/a"}, Metadata: map[string]string{"m": "1"}, Tags: map[string]string{"u": "2"}}},
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
	self := request{method: "PUT", key: "from", header: map[string]string{"X-Amz-Copy-Source": "/" + bucket + "/from"}}.must(t, srv)
	if self.Code != "InvalidRequest" {
		t.Errorf("a copy to itself: %d %s", self.Status, self.Code)
	}
}

func TestVersionsOfAnObject(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	put(t, core, "k", "before")
	if err := core.EnableVersioning(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	first, second := put(t, core, "k", "first"), put(t, core, "k", "second")
	if first.VersionID == "" || first.VersionID == second.VersionID {
		t.Fatalf("version ids %q and %q", first.VersionID, second.VersionID)
	}
	if err := core.Client.RemoveObject(ctx, bucket, "k", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	gone := request{method: "GET", key: "k"}.must(t, srv)
	if gone.Code != "NoSuchKey" || gone.Header.Get("X-Amz-Delete-Marker") != "true" {
		t.Errorf("behind a marker: %s, marker %q", gone.Code, gone.Header.Get("X-Amz-Delete-Marker"))
	}
	marker := gone.Header.Get("X-Amz-Version-Id")
	for id, want := range map[string]string{"null": "before", first.VersionID: "first", second.VersionID: "second"} {
		if got := (request{method: "GET", key: "k", query: url.Values{"versionId": {id}}}).must(t, srv); got.Body != want || got.Header.Get("X-Amz-Version-Id") != id {
			t.Errorf("version %s: %q", id, got.Body)
		}
	}
	if got := (request{method: "GET", key: "k", query: url.Values{"versionId": {marker}}}).must(t, srv); got.Code != "MethodNotAllowed" {
		t.Errorf("a marker read: %d %s", got.Status, got.Code)
	}
	undo := request{method: "DELETE", key: "k", query: url.Values{"versionId": {marker}}}.must(t, srv)
	if undo.Status != 204 || undo.Header.Get("X-Amz-Delete-Marker") != "true" {
		t.Errorf("deletion of the marker: %d", undo.Status)
	}
	if got := get(t, core, "k"); got != "second" {
		t.Errorf("after the marker's deletion: %q", got)
	}
	if got := len(srv.Versions(bucket, "k")); got != 3 {
		t.Errorf("%d versions, want 3", got)
	}
}

func TestSuspendedVersioningReplacesTheNullVersion(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	put(t, core, "k", "null 1")
	if err := core.EnableVersioning(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	kept := put(t, core, "k", "kept")
	if err := core.SuspendVersioning(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	put(t, core, "k", "null 2")
	contents := func() (all []string) {
		for _, o := range srv.Versions(bucket, "k") {
			all = append(all, fmt.Sprintf("%s %t %s", o.VersionID, o.DeleteMarker, o.Body))
		}
		return all
	}
	if diff := cmp.Diff([]string{kept.VersionID + " false kept", "null false null 2"}, contents()); diff != "" {
		t.Errorf("after a put (-want +got):\n%s", diff)
	}
	if err := core.Client.RemoveObject(ctx, bucket, "k", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{kept.VersionID + " false kept", "null true "}, contents()); diff != "" {
		t.Errorf("after a delete (-want +got):\n%s", diff)
	}
}

func TestMultiDelete(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	if err := core.EnableVersioning(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	old := put(t, core, "a", "old")
	put(t, core, "a", "new")
	put(t, core, "b", "x")
	feed := make(chan minio.ObjectInfo, 3)
	feed <- minio.ObjectInfo{Key: "a", VersionID: old.VersionID}
	feed <- minio.ObjectInfo{Key: "b"}
	feed <- minio.ObjectInfo{Key: "missing"}
	close(feed)
	markers := 0
	for r := range core.Client.RemoveObjectsWithResult(ctx, bucket, feed, minio.RemoveObjectsOptions{}) {
		if r.Err != nil {
			t.Errorf("%s: %v", r.ObjectName, r.Err)
		}
		if r.DeleteMarker {
			markers++
		}
	}
	if markers != 2 {
		t.Errorf("%d delete markers made, want one for b and one for the missing key", markers)
	}
	if got := srv.Versions(bucket, "a"); len(got) != 1 || string(got[0].Body) != "new" {
		t.Errorf("versions of a: %v", got)
	}
	body := "<Delete><Object><Key>a</Key></Object></Delete>"
	if got := (request{method: "POST", query: url.Values{"delete": {""}}, body: body}).must(t, srv); got.Code != "InvalidRequest" {
		t.Errorf("without Content-MD5: %d %s", got.Status, got.Code)
	}
	many := "<Delete>" + strings.Repeat("<Object><Key>a</Key></Object>", 1001) + "</Delete>"
	sum := md5.Sum([]byte(many))
	r := request{method: "POST", query: url.Values{"delete": {""}}, body: many, header: map[string]string{"Content-MD5": b64(sum[:])}}
	if got := r.must(t, srv); got.Code != "MalformedXML" {
		t.Errorf("1001 keys: %d %s", got.Status, got.Code)
	}
}

func TestLargeObjectsStreamBothWays(t *testing.T) {
	_, core := start(t, s3.Options{})
	content := bytes.Repeat([]byte("0123456789abcdef"), 500_000)
	put(t, core, "k", string(content))
	if got := get(t, core, "k"); got != string(content) {
		t.Errorf("%d bytes came back, want %d", len(got), len(content))
	}
}
