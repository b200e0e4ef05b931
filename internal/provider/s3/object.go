package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

const (
	actionHead = "head object"
	actionGet  = "get object"
	actionPut  = "put object"
)

// checkKey refuses what cannot be a key, before minio-go does it in its own words.
func (x *exchange) checkKey() error {
	if err := s3utils.CheckValidObjectName(x.key); err != nil {
		return x.fail(invalidKey, err.Error())
	}
	return nil
}

// Head implements provider.Objects. A refusal of a HEAD has no body, so a GET of
// one byte is asked for the reason: 404 may mean that the bucket is gone, which
// is no reason to delete its copies, and 403 may mean that the key is.
func (s *session) Head(ctx context.Context, ref provider.Ref) (provider.Object, error) {
	ctx, x := s.begin(ctx, actionHead, ref.Bucket, ref.Key)
	if err := x.checkKey(); err != nil {
		return provider.Object{}, err
	}
	_, err := s.core.StatObject(ctx, ref.Bucket, ref.Key, minio.StatObjectOptions{VersionID: ref.VersionID})
	if err != nil {
		return provider.Object{}, s.explain(ctx, x, ref, x.fault(ctx, err))
	}
	object, err := objectOf(ref, x.Header)
	if err != nil {
		return provider.Object{}, x.fail(failing, err.Error())
	}
	return object, nil
}

// explain asks why a HEAD was refused, where its status leaves it open.
func (s *session) explain(ctx context.Context, head *exchange, ref provider.Ref, refusal error) error {
	switch head.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound:
	default:
		return refusal
	}
	body, _, err := s.get(ctx, actionHead, ref, provider.GetOptions{Length: 1})
	if err == nil {
		_ = body.Close() // the key may read the object and not ask about it
		return refusal
	}
	if errors.Is(err, provider.ErrChanged) {
		return refusal // an empty object has no first byte
	}
	return err
}

// Get implements provider.Objects with one request. Object.Size is the object's
// also when a range is read.
func (s *session) Get(ctx context.Context, ref provider.Ref, options provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	return s.get(ctx, actionGet, ref, options)
}

func (s *session) get(ctx context.Context, action string, ref provider.Ref, options provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	ctx, x := s.begin(ctx, action, ref.Bucket, ref.Key)
	if err := x.checkKey(); err != nil {
		return nil, provider.Object{}, err
	}
	wanted := minio.GetObjectOptions{VersionID: ref.VersionID}
	if asked := rangeOf(options); asked != "" {
		wanted.Set("Range", asked)
	}
	if options.IfMatch != "" {
		wanted.Set("If-Match", `"`+options.IfMatch+`"`)
	}
	body, _, _, err := s.core.GetObject(ctx, ref.Bucket, ref.Key, wanted)
	if err != nil {
		return nil, provider.Object{}, x.fault(ctx, err)
	}
	object, length, err := x.received(ref, options)
	if err != nil {
		_ = body.Close()
		return nil, provider.Object{}, err
	}
	return &incoming{body: body, left: length, ended: ctx.Err, exchange: x}, object, nil
}

// rangeOf gives the Range header of a read, empty for the whole object.
func rangeOf(options provider.GetOptions) string {
	switch {
	case options.Length > 0:
		return fmt.Sprintf("bytes=%d-%d", options.Offset, options.Offset+options.Length-1)
	case options.Offset > 0:
		return fmt.Sprintf("bytes=%d-", options.Offset)
	default:
		return ""
	}
}

// received checks that an answer is the object, or the part of it, that was
// asked for, and gives it with the number of bytes to come.
func (x *exchange) received(ref provider.Ref, options provider.GetOptions) (provider.Object, int64, error) {
	object, err := objectOf(ref, x.Header)
	if err != nil {
		return provider.Object{}, 0, x.fail(failing, err.Error())
	}
	if options.IfMatch != "" && options.IfMatch != object.ETag {
		return provider.Object{}, 0, x.fail(changed, fmt.Sprintf("ETag is %q, not %q", object.ETag, options.IfMatch))
	}
	length := object.Size - options.Offset
	if options.Length > 0 {
		length = min(length, options.Length)
	}
	switch {
	case x.Status == http.StatusPartialContent:
		if !strings.HasPrefix(x.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", options.Offset)) {
			return provider.Object{}, 0, x.fail(failing, "the answer is another range")
		}
	case length != object.Size:
		return provider.Object{}, 0, x.fail(unsupported, "the store ignores the range")
	}
	return object, length, nil
}

