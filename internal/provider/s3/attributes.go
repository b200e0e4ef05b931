package s3

import (
	"encoding/base64"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/minio/minio-go/v7"
	"golang.org/x/net/http/httpguts"

	"github.com/rempart/rempart/internal/provider"
)

// metaPrefix is the canonical form of the prefix of user metadata.
const metaPrefix = "X-Amz-Meta-"

// putOptions gives the attributes in the form that minio-go sends.
func putOptions(attributes provider.Attributes) minio.PutObjectOptions {
	options := minio.PutObjectOptions{
		ContentType:        attributes.ContentType,
		ContentEncoding:    attributes.ContentEncoding,
		ContentDisposition: attributes.ContentDisposition,
		ContentLanguage:    attributes.ContentLanguage,
		CacheControl:       attributes.CacheControl,
		Expires:            attributes.Expires,
		UserMetadata:       make(map[string]string, len(attributes.UserMetadata)),
		// No aws-chunked body: the announced SHA-256 is of the bytes as sent.
		DisableContentSha256: true,
	}
	for name, value := range attributes.UserMetadata {
		// With the prefix, or minio-go takes a key such as "content-type" for the
		// header of that name.
		options.UserMetadata[metaPrefix+name] = encodeWord(value)
	}
	return options
}

// headersOf gives what minio-go v7.4.1 cannot send: no Content-Type at all, for
// which it writes application/octet-stream, and tags with letters outside ASCII,
// which it leaves out without a word.
func headersOf(attributes provider.Attributes) http.Header {
	headers := http.Header{}
	if attributes.ContentType == "" {
		headers["Content-Type"] = nil
	}
	if len(attributes.Tags) == 0 {
		return headers
	}
	pairs := make([]string, 0, len(attributes.Tags))
	for _, key := range slices.Sorted(maps.Keys(attributes.Tags)) {
		pairs = append(pairs, escape(key)+"="+escape(attributes.Tags[key]))
	}
	headers.Set("X-Amz-Tagging", strings.Join(pairs, "&"))
	return headers
}

// escape writes a space as %20: not every store takes a + for one.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// encodeWord writes text with a space that breaks signatures as S3 writes text
// outside ASCII: in the encoded words of RFC 2047.
func encodeWord(text string) string {
	if !strings.ContainsFunc(text, breaksSignature) {
		return text
	}
	if word := mime.BEncoding.Encode("UTF-8", text); word != text {
		return word
	}
	// Package mime sees no need to encode a mere tab.
	return "=?UTF-8?b?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
}

// breaksSignature tells a space that minio-go v7.4.1, and the MinIO server with
// it, fold in the canonical form of a header, and other stores do not: a tab, or
// the no-break space of French typography. versitygw 1.8.0 answered 403
// SignatureDoesNotMatch to both.
func breaksSignature(r rune) bool { return r == '\t' || (r > unicode.MaxASCII && unicode.IsSpace(r)) }

// decodeWord undoes encoded words. AWS and MinIO answer them for any text
// outside ASCII, other stores answer what was sent. A word that there was no
// reason to encode is left alone: it is what somebody stored.
func decodeWord(text string) string {
	if !strings.Contains(text, "=?") {
		return text
	}
	decoded, err := new(mime.WordDecoder).DecodeHeader(text)
	if err != nil || !strings.ContainsFunc(decoded, func(r rune) bool { return r > unicode.MaxASCII || r == '\t' }) {
		return text
	}
	return decoded
}

// checkAttributes finds what cannot be sent, or would be taken for a wrong
// signature by the store and so for wrong credentials by everybody else.
func checkAttributes(attributes provider.Attributes) error {
	for name, value := range map[string]string{
		"content type":        attributes.ContentType,
		"content encoding":    attributes.ContentEncoding,
		"content disposition": attributes.ContentDisposition,
		"content language":    attributes.ContentLanguage,
		"cache control":       attributes.CacheControl,
	} {
		if !httpguts.ValidHeaderFieldValue(value) || strings.ContainsFunc(value, breaksSignature) {
			return fmt.Errorf("%s %q cannot be sent", name, value)
		}
	}
	for name, value := range attributes.UserMetadata {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("metadata %q cannot be sent", name)
		}
	}
	return nil
}

