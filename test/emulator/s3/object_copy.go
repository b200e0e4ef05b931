package s3

import (
	"cmp"
	"encoding/xml"
	"maps"
	"net/url"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

// source is what a copy reads.
type source struct {
	bucket, key, version string
}

// copySource reads x-amz-copy-source: /bucket/key?versionId=id, percent
// encoded. The key is taken as exactly as a request's.
func (c *call) copySource() (source, error) {
	text, version, _ := strings.Cut(c.r.Header.Get(s3api.CopySource), "?versionId=")
	bucket, key, ok := strings.Cut(strings.TrimPrefix(text, "/"), "/")
	key, err := url.PathUnescape(key)
	if !ok || err != nil || bucket == "" || key == "" {
		return source{}, s3error.InvalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if c.options.RewriteKeys {
		key = cleanKey(key)
	}
	return source{bucket, key, version}, nil
}

// read returns the object to copy, with its body, if the caller may read it and
// the copy's conditions hold.
func (c *call) read(from source) (*Object, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	b := c.buckets[from.bucket]
	if b == nil {
		return nil, s3error.ErrNoSuchBucket
	}
	action := "s3:GetObject"
	if from.version != "" {
		action = versionActions[action]
	}
	if err := c.require(action, from.bucket, from.key); err != nil {
		return nil, err
	}
	o := b.find(from.key, from.version)
	switch {
	case o == nil && from.version != "":
		return nil, s3error.ErrNoSuchVersion
	case o == nil || o.DeleteMarker && from.version == "":
		return nil, s3error.ErrNoSuchKey
	case o.DeleteMarker:
		return nil, s3error.BadRequest("InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.")
	}
	if err := checkReadConditions(c.r.Header, s3api.CopySource+"-", o); err != nil {
		return nil, err
	}
	return b.load(o), nil
}

type copyResult struct {
	XMLName      xml.Name
	Xmlns        string `xml:"xmlns,attr"`
	LastModified string
	ETag         string
}

func (c *call) copyObject() error {
	from, err := c.copySource()
	if err != nil {
		return err
	}
	directive := cmp.Or(c.r.Header.Get("X-Amz-Metadata-Directive"), "COPY")
	tagging := cmp.Or(c.r.Header.Get("X-Amz-Tagging-Directive"), "COPY")
	if !isDirective(directive) || !isDirective(tagging) {
		return s3error.InvalidArgument("Unknown metadata or tagging directive.")
	}
	if directive == "COPY" && from.bucket == c.bucket && from.key == c.key && from.version == "" {
		return s3error.BadRequest("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	original, err := c.read(from)
	if err != nil {
		return err
	}
	o, err := c.newObject()
	if err != nil {
		return err
	}
	if directive == "COPY" {
		o.Headers, o.Metadata = maps.Clone(original.Headers), maps.Clone(original.Metadata)
	}
	if tagging == "COPY" {
		o.Tags = maps.Clone(original.Tags)
	}
	o.Body, o.Size, o.ETag = original.Body, int64(len(original.Body)), md5Hex(original.Body)
	if err := c.store(o); err != nil {
		return err
	}
	c.created("Copy", o)
	if from.version != "" {
		c.w.Header().Set("X-Amz-Copy-Source-Version-Id", from.version)
	}
	return c.ok(copyResult{
		XMLName: xml.Name{Local: "CopyObjectResult"}, Xmlns: s3api.Namespace,
		LastModified: c.listTime(o.LastModified), ETag: `"` + o.ETag + `"`,
	})
}

func isDirective(s string) bool { return s == "COPY" || s == "REPLACE" }
