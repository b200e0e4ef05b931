package s3

import (
	"errors"
	"fmt"
	"io"
)

// incoming is the body of an object on its way to the caller. It ends in io.EOF
// only after as many bytes as were announced.
type incoming struct {
	body io.ReadCloser
	left int64
	// ended is the error of the context of the request that this body answers.
	ended    func() error
	exchange *exchange
}

// Read implements io.Reader.
func (b *incoming) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.left -= int64(n)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && b.left == 0:
		return n, io.EOF
	case b.ended() != nil:
		return n, fmt.Errorf("%s: %w", b.exchange.what(), b.ended())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		cut := fmt.Errorf("%w: %d bytes before the end", io.ErrUnexpectedEOF, b.left)
		return n, b.exchange.interrupted(cut)
	default:
		return n, b.exchange.interrupted(err)
	}
}

// Close implements io.Closer.
func (b *incoming) Close() error { return b.body.Close() }
