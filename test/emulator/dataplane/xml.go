package dataplane

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/s3error"
)

const xmlNamespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// timestamp is a time as S3's documents write it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func trimARN(name string) string { return strings.TrimPrefix(name, arn) }

// decodeXML reads a whole request document; anything behind it but blanks is
// refused.
func decodeXML(body []byte, v any) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(v); err != nil {
		return s3error.ErrMalformedXML
	}
	if rest := bytes.TrimSpace(body[d.InputOffset():]); len(rest) > 0 {
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
