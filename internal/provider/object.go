package provider

import (
	"context"
	"io"
	"time"
)

// Objects is the data plane: what the mover, the drill and the probes need of a
// store, and nothing more. Keys are exact byte strings; a driver never cleans,
// joins or normalises them.
type Objects interface {
	// ListPage gives one page of the current objects under a prefix, in UTF-8
	// byte order of their keys. Use List, which checks that promise.
	ListPage(ctx context.Context, bucket string, request ListRequest) (ListPage, error)
	// ListVersionsPage gives one page of all versions and delete markers, by key,
	// newest first. Use ListVersions.
	ListVersionsPage(ctx context.Context, bucket string, request VersionsRequest) (VersionsPage, error)
	// Head gives an object's attributes without its tags, or ErrNotFound.
	Head(ctx context.Context, ref Ref) (Object, error)
	// Get opens an object's body, raw as stored, and gives its attributes
	// without its tags. The caller closes the body. A failing read of the body
	// is a fault.Error too; a body cut short never ends in a plain io.EOF.
	Get(ctx context.Context, ref Ref, options GetOptions) (io.ReadCloser, Object, error)
	// Put stores an object in one request bound to the content's SHA-256 and
	// gives its ETag, version and size. It fails with ErrContentMismatch when the
	// store found other bytes than announced.
	Put(ctx context.Context, ref Ref, content Content, attributes Attributes) (Object, error)
	// Remove deletes an object, or one version of it. An absent one is no error.
	Remove(ctx context.Context, ref Ref) error
	// Tags gives an object's tags; empty where the store has no object tags.
	Tags(ctx context.Context, ref Ref) (map[string]string, error)
}

// Uploads is how large objects are stored: in parts that show as one object
// only once completed.
type Uploads interface {
	// StartUpload opens an upload and gives its id.
	StartUpload(ctx context.Context, ref Ref, attributes Attributes) (string, error)
	// UploadPart stores part number (from 1) bound to the content's SHA-256, or to its
	// CRC-32C where it has no other.
	UploadPart(ctx context.Context, ref Ref, uploadID string, number int, content Content) (Part, error)
	// CompleteUpload makes the parts one object. The ETag may be empty where the
	// store does not tell it.
	CompleteUpload(ctx context.Context, ref Ref, uploadID string, parts []Part) (Object, error)
	// AbortUpload drops the parts. An unknown upload is no error.
	AbortUpload(ctx context.Context, ref Ref, uploadID string) error
	// ListUploads gives all open uploads under a prefix.
	ListUploads(ctx context.Context, bucket, prefix string) ([]Upload, error)
}

// Ref names an object, or one version of it.
type Ref struct {
	Bucket, Key string
	// VersionID is empty for the current version.
	VersionID string
}

// Object is what a store tells about an object. Listings fill Key, ETag, Size
// and Modified; Head and Get also fill Attributes and TagCount.
type Object struct {
	Key       string
	VersionID string
	// ETag is without quotes. It says that something changed and no more: it is
	// not a digest of the content.
	ETag string
	// Size is in bytes.
	Size int64
	// Modified is the time of the last change on the store's clock, in the
	// store's resolution: listings often tell milliseconds, Head whole seconds.
	Modified time.Time
	// IsDeleteMarker and IsLatest are told by version listings only.
	IsDeleteMarker, IsLatest bool
	// TagCount is how many tags the object has, as far as the store tells.
	TagCount   int
	Attributes Attributes
	// Encryption is how the object is encrypted at rest, in the store's own word,
	// and LockedUntil when its object lock ends; both as far as the store tells,
	// and told by Head and Get, Encryption by Put too.
	Encryption  string
	LockedUntil time.Time
}

// Attributes travel with an object's bytes. The zero value is an object
// without any.
type Attributes struct {
	ContentType        string
	ContentEncoding    string
	ContentDisposition string
	ContentLanguage    string
	CacheControl       string
	Expires            time.Time
	// UserMetadata has lower-case keys without the x-amz-meta- prefix.
	UserMetadata map[string]string
	Tags         map[string]string
	// PartsByCRC32C announces, where an upload starts, that its parts are bound by
	// their CRC-32C. It is of the upload, and nothing that an object has.
	PartsByCRC32C bool
}

// GetOptions narrows a Get. The zero value reads the whole current object.
type GetOptions struct {
	// Offset and Length select a range; Length 0 reads to the end.
	Offset, Length int64
	// IfMatch makes the read fail with ErrChanged when the ETag is another.
	IfMatch string
}

// Content is bytes that can be sent more than once.
type Content struct {
	Reader io.ReadSeeker
	Size   int64
	// SHA256 is the hex digest of the bytes; the store is asked to check it.
	SHA256 string
	// CRC32C is the base64 CRC-32C of the bytes of a part without SHA256; the store is
	// asked to check it instead. It finds damage and no malice, so it is for https,
	// which keeps that away.
	CRC32C string
}

// Part is a stored part of an upload.
type Part struct {
	Number int
	ETag   string
	Size   int64
	// CRC32C is that which it was bound to, if it was.
	CRC32C string
}

// Upload is an upload that was started and neither completed nor aborted.
type Upload struct {
	Key, ID string
	Started time.Time
}

// EmptySHA256 is the hex digest of no bytes.
const EmptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
