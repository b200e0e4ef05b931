package dataplane

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

// backend speaks to the real server with its root key.
type backend struct {
	Backend
	client *http.Client
}

func newBackend(b Backend) *backend {
	b.Endpoint = strings.TrimSuffix(b.Endpoint, "/")
	return &backend{Backend: b, client: &http.Client{
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		// A redirect would take the signature elsewhere; the client may have it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// message is a request to the real server.
type message struct {
	method, bucket, key string
	query               url.Values
	header              http.Header
	body                io.Reader
	length              int64
	// hash is the digest that is signed for the body; without one the body is sent
	// in chunks that are signed.
	hash string
}

// send signs and sends a message. The body is streamed, and never without a
// signature: versitygw (v1.8.0) keeps what it has of an unsigned body that is cut
// short.
func (b *backend) send(ctx context.Context, m message) (*http.Response, error) {
	target, err := b.target(m)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, m.method, b.Endpoint, m.body)
	if err != nil {
		return nil, err
	}
	req.URL = target
	if m.header != nil {
		req.Header = m.header
	}
	switch {
	case m.length == 0:
		req.Body, req.ContentLength = http.NoBody, 0
		b.sign(req, cmp.Or(m.hash, sigv4.SHA256(nil)))
	case m.hash != "":
		req.ContentLength = m.length
		b.sign(req, m.hash)
	default:
		req.ContentLength = sigv4.FramedLength(m.length)
		req.Header.Set(sigv4.DecodedLengthHeader, strconv.FormatInt(m.length, 10))
		req.Body = io.NopCloser(sigv4.NewFramer(m.body, b.sign(req, sigv4.StreamingPayload)))
	}
	return b.client.Do(req)
}

func (b *backend) sign(req *http.Request, hash string) *sigv4.ChunkSigner {
	req.Header.Set(sigv4.ContentHashHeader, hash)
	return sigv4.Sign(req, b.credentials(), b.Clock())
}

// target encodes path and query as S3 wants them signed.
func (b *backend) target(m message) (*url.URL, error) {
	target, err := url.Parse(b.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("backend: %w", err)
	}
	target.Path = "/" + m.bucket
	if m.key != "" {
		target.Path += "/" + m.key
	}
	target.RawPath = s3utils.EncodePath(target.Path)
	target.RawQuery = strings.ReplaceAll(m.query.Encode(), "+", "%20")
	return target, nil
}

// tell sends a message without or with a small body and wants success. A refusal
// is a *s3error.Error.
func (b *backend) tell(ctx context.Context, m message) error {
	res, err := b.send(ctx, m)
	if err != nil {
		return fmt.Errorf("%s %s at the backend: %w", m.method, m.bucket, err)
	}
	defer res.Body.Close()
	return refusal(res)
}

const maxDocument = 4 << 20

// refusal reads the error document of an answer, and is nil for a success.
func refusal(res *http.Response) error {
	if res.StatusCode < http.StatusMultipleChoices {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxDocument))
	if err != nil {
		return fmt.Errorf("read the backend's refusal: %w", err)
	}
	refused := &s3error.Error{Status: res.StatusCode, Code: http.StatusText(res.StatusCode)}
	var document struct{ Code, Message string }
	if xml.Unmarshal(text, &document) == nil && document.Code != "" {
		refused.Code, refused.Message = document.Code, document.Message
	}
	return refused
}
