package s3api_test

import (
	"encoding/xml"
	"errors"
	"testing"
	"time"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

type tag struct {
	XMLName xml.Name `xml:"Tag"`
	Key     string
}

func TestDocumentsAreReadWhole(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"one document":           {"<Tag><Key>a</Key></Tag>", nil},
		"blanks behind it":       {"<Tag><Key>a</Key></Tag> \n", nil},
		"another one behind it":  {"<Tag><Key>a</Key></Tag><Tag/>", s3error.ErrMalformedXML},
		"words behind it":        {"<Tag><Key>a</Key></Tag>x", s3error.ErrMalformedXML},
		"none":                   {"", s3error.ErrMalformedXML},
		"one of another kind":    {"<Other/>", s3error.ErrMalformedXML},
		"one that does not end":  {"<Tag><Key>a</Key>", s3error.ErrMalformedXML},
		"something that is none": {"{}", s3error.ErrMalformedXML},
	} {
		var got tag
		if err := s3api.Decode([]byte(test.text), &got); !errors.Is(err, test.want) || err == nil && got.Key != "a" {
			t.Errorf("%s: got %+v, %v, want %v", name, got, err, test.want)
		}
	}
}

func TestDocumentsAreWrittenAsS3DoesIt(t *testing.T) {
	text, err := s3api.Encode(tag{Key: "a"})
	if want := xml.Header + "<Tag><Key>a</Key></Tag>"; string(text) != want || err != nil {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	if text, err := s3api.Encode(make(chan int)); err == nil {
		t.Errorf("a channel was written: %s", text)
	}
	at := time.Date(2026, 11, 24, 12, 0, 0, 5e6, time.FixedZone("", 3600))
	if got, want := s3api.Timestamp(at), "2026-11-24T11:00:00.005Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
