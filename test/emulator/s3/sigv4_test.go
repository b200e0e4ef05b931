package s3_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rempart/rempart/test/emulator/s3"
)

// signatureCases are requests with what becomes of them.
var signatureCases = map[string]struct {
	request request
	status  int
	code    string
}{
	"a correct request passes": {
		request{method: "PUT", key: "k", body: "x"}, 200, "",
	},
	"a wrong secret": {
		request{method: "PUT", key: "k", body: "x", access: "emulator-access", secret: "wrong"}, 403, "SignatureDoesNotMatch",
	},
	"an unknown access key": {
		request{method: "PUT", key: "k", body: "x", access: "nobody", secret: "wrong"}, 403, "InvalidAccessKeyId",
	},
	"no signature at all": {
		request{method: "PUT", key: "k", body: "x", unsigned: true}, 403, "AccessDenied",
	},
	"a body other than the signed hash": {
		request{method: "PUT", key: "k", body: "x", hash: strings.Repeat("0", 64)}, 400, "XAmzContentSHA256Mismatch",
	},
	"a hash that is none": {
		request{method: "PUT", key: "k", body: "x", hash: "abc"}, 400, "InvalidArgument",
	},
	"an unsigned payload": {
		request{method: "PUT", key: "k", body: "x", hash: "UNSIGNED-PAYLOAD"}, 200, "",
	},
	"a wrong Content-MD5": {
		request{method: "PUT", key: "k", body: "x", header: map[string]string{"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}}, 400, "BadDigest",
	},
	"a Content-MD5 that is none": {
		request{method: "PUT", key: "k", body: "x", header: map[string]string{"Content-MD5": "abc"}}, 400, "InvalidDigest",
	},
	"a session token nobody issued": {
		request{method: "PUT", key: "k", body: "x", header: map[string]string{"X-Amz-Security-Token": "t"}}, 400, "InvalidToken",
	},
	"another path than the signed one": {
		request{method: "GET", key: "k", tamper: func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/"+bucket+"/other", "" }}, 403, "SignatureDoesNotMatch",
	},
	"another query than the signed one": {
		request{method: "GET", key: "k", tamper: func(r *http.Request) { r.URL.RawQuery = "versionId=null" }}, 403, "SignatureDoesNotMatch",
	},
	"another method than the signed one": {
		request{method: "GET", key: "k", tamper: func(r *http.Request) { r.Method = "DELETE" }}, 403, "SignatureDoesNotMatch",
	},
	"another spelling of the signed path": {
		request{method: "GET", key: "a", tamper: func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/"+bucket+"/a", "/"+bucket+"/%61" }}, 403, "SignatureDoesNotMatch",
	},
	"an x-amz header added after signing": {
		request{method: "PUT", key: "k", tamper: func(r *http.Request) { r.Header.Set("X-Amz-Meta-Evil", "1") }}, 403, "AccessDenied",
	},
	"a plain header added after signing": {
		request{method: "PUT", key: "k", tamper: func(r *http.Request) { r.Header.Set("Via", "proxy") }}, 200, "",
	},
	"a signed header changed": {
		request{method: "PUT", key: "k", header: map[string]string{"X-Amz-Meta-A": "1"}, tamper: func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "2") }}, 403, "SignatureDoesNotMatch",
	},
	"another region": {
		request{method: "GET", key: "k", tamper: func(r *http.Request) { resign(r, "elsewhere-1") }}, 400, "AuthorizationHeaderMalformed",
	},
	"signature version 2": {
		request{method: "GET", key: "k", tamper: func(r *http.Request) { r.Header.Set("Authorization", "AWS emulator-access:c2lnbg==") }}, 400, "InvalidRequest",
	},
	"no content hash": {
		request{method: "GET", key: "k", tamper: func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }}, 400, "InvalidRequest",
	},
	"no date": {
		request{method: "GET", key: "k", tamper: func(r *http.Request) { r.Header.Del("X-Amz-Date") }}, 403, "AccessDenied",
	},
	"both header and query authentication": {
		request{method: "GET", key: "k", tamper: func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=x" }}, 400, "InvalidArgument",
	},
}

func TestSignaturesAreVerified(t *testing.T) {
	for name, tc := range signatureCases {
		t.Run(name, func(t *testing.T) {
			srv, _ := start(t, s3.Options{})
			got := tc.request.must(t, srv)
			if got.Status != tc.status || got.Code != tc.code {
				t.Errorf("got %d %q, want %d %q\n%s", got.Status, got.Code, tc.status, tc.code, got.Body)
			}
			if _, there := srv.Object(bucket, "k"); there != (tc.status == 200) {
				t.Errorf("object stored: %t", there)
			}
		})
	}
}

func resign(r *http.Request, region string) {
	r.Header.Del("Authorization")
	signed := signer.SignV4(*r, "emulator-access", "emulator-secret", "", region)
	r.Header = signed.Header
}

func TestHeaderSpacesAreSignedCollapsed(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	got := request{method: "PUT", key: "k", header: map[string]string{"X-Amz-Meta-A": "two  spaces"}}.must(t, srv)
	if got.Status != http.StatusOK {
		t.Fatalf("put: %d %s", got.Status, got.Body)
	}
	o, _ := srv.Object(bucket, "k")
	if o.Metadata["a"] != "two  spaces" {
		t.Errorf("metadata is %q, want both spaces", o.Metadata["a"])
	}
}

func TestClockSkew(t *testing.T) {
	cases := map[string]struct {
		ahead time.Duration
		want  string
	}{
		"a server 14 minutes ahead accepts":  {14 * time.Minute, ""},
		"a server 20 minutes ahead refuses":  {20 * time.Minute, "RequestTimeTooSkewed"},
		"a server 14 minutes behind accepts": {-14 * time.Minute, ""},
		"a server 20 minutes behind refuses": {-20 * time.Minute, "RequestTimeTooSkewed"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, _ := start(t, s3.Options{Clock: func() time.Time { return time.Now().Add(tc.ahead) }})
			got := request{method: "PUT", key: "k", body: "x"}.must(t, srv)
			if got.Code != tc.want {
				t.Errorf("got %q, want %q", got.Code, tc.want)
			}
			date, err := http.ParseTime(got.Header.Get("Date"))
			if err != nil {
				t.Fatal(err)
			}
			if off := time.Until(date) - tc.ahead; off.Abs() > 2*time.Minute {
				t.Errorf("Date header is %s off the server's clock", off)
			}
			if stored, there := srv.Object(bucket, "k"); there && time.Until(stored.LastModified.Add(-tc.ahead)).Abs() > 2*time.Minute {
				t.Errorf("LastModified %s does not follow the server's clock", stored.LastModified)
			}
		})
	}
}

func TestPresignedURLs(t *testing.T) {
	now := time.Now()
	offset := time.Duration(0)
	srv, core := start(t, s3.Options{Clock: func() time.Time { return now.Add(offset) }})
	ctx := context.Background()
	upload, err := core.PresignedPutObject(ctx, bucket, "a//b +%", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	download, err := core.PresignedGetObject(ctx, bucket, "a//b +%", time.Hour, url.Values{"response-content-type": {"text/odd"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, srv, http.MethodPut, upload.String(), "content"); got.Status != 200 {
		t.Fatalf("presigned put: %d %s", got.Status, got.Body)
	}
	got := fetch(t, srv, http.MethodGet, download.String(), "")
	if got.Body != "content" || got.Header.Get("Content-Type") != "text/odd" {
		t.Errorf("presigned get: %d %q of type %q", got.Status, got.Body, got.Header.Get("Content-Type"))
	}
	if got := fetch(t, srv, http.MethodDelete, download.String(), ""); got.Code != "SignatureDoesNotMatch" {
		t.Errorf("a presigned GET used for DELETE: %d %s", got.Status, got.Code)
	}
	offset = 61 * time.Minute
	if got := fetch(t, srv, http.MethodGet, download.String(), ""); got.Code != "AccessDenied" {
		t.Errorf("an expired URL: %d %s, want AccessDenied", got.Status, got.Code)
	}
	offset = -20 * time.Minute
	if got := fetch(t, srv, http.MethodGet, download.String(), ""); got.Code != "AccessDenied" {
		t.Errorf("a URL of the future: %d %s, want AccessDenied", got.Status, got.Code)
	}
}

func fetch(t *testing.T, srv *s3.Server, method, target, body string) response {
	t.Helper()
	r := request{method: method, unsigned: true, body: body, tamper: func(r *http.Request) {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = u
		r.Header.Del("X-Amz-Content-Sha256")
	}}
	return r.must(t, srv)
}

func TestMissingLengthIsRefused(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	got := request{method: "PUT", key: "k", body: "x", hash: "UNSIGNED-PAYLOAD", tamper: func(r *http.Request) { r.ContentLength = -1 }}.must(t, srv)
	if got.Status != http.StatusLengthRequired || got.Code != "MissingContentLength" {
		t.Errorf("got %d %s, want 411 MissingContentLength", got.Status, got.Code)
	}
}

func TestServerOverTLSWorksWithClients(t *testing.T) {
	_, core := start(t, s3.Options{TLS: true, Region: "eu-west-9"})
	put(t, core, "a//b", "content")
	if got := get(t, core, "a//b"); got != "content" {
		t.Errorf("got %q", got)
	}
}

func TestRegionIsToldToClientsThatGuessWrong(t *testing.T) {
	srv, _ := start(t, s3.Options{Region: "eu-west-9"})
	got := request{method: "GET", key: "k", tamper: func(r *http.Request) { resign(r, "us-east-1") }}.must(t, srv)
	if !strings.Contains(got.Body, "<Region>eu-west-9</Region>") {
		t.Errorf("the error names no region: %s", got.Body)
	}
	location := request{method: "GET", query: url.Values{"location": {""}}, tamper: func(r *http.Request) { resign(r, "us-east-1") }}.must(t, srv)
	if !strings.Contains(location.Body, ">eu-west-9</LocationConstraint>") {
		t.Errorf("location asked in the default region: %d %s", location.Status, location.Body)
	}
}
