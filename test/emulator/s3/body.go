package s3

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

// readBody reads the payload whole and checks it against everything the client
// said about it. Nothing is stored before that, so a broken upload leaves no
// trace.
func (c *call) readBody() error {
	hash := c.r.Header.Get(sigv4.ContentHashHeader)
	length, err := c.payloadLength(hash)
	if err != nil {
		return err
	}
	if length > c.options.MaxPutSize {
		return s3error.BadRequest("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size").
			With("ProposedSize", strconv.FormatInt(length, 10)).
			With("MaxSizeAllowed", strconv.FormatInt(c.options.MaxPutSize, 10))
	}
	reader, err := c.payloadReader(hash)
	if err != nil {
		return err
	}
	if c.body, err = readExactly(reader, length); err != nil {
		return err
	}
	c.log.Note(func() { c.record.BytesIn = length })
	if chunked, ok := reader.(*sigv4.ChunkReader); ok {
		if err := c.adoptTrailers(chunked.Trailers()); err != nil {
			return err
		}
	}
	return c.checkContent(hash)
}

// payloadLength is the length of the payload without any chunk framing.
func (c *call) payloadLength(hash string) (int64, error) {
	if !strings.HasPrefix(hash, "STREAMING-") {
		if c.r.ContentLength < 0 {
			return 0, s3error.ErrMissingLength
		}
		return c.r.ContentLength, nil
	}
	length, err := strconv.ParseInt(c.r.Header.Get(sigv4.DecodedLengthHeader), 10, 64)
	if err != nil || length < 0 {
		return 0, s3error.ErrMissingLength
	}
	if length == 0 && c.options.RefuseEmptyStreaming {
		return 0, s3error.ErrContentSHA256Mismatch
	}
	return length, nil
}

func (c *call) payloadReader(hash string) (io.Reader, error) {
	trailers := hash == sigv4.StreamingTrailer || hash == sigv4.StreamingSignedTrailer
	switch {
	case hash == "", hash == sigv4.UnsignedPayload, sigv4.IsSHA256(hash):
		return c.r.Body, nil
	case trailers && !c.options.AllowTrailers:
		return nil, s3error.ErrContentSHA256Mismatch
	case hash == sigv4.StreamingTrailer:
		return sigv4.NewChunkReader(c.r.Body, nil, true), nil
	case hash == sigv4.StreamingPayload, hash == sigv4.StreamingSignedTrailer:
		if c.chunks == nil {
			return nil, s3error.ErrAccessDenied
		}
		return sigv4.NewChunkReader(c.r.Body, c.chunks, trailers), nil
	}
	return nil, s3error.InvalidArgument("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, %s, or a valid sha256 value.", sigv4.StreamingPayload)
}

// readExactly reads length bytes and then the end.
func readExactly(r io.Reader, length int64) ([]byte, error) {
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, bodyError(err)
	}
	// The end must be read too: there the last chunk's signature is verified,
	// and a body that goes on is not what was announced.
	if _, err := io.ReadFull(r, make([]byte, 1)); !errors.Is(err, io.EOF) {
		return nil, bodyError(err)
	}
	return body, nil
}

func bodyError(err error) error {
	if known, ok := errors.AsType[*s3error.Error](err); ok {
		return known
	}
	return s3error.ErrIncompleteBody
}

// adoptTrailers treats trailing checksums like those of the header. All the
// announced ones must be there.
func (c *call) adoptTrailers(trailers map[string]string) error {
	for _, names := range c.r.Header.Values("X-Amz-Trailer") {
		for name := range strings.SplitSeq(names, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			value, ok := trailers[name]
			if !ok {
				return s3error.BadRequest("MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
			}
			c.r.Header.Set(name, value)
		}
	}
	return nil
}

func (c *call) checkContent(hash string) error {
	if sigv4.IsSHA256(hash) && !strings.EqualFold(hash, sigv4.SHA256(c.body)) && !c.effects.has(kindNoHashCheck) {
		return s3error.ErrContentSHA256Mismatch.With("ClientComputedContentSHA256", hash).
			With("S3ComputedContentSHA256", sigv4.SHA256(c.body))
	}
	if err := c.checkMD5(); err != nil {
		return err
	}
	if c.describesWhole() {
		return nil
	}
	return c.checkChecksums(c.body)
}

func (c *call) checkMD5() error {
	values := c.r.Header.Values("Content-Md5")
	if len(values) == 0 {
		return nil
	}
	want, err := base64.StdEncoding.DecodeString(values[0])
	if err != nil || len(want) != md5.Size {
		return s3error.ErrInvalidDigest
	}
	got := md5.Sum(c.body)
	if !bytes.Equal(want, got[:]) {
		return s3error.ErrBadDigest
	}
	return nil
}

// hasDigest tells whether the client sent a digest of the body, which S3 wants
// for documents that delete or protect.
func (c *call) hasDigest() bool {
	return c.r.Header.Get("Content-Md5") != "" || len(sentChecksums(c.r.Header)) > 0
}
