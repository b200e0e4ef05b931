package s3

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/rempart/rempart/internal/provider"
)

// outgoing is an object's content on its way into a request.
//
// net/http may still read a request's body after the answer came, when a store
// refuses early. A retry would then rewind a reader that is still being read,
// and minio-go hides the body's Close that would tell. So the recorder sends
// this value itself and Put waits for its Close before it returns.
type outgoing struct {
	reader io.Reader
	left   int64
	// err is our own failure to read, not to be blamed on the store.
	err error

	sent   bool
	closed chan struct{}
	once   sync.Once
}

// errShort means that the content is not as long as was announced.
var errShort = errors.New("the content ends before its announced size")

// newOutgoing rewinds the content: every try to send it starts here, so a retry
// around the driver needs to do nothing.
func newOutgoing(content provider.Content) (*outgoing, error) {
	if content.Size < 0 || (content.Reader == nil && content.Size > 0) {
		return nil, fmt.Errorf("content of %d bytes cannot be read", content.Size)
	}
	if content.Size == 0 {
		return &outgoing{}, nil // sent without a body
	}
	if _, err := content.Reader.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("rewind content: %w", err)
	}
	return &outgoing{reader: content.Reader, left: content.Size, closed: make(chan struct{})}, nil
}

// plain hides Close from minio-go, which would call it too early.
func (o *outgoing) plain() io.Reader { return struct{ io.Reader }{o} }

// Read implements io.Reader.
func (o *outgoing) Read(p []byte) (int, error) {
	n, err := o.reader.Read(p)
	o.left -= int64(n)
	if errors.Is(err, io.EOF) && o.left > 0 {
		err = errShort
	}
	if err != nil && !errors.Is(err, io.EOF) {
		o.err = err
	}
	return n, err
}

// Close implements io.Closer. The transport promises to call it for every
// request that it was given.
func (o *outgoing) Close() error {
	o.once.Do(func() { close(o.closed) })
	return nil
}

// wait returns once nobody reads the content any more.
func (o *outgoing) wait() {
	if o.sent {
		<-o.closed
	}
}
