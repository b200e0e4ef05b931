package s3

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

const maxParts = 10_000

var errPartNumber = s3error.InvalidArgument("Part number must be an integer between 1 and %d, inclusive", maxParts)

// upload is a multipart upload in progress.
type upload struct {
	id        string
	sequence  uint64
	initiator string
	initiated time.Time
	// object has everything but the bytes and what comes of them.
	object *Object
	parts  map[int]*part
}

type part struct {
	number    int
	body      []byte
	etag      string
	modified  time.Time
	checksums map[string]string
}

func (c *call) createUpload() error {
	o, err := c.newObject()
	if err != nil {
		return err
	}
	var id string
	err = c.withBucket(func(b *bucket) error {
		// The lock headers come with this request, so they are judged here.
		if err := c.protect(b, o); err != nil {
			return err
		}
		id = c.newID()
		b.uploads[id] = &upload{
			id: id, sequence: c.sequence, initiator: c.who.id, initiated: c.now,
			object: o, parts: map[int]*part{},
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.ok(struct {
		XMLName  struct{} `xml:"InitiateMultipartUploadResult"`
		Xmlns    string   `xml:"xmlns,attr"`
		Bucket   string
		Key      rawText
		UploadID string `xml:"UploadId"`
	}{Xmlns: s3api.Namespace, Bucket: c.bucket, Key: escapeKey(c.key), UploadID: id})
}

// upload returns the upload a request names. The caller holds mu.
func (c *call) upload(b *bucket) (*upload, error) {
	u := b.uploads[c.query.Get("uploadId")]
	if u == nil || u.object.Key != c.key {
		return nil, s3error.ErrNoSuchUpload.With("UploadId", c.query.Get("uploadId"))
	}
	return u, nil
}

func (c *call) partNumber() (int, error) {
	n, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return 0, errPartNumber
	}
	return n, nil
}

func (c *call) uploadPart() error {
	p, err := c.storePart(c.body)
	if err != nil {
		return err
	}
	for algorithm, sum := range p.checksums {
		c.w.Header().Set(checksumPrefix+algorithm, sum)
	}
	c.w.Header().Set("ETag", `"`+p.etag+`"`)
	return c.done(http.StatusOK)
}

// storePart adds a part, or replaces the one of that number.
func (c *call) storePart(body []byte) (*part, error) {
	number, err := c.partNumber()
	if err != nil {
		return nil, err
	}
	p := &part{number: number, body: body, etag: md5Hex(body), modified: c.now, checksums: c.verifiedChecksums()}
	return p, c.withBucket(func(b *bucket) error {
		u, err := c.upload(b)
		if err != nil {
			return err
		}
		if u.object.Retention.Mode != "" && c.op.Name == "UploadPart" && !c.hasDigest() {
			return s3error.BadRequest("InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters")
		}
		u.parts[number] = p
		return nil
	})
}

func (c *call) uploadPartCopy() error {
	from, err := c.copySource()
	if err != nil {
		return err
	}
	original, err := c.read(from)
	if err != nil {
		return err
	}
	body, err := c.copyRange(original)
	if err != nil {
		return err
	}
	p, err := c.storePart(body)
	if err != nil {
		return err
	}
	return c.ok(copyResult{
		XMLName: xml.Name{Local: "CopyPartResult"}, Xmlns: s3api.Namespace,
		LastModified: c.listTime(p.modified), ETag: `"` + p.etag + `"`,
	})
}

// copyRange cuts what x-amz-copy-source-range asks for; unlike a read's, the
// range must lie within the object.
func (c *call) copyRange(o *Object) ([]byte, error) {
	text := c.r.Header.Get(s3api.CopySource + "-Range")
	if text == "" {
		return o.Body, nil
	}
	size := int64(len(o.Body))
	s, err := parseRange(text, size)
	_, last, _ := strings.Cut(text, "-")
	if err != nil || !s.partial || last != strconv.FormatInt(s.end-1, 10) {
		return nil, s3error.InvalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	}
	return o.Body[s.start:s.end], nil
}

func (c *call) abortUpload() error {
	return c.withBucket(func(b *bucket) error {
		u, err := c.upload(b)
		if err != nil {
			return err
		}
		delete(b.uploads, u.id)
		return c.done(http.StatusNoContent)
	})
}
