package s3_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rempart/rempart/test/emulator/s3"
)

// clientFor returns minio-go's low-level client, which retries nothing.
func clientFor(t testing.TB, srv *s3.Server, access, secret string) *minio.Core {
	t.Helper()
	target, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	core, err := minio.NewCore(target.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(access, secret, ""),
		Secure:       target.Scheme == "https",
		Region:       srv.Region,
		BucketLookup: minio.BucketLookupPath,
		Transport:    srv.HTTPClient().Transport,
		MaxRetries:   1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return core
}

// start returns a server with an empty bucket, and a client of its owner.
func start(t testing.TB, o s3.Options) (*s3.Server, *minio.Core) {
	t.Helper()
	srv := s3.Start(t, o)
	srv.CreateBucket(bucket)
	return srv, clientFor(t, srv, srv.AccessKey, srv.SecretKey)
}

const bucket = "first-bucket"

// request is one signed request, for what minio-go cannot or will not send.
// The path is what remains of it after decoding.
type request struct {
	method string
	key    string
	bucket string
	query  url.Values
	header map[string]string
	body   string
	// hash replaces the true hash of the body.
	hash string
	// tamper changes the request after it was signed.
	tamper         func(*http.Request)
	access, secret string
	unsigned       bool
}

type response struct {
	Status int
	Code   string
	Body   string
	Header http.Header
}

func (r request) build(t testing.TB, srv *s3.Server) *http.Request {
	t.Helper()
	name := bucket
	if r.bucket != "" {
		name = r.bucket
	}
	path := "/" + name + "/" + r.key
	target, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	target.Path = path
	target.RawPath = s3utils.EncodePath(path)
	target.RawQuery = r.query.Encode()
	req, err := http.NewRequest(r.method, srv.URL, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	req.URL = target
	sum := sha256.Sum256([]byte(r.body))
	req.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	if r.hash != "" {
		req.Header.Set("X-Amz-Content-Sha256", r.hash)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	if r.unsigned {
		return req
	}
	access, secret := r.access, r.secret
	if access == "" {
		access, secret = srv.AccessKey, srv.SecretKey
	}
	return signer.SignV4(*req, access, secret, "", srv.Region)
}

// send returns the answer, or an error when there is none.
func (r request) send(t testing.TB, srv *s3.Server) (response, error) {
	t.Helper()
	req := r.build(t, srv)
	if r.tamper != nil {
		r.tamper(req)
	}
	res, err := srv.HTTPClient().Do(req)
	if err != nil {
		return response{}, err
	}
	defer closing(t, res.Body)
	body, err := io.ReadAll(res.Body)
	out := response{Status: res.StatusCode, Body: string(body), Header: res.Header}
	var document struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
	}
	if xml.Unmarshal(body, &document) == nil {
		out.Code = document.Code
	}
	return out, err
}

func (r request) must(t testing.TB, srv *s3.Server) response {
	t.Helper()
	got, err := r.send(t, srv)
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.key, err)
	}
	return got
}

// put stores an object through the API.
func put(t testing.TB, core *minio.Core, key, content string) minio.UploadInfo {
	t.Helper()
	info, err := core.Client.PutObject(context.Background(), bucket, key, strings.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
	return info
}

// get reads an object through the API.
func get(t testing.TB, core *minio.Core, key string) string {
	t.Helper()
	body, _, _, err := core.GetObject(context.Background(), bucket, key, minio.GetObjectOptions{})
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	defer closing(t, body)
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("read %q: %v", key, err)
	}
	return string(content)
}

// codeOf returns the S3 code of an error, or "" for nil.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return minio.ToErrorResponse(err).Code
}

// listKeys lists a bucket to its end with ListObjectsV2.
func listKeys(t testing.TB, core *minio.Core, name string) []string {
	t.Helper()
	var keys []string
	for o := range core.Client.ListObjects(context.Background(), name, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			t.Fatalf("list: %v", o.Err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

func readAll(t testing.TB, r io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// trailingClient is clientFor with trailing checksums enabled.
func trailingClient(t testing.TB, srv *s3.Server) *minio.Core {
	t.Helper()
	target, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	core, err := minio.NewCore(target.Host, &minio.Options{
		Creds:           credentials.NewStaticV4(srv.AccessKey, srv.SecretKey, ""),
		Secure:          target.Scheme == "https",
		Region:          srv.Region,
		BucketLookup:    minio.BucketLookupPath,
		Transport:       srv.HTTPClient().Transport,
		TrailingHeaders: true,
		MaxRetries:      1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return core
}

// decode reads an answer's document.
func decode(t testing.TB, document string, v any) {
	t.Helper()
	if err := xml.Unmarshal([]byte(document), v); err != nil {
		t.Fatalf("decode %s: %v", document, err)
	}
}

// signAs signs a request that was changed after it was built.
func signAs(r *http.Request, access, secret, region string) *http.Request {
	return signer.SignV4(*r, access, secret, "", region)
}

func closing(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
