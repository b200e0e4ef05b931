package s3

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/s3error"
)

const xmlNamespace = "http://s3.amazonaws.com/doc/2006-03-01/"

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

// timestamp is a time as S3's documents write it.
func timestamp(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// listTime is timestamp in the resolution of listings.
func (s *Server) listTime(t time.Time) string {
	if s.options.CoarseTimes {
		t = t.Truncate(time.Second)
	}
	return timestamp(t)
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

// decodeXML reads a whole request document; anything behind it but blanks is
// refused.
func decodeXML(body []byte, v any) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(v); err != nil {
		return s3error.ErrMalformedXML
	}
	rest := bytes.TrimSpace(body[d.InputOffset():])
	if len(rest) > 0 {
		return s3error.ErrMalformedXML
	}
	return nil
}

// encodeXML renders an answer's document.
func encodeXML(v any) ([]byte, error) {
	b, err := xml.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return append([]byte(xml.Header), b...), nil
}
