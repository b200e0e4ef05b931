package throttle

import (
	"context"
	"io"

	"github.com/rempart/rempart/internal/provider"
)

// Bytes wraps a session so that the bodies of objects pass at the account's rate.
// Bytes count when they are read to be sent, or were received: what a retry sends
// once more counts once more, and what it does not send does not.
func (a *Account) Bytes(session provider.Session) provider.Session {
	return &throttled{Session: session, account: a}
}

type throttled struct {
	provider.Session
	account *Account
}

// Get implements provider.Objects.
func (t *throttled) Get(ctx context.Context, ref provider.Ref, options provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	body, object, err := t.Session.Get(ctx, ref, options)
	if err != nil {
		return nil, object, err
	}
	return &slowBody{slowReader: t.account.slow(ctx, body), Closer: body}, object, nil
}

// Put implements provider.Objects.
func (t *throttled) Put(ctx context.Context, ref provider.Ref, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	return t.Session.Put(ctx, ref, t.slow(ctx, content), attributes)
}

// UploadPart implements provider.Uploads.
func (t *throttled) UploadPart(ctx context.Context, ref provider.Ref, uploadID string, number int, content provider.Content) (provider.Part, error) {
	return t.Session.UploadPart(ctx, ref, uploadID, number, t.slow(ctx, content))
}

func (t *throttled) slow(ctx context.Context, content provider.Content) provider.Content {
	if content.Reader != nil {
		content.Reader = &slowContent{slowReader: t.account.slow(ctx, content.Reader), Seeker: content.Reader}
	}
	return content
}

// slowReader hands out bytes in pieces that the limit allows.
type slowReader struct {
	reader io.Reader
	// piece is how many of n bytes may pass at once, take waits for their turn.
	piece func(n int) int
	take  func(n int) error
}

// slow gives a reader for the bytes of a call.
func (a *Account) slow(ctx context.Context, reader io.Reader) slowReader {
	return slowReader{reader: reader, piece: a.piece, take: func(n int) error { return a.take(ctx, n) }}
}

// Read implements io.Reader.
func (r *slowReader) Read(p []byte) (int, error) {
	n, err := r.reader.Read(p[:r.piece(len(p))])
	if waited := r.take(n); waited != nil {
		return n, waited
	}
	return n, err
}

type slowBody struct {
	slowReader
	io.Closer
}

type slowContent struct {
	slowReader
	io.Seeker
}
