package dataplane

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

// current is the request's bucket as it is now.
func (c *call) current() (Bucket, error) {
	b, ok := c.Region.Bucket(c.bucket)
	if !ok {
		return Bucket{}, s3error.ErrNoSuchBucket
	}
	return b, nil
}

// put reads a document and hands it to set; the answer is a status.
func (c *call) put(document any, status int, set func() error) error {
	body, err := c.document()
	if err != nil {
		return err
	}
	if err := s3api.Decode(body, document); err != nil {
		return err
	}
	if err := set(); err != nil {
		return err
	}
	return c.done(status)
}

// remove answers 204 once fn is through.
func (c *call) remove(fn func() error) error {
	if err := fn(); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

type taggingXML struct {
	XMLName xml.Name `xml:"Tagging"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Tags    []tagXML `xml:"TagSet>Tag"`
}

func (c *call) putTagging() error {
	var document taggingXML
	return c.put(&document, http.StatusNoContent, func() error {
		tags := map[string]string{}
		for _, tag := range document.Tags {
			if _, twice := tags[tag.Key]; twice {
				return s3error.BadRequest("InvalidTag", "Cannot provide multiple Tags with the same key")
			}
			tags[tag.Key] = tag.Value
		}
		return c.Region.SetTags(c.bucket, tags)
	})
}

func (c *call) getTagging() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	if len(b.Tags) == 0 {
		return s3error.NotFound("NoSuchTagSet", "The TagSet does not exist")
	}
	document := taggingXML{Xmlns: s3api.Namespace}
	for _, key := range slices.Sorted(maps.Keys(b.Tags)) {
		document.Tags = append(document.Tags, tagXML{key, b.Tags[key]})
	}
	return c.ok(document)
}

func (c *call) deleteTagging() error {
	return c.remove(func() error { return c.Region.SetTags(c.bucket, nil) })
}

func (c *call) putVersioning() error {
	var wanted struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string
	}
	return c.put(&wanted, http.StatusOK, func() error {
		return c.Region.SetVersioning(c.r.Context(), c.bucket, wanted.Status)
	})
}

func (c *call) getVersioning() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	return c.ok(struct {
		XMLName struct{} `xml:"VersioningConfiguration"`
		Xmlns   string   `xml:"xmlns,attr"`
		Status  string   `xml:",omitempty"`
	}{Xmlns: s3api.Namespace, Status: b.Versioning})
}

type lockXML struct {
	XMLName xml.Name `xml:"ObjectLockConfiguration"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Enabled string   `xml:"ObjectLockEnabled"`
	Rule    *struct {
		Default LockRule `xml:"DefaultRetention"`
	}
}

func (c *call) putLock() error {
	var wanted lockXML
	return c.put(&wanted, http.StatusOK, func() error {
		if wanted.Enabled != "Enabled" {
			return s3error.ErrMalformedXML
		}
		if wanted.Rule == nil {
			return c.Region.SetLockRule(c.bucket, nil)
		}
		return c.Region.SetLockRule(c.bucket, &wanted.Rule.Default)
	})
}

func (c *call) getLock() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	if !b.ObjectLock {
		return s3error.NotFound("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")
	}
	type retention struct {
		Mode  string
		Days  int `xml:",omitempty"`
		Years int `xml:",omitempty"`
	}
	document := struct {
		XMLName struct{}   `xml:"ObjectLockConfiguration"`
		Xmlns   string     `xml:"xmlns,attr"`
		Enabled string     `xml:"ObjectLockEnabled"`
		Default *retention `xml:"Rule>DefaultRetention,omitempty"`
	}{Xmlns: s3api.Namespace, Enabled: "Enabled"}
	if b.LockRule != nil {
		document.Default = &retention{b.LockRule.Mode, b.LockRule.Days, b.LockRule.Years}
	}
	return c.ok(document)
}

type encryptionXML struct {
	XMLName xml.Name `xml:"ServerSideEncryptionConfiguration"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Rules   []struct {
		Algorithm string `xml:"ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
	} `xml:"Rule"`
}

func (c *call) putEncryption() error {
	var wanted encryptionXML
	return c.put(&wanted, http.StatusOK, func() error {
		if len(wanted.Rules) != 1 || wanted.Rules[0].Algorithm == "" {
			return s3error.ErrMalformedXML
		}
		return c.Region.SetEncryption(c.bucket, wanted.Rules[0].Algorithm)
	})
}

func (c *call) getEncryption() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	if b.Encryption == "" {
		return s3error.NotFound("ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found")
	}
	document := encryptionXML{Xmlns: s3api.Namespace}
	document.Rules = append(document.Rules, struct {
		Algorithm string `xml:"ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
	}{b.Encryption})
	return c.ok(document)
}

func (c *call) deleteEncryption() error {
	return c.remove(func() error { return c.Region.SetEncryption(c.bucket, "") })
}

func (c *call) putReplication() error {
	var wanted replicationXML
	return c.put(&wanted, http.StatusOK, func() error {
		if len(wanted.Rules) == 0 {
			return s3error.ErrMalformedXML
		}
		var rules []ReplicationRule
		for _, rule := range wanted.Rules {
			rules = append(rules, rule.rule())
		}
		return c.Region.SetReplication(c.bucket, rules)
	})
}

func (c *call) getReplication() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	if len(b.Replication) == 0 {
		return s3error.NotFound("ReplicationConfigurationNotFoundError", "The replication configuration was not found")
	}
	document := replicationXML{Xmlns: s3api.Namespace}
	for _, rule := range b.Replication {
		document.Rules = append(document.Rules, rule.document())
	}
	return c.ok(document)
}

func (c *call) deleteReplication() error {
	return c.remove(func() error { return c.Region.SetReplication(c.bucket, nil) })
}

func (c *call) putLifecycle() error {
	var wanted lifecycleXML
	return c.put(&wanted, http.StatusOK, func() error {
		if len(wanted.Rules) == 0 {
			return s3error.ErrMalformedXML
		}
		var rules []LifecycleRule
		for _, document := range wanted.Rules {
			rule, err := document.rule()
			if err != nil {
				return err
			}
			rules = append(rules, rule)
		}
		return c.Region.SetLifecycle(c.bucket, rules)
	})
}

func (c *call) getLifecycle() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	if len(b.Lifecycle) == 0 {
		return s3error.NotFound("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
	}
	document := lifecycleXML{Xmlns: s3api.Namespace}
	for _, rule := range b.Lifecycle {
		document.Rules = append(document.Rules, rule.document())
	}
	return c.ok(document)
}

func (c *call) deleteLifecycle() error {
	return c.remove(func() error { return c.Region.SetLifecycle(c.bucket, nil) })
}

func (c *call) putPolicy() error {
	body, err := c.document()
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return s3error.BadRequest("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
	}
	return c.remove(func() error { return c.Region.SetPolicy(c.bucket, string(body)) })
}

func (c *call) getPolicy() error {
	b, err := c.current()
	if err != nil {
		return err
	}
	if b.Policy == "" {
		return s3error.NotFound("NoSuchBucketPolicy", "The bucket policy does not exist")
	}
	c.reply().Send(http.StatusOK, "application/json", []byte(b.Policy))
	return nil
}

func (c *call) deletePolicy() error {
	return c.remove(func() error { return c.Region.SetPolicy(c.bucket, "") })
}
