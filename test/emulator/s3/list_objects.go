package s3

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

type objectXML struct {
	Key          rawText
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
	Owner        *ownerXML `xml:",omitempty"`
}

type commonPrefixXML struct {
	Prefix rawText
}

// listResult is the document of both object listings; each leaves out what the
// other has.
type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Xmlns                 string   `xml:"xmlns,attr"`
	Name                  string
	Prefix                rawText
	Marker                *rawText `xml:",omitempty"`
	NextMarker            *rawText `xml:",omitempty"`
	StartAfter            *rawText `xml:",omitempty"`
	ContinuationToken     string   `xml:",omitempty"`
	NextContinuationToken string   `xml:",omitempty"`
	KeyCount              *int     `xml:",omitempty"`
	MaxKeys               int
	Delimiter             *rawText `xml:",omitempty"`
	EncodingType          string   `xml:",omitempty"`
	IsTruncated           bool
	Contents              []objectXML
	CommonPrefixes        []commonPrefixXML
}

// token is a continuation token: opaque to the client, and new for every page
// even where two pages end at the same key.
type token struct {
	After  string `json:"a"`
	Serial string `json:"s"`
}

func (t token) encode() string {
	// A struct of strings always encodes.
	b, _ := json.Marshal(t)
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeToken(text string) (token, error) {
	var t token
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &t) != nil {
		return token{}, s3error.InvalidArgument("The continuation token provided is incorrect")
	}
	return t, nil
}

func (c *call) listObjectsV2() error {
	if c.query.Get("list-type") != "2" {
		return s3error.InvalidArgument("Invalid List Type specified in Request")
	}
	q, encode, err := c.listing()
	if err != nil {
		return err
	}
	given := c.query.Get("continuation-token")
	q.after.key = c.query.Get("start-after")
	if c.query.Has("continuation-token") {
		t, err := decodeToken(given)
		if err != nil {
			return err
		}
		q.after.key = t.After
	}
	p, err := c.takePage(q)
	if err != nil {
		return err
	}
	result := c.listResult(q, p, encode, c.query.Get("fetch-owner") == "true")
	count := len(p.lines)
	result.KeyCount = &count
	result.StartAfter = encode.optional(c.query.Get("start-after"))
	result.ContinuationToken = given
	if p.truncated {
		result.NextContinuationToken = c.nextToken(given, p.next)
	}
	return c.ok(result)
}

func (c *call) nextToken(given string, next position) string {
	if c.effects.has(kindStuckToken) && given != "" {
		return given
	}
	return token{After: next.key, Serial: c.w.Header().Get(s3api.RequestIDHeader)}.encode()
}

func (c *call) listObjectsV1() error {
	q, encode, err := c.listing()
	if err != nil {
		return err
	}
	marker := c.query.Get("marker")
	q.after.key = marker
	p, err := c.takePage(q)
	if err != nil {
		return err
	}
	result := c.listResult(q, p, encode, true)
	m := encode(marker)
	result.Marker = &m
	// S3 names the next marker only for delimited listings; without one the
	// client goes on from the last key it got. A fault must be explicit.
	explicit := q.delimiter != "" || c.effects.has(kindStuckToken) || c.effects.has(kindRepeatPage)
	if p.truncated && explicit {
		result.NextMarker = encode.optional(p.next.key)
	}
	return c.ok(result)
}

func (c *call) takePage(q listing) (page, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	b := c.buckets[c.bucket]
	if b == nil {
		return page{}, s3error.ErrNoSuchBucket
	}
	return c.page(b, q), nil
}

func (c *call) listResult(q listing, p page, encode keyEncoder, withOwner bool) *listResult {
	result := &listResult{
		Xmlns:        s3api.Namespace,
		Name:         c.bucket,
		Prefix:       encode(q.prefix),
		MaxKeys:      q.limit,
		Delimiter:    encode.optional(q.delimiter),
		EncodingType: c.query.Get("encoding-type"),
		IsTruncated:  p.truncated,
	}
	owner := c.ownerOf(c.bucket)
	for _, line := range p.lines {
		if line.object == nil {
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefixXML{encode(line.prefix)})
			continue
		}
		shown := c.objectXML(line.object, encode)
		if withOwner {
			shown.Owner = ownerOf(owner)
		}
		result.Contents = append(result.Contents, shown)
	}
	return result
}

func (c *call) objectXML(stored *Object, encode keyEncoder) objectXML {
	o := c.altered(stored)
	return objectXML{
		Key:          encode(o.Key),
		LastModified: c.listTime(o.LastModified),
		ETag:         `"` + o.ETag + `"`,
		Size:         o.Size,
		StorageClass: cmp.Or(o.StorageClass, standardClass),
	}
}

// ownerOf returns the id of a bucket's owner, empty when the bucket is gone.
func (c *call) ownerOf(name string) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if b := c.buckets[name]; b != nil {
		return b.owner
	}
	return ""
}
