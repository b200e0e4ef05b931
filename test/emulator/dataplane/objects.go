package dataplane

import (
	"cmp"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3error"
)

const (
	classHeader   = "X-Amz-Storage-Class"
	standardClass = "STANDARD"
	sseHeader     = "X-Amz-Server-Side-Encryption"
	versionHeader = "X-Amz-Version-Id"
	bypassHeader  = "X-Amz-Bypass-Governance-Retention"
	lockMode      = "X-Amz-Object-Lock-Mode"
	lockUntil     = "X-Amz-Object-Lock-Retain-Until-Date"
	lockHold      = "X-Amz-Object-Lock-Legal-Hold"

	nullVersion = "null"
)

// missingObject gives a refused HEAD, which has no document, the code it lacks.
func missingObject(err error) error {
	if known, ok := errors.AsType[*s3error.Error](err); ok && known.Status == http.StatusNotFound {
		return s3error.ErrNoSuchKey
	}
	return err
}

// traits takes from the request what the region itself keeps of an object, refuses
// what would not be kept, and adds the bucket's default retention.
func (c *call) traits() (traits, error) {
	if err := c.refuseHeaders(); err != nil {
		return traits{}, err
	}
	acl, sse, class := ACL(c.take(aclHeader)), c.take(sseHeader), c.take(classHeader)
	switch {
	case !acl.known():
		return traits{}, errUnknownACL(acl)
	case sse != "" && sse != AES256:
		return traits{}, s3error.NotImplemented("Server side encryption %q is not implemented", sse)
	case class != "" && class != standardClass && !slices.Contains(c.habit.classes, class):
		return traits{}, s3error.BadRequest("InvalidStorageClass", "The storage class you specified is not valid")
	case class == standardClass:
		class = ""
	}
	b, err := c.current()
	if err != nil {
		return traits{}, err
	}
	if b.LockRule != nil && c.r.Header.Get(lockMode) == "" {
		c.r.Header.Set(lockMode, b.LockRule.Mode)
		c.r.Header.Set(lockUntil, timestamp(b.LockRule.until(c.options.Backend.Clock())))
	}
	return traits{acl.Grants(), mark{cmp.Or(sse, b.Encryption), class}}, nil
}

// refuseHeaders refuses what the vendor lacks, and what this server cannot do and
// the backend would ignore: encryption with a client's key, and grants. To ignore
// them would be a lie.
func (c *call) refuseHeaders() error {
	for name := range c.r.Header {
		ours := strings.HasPrefix(name, sseHeader+"-") || strings.HasPrefix(name, "X-Amz-Grant-") ||
			strings.HasPrefix(name, "X-Amz-Copy-Source-Server-Side-Encryption-")
		if ours || name == lockHold && c.habit.without(legalHolds) {
			return s3error.NotImplemented("A header you provided implies functionality that is not implemented: %s", name)
		}
	}
	return nil
}

// note keeps the traits of a version that was stored, and says in the answer what
// it is.
func (c *call) note(res *http.Response, t traits) error {
	id := cmp.Or(res.Header.Get(versionHeader), nullVersion)
	t.mark.show(res.Header)
	return c.Region.change(c.bucket, func(b *bucket) error {
		b.setGrants(c.key, t.grants)
		delete(b.marks, version{c.key, id})
		if t.mark != (mark{}) {
			b.marks[version{c.key, id}] = t.mark
		}
		return nil
	})
}

// show says in an answer what the mark says.
func (m mark) show(header http.Header) {
	if m.encryption != "" {
		header.Set(sseHeader, m.encryption)
	}
	if m.class != "" {
		header.Set(classHeader, m.class)
	}
}

func (c *call) putObject() error {
	t, err := c.traits()
	if err != nil {
		return err
	}
	release, err := c.condition()
	if err != nil {
		return err
	}
	defer release()
	defer c.limitUpload()()
	res, err := c.askStreaming()
	if err != nil || !succeeded(res) {
		return c.relayUnless(err, res)
	}
	if err := c.note(res, t); err != nil {
		return errors.Join(err, res.Body.Close())
	}
	return c.relay(res)
}

func (c *call) getObject() error {
	if err := c.refuseHeaders(); err != nil {
		return err
	}
	res, err := c.ask()
	if err != nil || !succeeded(res) {
		return c.relayUnless(err, res)
	}
	id := cmp.Or(res.Header.Get(versionHeader), nullVersion)
	err = c.Region.change(c.bucket, func(b *bucket) error {
		b.marks[version{c.key, id}].show(res.Header)
		return nil
	})
	if err != nil {
		return errors.Join(err, res.Body.Close())
	}
	return c.relay(res)
}

