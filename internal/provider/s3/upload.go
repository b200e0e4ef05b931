package s3

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/internal/provider"
)

const actionCompleteUpload = "complete upload of object"

// StartUpload implements provider.Uploads.
func (s *session) StartUpload(ctx context.Context, ref provider.Ref, attributes provider.Attributes) (string, error) {
	ctx, x := s.begin(ctx, "start upload of object", ref.Bucket, ref.Key)
	if err := x.prepare(attributes); err != nil {
		return "", err
	}
	if attributes.PartsByCRC32C {
		x.headers.Set("X-Amz-Checksum-Algorithm", "CRC32C")
	}
	id, err := s.core.NewMultipartUpload(ctx, ref.Bucket, ref.Key, putOptions(attributes))
	if err := x.fault(ctx, err); err != nil {
		return "", err
	}
	if id == "" {
		return "", x.fail(failing, "the answer names no upload")
	}
	return id, nil
}

// UploadPart implements provider.Uploads, with the same plain request as Put.
func (s *session) UploadPart(ctx context.Context, ref provider.Ref, uploadID string, number int, content provider.Content) (part provider.Part, err error) {
	err = s.withDigest(ref.Bucket, content, func(sum string) (*exchange, error) {
		ctx, x := s.begin(ctx, fmt.Sprintf("upload part %d of object", number), ref.Bucket, ref.Key)
		x.headers = http.Header{}
		if sum != "" {
			x.headers.Set(digestHeader, sum)
		}
		if content.SHA256 == "" && content.CRC32C != "" {
			x.headers.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			x.headers.Set("X-Amz-Checksum-Crc32c", content.CRC32C)
		}
		var err error
		part, err = s.sendPart(ctx, x, uploadID, number, content)
		return x, err
	})
	return part, err
}

func (s *session) sendPart(ctx context.Context, x *exchange, uploadID string, number int, content provider.Content) (provider.Part, error) {
	if err := x.checkKey(); err != nil {
		return provider.Part{}, err
	}
	if err := x.attach(content); err != nil {
		return provider.Part{}, err
	}
	options := minio.PutObjectPartOptions{Sha256Hex: content.SHA256, DisableContentSha256: true}
	part, err := s.core.PutObjectPart(ctx, x.bucket, x.key, uploadID, number, x.content.plain(), content.Size, options)
	x.content.wait()
	if err := x.fault(ctx, err); err != nil {
		return provider.Part{}, err
	}
	if part.ETag == "" {
		return provider.Part{}, x.fail(failing, noETag)
	}
	stored := provider.Part{Number: part.PartNumber, ETag: part.ETag, Size: part.Size}
	if content.SHA256 == "" {
		stored.CRC32C = content.CRC32C
	}
	return stored, nil
}

// CompleteUpload implements provider.Uploads. An upload that is gone may have
// been completed by an earlier try whose answer was lost: one HEAD tells.
func (s *session) CompleteUpload(ctx context.Context, ref provider.Ref, uploadID string, parts []provider.Part) (provider.Object, error) {
	ctx, x := s.begin(ctx, actionCompleteUpload, ref.Bucket, ref.Key)
	if err := x.checkKey(); err != nil {
		return provider.Object{}, err
	}
	parts = slices.SortedFunc(slices.Values(parts), func(a, b provider.Part) int { return cmp.Compare(a.Number, b.Number) })
	object := provider.Object{Key: ref.Key}
	completed := make([]minio.CompletePart, 0, len(parts))
	for _, part := range parts {
		object.Size += part.Size
		completed = append(completed, minio.CompletePart{PartNumber: part.Number, ETag: part.ETag, ChecksumCRC32C: part.CRC32C})
	}
	info, err := s.core.CompleteMultipartUpload(ctx, ref.Bucket, ref.Key, uploadID, completed, minio.PutObjectOptions{})
	if x.code() == "NoSuchUpload" {
		// A question that failed says nothing: the caller asks again.
		if done, found, err := s.completed(ctx, ref, parts); found || err != nil {
			return done, err
		}
	}
	if err := x.fault(ctx, err); err != nil {
		return provider.Object{}, err
	}
	object.ETag, object.VersionID = info.ETag, info.VersionID
	return object, nil
}

