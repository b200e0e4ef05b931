package dataplane_test

import (
	"crypto/sha256"
	"encoding/xml"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/rempart/rempart/test/emulator/sigv4"
)

// request is one signed request, for what minio-go cannot or will not send.
type request struct {
	method string
	// bucket is the first one unless it is set, "/" being none.
	bucket string
	key    string
	query  string
	header map[string]string
	body   string
	// hash replaces the true hash of the body.
	hash string
	// as signs in another name than alice's, secret and region with others, at
	// another time.
	as, secret, region string
	at                 time.Time
	// tamper changes the request after it was signed.
	tamper func(*http.Request)
}

type response struct {
	status     int
	code, body string
	header     http.Header
}

func orElse(v, otherwise string) string {
	if v == "" {
		return otherwise
	}
	return v
}

func (r request) build(t testing.TB, w *world) *http.Request {
	t.Helper()
	path := "/" + orElse(r.bucket, bucket)
	if r.bucket == "/" {
		path = "/"
	}
	if r.key != "" {
		path += "/" + r.key
	}
	target, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	target.Path, target.RawPath, target.RawQuery = path, s3utils.EncodePath(path), r.query
	req, err := http.NewRequestWithContext(t.Context(), r.method, w.URL, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	req.URL = target
	req.Header.Set(sigv4.ContentHashHeader, orElse(r.hash, sigv4.SHA256([]byte(r.body))))
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	who, at := orElse(r.as, "alice"), r.at
	if at.IsZero() {
		at = time.Now()
	}
	sigv4.Sign(req, sigv4.Credentials{
		AccessKey: who + "-key", SecretKey: orElse(r.secret, who+"-secret"), Region: orElse(r.region, "gra"),
	}, at)
	if r.tamper != nil {
		r.tamper(req)
	}
	return req
}

func (r request) send(t testing.TB, w *world) response {
	t.Helper()
	res, err := http.DefaultClient.Do(r.build(t, w))
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.key, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := response{status: res.StatusCode, body: string(body), header: res.Header}
	var document struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
	}
	if xml.Unmarshal(body, &document) == nil {
		got.code = document.Code
	}
	return got
}

// digest is what minio-go signs chunks with.
type digest struct{ hash.Hash }

// Close has nothing to give back.
func (digest) Close() {}

func newSHA256() digest { return digest{sha256.New()} }
