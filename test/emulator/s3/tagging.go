package s3

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

const (
	maxObjectTags = 10
	maxBucketTags = 50
	maxTagKey     = 128
	maxTagValue   = 256
)

func errInvalidTag(message string) *s3error.Error {
	return s3error.BadRequest("InvalidTag", "%s", message)
}

// checkTags applies S3's limits.
func checkTags(tags map[string]string, limit int) error {
	if len(tags) > limit {
		return s3error.BadRequest("BadRequest", "Tags cannot be greater than %d", limit)
	}
	for key, value := range tags {
		if key == "" || utf8.RuneCountInString(key) > maxTagKey {
			return errInvalidTag("The TagKey you have provided is invalid")
		}
		if utf8.RuneCountInString(value) > maxTagValue {
			return errInvalidTag("The TagValue you have provided is invalid")
		}
	}
	return nil
}

func parseTagging(body []byte, limit int) (map[string]string, error) {
	var document struct {
		XMLName xml.Name  `xml:"Tagging"`
		Set     *struct{} `xml:"TagSet"`
	}
	var listed struct {
		Tags []tagXML `xml:"TagSet>Tag"`
	}
	if err := s3api.Decode(body, &document); err != nil || document.Set == nil {
		return nil, s3error.ErrMalformedXML
	}
	if err := s3api.Decode(body, &listed); err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, tag := range listed.Tags {
		if _, twice := tags[tag.Key]; twice {
			return nil, errInvalidTag("Cannot provide multiple Tags with the same key")
		}
		tags[tag.Key] = tag.Value
	}
	return tags, checkTags(tags, limit)
}

// parseTagHeader reads x-amz-tagging, which is a query string.
func parseTagHeader(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, s3error.InvalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	tags := map[string]string{}
	for key, all := range values {
		if len(all) > 1 {
			return nil, errInvalidTag("Cannot provide multiple Tags with the same key")
		}
		tags[key] = all[0]
	}
	return tags, checkTags(tags, maxObjectTags)
}

func (c *call) writeTagging(tags map[string]string) error {
	document := taggingXML{Xmlns: s3api.Namespace}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		document.Tags = append(document.Tags, tagXML{key, tags[key]})
	}
	return c.ok(document)
}

func (c *call) putBucketTagging() error {
	tags, err := parseTagging(c.body, maxBucketTags)
	if err != nil {
		return err
	}
	return c.withBucket(func(b *bucket) error {
		b.tags = tags
		return c.done(http.StatusNoContent)
	})
}

func (c *call) getBucketTagging() error {
	return c.withBucket(func(b *bucket) error {
		if len(b.tags) == 0 {
			return s3error.NotFound("NoSuchTagSet", "The TagSet does not exist")
		}
		return c.writeTagging(b.tags)
	})
}

func (c *call) deleteBucketTagging() error {
	return c.withBucket(func(b *bucket) error {
		b.tags = nil
		return c.done(http.StatusNoContent)
	})
}

// changeVersion replaces the version the request names by a changed copy.
func (c *call) changeVersion(change func(b *bucket, o *Object) error) error {
	return c.withBucket(func(b *bucket) error {
		stored, err := c.version(b)
		if err != nil {
			return err
		}
		changed := *stored
		changed.cloneFacts()
		if err := change(b, &changed); err != nil {
			return err
		}
		b.replace(&changed)
		c.setVersion(b, &changed)
		return nil
	})
}

func (c *call) putObjectTagging() error {
	tags, err := parseTagging(c.body, maxObjectTags)
	if err != nil {
		return err
	}
	return c.changeTags(tags, http.StatusOK)
}

func (c *call) deleteObjectTagging() error { return c.changeTags(nil, http.StatusNoContent) }

func (c *call) changeTags(tags map[string]string, status int) error {
	err := c.changeVersion(func(_ *bucket, o *Object) error {
		o.Tags = tags
		return nil
	})
	if err != nil {
		return err
	}
	return c.done(status)
}

func (c *call) getObjectTagging() error {
	return c.withBucket(func(b *bucket) error {
		o, err := c.version(b)
		if err != nil {
			return err
		}
		c.setVersion(b, o)
		return c.writeTagging(o.Tags)
	})
}
