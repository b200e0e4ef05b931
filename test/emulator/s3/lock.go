package s3

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

const (
	governance = "GOVERNANCE"
	compliance = "COMPLIANCE"

	lockModeHeader  = "X-Amz-Object-Lock-Mode"
	lockUntilHeader = "X-Amz-Object-Lock-Retain-Until-Date"
	lockHoldHeader  = "X-Amz-Object-Lock-Legal-Hold"
	bypassHeader    = "X-Amz-Bypass-Governance-Retention"
)

var (
	lockModes = []string{governance, compliance}

	errLocked       = s3error.Forbidden("AccessDenied", "Access Denied because object protected by object lock.")
	errNoLock       = s3error.BadRequest("InvalidRequest", "Bucket is missing Object Lock Configuration")
	errNoObjectLock = s3error.NotFound("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")
)

// lockConfiguration is a bucket's object lock; without a mode new objects get
// no retention of their own.
type lockConfiguration struct {
	mode        string
	days, years int
}

type defaultRetentionXML struct {
	Mode  string
	Days  int `xml:",omitempty"`
	Years int `xml:",omitempty"`
}

type lockXML struct {
	XMLName xml.Name             `xml:"ObjectLockConfiguration"`
	Xmlns   string               `xml:"xmlns,attr,omitempty"`
	Enabled string               `xml:"ObjectLockEnabled"`
	Default *defaultRetentionXML `xml:"Rule>DefaultRetention"`
}

func (c *call) putLockConfiguration() error {
	if !c.hasDigest() {
		return s3error.ErrMissingContentMD5
	}
	var wanted lockXML
	if err := s3api.Decode(c.body, &wanted); err != nil {
		return err
	}
	if wanted.Enabled != versioningEnabled {
		return s3error.ErrMalformedXML
	}
	lock := &lockConfiguration{}
	if d := wanted.Default; d != nil {
		if !slices.Contains(lockModes, d.Mode) || d.Days < 0 || d.Years < 0 || (d.Days > 0) == (d.Years > 0) {
			return s3error.ErrMalformedXML
		}
		*lock = lockConfiguration{d.Mode, d.Days, d.Years}
	}
	return c.withBucket(func(b *bucket) error {
		if b.lock == nil {
			return s3error.Conflict("InvalidBucketState", "Object Lock configuration cannot be enabled on existing buckets")
		}
		b.lock = lock
		return c.done(http.StatusOK)
	})
}

func (c *call) getLockConfiguration() error {
	return c.withBucket(func(b *bucket) error {
		if b.lock == nil {
			return s3error.NotFound("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")
		}
		document := lockXML{Xmlns: s3api.Namespace, Enabled: versioningEnabled}
		if b.lock.mode != "" {
			document.Default = &defaultRetentionXML{b.lock.mode, b.lock.days, b.lock.years}
		}
		return c.ok(document)
	})
}

// protect gives a new object the retention of its headers, else the bucket's
// default. The caller holds mu.
func (c *call) protect(b *bucket, o *Object) error {
	h := c.r.Header
	mode, until, hold := h.Get(lockModeHeader), h.Get(lockUntilHeader), h.Get(lockHoldHeader)
	if b.lock == nil {
		if mode+until+hold != "" {
			return errNoLock
		}
		return nil
	}
	if hold != "" && hold != "ON" && hold != "OFF" {
		return s3error.InvalidArgument("Legal Hold must be either of 'ON' or 'OFF'")
	}
	if mode+until+hold+b.lock.mode != "" && c.op.Name == "PutObject" && !c.hasDigest() {
		return s3error.BadRequest("InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")
	}
	o.LegalHold = hold
	if mode+until == "" {
		o.Retention = b.lock.retention(c.now)
		return nil
	}
	var err error
	o.Retention, err = c.parseRetention(mode, until)
	return err
}

func (l *lockConfiguration) retention(now time.Time) Retention {
	if l.mode == "" {
		return Retention{}
	}
	return Retention{Mode: l.mode, Until: now.AddDate(l.years, 0, l.days)}
}

