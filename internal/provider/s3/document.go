package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/rempart/rempart/internal/provider"
)

// documentLimit bounds an answer: a page of 1 000 keys of 1 024 bytes, every
// byte escaped, is below 4 MiB.
const documentLimit = 16 << 20

// question is a request about a bucket or the account, answered by a document.
type question struct {
	action, method string
	bucket, key    string
	// isOfAccount tells that there is no bucket, but perhaps a path of a gateway's
	// admin calls. An empty name of a bucket would else ask the account.
	isOfAccount bool
	path        string
	query       url.Values
	header      http.Header
	// send is the request's document: an XML struct, or bytes of another kind.
	send any
}

var (
	// errUnreadable means that a success is not the document that was asked for.
	errUnreadable = errors.New("the answer is not the document that was asked for")
	// errForeign means that it is another document, as Ceph RGW answers a GET of
	// a subresource that it does not know with an object listing. It comes with
	// errUnreadable.
	errForeign = errors.New("the answer is another document")
)

// ask sends a question and reads the answer into document, an XML struct with
// the name of its root, or a *[]byte for any other text, or nil for no answer.
// An answer of another kind fails with an error that is errUnreadable.
func (s *session) ask(ctx context.Context, q question, document any) (*exchange, error) {
	ctx, x := s.begin(ctx, q.action, q.bucket, q.key)
	request, err := s.request(ctx, q)
	if err != nil {
		return x, x.fault(ctx, err)
	}
	response, err := s.wire.RoundTrip(request)
	if err != nil {
		return x, x.fault(ctx, err)
	}
	defer response.Body.Close()
	if x.Refused() {
		return x, x.fault(ctx, errors.New(response.Status))
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, documentLimit))
	if err != nil {
		x.Cause, x.Status = err, 0 // as good as no answer
		return x, x.fault(ctx, err)
	}
	return x, x.parse(body, document)
}

// parse reads a whole document of the right kind, or fails.
func (x *exchange) parse(body []byte, document any) error {
	switch document := document.(type) {
	case nil:
		if x.IsPage() {
			return x.fail(unreachable, x.detail())
		}
		return nil
	case *[]byte:
		*document = body
		return nil
	}
	err := xml.Unmarshal(body, document)
	if err == nil {
		return nil
	}
	if x.problem = parseProblem(body); x.problem != nil {
		return x.fail(x.ofAnswer(), x.detail())
	}
	v := failing
	if x.IsPage() {
		v = unreachable
	}
	unreadable := &unreadableError{error: x.fail(v, fmt.Sprintf("HTTP %d, %v", x.Status, errUnreadable)), kinds: []error{errUnreadable}}
	if _, other := errors.AsType[xml.UnmarshalError](err); other && !x.IsPage() {
		unreadable.kinds = append(unreadable.kinds, errForeign)
	}
	return unreadable
}

// unreadableError tells what kind of answer a fault is about, without changing
// its message.
type unreadableError struct {
	error
	kinds []error
}

// Unwrap implements the interface of package errors.
func (e *unreadableError) Unwrap() []error { return append([]error{e.error}, e.kinds...) }

// request builds and signs what asks a question.
func (s *session) request(ctx context.Context, q question) (*http.Request, error) {
	if !q.isOfAccount {
		if err := s3utils.CheckValidBucketName(q.bucket); err != nil {
			return nil, err
		}
	}
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, q.method, s.address(q), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	maps.Copy(request.Header, q.header)
	digest := sha256.Sum256(body)
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(digest[:]))
	if len(body) > 0 {
		// S3 demands it for some documents and knows it for all.
		sum := md5.Sum(body)
		request.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	}
	return s.sign(request), nil
}

func (q question) body() ([]byte, error) {
	switch send := q.send.(type) {
	case nil:
		return nil, nil
	case []byte:
		return send, nil
	default:
		return xml.Marshal(send)
	}
}

// address is the URL of a question, by the place's addressing.
func (s *session) address(q question) string {
	endpoint := s.endpoint
	if q.path != "" {
		endpoint = s.adminEndpoint
	}
	host, path := endpoint.Host, "/"+q.path
	switch {
	case q.isOfAccount:
	case s.place.Addressing == provider.VirtualStyle:
		host = q.bucket + "." + host
		path = "/" + s3utils.EncodePath(q.key)
	default:
		path = "/" + q.bucket + "/" + s3utils.EncodePath(q.key)
	}
	address := endpoint.Scheme + "://" + host + path
	if len(q.query) > 0 {
		address += "?" + s3utils.QueryEncode(q.query)
	}
	return address
}