// mayBypass takes the wish to end a governance retention away from who may not.
func (c *call) mayBypass(key string) {
	if strings.EqualFold(c.r.Header.Get(bypassHeader), "true") &&
		c.require("s3:BypassGovernanceRetention", c.bucket, key) != nil {
		c.r.Header.Del(bypassHeader)
	}
}

func (c *call) deleteObject() error {
	c.mayBypass(c.key)
	release, err := c.condition()
	if err != nil {
		return err
	}
	defer release()
	return c.pass()
}

func (c *call) putRetention() error {
	c.mayBypass(c.key)
	return c.pass()
}

// getProtection passes on a retention or a legal hold under the name that S3 has for
// the document; versitygw (v1.8.0) has that of the type.
func (c *call) getProtection() error {
	res, err := c.ask()
	if err != nil || !succeeded(res) {
		return c.relayUnless(err, res)
	}
	text, err := c.read(res)
	if err != nil {
		return err
	}
	names := strings.NewReplacer("ObjectLockRetention", "Retention", "ObjectLockLegalHold", "LegalHold")
	replaceBody(res, names.Replace(string(text)))
	return c.relay(res)
}

// requireSource refuses to copy what could not be read.
func (c *call) requireSource() error {
	text, versionID, _ := strings.Cut(c.r.Header.Get(copySourceHeader), "?versionId=")
	source, err := url.PathUnescape(text)
	if err != nil {
		return s3error.InvalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(source, "/"), "/")
	if !ok || key == "" {
		return s3error.InvalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if _, ok := c.Region.Bucket(bucket); !ok {
		return s3error.ErrNoSuchBucket
	}
	action := "s3:GetObject"
	if versionID != "" {
		action = versionActions[action]
	}
	return c.require(action, bucket, key)
}

func (c *call) copyObject() error {
	if err := c.requireSource(); err != nil {
		return err
	}
	return c.complete(c.traits)
}

// complete passes on a request whose answer may be an error under the status 200,
// and keeps the traits of what was stored.
func (c *call) complete(traitsOf func() (traits, error)) error {
	t, err := traitsOf()
	if err != nil {
		return err
	}
	release, err := c.condition()
	if err != nil {
		return err
	}
	defer release()
	res, err := c.ask()
	if err != nil || !succeeded(res) {
		return c.relayUnless(err, res)
	}
	text, err := c.read(res)
	if err != nil {
		return err
	}
	var refused struct {
		XMLName xml.Name `xml:"Error"`
	}
	if xml.Unmarshal(text, &refused) != nil {
		if err := c.note(res, t); err != nil {
			return err
		}
	}
	return c.relay(res)
}

func (c *call) createUpload() error {
	t, err := c.traits()
	if err != nil {
		return err
	}
	res, err := c.ask()
	if err != nil || !succeeded(res) {
		return c.relayUnless(err, res)
	}
	text, err := c.read(res)
	if err != nil {
		return err
	}
	var begun struct {
		ID string `xml:"UploadId"`
	}
	if err := xml.Unmarshal(text, &begun); err != nil {
		return err
	}
	t.mark.show(res.Header)
	err = c.Region.change(c.bucket, func(b *bucket) error {
		b.uploads[begun.ID] = t
		return nil
	})
	if err != nil {
		return err
	}
	return c.relay(res)
}

func (c *call) uploadPart() error {
	if err := c.refuseHeaders(); err != nil {
		return err
	}
	defer c.limitUpload()()
	res, err := c.askStreaming()
	return c.relayUnless(err, res)
}

func (c *call) uploadPartCopy() error {
	if err := c.refuseHeaders(); err != nil {
		return err
	}
	if err := c.requireSource(); err != nil {
		return err
	}
	return c.pass()
}

// completeUpload leaves the traits that the upload began with; they stay until it
// is over, since a completion may be sent again.
func (c *call) completeUpload() error {
	return c.complete(func() (t traits, err error) {
		return t, c.Region.change(c.bucket, func(b *bucket) error {
			t = b.uploads[c.query.Get("uploadId")]
			return nil
		})
	})
}

func (c *call) abortUpload() error {
	res, err := c.ask()
	if err != nil || !succeeded(res) {
		return c.relayUnless(err, res)
	}
	err = c.Region.change(c.bucket, func(b *bucket) error {
		delete(b.uploads, c.query.Get("uploadId"))
		return nil
	})
	if err != nil {
		return errors.Join(err, res.Body.Close())
	}
	return c.relay(res)
}
