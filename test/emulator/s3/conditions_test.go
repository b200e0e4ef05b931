package s3_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/test/emulator/s3"
)

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
