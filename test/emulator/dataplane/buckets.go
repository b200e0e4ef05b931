package dataplane

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

type ownerXML struct {
	ID          string
	DisplayName string
}

type bucketXML struct {
	Name         string
	CreationDate string
}

func (c *call) listBuckets() error {
	var shown []bucketXML
	for _, b := range c.Region.Buckets() {
		if c.options.Lists(c.identity, b) {
			shown = append(shown, bucketXML{b.Name, s3api.Timestamp(b.Created)})
		}
	}
	return c.ok(struct {
		XMLName struct{} `xml:"ListAllMyBucketsResult"`
		Xmlns   string   `xml:"xmlns,attr"`
		Owner   ownerXML
		Buckets []bucketXML `xml:"Buckets>Bucket"`
	}{Xmlns: s3api.Namespace, Owner: ownerXML{c.identity, c.identity}, Buckets: shown})
}

// createBucket makes a bucket of whoever asks for it.
func (c *call) createBucket() error {
	body, err := c.document()
	if err != nil {
		return err
	}
	if err := c.checkLocation(body); err != nil {
		return err
	}
	acl := ACL(c.take(aclHeader))
	if !acl.known() {
		return errUnknownACL(acl)
	}
	lock := c.r.Header.Get("X-Amz-Bucket-Object-Lock-Enabled")
	if lock != "" && !strings.EqualFold(lock, "true") && !strings.EqualFold(lock, "false") {
		return s3error.InvalidArgument("The x-amz-bucket-object-lock-enabled header must be true or false")
	}
	wanted := Bucket{Name: c.bucket, Owner: c.identity, Grants: acl.Grants(), ObjectLock: strings.EqualFold(lock, "true")}
	if _, err := c.Region.MakeBucket(c.r.Context(), wanted); err != nil {
		return err
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	return c.done(http.StatusOK)
}

func (c *call) checkLocation(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	var configuration struct {
		XMLName            xml.Name `xml:"CreateBucketConfiguration"`
		LocationConstraint string
	}
	if err := s3api.Decode(body, &configuration); err != nil {
		return err
	}
	if location := configuration.LocationConstraint; location != "" && location != c.Region.Name {
		return s3error.BadRequest("InvalidLocationConstraint", "The specified location-constraint is not valid").With("LocationConstraint", location)
	}
	return nil
}

func (c *call) headBucket() error {
	c.w.Header().Set("X-Amz-Bucket-Region", c.Region.Name)
	return c.done(http.StatusOK)
}

func (c *call) deleteBucket() error {
	if err := c.Region.DeleteBucket(c.r.Context(), c.bucket); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

func (c *call) getLocation() error {
	location := c.Region.Name
	if location == sigv4.FirstRegion {
		// S3 names its first region by silence.
		location = ""
	}
	return c.ok(struct {
		XMLName struct{} `xml:"LocationConstraint"`
		Xmlns   string   `xml:"xmlns,attr"`
		Text    string   `xml:",chardata"`
	}{Xmlns: s3api.Namespace, Text: location})
}

// list passes a listing on, with the owner of the bucket where the backend names
// its root user.
func (c *call) list() error {
	res, err := c.ask()
	if err != nil || !succeeded(res) {
		return c.relayUnless(err, res)
	}
	text, err := c.read(res)
	if err != nil {
		return err
	}
	b, _ := c.Region.Bucket(c.bucket)
	for _, element := range []string{"ID", "DisplayName"} {
		root := []byte("<" + element + ">" + c.Region.backend.AccessKey + "</" + element + ">")
		text = bytes.ReplaceAll(text, root, []byte("<"+element+">"+b.Owner+"</"+element+">"))
	}
	replaceBody(res, string(text))
	return c.relay(res)
}

// relayUnless relays an answer if there is one.
func (c *call) relayUnless(err error, res *http.Response) error {
	if err != nil {
		return err
	}
	return c.relay(res)
}
