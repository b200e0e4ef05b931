package dataplane_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rempart/rempart/test/emulator/dataplane"
	"github.com/rempart/rempart/test/emulator/s3"
)

func TestRequestsAreRefusedAsAWSDoes(t *testing.T) {
	tests := map[string]struct {
		request request
		status  int
		code    string
	}{
		"a correct request passes":                              {request{method: "PUT", key: "k", body: "x"}, 200, ""},
		"a wrong secret":                                        {request{method: "PUT", key: "k", body: "x", secret: "wrong"}, 403, "SignatureDoesNotMatch"},
		"an unknown key":                                        {request{method: "PUT", key: "k", as: "nobody"}, 403, "InvalidAccessKeyId"},
		"a clock that is late":                                  {request{method: "GET", key: "k", at: time.Now().Add(-16 * time.Minute)}, 403, "RequestTimeTooSkewed"},
		"a clock that is early":                                 {request{method: "GET", key: "k", at: time.Now().Add(16 * time.Minute)}, 403, "RequestTimeTooSkewed"},
		"another region":                                        {request{method: "GET", key: "k", region: "sbg"}, 400, "AuthorizationHeaderMalformed"},
		"the backend's region":                                  {request{method: "GET", key: "k", region: "us-east-1"}, 400, "AuthorizationHeaderMalformed"},
		"a body of another hash":                                {request{method: "PUT", key: "k", body: "x", hash: strings.Repeat("0", 64)}, 400, "XAmzContentSHA256Mismatch"},
		"a document of another hash":                            {request{method: "PUT", query: "tagging", body: "<Tagging/>", hash: strings.Repeat("0", 64)}, 400, "XAmzContentSHA256Mismatch"},
		"a body of another MD5":                                 {request{method: "PUT", key: "k", body: "x", header: map[string]string{"Content-Md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}}, 400, "BadDigest"},
		"a document of another MD5":                             {request{method: "PUT", query: "tagging", body: "<Tagging/>", header: map[string]string{"Content-Md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}}, 400, "BadDigest"},
		"a body that is not signed":                             {request{method: "PUT", key: "k", body: "x", hash: "UNSIGNED-PAYLOAD"}, 200, ""},
		"a hash that is none":                                   {request{method: "PUT", key: "k", body: "x", hash: "abc"}, 400, "InvalidArgument"},
		"a body with trailers":                                  {request{method: "PUT", key: "k", body: "x", hash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, 400, "XAmzContentSHA256Mismatch"},
		"another path than was signed":                          {request{method: "GET", key: "k", tamper: func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/"+bucket+"/other", "" }}, 403, "SignatureDoesNotMatch"},
		"no signature at all":                                   {request{method: "GET", key: "k", tamper: func(r *http.Request) { r.Header.Del("Authorization") }}, 403, "AccessDenied"},
		"an unknown bucket":                                     {request{method: "GET", bucket: "unknown", key: "k"}, 404, "NoSuchBucket"},
		"a bucket of the backend that the region does not know": {request{method: "GET", bucket: "behind", key: "k"}, 404, "NoSuchBucket"},
	}
	behind := s3.Start(t, s3.Options{})
	behind.CreateBucket("behind")
	w := startOver(t, dataplane.OVHcloud, dataplane.Backend{
		Endpoint: behind.URL, AccessKey: behind.AccessKey, SecretKey: behind.SecretKey, Region: behind.Region,
	})
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := tc.request.send(t, w)
			if got.status != tc.status || got.code != tc.code {
				t.Errorf("got %d %s, want %d %s: %s", got.status, got.code, tc.status, tc.code, got.body)
			}
		})
	}
}

func TestTheRegionOfABucketCanBeAskedFromTheFirstRegion(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	got := request{method: "GET", query: "location=", region: "us-east-1"}.send(t, w)
	if got.status != http.StatusOK || !strings.Contains(got.body, ">gra<") {
		t.Errorf("got %+v", got)
	}
}

func TestALinkEnds(t *testing.T) {
	var late time.Duration
	w := start(t, dataplane.OVHcloud, func(o *dataplane.Options) {
		o.Clock = func() time.Time { return time.Now().Add(late) }
	})
	core := w.client(t, "alice")
	mustPut(t, core, "k", "x")
	link, err := core.PresignedGetObject(t.Context(), bucket, "k", time.Minute, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(link.String(), w.URL)
	if status, text := w.fetch(t, path); status != http.StatusOK {
		t.Errorf("in time: %d %s", status, text)
	}
	late = 2 * time.Minute
	if status, text := w.fetch(t, path); status != http.StatusForbidden || !strings.Contains(text, "Request has expired") {
		t.Errorf("too late: %d %s", status, text)
	}
}

// What a client signed chunk by chunk is verified before the backend has all of it.
func TestABodyWithABrokenChunkIsNotStored(t *testing.T) {
	for behind, start := range starts {
		t.Run(behind, func(t *testing.T) { breakChunks(t, start(t, dataplane.OVHcloud)) })
	}
}

func breakChunks(t *testing.T, w *world) {
	t.Helper()
	content := bytes.Repeat([]byte("0123456789abcdef"), 16<<10) // four chunks of minio-go
	breaks := map[string]func(body []byte) []byte{
		"nothing":               func(b []byte) []byte { return b },
		"a byte":                func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"a byte of the last":    func(b []byte) []byte { b[bytes.LastIndex(b, []byte("\r\n0;"))-1] ^= 1; return b },
		"the closing signature": func(b []byte) []byte { b[len(b)-6] ^= 1; return b },
		"the closing chunk":     func(b []byte) []byte { return b[:bytes.LastIndex(b, []byte("0;chunk-signature"))] },
	}
	for name, change := range breaks {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.URL+"/"+bucket+"/streamed", bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			signed := signer.StreamingSignV4(req, "alice-key", "alice-secret", "", "gra", int64(len(content)), time.Now().UTC(), newSHA256())
			body, err := io.ReadAll(signed.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = change(body)
			signed.Body, signed.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			res, err := http.DefaultClient.Do(signed)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			_, err = get(w.client(t, "alice"), bucket, "streamed")
			if stored, want := err == nil, name == "nothing"; stored != want || (res.StatusCode == http.StatusOK) != want {
				t.Errorf("answered %d, stored: %t, want %t", res.StatusCode, stored, want)
			}
			if err := w.client(t, "alice").RemoveObject(t.Context(), bucket, "streamed", minio.RemoveObjectOptions{}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// The keys of a client go to the backend as they came.
func TestKeysStayAsTheyAre(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	for _, key := range []string{"a//b", "./a", "a/../b", "/a", "a/", "a%2Fb", "a+b", "a b", "~é*'()!", "?q=1", "a\x01b"} {
		if got := (request{method: "PUT", key: key, body: key}).send(t, w); got.status != http.StatusOK {
			t.Errorf("put %q: %+v", key, got)
			continue
		}
		if got := (request{method: "GET", key: key}).send(t, w); got.body != key {
			t.Errorf("get %q: %+v", key, got)
		}
		if log := w.Requests(func(r dataplane.Request) bool { return r.Key == key }); len(log) != 2 {
			t.Errorf("%q was asked for %d times by the log", key, len(log))
		}
		list := request{method: "GET", query: "list-type=2&encoding-type=url&prefix=" + url.QueryEscape(key)}.send(t, w)
		if list.status != http.StatusOK || strings.Contains(list.body, "<KeyCount>0</KeyCount>") {
			t.Errorf("list %q: %+v", key, list)
		}
	}
}

// A backend sees the first bytes of a body before the client has sent the last.
func TestBodiesAreStreamed(t *testing.T) {
	began := make(chan struct{})
	behind := listen(t, func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/k") {
			if _, err := io.ReadFull(r.Body, make([]byte, 10)); err != nil {
				t.Error(err)
			}
			close(began)
			_, _ = io.Copy(io.Discard, r.Body)
		}
	})
	w := startOver(t, dataplane.OVHcloud, dataplane.Backend{Endpoint: behind, AccessKey: "a", SecretKey: "s", Region: "r"})
	reader, writer := io.Pipe()
	req := request{method: "PUT", key: "k", hash: "UNSIGNED-PAYLOAD"}.build(t, w)
	const half = 64 << 10
	req.Body, req.ContentLength = reader, 2*half
	answered := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			err = res.Body.Close()
		}
		answered <- err
	}()
	if _, err := writer.Write(make([]byte, half)); err != nil {
		t.Fatal(err)
	}
	<-began
	if _, err := writer.Write(make([]byte, half)); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
}

// listen serves what stands for a backend.
func listen(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handle}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}
