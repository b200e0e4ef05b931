package s3

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

// rawText is an element whose text is already escaped. encoding/xml turns
// characters that XML 1.0 cannot hold into U+FFFD, which would quietly rename
// keys; S3 writes them as character references and lets the client's parser
// complain.
type rawText struct {
	Text string `xml:",innerxml"`
}

func escapeKey(key string) rawText {
	var b strings.Builder
	for i := range len(key) {
		switch c := key[i]; {
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c < 0x20 || c == 0x7f:
			fmt.Fprintf(&b, "&#x%X;", c)
		default:
			b.WriteByte(c)
		}
	}
	return rawText{b.String()}
}

// keyEncoder renders keys in a listing, as encoding-type asks.
type keyEncoder func(string) rawText

func newKeyEncoder(encodingType string) (keyEncoder, error) {
	switch encodingType {
	case "":
		return escapeKey, nil
	case "url":
		return urlEncodeKey, nil
	}
	return nil, s3error.InvalidArgument("Invalid Encoding Method specified in Request")
}

// urlEncodeKey does what S3 does: form encoding, a space becomes "+", but "/"
// and "*" stay.
func urlEncodeKey(key string) rawText {
	s := url.QueryEscape(key)
	s = strings.ReplaceAll(s, "%2F", "/")
	return rawText{strings.ReplaceAll(s, "%2A", "*")}
}

// optional renders an element only when it has a value.
func (enc keyEncoder) optional(key string) *rawText {
	if key == "" {
		return nil
	}
	t := enc(key)
	return &t
}

// listTime is timestamp in the resolution of listings.
func (s *Server) listTime(t time.Time) string {
	if s.options.CoarseTimes {
		t = t.Truncate(time.Second)
	}
	return s3api.Timestamp(t)
}

type ownerXML struct {
	ID          string
	DisplayName string
}

func ownerOf(id string) *ownerXML { return &ownerXML{ID: id, DisplayName: id} }

type tagXML struct {
	Key   string
	Value string
}

type taggingXML struct {
	XMLName xml.Name `xml:"Tagging"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Tags    []tagXML `xml:"TagSet>Tag"`
}
