package s3

import (
	"cmp"
	"encoding/xml"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

type versionXML struct {
	// XMLName is Version or DeleteMarker; both share one list, because their
	// order in the document is part of the answer.
	XMLName      xml.Name
	Key          rawText
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         *int64 `xml:",omitempty"`
	StorageClass string `xml:",omitempty"`
	Owner        *ownerXML
}

type listVersionsResult struct {
	XMLName             xml.Name `xml:"ListVersionsResult"`
	Xmlns               string   `xml:"xmlns,attr"`
	Name                string
	Prefix              rawText
	KeyMarker           rawText
	VersionIDMarker     string   `xml:"VersionIdMarker"`
	NextKeyMarker       *rawText `xml:",omitempty"`
	NextVersionIDMarker string   `xml:"NextVersionIdMarker,omitempty"`
	MaxKeys             int
	Delimiter           *rawText `xml:",omitempty"`
	EncodingType        string   `xml:",omitempty"`
	IsTruncated         bool
	Versions            []versionXML
	CommonPrefixes      []commonPrefixXML
}

func (c *call) listObjectVersions() error {
	q, encode, err := c.listing()
	if err != nil {
		return err
	}
	q.versions = true
	q.after = position{key: c.query.Get("key-marker"), version: c.query.Get("version-id-marker")}
	if q.after.version != "" && q.after.key == "" {
		return s3error.InvalidArgument("A version-id marker cannot be specified without a key marker.")
	}
	p, err := c.takePage(q)
	if err != nil {
		return err
	}
	result := &listVersionsResult{
		Xmlns:           s3api.Namespace,
		Name:            c.bucket,
		Prefix:          encode(q.prefix),
		KeyMarker:       encode(q.after.key),
		VersionIDMarker: q.after.version,
		MaxKeys:         q.limit,
		Delimiter:       encode.optional(q.delimiter),
		EncodingType:    c.query.Get("encoding-type"),
		IsTruncated:     p.truncated,
	}
	if p.truncated {
		result.NextKeyMarker = encode.optional(p.next.key)
		result.NextVersionIDMarker = p.next.version
	}
	owner := ownerOf(c.ownerOf(c.bucket))
	for _, line := range p.lines {
		if line.object == nil {
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefixXML{encode(line.prefix)})
			continue
		}
		v := c.versionXML(line, encode)
		v.Owner = owner
		result.Versions = append(result.Versions, v)
	}
	return c.ok(result)
}

func (c *call) versionXML(line listed, encode keyEncoder) versionXML {
	o := c.altered(line.object)
	v := versionXML{
		XMLName:      xml.Name{Local: "Version"},
		Key:          encode(o.Key),
		VersionID:    o.VersionID,
		IsLatest:     line.latest,
		LastModified: c.listTime(o.LastModified),
	}
	if o.DeleteMarker {
		v.XMLName.Local = "DeleteMarker"
		return v
	}
	v.ETag = `"` + o.ETag + `"`
	v.Size = &o.Size
	v.StorageClass = cmp.Or(o.StorageClass, standardClass)
	return v
}
