package mover

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// content is what was read of an object, or of a part of one. It is an
// io.ReadSeeker, so that a request with it can be sent more than once.
type content struct {
	chunks       [][]byte
	size, offset int64
}

// read reads the next so many bytes into the room. What was read into it before is
// lost.
func (h *holding) read(body io.Reader, size int64) (*content, error) {
	for n := int64(0); n < size; {
		if n/chunkSize == int64(len(h.chunks)) {
			h.chunks = append(h.chunks, h.memory.chunk())
		}
		got, err := io.ReadFull(body, h.chunks[n/chunkSize][:min(size-n, chunkSize)])
		n += int64(got)
		if err == io.EOF && n > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("read from the source: %d of %d bytes came: %w", n, size, err)
		}
	}
	return &content{chunks: h.chunks, size: size}, nil
}

// readLast is read for the bytes after which there must be no more.
func (h *holding) readLast(body io.Reader, size int64) (*content, error) {
	read, err := h.read(body, size)
	if err != nil {
		return nil, err
	}
	switch n, err := io.ReadFull(body, make([]byte, 1)); {
	case n > 0:
		return nil, fault.New(fault.Transient, fault.VerificationMismatch,
			"read from the source: more bytes came than the %d announced", size)
	case err != io.EOF:
		return nil, fmt.Errorf("read from the source: the end did not come after %d bytes: %w", size, err)
	}
	return read, nil
}

// writeTo hands all of it to a hash, which never fails.
func (c *content) writeTo(hash io.Writer) {
	for i, left := 0, c.size; left > 0; i++ {
		n := min(left, chunkSize)
		_, _ = hash.Write(c.chunks[i][:n])
		left -= n
	}
}

// sha256 gives the hex digest of all of it.
func (c *content) sha256() string {
	hash := sha256.New()
	c.writeTo(hash)
	return hex.EncodeToString(hash.Sum(nil))
}

// crc32c gives the CRC-32C of all of it as requests have it.
func (c *content) crc32c() string {
	sum := provider.NewCRC32C()
	c.writeTo(sum)
	return provider.CRC32CText(sum)
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if c.offset >= c.size {
		return 0, io.EOF
	}
	begin := c.offset % chunkSize
	end := min(chunkSize, begin+c.size-c.offset)
	n := copy(p, c.chunks[c.offset/chunkSize][begin:end])
	c.offset += int64(n)
	return n, nil
}

// Seek implements io.Seeker.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.offset
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning of a content")
	}
	c.offset = offset
	return offset, nil
}
