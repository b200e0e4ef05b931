package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"strings"
)

const (
	contentHashHeader   = "X-Amz-Content-Sha256"
	decodedLengthHeader = "X-Amz-Decoded-Content-Length"

	unsignedPayload        = "UNSIGNED-PAYLOAD"
	streamingPayload       = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingSignedTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingTrailer       = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// readBody reads the payload whole and checks it against everything the client
// said about it. Nothing is stored before that, so a broken upload leaves no
// trace.
func (c *call) readBody() error {
	hash := c.r.Header.Get(contentHashHeader)
	length, err := c.payloadLength(hash)
	if err != nil {
		return err
	}
	if length > c.options.MaxPutSize {
		return badRequest("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size").
			with("ProposedSize", strconv.FormatInt(length, 10)).
			with("MaxSizeAllowed", strconv.FormatInt(c.options.MaxPutSize, 10))
	}
	reader, err := c.payloadReader(hash)
	if err != nil {
		return err
	}
	if c.body, err = readExactly(reader, length); err != nil {
		return err
	}
	c.log.note(func() { c.record.BytesIn = length })
	if chunked, ok := reader.(*chunkReader); ok {
		if err := c.adoptTrailers(chunked.trailers); err != nil {
			return err
		}
	}
	return c.checkContent(hash)
}

// payloadLength is the length of the payload without any chunk framing.
func (c *call) payloadLength(hash string) (int64, error) {
	if !strings.HasPrefix(hash, "STREAMING-") {
		if c.r.ContentLength < 0 {
			return 0, errMissingLength
		}
		return c.r.ContentLength, nil
	}
	length, err := strconv.ParseInt(c.r.Header.Get(decodedLengthHeader), 10, 64)
	if err != nil || length < 0 {
		return 0, errMissingLength
	}
	if length == 0 && c.options.RefuseEmptyStreaming {
		return 0, errContentSHA256
	}
	return length, nil
}

func (c *call) payloadReader(hash string) (io.Reader, error) {
	trailers := hash == streamingTrailer || hash == streamingSignedTrailer
	switch {
	case hash == "", hash == unsignedPayload, isSHA256(hash):
		return c.r.Body, nil
	case trailers && !c.options.AllowTrailers:
		return nil, errContentSHA256
	case hash == streamingTrailer:
		return newChunkReader(c.r.Body, nil, true), nil
	case hash == streamingPayload, hash == streamingSignedTrailer:
		if c.chunks == nil {
			return nil, errAccessDenied
		}
		return newChunkReader(c.r.Body, c.chunks, trailers), nil
	}
	return nil, invalidArgument("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, %s, or a valid sha256 value.", streamingPayload)
}

func isSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32
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
	if known, ok := errors.AsType[*apiError](err); ok {
		return known
	}
	return errIncompleteBody
}

// adoptTrailers treats trailing checksums like those of the header. All the
// announced ones must be there.
func (c *call) adoptTrailers(trailers map[string]string) error {
	for _, names := range c.r.Header.Values("X-Amz-Trailer") {
		for name := range strings.SplitSeq(names, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			value, ok := trailers[name]
			if !ok {
				return badRequest("MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
			}
			c.r.Header.Set(name, value)
		}
	}
	return nil
}

func (c *call) checkContent(hash string) error {
	if isSHA256(hash) && !strings.EqualFold(hash, sha256Hex(c.body)) && !c.effects.has(kindNoHashCheck) {
		return errContentSHA256.with("ClientComputedContentSHA256", hash).
			with("S3ComputedContentSHA256", sha256Hex(c.body))
	}
	if err := c.checkMD5(); err != nil {
		return err
	}
	if c.op.describesWhole() {
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
		return errInvalidDigest
	}
	got := md5.Sum(c.body)
	if !bytes.Equal(want, got[:]) {
		return errBadDigest
	}
	return nil
}

// hasDigest tells whether the client sent a digest of the body, which S3 wants
// for documents that delete or protect.
func (c *call) hasDigest() bool {
	return c.r.Header.Get("Content-Md5") != "" || len(sentChecksums(c.r.Header)) > 0
}