// completed tells whether the current object was made of just these parts: its
// ETag is then the MD5 of the parts' ETags, where those are MD5 themselves. A
// store with other ETags gives no answer here, and the upload counts as gone.
func (s *session) completed(ctx context.Context, ref provider.Ref, parts []provider.Part) (provider.Object, bool, error) {
	sums := md5.New()
	for _, part := range parts {
		sum, err := hex.DecodeString(part.ETag)
		if err != nil || len(sum) != md5.Size {
			return provider.Object{}, false, nil //nolint:nilerr // an ETag of another kind is no failure
		}
		_, _ = sums.Write(sum)
	}
	object, err := s.Head(ctx, provider.Ref{Bucket: ref.Bucket, Key: ref.Key})
	switch {
	case errors.Is(err, provider.ErrNotFound):
		return provider.Object{}, false, nil
	case err != nil:
		return provider.Object{}, false, err
	case object.ETag != fmt.Sprintf("%x-%d", sums.Sum(nil), len(parts)):
		return provider.Object{}, false, nil
	}
	return provider.Object{Key: object.Key, VersionID: object.VersionID, ETag: object.ETag, Size: object.Size}, true, nil
}

// AbortUpload implements provider.Uploads.
func (s *session) AbortUpload(ctx context.Context, ref provider.Ref, uploadID string) error {
	ctx, x := s.begin(ctx, "abort upload of object", ref.Bucket, ref.Key)
	if err := x.checkKey(); err != nil {
		return err
	}
	err := x.fault(ctx, s.core.AbortMultipartUpload(ctx, ref.Bucket, ref.Key, uploadID))
	switch x.code() {
	case "NoSuchUpload", "NoSuchKey":
		return nil
	}
	return err
}

// uploadsPage is one answer to ListMultipartUploads.
type uploadsPage struct {
	XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
	Bucket             string
	EncodingType       string
	IsTruncated        *bool
	NextKeyMarker      string
	NextUploadIDMarker string `xml:"NextUploadIdMarker"`
	Uploads            []struct {
		Key       string
		UploadID  string `xml:"UploadId"`
		Initiated time.Time
	} `xml:"Upload"`
}

// ListUploads implements provider.Uploads, with one request per page of 1 000.
func (s *session) ListUploads(ctx context.Context, bucket, prefix string) ([]provider.Upload, error) {
	var uploads []provider.Upload
	query := url.Values{"uploads": {""}, "encoding-type": {"url"}, "prefix": {prefix}}
	for {
		var page uploadsPage
		x, err := s.ask(ctx, question{action: "list uploads", method: http.MethodGet, bucket: bucket, query: query}, &page)
		if err != nil {
			return nil, x.listingFault(err)
		}
		found, err := page.uploads(bucket, prefix)
		if err != nil {
			return nil, x.fail(suspicious, err.Error())
		}
		uploads = append(uploads, found...)
		if !*page.IsTruncated {
			return uploads, nil
		}
		key, err := listing{EncodingType: page.EncodingType}.decode(page.NextKeyMarker)
		before := query.Get("key-marker")
		if err != nil || key < before || (key == before && page.NextUploadIDMarker == query.Get("upload-id-marker")) {
			return nil, x.fail(suspicious, "the next page does not go on")
		}
		query.Set("key-marker", key)
		query.Set("upload-id-marker", page.NextUploadIDMarker)
	}
}

// uploads checks that the page answers the question and gives its entries.
func (p uploadsPage) uploads(bucket, prefix string) ([]provider.Upload, error) {
	if p.Bucket != bucket || p.IsTruncated == nil {
		return nil, fmt.Errorf("the listing is of bucket %q", p.Bucket)
	}
	uploads := make([]provider.Upload, 0, len(p.Uploads))
	for _, upload := range p.Uploads {
		key, err := listing{EncodingType: p.EncodingType}.decode(upload.Key)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(key, prefix) {
			uploads = append(uploads, provider.Upload{Key: key, ID: upload.UploadID, Started: upload.Initiated})
		}
	}
	return uploads, nil
}
