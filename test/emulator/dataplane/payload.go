package dataplane

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

// payload is the body of a request without any framing.
type payload struct {
	io.Reader
	length int64
	// hash is what the client signed for it, where one digest stands for the whole:
	// the backend holds the body against it.
	hash string
	// err is why reading it ended early.
	err error
}

// Read remembers why it ended.
func (p *payload) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err != nil && err != io.EOF {
		p.err = err
	}
	return n, err
}

// payload opens the body of the request. Nothing is read yet.
func (c *call) payload() (*payload, error) {
	hash := c.r.Header.Get(sigv4.ContentHashHeader)
	framed := strings.HasPrefix(hash, "STREAMING-")
	switch {
	case c.r.ContentLength < 0 && !framed:
		return nil, s3error.ErrMissingLength
	case hash == "", hash == sigv4.UnsignedPayload:
		return &payload{Reader: c.r.Body, length: c.r.ContentLength}, nil
	case sigv4.IsSHA256(hash):
		return &payload{Reader: c.r.Body, length: c.r.ContentLength, hash: hash}, nil
	case hash == sigv4.StreamingTrailer, hash == sigv4.StreamingSignedTrailer:
		return nil, s3error.ErrContentSHA256Mismatch
	case hash == sigv4.StreamingPayload && c.chunks != nil:
		return c.chunked()
	}
	return nil, s3error.InvalidArgument("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, %s, or a valid sha256 value.", sigv4.StreamingPayload)
}

// chunked takes the signed chunks apart.
func (c *call) chunked() (*payload, error) {
	length, err := strconv.ParseInt(c.r.Header.Get(sigv4.DecodedLengthHeader), 10, 64)
	if err != nil || length < 0 {
		return nil, s3error.ErrMissingLength
	}
	chunks := sigv4.NewChunkReader(c.r.Body, c.chunks, false)
	return &payload{Reader: &wholeReader{source: chunks, left: length}, length: length}, nil
}

// wholeReader keeps the last byte back until the source has come to its end: the
// signature of the last chunk is verified there, and versitygw (v1.8.0) takes a body
// for whole once it has all bytes.
type wholeReader struct {
	source io.Reader
	left   int64
	last   []byte
}

// Read hands on what is verified.
func (r *wholeReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.left > 1 {
		n, err := r.source.Read(p[:min(int64(len(p)), r.left-1)])
		r.left -= int64(n)
		if errors.Is(err, io.EOF) {
			err = s3error.ErrIncompleteBody
		}
		return n, err
	}
	if r.last == nil {
		if err := r.finish(); err != nil {
			return 0, err
		}
	}
	if r.left == 0 {
		return 0, io.EOF
	}
	r.left = 0
	return copy(p, r.last), nil
}

// finish reads the last byte, and the end.
func (r *wholeReader) finish() error {
	last := make([]byte, r.left)
	if _, err := io.ReadFull(r.source, last); err != nil {
		return incomplete(err)
	}
	// What goes on is not what was announced.
	if _, err := io.ReadFull(r.source, make([]byte, 1)); !errors.Is(err, io.EOF) {
		return incomplete(err)
	}
	r.last = last
	return nil
}

// incomplete is the refusal of a body that ended with err.
func incomplete(err error) error {
	if known, ok := errors.AsType[*s3error.Error](err); ok {
		return known
	}
	return s3error.ErrIncompleteBody
}

// documentOf is a body that is at hand.
func documentOf(text []byte) *payload {
	return &payload{Reader: bytes.NewReader(text), length: int64(len(text)), hash: sigv4.SHA256(text)}
}

// document reads a body that is a document, and holds it against what the client
// said of it.
func (c *call) document() ([]byte, error) {
	body, err := c.payload()
	if err != nil {
		return nil, err
	}
	if body.length > maxDocument {
		return nil, s3error.BadRequest("EntityTooLarge", "The document exceeds the maximum allowed size")
	}
	text := make([]byte, body.length)
	if _, err := io.ReadFull(body, text); err != nil {
		return nil, incomplete(err)
	}
	// A chunked body ends behind its last byte.
	if n, err := body.Read(make([]byte, 1)); n > 0 || err != nil && !errors.Is(err, io.EOF) {
		return nil, incomplete(err)
	}
	if body.hash != "" && !strings.EqualFold(body.hash, sigv4.SHA256(text)) {
		return nil, s3error.ErrContentSHA256Mismatch
	}
	return text, c.checkMD5(text)
}

func (c *call) checkMD5(text []byte) error {
	sent := c.r.Header.Get("Content-Md5")
	if sent == "" {
		return nil
	}
	want, err := base64.StdEncoding.DecodeString(sent)
	if err != nil || len(want) != md5.Size {
		return s3error.ErrInvalidDigest
	}
	if got := md5.Sum(text); string(want) != string(got[:]) {
		return s3error.ErrBadDigest
	}
	return nil
}
