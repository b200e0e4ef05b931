package sigv4

import (
	"bufio"
	"crypto/hmac"
	"io"
	"strconv"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3error"
)

const (
	// minChunk is the least size of all chunks but the last with data.
	minChunk = 8 << 10
	maxChunk = 64 << 20

	chunkAlgorithm   = "AWS4-HMAC-SHA256-PAYLOAD"
	trailerSignature = "x-amz-trailer-signature"
)

var (
	errMalformedChunk = s3error.BadRequest("IncompleteBody", "The request body terminated unexpectedly or its chunk framing is wrong")
	emptySHA256       = SHA256(nil)
)

// ChunkSigner verifies signatures that each build on the one before, beginning
// with the request's own.
type ChunkSigner struct {
	key      []byte
	date     string
	scope    string
	previous string
}

func (s *ChunkSigner) verify(algorithm, got string, hashes ...string) error {
	previous := s.previous
	if !hmac.Equal([]byte(s.sign(algorithm, hashes...)), []byte(got)) {
		s.previous = previous
		return s3error.ErrSignatureDoesNotMatch
	}
	return nil
}

// sign returns the signature of what comes next.
func (s *ChunkSigner) sign(algorithm string, hashes ...string) string {
	lines := append([]string{algorithm, s.date, s.scope, s.previous}, hashes...)
	s.previous = hexMAC(s.key, strings.Join(lines, "\n"))
	return s.previous
}

// ChunkReader decodes the aws-chunked framing. A signed chunk is verified
// before its bytes are handed on.
type ChunkReader struct {
	source *bufio.Reader
	// signer is nil for unsigned chunks.
	signer       *ChunkSigner
	wantTrailers bool
	trailers     map[string]string
	rest         []byte
	lastSize     int64
	began, ended bool
}

// NewChunkReader reads the framing from r. A nil signer takes unsigned chunks.
func NewChunkReader(r io.Reader, signer *ChunkSigner, wantTrailers bool) *ChunkReader {
	return &ChunkReader{
		source:       bufio.NewReader(r),
		signer:       signer,
		wantTrailers: wantTrailers,
		trailers:     map[string]string{},
	}
}

// Trailers are what followed the closing chunk, by lower-case name. They are
// complete once Read returned io.EOF.
func (r *ChunkReader) Trailers() map[string]string { return r.trailers }

// Read returns decoded bytes; io.EOF only after the closing chunk and trailers
// were read and verified.
func (r *ChunkReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.ended {
			return 0, io.EOF
		}
		if err := r.nextChunk(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *ChunkReader) nextChunk() error {
	header, err := r.source.ReadString('\n')
	if err == io.EOF && header == "" && !r.began {
		// Some clients send nothing at all for an empty object; the length
		// check decides whether nothing was enough.
		r.ended = true
		return nil
	}
	if err != nil {
		return errMalformedChunk
	}
	size, sig, err := parseChunkHeader(header)
	if err != nil {
		return err
	}
	if r.began && size > 0 && r.lastSize < minChunk {
		return s3error.BadRequest("InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than %d bytes", minChunk)
	}
	r.began, r.lastSize = true, size
	data := make([]byte, size)
	if _, err := io.ReadFull(r.source, data); err != nil {
		return errMalformedChunk
	}
	if err := r.verifyChunk(sig, data); err != nil {
		return err
	}
	r.rest = data
	if size == 0 {
		r.ended = true
		return r.finish()
	}
	return r.expectLineEnd()
}

func parseChunkHeader(header string) (size int64, signature string, err error) {
	digits, extension, _ := strings.Cut(strings.TrimSpace(header), ";")
	size, err = strconv.ParseInt(digits, 16, 64)
	if err != nil || size < 0 || size > maxChunk {
		return 0, "", errMalformedChunk
	}
	signature, _ = strings.CutPrefix(extension, "chunk-signature=")
	return size, signature, nil
}

func (r *ChunkReader) verifyChunk(signature string, data []byte) error {
	if r.signer == nil {
		return nil
	}
	return r.signer.verify(chunkAlgorithm, signature, emptySHA256, SHA256(data))
}

func (r *ChunkReader) expectLineEnd() error {
	line, err := r.source.ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "" {
		return errMalformedChunk
	}
	return nil
}

// finish reads what follows the closing chunk: blank lines, and trailers where
// the payload kind has them.
func (r *ChunkReader) finish() error {
	var signed strings.Builder
	for {
		line, err := r.source.ReadString('\n')
		line = strings.TrimSpace(line)
		if line != "" {
			name, value, ok := strings.Cut(line, ":")
			if !ok || !r.wantTrailers {
				return errMalformedChunk
			}
			name, value = strings.ToLower(name), strings.TrimSpace(value)
			r.trailers[name] = value
			if name != trailerSignature {
				signed.WriteString(name + ":" + value + "\n")
			}
		}
		if err == io.EOF {
			return r.verifyTrailers(signed.String())
		}
		if err != nil {
			return errMalformedChunk
		}
	}
}

func (r *ChunkReader) verifyTrailers(canonical string) error {
	if r.signer == nil || !r.wantTrailers {
		return nil
	}
	return r.signer.verify("AWS4-HMAC-SHA256-TRAILER", r.trailers[trailerSignature], SHA256([]byte(canonical)))
}
