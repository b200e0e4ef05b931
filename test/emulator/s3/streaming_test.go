package s3_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rempart/rempart/test/emulator/s3"
)

// plainHasher is what minio-go's streaming signer wants of a SHA-256.
type plainHasher struct{ hash.Hash }

func (plainHasher) Close() {}

func streamed(t *testing.T, srv *s3.Server, key, body string, trailer http.Header, edit func([]byte) []byte) response {
	t.Helper()
	req, err := http.NewRequest(http.MethodPut, srv.URL+"/"+bucket+"/"+key, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Trailer = trailer
	signed := signer.StreamingSignV4(req, srv.AccessKey, srv.SecretKey, "", srv.Region, int64(len(body)), time.Now().UTC(), plainHasher{sha256.New()})
	framed := readAll(t, signed.Body)
	if edit != nil {
		framed = edit(framed)
	}
	signed.Body = io.NopCloser(bytes.NewReader(framed))
	signed.ContentLength = int64(len(framed))
	res, err := srv.HTTPClient().Do(signed)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, res.Body)
	return response{Status: res.StatusCode, Body: string(readAll(t, res.Body))}
}

func TestStreamingSignaturesAreVerified(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 10_000) // three chunks
	cases := map[string]struct {
		edit func([]byte) []byte
		want string
	}{
		"an untouched stream passes": {nil, ""},
		"a changed byte in the second chunk": {
			func(b []byte) []byte { b[80_000] ^= 1; return b }, "SignatureDoesNotMatch",
		},
		"a stream without its closing chunk": {
			func(b []byte) []byte { return b[:bytes.LastIndex(b, []byte("0;chunk-signature"))] }, "IncompleteBody",
		},
		"a closing chunk with another signature": {
			func(b []byte) []byte { b[len(b)-6] ^= 1; return b }, "SignatureDoesNotMatch",
		},
		"a stream that ends within a chunk": {
			func(b []byte) []byte { return b[:100_000] }, "IncompleteBody",
		},
		"something that is not chunked": {
			func([]byte) []byte { return []byte("plain\n") }, "IncompleteBody",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, _ := start(t, s3.Options{})
			got := streamed(t, srv, "k", body, nil, tc.edit)
			if tc.want == "" && got.Status != 200 || !strings.Contains(got.Body, tc.want) {
				t.Fatalf("got %d %s, want %q", got.Status, got.Body, tc.want)
			}
			o, there := srv.Object(bucket, "k")
			if there != (tc.want == "") || there && string(o.Body) != body {
				t.Errorf("object stored: %t, %d bytes", there, len(o.Body))
			}
		})
	}
}

func TestAwsChunkedIsNotPartOfTheContentEncoding(t *testing.T) {
	for name, tc := range map[string]struct {
		options s3.Options
		want    string
	}{
		"stripped like S3":                   {s3.Options{}, "gzip"},
		"kept like Ceph, when told to do so": {s3.Options{KeepChunkedEncoding: true}, "aws-chunked,gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, tc.options)
			_, err := core.Client.PutObject(context.Background(), bucket, "k", strings.NewReader("not really"), 10,
				minio.PutObjectOptions{ContentEncoding: "gzip"})
			if err != nil {
				t.Fatal(err)
			}
			o, _ := srv.Object(bucket, "k")
			if got := o.Headers["Content-Encoding"]; got != tc.want {
				t.Errorf("Content-Encoding is %q, want %q", got, tc.want)
			}
			if got := get(t, core, "k"); got != "not really" {
				t.Errorf("got %q: the bytes were re-encoded", got)
			}
		})
	}
}

