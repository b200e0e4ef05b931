package s3

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"slices"
	"time"
)

// nullVersion is the id of a version made while versioning was not enabled.
const nullVersion = "null"

// Object is one stored version, or one delete marker. Stored objects are never
// changed in place: whoever receives a copy may keep it.
type Object struct {
	Key          string
	VersionID    string
	DeleteMarker bool

	// Body is what a GET sends; Size, ETag (unquoted) and LastModified are
	// what listings and headers claim about it.
	Body         []byte
	Size         int64
	ETag         string
	LastModified time.Time

	// Headers are the standard headers kept with the object, by canonical
	// name: Content-Type, Content-Encoding, Content-Disposition,
	// Content-Language, Cache-Control, Expires.
	Headers map[string]string
	// Metadata is what came as x-amz-meta-*, by lower-case name without that
	// prefix.
	Metadata     map[string]string
	Tags         map[string]string
	StorageClass string
	// Encryption is what x-amz-server-side-encryption said; nothing is
	// encrypted.
	Encryption string
	// Checksums are the x-amz-checksum-* values, by algorithm ("crc32c").
	Checksums map[string]string
	// PartSizes are the sizes of the parts of a multipart upload, in order.
	PartSizes []int64

	Retention Retention
	// LegalHold is ON, OFF or, when it was never set, empty.
	LegalHold string

	// generated objects have no stored body; their bucket makes it.
	generated bool
}

// Retention protects one version until a time. The zero value protects
// nothing.
type Retention struct {
	Mode  string // GOVERNANCE or COMPLIANCE
	Until time.Time
}

// clone copies everything a test may change, so that stored state and other
// copies stay as they are.
func (o *Object) clone() *Object {
	c := *o
	c.Body = slices.Clone(o.Body)
	c.cloneFacts()
	return &c
}

// cloneFacts is clone without the body, for answers that only describe.
func (o *Object) cloneFacts() {
	o.Headers = maps.Clone(o.Headers)
	o.Metadata = maps.Clone(o.Metadata)
	o.Tags = maps.Clone(o.Tags)
	o.Checksums = maps.Clone(o.Checksums)
	o.PartSizes = slices.Clone(o.PartSizes)
}

func md5Hex(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}
