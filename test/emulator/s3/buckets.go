package s3

import (
	"encoding/xml"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	ipAddress  = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`)
)

func validBucketName(name string) bool {
	return bucketName.MatchString(name) && !ipAddress.MatchString(name) && !strings.Contains(name, "..")
}

func (c *call) createBucket() error {
	if !validBucketName(c.bucket) {
		return s3error.BadRequest("InvalidBucketName", "The specified bucket is not valid.")
	}
	if !c.mayOpen("s3:CreateBucket", c.bucket) {
		return s3error.ErrAccessDenied
	}
	if err := c.checkLocation(); err != nil {
		return err
	}
	lockText := c.r.Header.Get("X-Amz-Bucket-Object-Lock-Enabled")
	if lockText != "" && !strings.EqualFold(lockText, "true") && !strings.EqualFold(lockText, "false") {
		return s3error.InvalidArgument("The x-amz-bucket-object-lock-enabled header must be true or false")
	}
	if lockText != "" && c.options.NoObjectLock {
		return s3error.NotImplemented("Buckets with object lock are not implemented")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if existing := c.buckets[c.bucket]; existing != nil {
		return c.createAgain(existing)
	}
	owned := 0
	for _, b := range c.buckets {
		if b.owner == c.who.id {
			owned++
		}
	}
	if owned >= c.options.MaxBuckets {
		return s3error.BadRequest("TooManyBuckets", "You have attempted to create more buckets than allowed")
	}
	b := c.addBucket(c.bucket, c.who.id)
	if strings.EqualFold(lockText, "true") {
		b.lock = &lockConfiguration{}
		b.versioning = versioningEnabled
	}
	if days := c.options.LockNewBuckets; days > 0 {
		b.lock, b.versioning = &lockConfiguration{mode: compliance, days: days}, versioningEnabled
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	return c.done(http.StatusOK)
}

func (c *call) createAgain(existing *bucket) error {
	switch {
	case existing.owner != c.who.id:
		return s3error.Conflict("BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	case c.options.RecreateOK:
		return c.done(http.StatusOK)
	}
	return s3error.Conflict("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
}

func (c *call) checkLocation() error {
	if len(c.body) == 0 {
		return nil
	}
	var configuration struct {
		XMLName            xml.Name `xml:"CreateBucketConfiguration"`
		LocationConstraint string
	}
	if err := s3api.Decode(c.body, &configuration); err != nil {
		return err
	}
	location := configuration.LocationConstraint
	if location != "" && !slices.Contains(c.options.LocationConstraints, location) {
		return s3error.BadRequest("InvalidLocationConstraint", "The specified location-constraint is not valid").With("LocationConstraint", location)
	}
	return nil
}

// addBucket adds an empty bucket. The caller holds mu.
func (s *Server) addBucket(name, owner string) *bucket {
	b := &bucket{
		name:           name,
		owner:          owner,
		created:        s.now(),
		configurations: map[string][]byte{},
		uploads:        map[string]*upload{},
	}
	s.buckets[name] = b
	return b
}

func (c *call) headBucket() error {
	c.w.Header().Set("X-Amz-Bucket-Region", c.Region)
	return c.done(http.StatusOK)
}

func (c *call) deleteBucket() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.buckets[c.bucket]
	if b == nil {
		return s3error.ErrNoSuchBucket
	}
	if !b.empty() {
		return s3error.Conflict("BucketNotEmpty", "The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
	}
	delete(c.buckets, c.bucket)
	return c.done(http.StatusNoContent)
}

func (c *call) getBucketLocation() error {
	location := c.Region
	if location == defaultRegion {
		// S3 names its first region by silence.
		location = ""
	}
	return c.ok(struct {
		XMLName struct{} `xml:"LocationConstraint"`
		Xmlns   string   `xml:"xmlns,attr"`
		Text    string   `xml:",chardata"`
	}{Xmlns: s3api.Namespace, Text: location})
}

type bucketXML struct {
	Name         string
	CreationDate string
}

func (c *call) listBuckets() error {
	if !c.mayOpen("s3:ListAllMyBuckets", "*") {
		return s3error.ErrAccessDenied
	}
	var shown []bucketXML
	c.mu.RLock()
	for _, b := range c.buckets {
		if c.who.admin || b.owner == c.who.id {
			shown = append(shown, bucketXML{b.name, s3api.Timestamp(b.created)})
		}
	}
	c.mu.RUnlock()
	slices.SortFunc(shown, func(a, b bucketXML) int { return strings.Compare(a.Name, b.Name) })
	return c.ok(struct {
		XMLName struct{} `xml:"ListAllMyBucketsResult"`
		Xmlns   string   `xml:"xmlns,attr"`
		Owner   *ownerXML
		Buckets []bucketXML `xml:"Buckets>Bucket"`
	}{Xmlns: s3api.Namespace, Owner: ownerOf(c.who.id), Buckets: shown})
}

// withBucket runs fn on the request's bucket, alone.
func (c *call) withBucket(fn func(b *bucket) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.buckets[c.bucket]
	if b == nil {
		return s3error.ErrNoSuchBucket
	}
	return fn(b)
}