// isOdd tells whether a store might compute another signature than ours over
// the attributes' headers.
func isOdd(attributes provider.Attributes) bool {
	odd := func(value string) bool {
		return strings.Join(strings.Fields(value), " ") != value ||
			strings.ContainsFunc(value, func(r rune) bool { return r > unicode.MaxASCII })
	}
	for _, value := range attributes.UserMetadata {
		if odd(value) {
			return true
		}
	}
	return len(attributes.Tags) > 0 || odd(attributes.ContentType) || odd(attributes.ContentEncoding) ||
		odd(attributes.ContentDisposition) || odd(attributes.ContentLanguage) || odd(attributes.CacheControl)
}

// objectOf reads what the headers of a HEAD or GET tell. Size is the object's,
// also in the answer to a range.
func objectOf(ref provider.Ref, header http.Header) (provider.Object, error) {
	object := provider.Object{Key: ref.Key, VersionID: header.Get("X-Amz-Version-Id"), ETag: unquote(header.Get("Etag"))}
	var err error
	if object.Size, err = sizeOf(header); err != nil {
		return provider.Object{}, err
	}
	if object.Modified, err = http.ParseTime(header.Get("Last-Modified")); err != nil || object.ETag == "" {
		return provider.Object{}, fmt.Errorf("the answer has no ETag and time of an object")
	}
	// A store without tags says nothing.
	object.TagCount, _ = strconv.Atoi(header.Get("X-Amz-Tagging-Count"))
	object.Attributes = attributesOf(header)
	object.Encryption = header.Get(encryptionHeader)
	// Most objects are not locked, and most keys may not ask.
	object.LockedUntil, _ = time.Parse(time.RFC3339, header.Get(lockedUntilHeader))
	return object, nil
}

func sizeOf(header http.Header) (int64, error) {
	length := header.Get("Content-Length")
	if _, total, ranged := strings.Cut(header.Get("Content-Range"), "/"); ranged {
		length = total
	}
	size, err := strconv.ParseInt(length, 10, 64)
	if err != nil || size < 0 {
		return 0, fmt.Errorf("the answer has no size of an object")
	}
	return size, nil
}

// attributesOf reads the attributes from an answer's headers. An Expires that is
// no time, such as 0, is left out: there is no way to send it on.
func attributesOf(header http.Header) provider.Attributes {
	attributes := provider.Attributes{
		ContentType:        header.Get("Content-Type"),
		ContentEncoding:    withoutChunked(header.Get("Content-Encoding")),
		ContentDisposition: header.Get("Content-Disposition"),
		ContentLanguage:    header.Get("Content-Language"),
		CacheControl:       header.Get("Cache-Control"),
	}
	if expires, err := http.ParseTime(header.Get("Expires")); err == nil {
		attributes.Expires = expires
	}
	for name, values := range header {
		if key, found := strings.CutPrefix(name, metaPrefix); found && len(values) > 0 {
			if attributes.UserMetadata == nil {
				attributes.UserMetadata = map[string]string{}
			}
			attributes.UserMetadata[strings.ToLower(key)] = decodeWord(values[0])
		}
	}
	return attributes
}

// withoutChunked drops what Ceph RGW keeps of an upload's framing. Sent on, it
// would make the next store look for chunks in the body.
func withoutChunked(encoding string) string {
	if !strings.Contains(encoding, "aws-chunked") {
		return encoding
	}
	var kept []string
	for part := range strings.SplitSeq(encoding, ",") {
		if part = strings.TrimSpace(part); part != "aws-chunked" && part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ",")
}
