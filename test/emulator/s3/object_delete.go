package s3

import (
	"encoding/xml"
	"errors"
	"net/http"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

const maxDeletes = 1000

func (c *call) deleteObject() error {
	return c.withBucket(func(b *bucket) error {
		if err := c.checkDeleteCondition(b); err != nil {
			return err
		}
		gone, err := c.remove(b, c.key, c.query.Get("versionId"))
		if err != nil {
			return err
		}
		c.removed(c.key, gone)
		if gone.versionID != "" {
			c.w.Header().Set(versionHeader, gone.versionID)
		}
		if gone.marker {
			c.w.Header().Set(markerHeader, "true")
		}
		return c.done(http.StatusNoContent)
	})
}

func (c *call) checkDeleteCondition(b *bucket) error {
	match := c.r.Header.Get("If-Match")
	if match == "" {
		return nil
	}
	current := b.find(c.key, c.query.Get("versionId"))
	if current == nil || current.DeleteMarker {
		return s3error.ErrNoSuchKey
	}
	if !etagListed(match, current.ETag) {
		return s3error.PreconditionFailed("If-Match")
	}
	return nil
}

// removal says what a deletion did: which version it removed or made, and
// whether that is a delete marker.
type removal struct {
	versionID string
	marker    bool
}

// remove deletes a version for good, or hides the key behind a delete marker
// where the bucket keeps versions. A missing key is no error. The caller holds
// mu.
func (c *call) remove(b *bucket, key, versionID string) (removal, error) {
	switch {
	case versionID != "":
		return c.removeVersion(b, key, versionID)
	case b.versioning == "":
		_, err := c.removeVersion(b, key, nullVersion)
		return removal{}, err
	}
	marker := &Object{Key: key, DeleteMarker: true, LastModified: c.now}
	b.add(marker, c.newID)
	return removal{versionID: marker.VersionID, marker: true}, nil
}

func (c *call) removeVersion(b *bucket, key, versionID string) (removal, error) {
	if !validVersionID(versionID) {
		return removal{}, s3error.InvalidArgument("Invalid version id specified").With("ArgumentName", "versionId")
	}
	o := b.find(key, versionID)
	if o == nil {
		return removal{versionID: versionID}, nil
	}
	if err := c.checkUnlocked(o); err != nil {
		return removal{}, err
	}
	b.drop(key, versionID)
	return removal{versionID: versionID, marker: o.DeleteMarker}, nil
}

type deleteRequest struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
	} `xml:"Object"`
}

type deletedXML struct {
	Key                   rawText
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

type deleteErrorXML struct {
	Key       rawText
	VersionID string `xml:"VersionId,omitempty"`
	Code      string
	Message   string
}

type deleteResult struct {
	XMLName struct{}         `xml:"DeleteResult"`
	Xmlns   string           `xml:"xmlns,attr"`
	Deleted []deletedXML     `xml:"Deleted"`
	Errors  []deleteErrorXML `xml:"Error"`
}

func (c *call) deleteObjects() error {
	if !c.hasDigest() {
		return s3error.ErrMissingContentMD5
	}
	var request deleteRequest
	if err := s3api.Decode(c.body, &request); err != nil {
		return err
	}
	if len(request.Objects) == 0 || len(request.Objects) > maxDeletes {
		return s3error.ErrMalformedXML
	}
	result := deleteResult{Xmlns: s3api.Namespace}
	err := c.withBucket(func(b *bucket) error {
		for _, target := range request.Objects {
			deleted, err := c.deleteOne(b, target.Key, target.VersionID)
			switch {
			case err != nil:
				result.Errors = append(result.Errors, deleteError(target.Key, target.VersionID, err))
			case !request.Quiet:
				result.Deleted = append(result.Deleted, deleted)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.ok(result)
}

func (c *call) deleteOne(b *bucket, key, versionID string) (deletedXML, error) {
	if err := c.injected(key); err != nil {
		return deletedXML{}, err
	}
	if c.options.RewriteKeys {
		key = cleanKey(key)
	}
	action := "s3:DeleteObject"
	if versionID != "" {
		action = versionActions[action]
	}
	if err := c.require(action, b.name, key); err != nil {
		return deletedXML{}, err
	}
	if len(key) > maxKeyLength {
		return deletedXML{}, s3error.BadRequest("KeyTooLongError", "Your key is too long")
	}
	gone, err := c.remove(b, key, versionID)
	if err == nil {
		c.removed(key, gone)
	}
	shown := deletedXML{Key: escapeKey(key), VersionID: versionID, DeleteMarker: gone.marker}
	if gone.marker {
		shown.DeleteMarkerVersionID = gone.versionID
	}
	return shown, err
}

func deleteError(key, versionID string, err error) deleteErrorXML {
	shown := deleteErrorXML{Key: escapeKey(key), VersionID: versionID, Code: "InternalError", Message: err.Error()}
	if known, ok := errors.AsType[*s3error.Error](err); ok {
		shown.Code, shown.Message = known.Code, known.Message
	}
	return shown
}