func (c *call) parseRetention(mode, until string) (Retention, error) {
	if mode == "" || until == "" {
		return Retention{}, s3error.InvalidArgument("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
	}
	if !slices.Contains(lockModes, mode) {
		return Retention{}, s3error.InvalidArgument("Unknown wormMode directive")
	}
	t, err := time.Parse(time.RFC3339, until)
	if err != nil {
		return Retention{}, s3error.InvalidArgument("The retain until date is not valid ISO 8601")
	}
	if !t.After(c.now) {
		return Retention{}, s3error.InvalidArgument("The retain until date must be in the future!")
	}
	return Retention{Mode: mode, Until: t.UTC()}, nil
}

// checkUnlocked refuses to remove a protected version. The caller holds mu.
func (c *call) checkUnlocked(o *Object) error {
	if o.LegalHold == "ON" {
		return errLocked
	}
	return c.checkRetention(o)
}

// checkRetention refuses to end a retention in force. The caller holds mu.
func (c *call) checkRetention(o *Object) error {
	switch {
	case !o.Retention.Until.After(c.now):
		return nil
	case o.Retention.Mode == governance && c.mayBypass(o.Key):
		return nil
	}
	return errLocked
}

func (c *call) mayBypass(key string) bool {
	asked := strings.EqualFold(c.r.Header.Get(bypassHeader), "true")
	return asked && c.permits("s3:BypassGovernanceRetention", c.bucket, key)
}

func (c *call) describeLock(o *Object) {
	h := c.w.Header()
	if o.Retention.Mode != "" {
		h.Set(lockModeHeader, o.Retention.Mode)
		h.Set(lockUntilHeader, s3api.Timestamp(o.Retention.Until))
	}
	if o.LegalHold != "" {
		h.Set(lockHoldHeader, o.LegalHold)
	}
}

type retentionXML struct {
	XMLName xml.Name `xml:"Retention"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Mode    string   `xml:",omitempty"`
	Until   string   `xml:"RetainUntilDate,omitempty"`
}

func (c *call) putRetention() error {
	if !c.hasDigest() {
		return s3error.ErrMissingContentMD5
	}
	var document retentionXML
	if err := s3api.Decode(c.body, &document); err != nil {
		return err
	}
	var wanted Retention
	if document.Mode+document.Until != "" {
		var err error
		if wanted, err = c.parseRetention(document.Mode, document.Until); err != nil {
			return err
		}
	}
	err := c.changeVersion(func(b *bucket, o *Object) error {
		if b.lock == nil {
			return errNoLock
		}
		extends := wanted.Mode == o.Retention.Mode && !wanted.Until.Before(o.Retention.Until)
		if !extends {
			if err := c.checkRetention(o); err != nil {
				return err
			}
		}
		o.Retention = wanted
		return nil
	})
	if err != nil {
		return err
	}
	return c.done(http.StatusOK)
}

func (c *call) getRetention() error {
	return c.withLocked(func(o *Object) error {
		if o.Retention.Mode == "" {
			return errNoObjectLock
		}
		return c.ok(retentionXML{Xmlns: s3api.Namespace, Mode: o.Retention.Mode, Until: s3api.Timestamp(o.Retention.Until)})
	})
}

type legalHoldXML struct {
	XMLName xml.Name `xml:"LegalHold"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Status  string
}

func (c *call) putLegalHold() error {
	if !c.hasDigest() {
		return s3error.ErrMissingContentMD5
	}
	var wanted legalHoldXML
	if err := s3api.Decode(c.body, &wanted); err != nil {
		return err
	}
	if wanted.Status != "ON" && wanted.Status != "OFF" {
		return s3error.ErrMalformedXML
	}
	err := c.changeVersion(func(b *bucket, o *Object) error {
		if b.lock == nil {
			return errNoLock
		}
		o.LegalHold = wanted.Status
		return nil
	})
	if err != nil {
		return err
	}
	return c.done(http.StatusOK)
}

func (c *call) getLegalHold() error {
	return c.withLocked(func(o *Object) error {
		if o.LegalHold == "" {
			return errNoObjectLock
		}
		return c.ok(legalHoldXML{Xmlns: s3api.Namespace, Status: o.LegalHold})
	})
}

// withLocked runs fn on the version of the request, in a bucket with object
// lock.
func (c *call) withLocked(fn func(o *Object) error) error {
	return c.withBucket(func(b *bucket) error {
		if b.lock == nil {
			return errNoLock
		}
		o, err := c.version(b)
		if err != nil {
			return err
		}
		return fn(o)
	})
}
