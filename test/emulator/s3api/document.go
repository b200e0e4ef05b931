package s3api

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"time"

	"github.com/rempart/rempart/test/emulator/s3error"
)

// Namespace is that of S3's documents.
const Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// Timestamp is a time as S3's documents write it.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Decode reads a whole request document; anything behind it but blanks is refused.
func Decode(body []byte, document any) error {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(document); err != nil {
		return s3error.ErrMalformedXML
	}
	if rest := bytes.TrimSpace(body[decoder.InputOffset():]); len(rest) > 0 {
		return s3error.ErrMalformedXML
	}
	return nil
}

// Encode renders an answer's document.
func Encode(document any) ([]byte, error) {
	text, err := xml.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return append([]byte(xml.Header), text...), nil
}
