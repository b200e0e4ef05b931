package sigv4

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3error"
)

// Headers that describe a signed body.
const (
	ContentHashHeader   = "X-Amz-Content-Sha256"
	DecodedLengthHeader = "X-Amz-Decoded-Content-Length"
)

// What the content hash header may say instead of a digest.
const (
	UnsignedPayload        = "UNSIGNED-PAYLOAD"
	StreamingPayload       = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	StreamingSignedTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	StreamingTrailer       = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// IsSHA256 tells whether s can be a digest in hexadecimal digits.
func IsSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32
}

// Target returns bucket and key of a request, the key exactly as sent: only the
// percent encoding is undone, and no segment is interpreted.
func Target(r *http.Request) (bucket, key string, err error) {
	rawBucket, rawKey, _ := strings.Cut(strings.TrimPrefix(RawPath(r), "/"), "/")
	bucket, err = url.PathUnescape(rawBucket)
	if err != nil {
		return "", "", errInvalidURI
	}
	key, err = url.PathUnescape(rawKey)
	if err != nil {
		return "", "", errInvalidURI
	}
	return bucket, key, nil
}

var errInvalidURI = s3error.BadRequest("InvalidURI", "Couldn't parse the specified URI.")

// RawPath returns the request's path as it came over the wire. URL.EscapedPath
// would re-encode paths whose encoding it finds unusual.
func RawPath(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if strings.HasPrefix(path, "/") {
		return path
	}
	return r.URL.EscapedPath()
}
