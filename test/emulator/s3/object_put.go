package s3

import (
	"net/http"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

func (c *call) putObject() error {
	o, err := c.newObject()
	if err != nil {
		return err
	}
	o.Body = c.body
	o.Size = int64(len(c.body))
	o.ETag = md5Hex(c.body)
	o.Checksums = c.verifiedChecksums()
	if err := c.store(o); err != nil {
		return err
	}
	c.created("Put", o)
	c.setChecksums(o)
	c.w.Header().Set("ETag", `"`+o.ETag+`"`)
	return c.done(http.StatusOK)
}

// store adds a finished object to its bucket, unless a condition, a lock
// setting or a folder is in the way, and sets the version header.
func (c *call) store(o *Object) error {
	return c.withBucket(func(b *bucket) error {
		if err := c.checkWriteConditions(b); err != nil {
			return err
		}
		if err := c.checkFolder(b, o); err != nil {
			return err
		}
		if err := c.protect(b, o); err != nil {
			return err
		}
		c.encrypt(b, o)
		b.add(o, c.newID)
		c.setStored(b, o)
		return nil
	})
}

// encrypt has an object say that it is encrypted where its bucket asks for that;
// or say nothing, where nothing is. The caller holds mu.
func (c *call) encrypt(b *bucket, o *Object) {
	var document struct {
		Rules []struct {
			Algorithm string `xml:"ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
		} `xml:"Rule"`
	}
	stored, ok := b.configurations["encryption"]
	switch {
	case c.options.EncryptNothing:
		o.Encryption = ""
	case o.Encryption == "" && ok && s3api.Decode(stored, &document) == nil && len(document.Rules) > 0:
		o.Encryption = document.Rules[0].Algorithm
	}
}

// checkWriteConditions honours If-None-Match and If-Match of writes, so that
// two writers can agree on who was first. The caller holds mu.
func (c *call) checkWriteConditions(b *bucket) error {
	noneMatch, match := c.r.Header.Get("If-None-Match"), c.r.Header.Get("If-Match")
	current := b.find(c.key, "")
	exists := current != nil && !current.DeleteMarker
	switch {
	case noneMatch != "" && match != "":
		return s3error.BadRequest("InvalidRequest", "If-Match and If-None-Match exclude each other")
	case noneMatch != "" && noneMatch != "*":
		return s3error.NotImplemented("If-None-Match of a write takes only *")
	case noneMatch == "*" && exists:
		return s3error.PreconditionFailed("If-None-Match")
	case match != "" && !exists:
		return s3error.ErrNoSuchKey
	case match != "" && !etagListed(match, current.ETag):
		return s3error.PreconditionFailed("If-Match")
	}
	return nil
}

// etagListed tells whether a condition's value names the ETag, with or without
// quotes: OVHcloud wants them bare.
func etagListed(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == "*" || strings.Trim(candidate, `"`) == etag {
			return true
		}
	}
	return false
}
