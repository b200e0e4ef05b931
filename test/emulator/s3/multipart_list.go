package s3

import (
	"cmp"
	"encoding/xml"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

type partXML struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int
}

type listPartsResult struct {
	XMLName              xml.Name `xml:"ListPartsResult"`
	Xmlns                string   `xml:"xmlns,attr"`
	Bucket               string
	Key                  rawText
	UploadID             string `xml:"UploadId"`
	Initiator            *ownerXML
	Owner                *ownerXML
	StorageClass         string
	PartNumberMarker     int
	NextPartNumberMarker int
	MaxParts             int
	EncodingType         string `xml:",omitempty"`
	IsTruncated          bool
	Parts                []partXML `xml:"Part"`
}

func (c *call) listParts() error {
	encode, err := newKeyEncoder(c.query.Get("encoding-type"))
	if err != nil {
		return err
	}
	limit, err := c.count("max-parts", maxPage)
	if err != nil {
		return err
	}
	marker, err := strconv.Atoi(cmp.Or(c.query.Get("part-number-marker"), "0"))
	if err != nil || marker < 0 {
		return s3error.InvalidArgument("Argument part-number-marker must be an integer between 0 and 2147483647")
	}
	return c.withBucket(func(b *bucket) error {
		u, err := c.upload(b)
		if err != nil {
			return err
		}
		result := listPartsResult{
			Xmlns: s3api.Namespace, Bucket: c.bucket, Key: encode(c.key), UploadID: u.id,
			Initiator: ownerOf(u.initiator), Owner: ownerOf(b.owner),
			StorageClass:     cmp.Or(u.object.StorageClass, standardClass),
			PartNumberMarker: marker, MaxParts: limit, EncodingType: c.query.Get("encoding-type"),
		}
		for _, number := range slices.Sorted(maps.Keys(u.parts)) {
			if number <= marker || limit == 0 {
				continue
			}
			if len(result.Parts) == limit {
				result.IsTruncated = true
				break
			}
			p := u.parts[number]
			result.Parts = append(result.Parts, partXML{number, c.listTime(p.modified), `"` + p.etag + `"`, len(p.body)})
			result.NextPartNumberMarker = number
		}
		return c.ok(result)
	})
}

type uploadXML struct {
	Key          rawText
	UploadID     string `xml:"UploadId"`
	Initiator    *ownerXML
	Owner        *ownerXML
	StorageClass string
	Initiated    string
}

type listUploadsResult struct {
	XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
	Xmlns              string   `xml:"xmlns,attr"`
	Bucket             string
	KeyMarker          rawText
	UploadIDMarker     string   `xml:"UploadIdMarker"`
	NextKeyMarker      *rawText `xml:",omitempty"`
	NextUploadIDMarker string   `xml:"NextUploadIdMarker,omitempty"`
	Prefix             rawText
	Delimiter          *rawText `xml:",omitempty"`
	EncodingType       string   `xml:",omitempty"`
	MaxUploads         int
	IsTruncated        bool
	Uploads            []uploadXML `xml:"Upload"`
	CommonPrefixes     []commonPrefixXML
}

func (c *call) listUploads() error {
	q, encode, err := c.listing()
	if err != nil {
		return err
	}
	if q.limit, err = c.count("max-uploads", maxPage); err != nil {
		return err
	}
	q.after = position{key: c.query.Get("key-marker"), version: c.query.Get("upload-id-marker")}
	return c.withBucket(func(b *bucket) error {
		result := listUploadsResult{
			Xmlns: s3api.Namespace, Bucket: c.bucket,
			KeyMarker: encode(q.after.key), UploadIDMarker: q.after.version,
			Prefix: encode(q.prefix), Delimiter: encode.optional(q.delimiter),
			EncodingType: c.query.Get("encoding-type"), MaxUploads: q.limit,
		}
		c.fillUploads(&result, b, q, encode)
		return c.ok(result)
	})
}

// fillUploads adds the page of uploads behind q.after.
func (c *call) fillUploads(result *listUploadsResult, b *bucket, q listing, encode keyEncoder) {
	var last string
	for _, u := range b.uploadsAfter(q) {
		common := q.commonPrefix(u.object.Key)
		if common != "" && (common == last || common <= q.after.key) {
			continue
		}
		if len(result.Uploads)+len(result.CommonPrefixes) == q.limit {
			result.IsTruncated = q.limit > 0
			break
		}
		if common != "" {
			last = common
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefixXML{encode(common)})
			result.NextKeyMarker, result.NextUploadIDMarker = encode.optional(common), ""
			continue
		}
		result.Uploads = append(result.Uploads, uploadXML{
			Key: encode(u.object.Key), UploadID: u.id,
			Initiator: ownerOf(u.initiator), Owner: ownerOf(b.owner),
			StorageClass: cmp.Or(u.object.StorageClass, standardClass),
			Initiated:    s3api.Timestamp(u.initiated),
		})
		result.NextKeyMarker, result.NextUploadIDMarker = encode.optional(u.object.Key), u.id
	}
	if !result.IsTruncated {
		result.NextKeyMarker, result.NextUploadIDMarker = nil, ""
	}
}

// uploadsAfter returns the uploads behind the marker in key order, those of one
// key in the order they were begun.
func (b *bucket) uploadsAfter(q listing) []*upload {
	var found []*upload
	marked := b.uploads[q.after.version]
	for _, u := range b.uploads {
		key := u.object.Key
		beyond := key > q.after.key || marked != nil && key == q.after.key && u.sequence > marked.sequence
		if beyond && strings.HasPrefix(key, q.prefix) {
			found = append(found, u)
		}
	}
	slices.SortFunc(found, func(a, b *upload) int {
		return cmp.Or(strings.Compare(a.object.Key, b.object.Key), cmp.Compare(a.sequence, b.sequence))
	})
	return found
}