// Put implements provider.Objects: one request, signed over the SHA-256 of the
// plain body, without the checksum headers and trailers that stores refuse.
func (s *session) Put(ctx context.Context, ref provider.Ref, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	return s.put(ctx, actionPut, ref, content, attributes)
}

func (s *session) put(ctx context.Context, action string, ref provider.Ref, content provider.Content, attributes provider.Attributes) (stored provider.Object, err error) {
	err = s.withDigest(ref.Bucket, content, func(sum string) (*exchange, error) {
		ctx, x := s.begin(ctx, action, ref.Bucket, ref.Key)
		if err := x.prepare(attributes); err != nil {
			return x, err
		}
		if sum != "" {
			x.headers.Set(digestHeader, sum)
		}
		var err error
		stored, err = s.send(ctx, x, content, attributes)
		return x, err
	})
	return stored, err
}

// send stores what a prepared exchange is about.
func (s *session) send(ctx context.Context, x *exchange, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	if err := x.attach(content); err != nil {
		return provider.Object{}, err
	}
	info, err := s.core.PutObject(ctx, x.bucket, x.key, x.content.plain(), content.Size, "", content.SHA256, putOptions(attributes))
	x.content.wait()
	if err := x.fault(ctx, err); err != nil {
		return provider.Object{}, err
	}
	if info.ETag == "" {
		return provider.Object{}, x.fail(failing, noETag)
	}
	return provider.Object{
		Key: x.key, VersionID: info.VersionID, ETag: info.ETag, Size: content.Size, Encryption: x.Header.Get(encryptionHeader),
	}, nil
}

// noETag is said of a success that a store would not have answered like this:
// something in between took the content and dropped it.
const noETag = "the answer names no ETag"

// prepare checks what is to be sent about an object and adds what minio-go
// cannot send.
func (x *exchange) prepare(attributes provider.Attributes) error {
	if err := x.checkKey(); err != nil {
		return err
	}
	if err := checkAttributes(attributes); err != nil {
		return x.fail(unsupported, err.Error())
	}
	x.headers = headersOf(attributes)
	x.odd = isOdd(attributes)
	return nil
}

// attach makes the content what the exchange sends.
func (x *exchange) attach(content provider.Content) error {
	sent, err := newOutgoing(content)
	if err != nil {
		return fmt.Errorf("%s: %w", x.what(), err)
	}
	x.content = sent
	return nil
}

// Remove implements provider.Objects.
func (s *session) Remove(ctx context.Context, ref provider.Ref) error {
	ctx, x := s.begin(ctx, "remove object", ref.Bucket, ref.Key)
	if err := x.checkKey(); err != nil {
		return err
	}
	err := x.fault(ctx, s.core.RemoveObject(ctx, ref.Bucket, ref.Key, minio.RemoveObjectOptions{VersionID: ref.VersionID}))
	if errors.Is(err, provider.ErrNotFound) && !fault.HasReason(err, fault.BucketMissing) {
		return nil
	}
	return err
}

// Tags implements provider.Objects.
func (s *session) Tags(ctx context.Context, ref provider.Ref) (map[string]string, error) {
	query := url.Values{"tagging": {""}}
	set(query, "versionId", ref.VersionID)
	q := question{action: "read tags of object", method: http.MethodGet, bucket: ref.Bucket, key: ref.Key, query: query}
	if _, x := s.begin(ctx, q.action, q.bucket, q.key); x.checkKey() != nil {
		return nil, x.checkKey()
	}
	var answer tagSet
	x, err := s.ask(ctx, q, &answer)
	switch {
	case x.code() == "NoSuchTagSet", errors.Is(err, provider.ErrUnsupported):
		return nil, nil
	case errors.Is(err, errUnreadable) && x.Header.Get("Etag") != "":
		return nil, nil // the subresource was ignored: this is the object itself
	case err != nil || len(answer.Tags) == 0:
		return nil, err
	}
	tags := make(map[string]string, len(answer.Tags))
	for _, tag := range answer.Tags {
		tags[tag.Key] = tag.Value
	}
	return tags, nil
}
