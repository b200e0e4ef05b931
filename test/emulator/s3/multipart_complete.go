package s3

import (
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

type completeRequest struct {
	XMLName xml.Name     `xml:"CompleteMultipartUpload"`
	Parts   []chosenPart `xml:"Part"`
}

type chosenPart struct {
	PartNumber int
	ETag       string
	CRC32      string `xml:"ChecksumCRC32"`
	CRC32C     string `xml:"ChecksumCRC32C"`
	CRC64NVME  string `xml:"ChecksumCRC64NVME"`
	SHA1       string `xml:"ChecksumSHA1"`
	SHA256     string `xml:"ChecksumSHA256"`
}

// checksums returns what the client says about the part, by algorithm.
func (p chosenPart) checksums() map[string]string {
	return map[string]string{
		"crc32": p.CRC32, "crc32c": p.CRC32C, "crc64nvme": p.CRC64NVME, "sha1": p.SHA1, "sha256": p.SHA256,
	}
}

func (c *call) completeUpload() error {
	var request completeRequest
	if err := s3api.Decode(c.body, &request); err != nil {
		return err
	}
	if len(request.Parts) == 0 {
		return s3error.ErrMalformedXML
	}
	if !slices.IsSortedFunc(request.Parts, func(a, b chosenPart) int { return cmp.Compare(a.PartNumber, b.PartNumber) }) {
		return s3error.BadRequest("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
	}
	var o *Object
	err := c.withBucket(func(b *bucket) error {
		u, err := c.upload(b)
		if err != nil {
			return err
		}
		parts, err := c.choose(u, request.Parts)
		if err != nil {
			return err
		}
		if o, err = c.assemble(u, parts); err != nil {
			return err
		}
		if err := c.checkWriteConditions(b); err != nil {
			return err
		}
		if err := c.checkFolder(b, o); err != nil {
			return err
		}
		c.encrypt(b, o)
		b.add(o, c.newID)
		delete(b.uploads, u.id)
		c.setStored(b, o)
		return nil
	})
	if err != nil {
		return err
	}
	c.created("CompleteMultipartUpload", o)
	return c.ok(c.completeResult(o))
}

func (c *call) completeResult(o *Object) any {
	etag := `"` + o.ETag + `"`
	if c.effects.has(kindNoMultipartETag) {
		etag = ""
	}
	return struct {
		XMLName  struct{} `xml:"CompleteMultipartUploadResult"`
		Xmlns    string   `xml:"xmlns,attr"`
		Location string
		Bucket   string
		Key      rawText
		ETag     string
	}{Xmlns: s3api.Namespace, Location: "http://" + c.r.Host + sigv4.RawPath(c.r), Bucket: c.bucket, Key: escapeKey(c.key), ETag: etag}
}

// choose returns the stored parts the client lists, if they are what it thinks
// they are and large enough.
func (c *call) choose(u *upload, chosen []chosenPart) ([]*part, error) {
	parts := make([]*part, len(chosen))
	for i, want := range chosen {
		p := u.parts[want.PartNumber]
		if p == nil || strings.Trim(want.ETag, `"`) != p.etag || !p.matches(want.checksums()) {
			return nil, s3error.BadRequest("InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.").
				With("PartNumber", strconv.Itoa(want.PartNumber))
		}
		if i > 0 && want.PartNumber == chosen[i-1].PartNumber {
			return nil, s3error.BadRequest("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
		if i < len(chosen)-1 && int64(len(p.body)) < c.options.MinPartSize {
			return nil, s3error.BadRequest("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size").
				With("ProposedSize", strconv.Itoa(len(p.body))).
				With("MinSizeAllowed", strconv.FormatInt(c.options.MinPartSize, 10)).
				With("PartNumber", strconv.Itoa(p.number))
		}
		parts[i] = p
	}
	return parts, nil
}

// matches compares the checksums that both sides have.
func (p *part) matches(claimed map[string]string) bool {
	for algorithm, stored := range p.checksums {
		if claim := claimed[algorithm]; claim != "" && claim != stored {
			return false
		}
	}
	return true
}

// assemble joins the parts and names the result as S3 does: the MD5 of the
// parts' MD5s, a dash and their number.
func (c *call) assemble(u *upload, parts []*part) (*Object, error) {
	o := *u.object
	o.LastModified = c.now
	hash := md5.New()
	for _, p := range parts {
		sum, err := hex.DecodeString(p.etag)
		if err != nil {
			return nil, fmt.Errorf("read ETag of part %d: %w", p.number, err)
		}
		hash.Write(sum)
		o.Size += int64(len(p.body))
		o.PartSizes = append(o.PartSizes, int64(len(p.body)))
	}
	o.Body = make([]byte, 0, o.Size)
	for _, p := range parts {
		o.Body = append(o.Body, p.body...)
	}
	o.ETag = hex.EncodeToString(hash.Sum(nil)) + "-" + strconv.Itoa(len(parts))
	return &o, c.checkWhole(&o, parts)
}

// checkWhole verifies what the client says about the finished object: the
// checksum of its bytes, or else the one of its parts' checksums.
func (c *call) checkWhole(o *Object, parts []*part) error {
	if c.options.IgnoreChecksums {
		return nil
	}
	whole := c.r.Header.Get(checksumPrefix+"Type") == "FULL_OBJECT"
	for algorithm, value := range sentChecksums(c.r.Header) {
		content, suffix := o.Body, ""
		if !whole {
			content, suffix = joinChecksums(parts, algorithm), "-"+strconv.Itoa(len(parts))
		}
		value = strings.TrimSuffix(value, suffix)
		if err := checkDigest(algorithm, value, content); err != nil {
			return err
		}
		if o.Checksums == nil {
			o.Checksums = map[string]string{}
		}
		o.Checksums[algorithm] = value + suffix
	}
	return nil
}

// joinChecksums returns the parts' digests in a row. A part without one leaves
// a gap, so that the claim about the whole is refused.
func joinChecksums(parts []*part, algorithm string) []byte {
	var joined []byte
	for _, p := range parts {
		// What is stored was decoded once already.
		digest, _ := base64.StdEncoding.DecodeString(p.checksums[algorithm])
		joined = append(joined, digest...)
	}
	return joined
}
