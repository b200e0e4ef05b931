package s3_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/test/emulator/s3"
)

// TestPresignedURLsAreChecked changes one parameter of a good URL at a time;
// all but the signature itself are judged before the signature.
func TestPresignedURLsAreChecked(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "content")
	good, err := core.PresignedGetObject(context.Background(), bucket, "k", time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct{ name, value, want string }{
		"nothing":             {"", "", ""},
		"another algorithm":   {"X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256", "AuthorizationQueryParametersError"},
		"no date":             {"X-Amz-Date", "", "AuthorizationQueryParametersError"},
		"no expiry":           {"X-Amz-Expires", "", "AuthorizationQueryParametersError"},
		"an expiry of 0":      {"X-Amz-Expires", "0", "AuthorizationQueryParametersError"},
		"over a week":         {"X-Amz-Expires", "604801", "AuthorizationQueryParametersError"},
		"a longer expiry":     {"X-Amz-Expires", "3601", "SignatureDoesNotMatch"},
		"another signature":   {"X-Amz-Signature", strings.Repeat("0", 64), "SignatureDoesNotMatch"},
		"a short credential":  {"X-Amz-Credential", "key/20260101/us-east-1/s3", "AuthorizationHeaderMalformed"},
		"another service":     {"X-Amz-Credential", srv.AccessKey + "/20260101/us-east-1/sts/aws4_request", "AuthorizationHeaderMalformed"},
		"another terminal":    {"X-Amz-Credential", srv.AccessKey + "/20260101/us-east-1/s3/aws5_request", "AuthorizationHeaderMalformed"},
		"another day":         {"X-Amz-Credential", srv.AccessKey + "/20200101/us-east-1/s3/aws4_request", "AuthorizationHeaderMalformed"},
		"nobody's key":        {"X-Amz-Credential", "nobody/20260101/us-east-1/s3/aws4_request", "InvalidAccessKeyId"},
		"no header signed":    {"X-Amz-SignedHeaders", "", "AccessDenied"},
		"a session nobody is": {"X-Amz-Security-Token", "token", "InvalidToken"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			u := *good
			query := u.Query()
			if tc.name != "" {
				query.Set(tc.name, tc.value)
			}
			u.RawQuery = query.Encode()
			if got := fetch(t, srv, http.MethodGet, u.String(), ""); got.Code != tc.want {
				t.Errorf("got %d %q, want %q", got.Status, got.Code, tc.want)
			}
		})
	}
}

func TestAuthorizationHeadersAreParsed(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	for name, header := range map[string]string{
		"no credential":     "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=x",
		"no signature":      "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request, SignedHeaders=host",
		"nothing":           "AWS4-HMAC-SHA256",
		"a wrong service":   "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=x",
		"a short scope":     "AWS4-HMAC-SHA256 Credential=k/s3/aws4_request, SignedHeaders=host, Signature=x",
		"a wrong last word": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/x, SignedHeaders=host, Signature=x",
	} {
		t.Run(name, func(t *testing.T) {
			got := request{method: "GET", key: "k", tamper: func(r *http.Request) { r.Header.Set("Authorization", header) }}.must(t, srv)
			if got.Code != "AuthorizationHeaderMalformed" {
				t.Errorf("got %d %s", got.Status, got.Code)
			}
		})
	}
}

func TestDateHeaderReplacesAmzDate(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	got := request{method: "GET", key: "k", tamper: func(r *http.Request) {
		r.Header.Del("X-Amz-Date")
		r.Header.Set("Date", time.Now().UTC().Add(-time.Hour).Format(http.TimeFormat))
	}}.must(t, srv)
	if got.Code != "RequestTimeTooSkewed" {
		t.Errorf("got %d %s", got.Status, got.Code)
	}
}

func TestMalformedTargets(t *testing.T) {
	srv, _ := start(t, s3.Options{RewriteKeys: true})
	for name, tc := range map[string]struct{ path, want string }{
		"a key that is no UTF-8":   {"/" + bucket + "/%ff", "InvalidURI"},
		"no bucket before a key":   {"//key", "InvalidBucketName"},
		"a key that names no file": {"/" + bucket + "/a/..", "InvalidArgument"},
	} {
		t.Run(name, func(t *testing.T) {
			got := request{method: "GET", unsigned: true, tamper: func(r *http.Request) {
				plain, err := url.PathUnescape(tc.path)
				if err != nil {
					t.Fatal(err)
				}
				r.URL.Path, r.URL.RawPath = plain, tc.path
			}}.must(t, srv)
			if got.Code != tc.want {
				t.Errorf("got %d %s, want %s", got.Status, got.Code, tc.want)
			}
		})
	}
}
