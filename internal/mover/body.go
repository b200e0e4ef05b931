package mover

import (
	"context"
	"io"

	"github.com/rempart/rempart/internal/provider"
)

// open asks for an object and gives its body, which goes on after a connection
// broke, and its attributes without tags. A version is asked for by its ETag; the
// empty one takes what is there.
func (t *transfer) open(ctx context.Context, end End, key, etag string) (io.ReadCloser, provider.Object, error) {
	body, object, err := end.Session.Get(ctx, end.ref(key), provider.GetOptions{IfMatch: etag})
	if err != nil {
		return nil, provider.Object{}, err
	}
	return &steadyBody{ctx: ctx, transfer: t, end: end, key: key, object: object, body: body}, object, nil
}

// steadyBody reads an object to its end although connections break: the rest of
// the very same object is asked for. A large object would else begin anew.
type steadyBody struct {
	ctx      context.Context //nolint:containedctx // of the reading that this body belongs to: io.Reader takes none
	transfer *transfer
	end      End
	key      string
	object   provider.Object
	body     io.ReadCloser
	// offset is how much was read, breaks how often in a row nothing more came, and
	// mends how often there was a break at all.
	offset        int64
	breaks, mends int
}

// maximumMends bounds the requests for one object that bring little. Those that
// bring a part each are no matter: a source does not wait for a slow target.
const maximumMends = 100

// isMendedEnough tells that too many requests brought too little.
func (b *steadyBody) isMendedEnough() bool {
	return int64(b.mends) > maximumMends+b.offset/b.transfer.sizes.least
}

// Read implements io.Reader.
func (b *steadyBody) Read(p []byte) (int, error) {
	for {
		n, err := b.body.Read(p)
		b.offset += int64(n)
		if n > 0 {
			b.breaks = 0
			b.transfer.observer.Observe(Event{Kind: EventMoved, Bytes: int64(n)})
		}
		if err == nil || err == io.EOF || !b.mend(err) {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// mend asks for the rest of the object after a break, and tells whether there is
// something to read again.
func (b *steadyBody) mend(broken error) bool {
	b.breaks++
	b.mends++
	if b.ctx.Err() != nil || b.breaks >= attempts || b.isMendedEnough() || b.offset >= b.object.Size || !isWorthAnotherTry(broken) {
		return false
	}
	b.transfer.observer.Observe(Event{Kind: EventRetried, Key: b.key, Err: broken})
	if b.transfer.pause(b.ctx, b.breaks) != nil {
		return false
	}
	body, object, err := b.end.Session.Get(b.ctx, b.end.ref(b.key), provider.GetOptions{Offset: b.offset, IfMatch: b.object.ETag})
	if err != nil {
		return false // it changed, or the store gives no parts: begin anew
	}
	_ = b.body.Close() // it is broken
	b.body = body
	if object.Size != b.object.Size || !object.Modified.Equal(b.object.Modified) {
		return false
	}
	return true
}

// Close implements io.Closer.
func (b *steadyBody) Close() error { return b.body.Close() }
