package s3

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"github.com/rempart/rempart/test/emulator/policy"
	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

// configuration describes a bucket subresource that is only stored.
type configuration struct {
	// noun is the middle of the operation's name.
	noun string
	// missing answers a GET before any PUT; when its code is empty, S3 answers
	// an empty document called root.
	missing string
	root    string
	// initial, when set, answers a GET before any PUT with a document that depends
	// on the owner.
	initial func(owner string) string
}

var configurations = map[string]configuration{
	"acl":               {noun: "BucketAcl", initial: privateACL},
	"accelerate":        {noun: "BucketAccelerateConfiguration", root: "AccelerateConfiguration"},
	"cors":              {noun: "BucketCors", missing: "NoSuchCORSConfiguration"},
	"encryption":        {noun: "BucketEncryption", missing: "ServerSideEncryptionConfigurationNotFoundError"},
	"lifecycle":         {noun: "BucketLifecycleConfiguration", missing: "NoSuchLifecycleConfiguration"},
	"logging":           {noun: "BucketLogging", root: "BucketLoggingStatus"},
	"notification":      {noun: "BucketNotificationConfiguration", root: "NotificationConfiguration"},
	"ownershipControls": {noun: "BucketOwnershipControls", missing: "OwnershipControlsNotFoundError"},
	"publicAccessBlock": {noun: "PublicAccessBlock", missing: "NoSuchPublicAccessBlockConfiguration"},
	"replication":       {noun: "BucketReplication", missing: "ReplicationConfigurationNotFoundError"},
	"website":           {noun: "BucketWebsite", missing: "NoSuchWebsiteConfiguration"},
}

// privateACL is the access control list of a bucket that only its owner may use.
func privateACL(owner string) string {
	return `<AccessControlPolicy xmlns="` + s3api.Namespace + `"><Owner><ID>` + owner + `</ID></Owner><AccessControlList>` +
		`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>` + owner + `</ID></Grantee>` +
		`<Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>`
}

// configurationOperations returns PUT, GET and DELETE of a subresource that is
// stored and returned. Unlisted names work too, under the name itself.
func configurationOperations(name string) []operation {
	conf, ok := configurations[name]
	if !ok {
		conf = configuration{noun: "Bucket:" + name, missing: "NoSuchConfiguration"}
	}
	sub := []string{name}
	action := strings.TrimSuffix(conf.noun, "Configuration")
	return []operation{
		{
			Name: "Put" + conf.noun, Method: http.MethodPut, Level: s3api.Bucket, Sub: sub, Action: "s3:Put" + action,
			Handle: func(c *call) error { return c.putConfiguration(name) },
		},
		{
			Name: "Get" + conf.noun, Method: http.MethodGet, Level: s3api.Bucket, Sub: sub, Action: "s3:Get" + action,
			Handle: func(c *call) error { return c.getConfiguration(name, conf) },
		},
		{
			Name: "Delete" + conf.noun, Method: http.MethodDelete, Level: s3api.Bucket, Sub: sub, Action: "s3:Put" + action,
			Handle: func(c *call) error { return c.deleteConfiguration(name) },
		},
	}
}

// routeBadAnswer takes the GET of a subresource that the server answers with a
// text of its own.
func (c *call) routeBadAnswer() bool {
	if c.level() != s3api.Bucket || c.r.Method != http.MethodGet {
		return false
	}
	for name, text := range c.options.BadAnswers {
		if c.query.Has(name) {
			c.op = &operation{Name: "BadAnswer", Handle: func(c *call) error {
				c.w.WriteHeader(http.StatusOK)
				c.w.Send([]byte(text))
				return nil
			}}
			c.record.Operation, c.record.Subresource = c.op.Name, name
			return true
		}
	}
	return false
}

func (c *call) putConfiguration(name string) error {
	var document struct {
		XMLName xml.Name
	}
	if err := s3api.Decode(c.body, &document); err != nil {
		return err
	}
	return c.withBucket(func(b *bucket) error {
		b.configurations[name] = c.body
		return c.done(http.StatusOK)
	})
}

func (c *call) getConfiguration(name string, conf configuration) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	b := c.buckets[c.bucket]
	if b == nil {
		return s3error.ErrNoSuchBucket
	}
	stored, ok := b.configurations[name]
	switch {
	case ok:
		c.reply().Send(http.StatusOK, "application/xml", stored)
		return nil
	case conf.initial != nil:
		c.reply().Send(http.StatusOK, "application/xml", []byte(conf.initial(b.owner)))
		return nil
	case conf.missing != "":
		return s3error.NotFound(conf.missing, "The %s configuration does not exist", name)
	}
	c.reply().Send(http.StatusOK, "application/xml", []byte(`<`+conf.root+` xmlns="`+s3api.Namespace+`"/>`))
	return nil
}

func (c *call) deleteConfiguration(name string) error {
	return c.withBucket(func(b *bucket) error {
		delete(b.configurations, name)
		return c.done(http.StatusNoContent)
	})
}

func (c *call) putBucketVersioning() error {
	var wanted struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string
	}
	if err := s3api.Decode(c.body, &wanted); err != nil {
		return err
	}
	if wanted.Status != versioningEnabled && wanted.Status != versioningSuspended {
		return s3error.ErrMalformedXML
	}
	return c.withBucket(func(b *bucket) error {
		if b.lock != nil && wanted.Status == versioningSuspended {
			return s3error.Conflict("InvalidBucketState", "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
		}
		b.versioning = wanted.Status
		return c.done(http.StatusOK)
	})
}

func (c *call) getBucketVersioning() error {
	return c.withBucket(func(b *bucket) error {
		return c.ok(struct {
			XMLName struct{} `xml:"VersioningConfiguration"`
			Xmlns   string   `xml:"xmlns,attr"`
			Status  string   `xml:",omitempty"`
		}{Xmlns: s3api.Namespace, Status: b.versioning})
	})
}

func (c *call) putBucketPolicy() error {
	p, err := policy.Parse(c.body, policy.OfBucket)
	if err != nil {
		return err
	}
	if err := p.CoversOnly(c.bucket); err != nil {
		return err
	}
	return c.withBucket(func(b *bucket) error {
		unknown := slices.DeleteFunc(p.Principals(), func(id string) bool { return id == "*" || c.knows(id) })
		if len(unknown) > 0 && !c.options.AnyPrincipal {
			return s3error.BadRequest("MalformedPolicy", "Invalid principal in policy: %s", unknown[0])
		}
		b.policy, b.policyText = p, c.body
		return c.done(http.StatusNoContent)
	})
}

func (c *call) getBucketPolicy() error {
	return c.withBucket(func(b *bucket) error {
		if b.policy == nil {
			return s3error.NotFound("NoSuchBucketPolicy", "The bucket policy does not exist")
		}
		c.reply().Send(http.StatusOK, "application/json", b.policyText)
		return nil
	})
}

func (c *call) deleteBucketPolicy() error {
	return c.withBucket(func(b *bucket) error {
		b.policy, b.policyText = nil, nil
		return c.done(http.StatusNoContent)
	})
}
