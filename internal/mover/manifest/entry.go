// Package manifest keeps what a copy is known to hold: for each object its key,
// what the source said of it, its size and the SHA-256 of its content.
//
// A manifest lives in the bucket of the copy, under the reserved prefix, as
// sorted segments of JSON lines and an index that lists them. Segments are named
// by the digest of what they hold and end at keys that depend on the keys alone,
// so that a run that changes nothing writes nothing, and one changed object
// rewrites one segment. The index is written last: a run that is killed leaves
// the manifest before it, or a later state of its own, never half of one.
//
// A segment that is missing or damaged is as if its entries were not known:
// their content is compared again, never trusted.
//
// Start reading at Entry, Reader and Writer.
package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

// Entry is what is known of one object. Keys are relative to the prefix of the
// end that the manifest is kept at.
type Entry struct {
	Key string `json:"key"`
	// VersionID, ETag, Size and Modified are what the source said when the object
	// was read. Modified is as in the source's listing.
	VersionID string    `json:"versionID,omitempty"`
	ETag      string    `json:"etag"`
	Size      int64     `json:"size"`
	Modified  time.Time `json:"modified,omitzero"`
	// Coarse tells that Modified is in whole seconds, as reads tell it, while
	// listings may tell it finer: nobody has listed this state of the object yet.
	Coarse bool `json:"coarse,omitempty"`
	// SHA256 is the hex digest of the content as read from the source.
	SHA256 string `json:"sha256"`
	// MetadataDigest is the hex SHA-256 of the attributes; empty when there are none.
	MetadataDigest string `json:"metadataDigest,omitempty"`
	// TargetETag is what the copy's store said after the object was written.
	TargetETag string `json:"targetETag,omitempty"`
}

// Describes tells whether the entry is about this state of the source's object. Of
// a coarse one that is not certain: within one second an object may have been
// written twice with the same content and other attributes.
func (e Entry) Describes(source provider.Object) bool {
	return e.ETag == source.ETag && e.Size == source.Size && e.isOfTime(source.Modified)
}

func (e Entry) isOfTime(modified time.Time) bool {
	if e.Coarse {
		return e.Modified.Truncate(time.Second).Equal(modified.Truncate(time.Second))
	}
	return e.Modified.Equal(modified)
}

// IsOfSameSource tells whether two entries are about the same state of the source's
// object.
func (e Entry) IsOfSameSource(other Entry) bool {
	e.Coarse = e.Coarse || other.Coarse
	return e.Describes(provider.Object{ETag: other.ETag, Size: other.Size, Modified: other.Modified})
}

// DescribesRead tells whether the entry is about the state that a read of the
// source's object tells, attributes and tags included.
func (e Entry) DescribesRead(read provider.Object) bool {
	e.Coarse = true
	return e.Describes(read) && e.MetadataDigest == MetadataDigest(read.Attributes)
}

// MetadataDigest gives the hex SHA-256 of an object's attributes in a canonical
// form, or nothing for an object without any. Stores fill in a content type when
// none is given; those defaults count as none.
func MetadataDigest(attributes provider.Attributes) string {
	lines := canonical(attributes)
	if len(lines) == 0 {
		return ""
	}
	hash := sha256.New()
	for _, line := range lines {
		writeLine(hash, line)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// writeLine writes the fields so that no two lists of fields look alike.
func writeLine(w io.Writer, fields [2]string) {
	_, _ = fmt.Fprintf(w, "%d:%s=%d:%s\n", len(fields[0]), fields[0], len(fields[1]), fields[1])
}

func canonical(a provider.Attributes) [][2]string {
	var lines [][2]string
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, [2]string{name, value})
		}
	}
	if !isDefaultContentType(a.ContentType) {
		add("content-type", a.ContentType)
	}
	add("content-encoding", a.ContentEncoding)
	add("content-disposition", a.ContentDisposition)
	add("content-language", a.ContentLanguage)
	add("cache-control", a.CacheControl)
	if !a.Expires.IsZero() {
		add("expires", a.Expires.UTC().Format(time.RFC3339))
	}
	for _, key := range slices.Sorted(maps.Keys(a.UserMetadata)) {
		lines = append(lines, [2]string{"meta:" + key, a.UserMetadata[key]})
	}
	for _, key := range slices.Sorted(maps.Keys(a.Tags)) {
		lines = append(lines, [2]string{"tag:" + key, a.Tags[key]})
	}
	return lines
}

// isDefaultContentType tells whether stores give this type to objects that were
// written without one.
func isDefaultContentType(contentType string) bool {
	return contentType == "application/octet-stream" || contentType == "binary/octet-stream"
}

// Digest is the running digest of a sequence of entries: equal for manifests
// that list the same keys, sizes, contents and attributes, whatever the stores
// they came from said besides.
type Digest struct {
	hash  hashWriter
	count int64
	bytes int64
}

type hashWriter interface {
	io.Writer
	Sum([]byte) []byte
}

// NewDigest starts a digest.
func NewDigest() *Digest { return &Digest{hash: sha256.New()} }

// Add takes the next entry.
func (d *Digest) Add(e Entry) {
	line, _ := json.Marshal([]any{e.Key, e.Size, e.SHA256, e.MetadataDigest})
	_, _ = d.hash.Write(append(line, '\n'))
	d.count++
	d.bytes += e.Size
}

// Count is how many entries were added, and Bytes the sum of their sizes.
func (d *Digest) Count() int64 { return d.count }

// Bytes is the sum of the sizes of all objects added.
func (d *Digest) Bytes() int64 { return d.bytes }

// Sum gives the digest as sha256:hex.
func (d *Digest) Sum() string { return "sha256:" + hex.EncodeToString(d.hash.Sum(nil)) }
