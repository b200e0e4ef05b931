package dataplane

import (
	"encoding/xml"
	"net/http"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

// absent is what S3 answers for a subresource that was never set: an error code, or
// an empty document of that name.
type absent struct{ code, root string }

var absences = map[string]absent{
	"cors":              {code: "NoSuchCORSConfiguration"},
	"website":           {code: "NoSuchWebsiteConfiguration"},
	"logging":           {root: "BucketLoggingStatus"},
	"notification":      {root: "NotificationConfiguration"},
	"publicAccessBlock": {code: "NoSuchPublicAccessBlockConfiguration"},
	"ownershipControls": {code: "OwnershipControlsNotFoundError"},
}

// subresource is the only parameter of the operations on what is only stored.
func (c *call) subresource() string { return c.op.Sub[0] }

func (c *call) putStored() error {
	body, err := c.document()
	if err != nil {
		return err
	}
	var document struct{ XMLName xml.Name }
	if err := s3api.Decode(body, &document); err != nil {
		return err
	}
	err = c.Region.change(c.bucket, func(b *bucket) error {
		b.stored[c.subresource()] = body
		return nil
	})
	if err != nil {
		return err
	}
	return c.done(http.StatusOK)
}

func (c *call) getStored() error {
	var stored []byte
	err := c.Region.change(c.bucket, func(b *bucket) error {
		stored = b.stored[c.subresource()]
		return nil
	})
	missing := absences[c.subresource()]
	switch {
	case err != nil:
		return err
	case stored == nil && missing.code != "":
		return s3error.NotFound(missing.code, "The %s configuration does not exist", c.subresource())
	case stored == nil:
		stored = []byte(`<` + missing.root + ` xmlns="` + s3api.Namespace + `"/>`)
	}
	c.reply().Send(http.StatusOK, "application/xml", stored)
	return nil
}

func (c *call) deleteStored() error {
	return c.remove(func() error {
		return c.Region.change(c.bucket, func(b *bucket) error {
			delete(b.stored, c.subresource())
			return nil
		})
	})
}
