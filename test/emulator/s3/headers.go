package s3

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3error"
)

const (
	metaPrefix     = "X-Amz-Meta-"
	sseHeader      = "X-Amz-Server-Side-Encryption"
	standardClass  = "STANDARD"
	maxMetadata    = 2 << 10
	defaultType    = "binary/octet-stream"
	versionHeader  = "X-Amz-Version-Id"
	markerHeader   = "X-Amz-Delete-Marker"
	chunkedContent = "aws-chunked"
)

// storedHeaders are the standard headers an object keeps.
var storedHeaders = []string{
	"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires",
}

// storageClasses are the ones accepted; any other is refused, as S3 does.
var storageClasses = []string{
	"", standardClass, "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
	"GLACIER", "DEEP_ARCHIVE", "GLACIER_IR", "HIGH_PERF", "EXPRESS_ONEZONE",
}

// newObject reads everything about an object but its bytes from the headers.
func (c *call) newObject() (*Object, error) {
	if err := c.refuseUnsupported(); err != nil {
		return nil, err
	}
	metadata, err := userMetadata(c.r.Header)
	if err != nil {
		return nil, err
	}
	tags, err := parseTagHeader(c.r.Header.Get("X-Amz-Tagging"))
	if err != nil {
		return nil, err
	}
	class := c.r.Header.Get("X-Amz-Storage-Class")
	if !slices.Contains(storageClasses, class) {
		return nil, s3error.BadRequest("InvalidStorageClass", "The storage class you specified is not valid")
	}
	return &Object{
		Key:          c.key,
		Headers:      c.standardHeaders(),
		Metadata:     metadata,
		Tags:         tags,
		StorageClass: class,
		Encryption:   c.r.Header.Get(sseHeader),
		LastModified: c.now,
	}, nil
}

func (c *call) standardHeaders() map[string]string {
	kept := map[string]string{}
	for _, name := range storedHeaders {
		if value := c.r.Header.Get(name); value != "" {
			kept[name] = value
		}
	}
	if encoding, ok := kept["Content-Encoding"]; ok && !c.options.KeepChunkedEncoding {
		kept["Content-Encoding"] = withoutChunked(encoding)
	}
	if kept["Content-Encoding"] == "" {
		delete(kept, "Content-Encoding")
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// withoutChunked removes aws-chunked, which describes the request's framing
// and not the object.
func withoutChunked(encoding string) string {
	var kept []string
	for coding := range strings.SplitSeq(encoding, ",") {
		if coding = strings.TrimSpace(coding); coding != chunkedContent {
			kept = append(kept, coding)
		}
	}
	return strings.Join(kept, ",")
}

func userMetadata(h http.Header) (map[string]string, error) {
	var kept map[string]string
	size := 0
	for name, values := range h {
		short, ok := strings.CutPrefix(name, metaPrefix)
		if !ok {
			continue
		}
		if kept == nil {
			kept = map[string]string{}
		}
		value := strings.Join(values, ",")
		kept[strings.ToLower(short)] = value
		size += len(short) + len(value)
	}
	if size > maxMetadata {
		return nil, s3error.BadRequest("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size.").
			With("Size", strconv.Itoa(size)).With("MaxSizeAllowed", strconv.Itoa(maxMetadata))
	}
	return kept, nil
}

// refuseUnsupported refuses headers that ask for protection or access rights
// this server does not give: to ignore them would be a lie.
func (c *call) refuseUnsupported() error {
	h := c.r.Header
	for name := range h {
		if strings.HasPrefix(name, sseHeader+"-") || strings.HasPrefix(name, "X-Amz-Grant-") {
			return s3error.NotImplemented("A header you provided implies functionality that is not implemented: %s", name)
		}
	}
	sse := h.Get(sseHeader)
	if sse != "" && (sse != "AES256" || !slices.Contains(c.options.StoredConfigurations, "encryption")) {
		return s3error.NotImplemented("Server side encryption %q is not implemented", sse)
	}
	acl := h.Get("X-Amz-Acl")
	if acl != "" && acl != "private" && acl != "bucket-owner-full-control" {
		return s3error.NotImplemented("The canned ACL %q is not implemented", acl)
	}
	return nil
}

// describe sets the headers that say what an object is.
func (c *call) describe(b *bucket, o *Object) {
	h := c.w.Header()
	h.Set("Content-Type", defaultType)
	for name, value := range o.Headers {
		h.Set(name, value)
	}
	for name, value := range o.Metadata {
		h.Set(metaPrefix+name, value)
	}
	h.Set("ETag", `"`+o.ETag+`"`)
	h.Set("Last-Modified", o.LastModified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	if o.StorageClass != "" && o.StorageClass != standardClass {
		h.Set("X-Amz-Storage-Class", o.StorageClass)
	}
	if len(o.Tags) > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(len(o.Tags)))
	}
	if len(o.PartSizes) > 0 {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(o.PartSizes)))
	}
	if c.r.Header.Get(checksumPrefix+"Mode") == "ENABLED" {
		c.setChecksums(o)
	}
	c.describeLock(o)
	c.setStored(b, o)
}

func (c *call) setChecksums(o *Object) {
	for _, algorithm := range slices.Sorted(maps.Keys(o.Checksums)) {
		c.w.Header().Set(checksumPrefix+algorithm, o.Checksums[algorithm])
	}
}

// setStored sets the headers that reads and writes have in common.
func (c *call) setStored(b *bucket, o *Object) {
	if o.Encryption != "" {
		c.w.Header().Set(sseHeader, o.Encryption)
	}
	c.setVersion(b, o)
}

// setVersion names the version, in buckets that have versions.
func (c *call) setVersion(b *bucket, o *Object) {
	if b.versioning != "" {
		c.w.Header().Set(versionHeader, o.VersionID)
	}
}
