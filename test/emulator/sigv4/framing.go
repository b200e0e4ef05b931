package sigv4

import (
	"bytes"
	"fmt"
	"io"
)

const (
	frameSize = 64 << 10
	// frameCost is what the framing adds to a chunk beside the digits of its size.
	frameCost = int64(len(";chunk-signature=\r\n\r\n") + 64)
)

// FramedLength is how long a body of some length is in signed chunks.
func FramedLength(length int64) int64 {
	whole, rest := length/frameSize, length%frameSize
	framed := whole * (int64(len(fmt.Sprintf("%x", frameSize))) + frameCost + frameSize)
	if rest > 0 {
		framed += int64(len(fmt.Sprintf("%x", rest))) + frameCost + rest
	}
	return framed + 1 + frameCost
}

// Framer encodes a body in signed chunks, of which the closing one is signed only
// once the source came to its end without an error: what is cut short is no body.
type Framer struct {
	source  io.Reader
	signer  *ChunkSigner
	chunk   []byte
	encoded bytes.Buffer
	ended   bool
}

// NewFramer returns the encoding of what source holds.
func NewFramer(source io.Reader, signer *ChunkSigner) *Framer {
	return &Framer{source: source, signer: signer, chunk: make([]byte, frameSize)}
}

// Read returns encoded bytes, and the source's error where it has one.
func (f *Framer) Read(p []byte) (int, error) {
	for f.encoded.Len() == 0 {
		if f.ended {
			return 0, io.EOF
		}
		n, err := f.fill()
		if err != nil && err != io.EOF {
			return 0, err
		}
		if n > 0 {
			f.frame(f.chunk[:n])
		}
		if f.ended = err == io.EOF; f.ended {
			f.frame(nil)
		}
	}
	return f.encoded.Read(p)
}

// fill reads a whole chunk, or what is left. Unlike io.ReadFull it tells the end of
// the source from a source that was cut short.
func (f *Framer) fill() (n int, err error) {
	for n < len(f.chunk) && err == nil {
		var more int
		more, err = f.source.Read(f.chunk[n:])
		n += more
	}
	return n, err
}

func (f *Framer) frame(data []byte) {
	signature := f.signer.sign(chunkAlgorithm, emptySHA256, SHA256(data))
	fmt.Fprintf(&f.encoded, "%x;chunk-signature=%s\r\n%s\r\n", len(data), signature, data)
}