func TestEmptyStreamingUpload(t *testing.T) {
	for name, tc := range map[string]struct {
		options s3.Options
		want    string
	}{
		"accepted":                              {s3.Options{}, ""},
		"refused like Ceph, when told to do so": {s3.Options{RefuseEmptyStreaming: true}, "XAmzContentSHA256Mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			_, core := start(t, tc.options)
			_, err := core.Client.PutObject(context.Background(), bucket, "k", strings.NewReader(""), 0, minio.PutObjectOptions{})
			if got := codeOf(err); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTrailingChecksums(t *testing.T) {
	crc := func() http.Header { return http.Header{"x-amz-checksum-crc32c": {"4waSgw=="}} } // of "123456789"
	cases := map[string]struct {
		options s3.Options
		trailer http.Header
		edit    func([]byte) []byte
		want    string
	}{
		"refused unless enabled":    {s3.Options{}, crc(), nil, "XAmzContentSHA256Mismatch"},
		"accepted when enabled":     {s3.Options{AllowTrailers: true}, crc(), nil, ""},
		"a wrong checksum":          {s3.Options{AllowTrailers: true}, http.Header{"x-amz-checksum-crc32c": {"AAAAAA=="}}, nil, "BadDigest"},
		"a changed signed checksum": {s3.Options{AllowTrailers: true}, crc(), replace("4waSgw==", "4waSgQ=="), "SignatureDoesNotMatch"},
		"a missing trailer":         {s3.Options{AllowTrailers: true}, crc(), replace("x-amz-checksum-crc32c", "x-amz-checksum-other-"), "SignatureDoesNotMatch"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, _ := start(t, tc.options)
			got := streamed(t, srv, "k", "123456789", tc.trailer, tc.edit)
			if tc.want == "" && got.Status != 200 || !strings.Contains(got.Body, tc.want) {
				t.Fatalf("got %d %s, want %q", got.Status, got.Body, tc.want)
			}
		})
	}
}

func replace(old, with string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(old), []byte(with)) }
}

func TestUnsignedTrailerOverTLS(t *testing.T) {
	sum := sha256.Sum256([]byte("x"))
	for name, tc := range map[string]struct {
		body string
		want string
	}{
		"a chunked body":          {"1\r\nx\r\n0\r\nx-amz-checksum-sha256:" + b64(sum[:]) + "\r\n\r\n", ""},
		"a wrong sum":             {"1\r\ny\r\n0\r\nx-amz-checksum-sha256:" + b64(sum[:]) + "\r\n\r\n", "BadDigest"},
		"no trailer":              {"1\r\nx\r\n0\r\n\r\n", "MalformedTrailerError"},
		"a length that is untrue": {"2\r\nxx\r\n0\r\nx-amz-checksum-sha256:" + b64(sum[:]) + "\r\n\r\n", "IncompleteBody"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, _ := start(t, s3.Options{AllowTrailers: true, TLS: true})
			got := request{method: "PUT", key: "k", body: tc.body, hash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER", header: map[string]string{
				"X-Amz-Trailer": "x-amz-checksum-sha256", "X-Amz-Decoded-Content-Length": "1",
			}}.must(t, srv)
			if got.Code != tc.want {
				t.Errorf("got %q, want %q", got.Code, tc.want)
			}
		})
	}
}

func TestClientWithTrailingHeaders(t *testing.T) {
	sent := minio.PutObjectOptions{Checksum: minio.ChecksumCRC32C}
	srv := s3.Start(t, s3.Options{AllowTrailers: true, TLS: true, MinPartSize: -1})
	srv.CreateBucket(bucket)
	core := trailingClient(t, srv)
	if _, err := core.Client.PutObject(context.Background(), bucket, "k", strings.NewReader("123456789"), 9, sent); err != nil {
		t.Fatal(err)
	}
	info, err := core.StatObject(context.Background(), bucket, "k", minio.StatObjectOptions{Checksum: true})
	if err != nil {
		t.Fatal(err)
	}
	if info.ChecksumCRC32C != "4waSgw==" {
		t.Errorf("stored checksum is %q", info.ChecksumCRC32C)
	}
}

func TestChunkSignatureOfWrongSecret(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	core := clientFor(t, srv, srv.AccessKey, "wrong")
	_, err := core.Client.PutObject(context.Background(), bucket, "k", strings.NewReader("x"), 1, minio.PutObjectOptions{})
	if got := codeOf(err); got != "SignatureDoesNotMatch" {
		t.Errorf("got %q, want SignatureDoesNotMatch", got)
	}
}
