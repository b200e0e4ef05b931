package s3

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"

	"github.com/rempart/rempart/internal/provider/outcome"
)

// errorLimit bounds how much of an error's body is read.
const errorLimit = 64 << 10

// exchange is one request and what came back. The session puts it into the
// request's context and the recorder fills it in; both run in the caller's
// goroutine.
type exchange struct {
	session *session
	// action, bucket and key say in messages what was being done.
	action, bucket, key string
	// headers replace those of the request; nil leaves one out.
	headers http.Header
	// odd tells that some header has a value that a store might sign otherwise.
	odd bool
	// content is what the request sends, if it sends an object.
	content *outgoing

	method string
	outcome.Exchange
	// problem is the S3 error document of a refusal, nil when its body was
	// something else.
	problem *problem
	// parseProblem reads an error document; nil reads that of S3.
	parseProblem func(body []byte) *problem
}

// problem is an S3 error document.
type problem struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
}

type exchangeKey struct{}

// begin makes the exchange of one request, and the context to send it with.
func (s *session) begin(ctx context.Context, action, bucket, key string) (context.Context, *exchange) {
	x := &exchange{session: s, action: action, bucket: bucket, key: key}
	return context.WithValue(ctx, exchangeKey{}, x), x
}

func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// code is the S3 error code of a refusal, or empty.
func (x *exchange) code() string {
	if x.problem == nil {
		return ""
	}
	return x.problem.Code
}

// record keeps the answer, and reads the body of a refusal, which minio-go
// would replace by a guess from the status when it is not an S3 document.
func (x *exchange) record(response *http.Response) {
	x.Status = response.StatusCode
	x.Header = response.Header.Clone()
	for _, name := range unreadable {
		response.Header.Del(name)
	}
	if !x.Refused() || x.method == http.MethodHead {
		return
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, errorLimit)) // a cut body is no document
	_ = response.Body.Close()
	parse := x.parseProblem
	if parse == nil {
		parse = parseProblem
	}
	x.problem = parse(body)
	response.Body = io.NopCloser(bytes.NewReader(body))
}

// unreadable are the headers on which minio-go v7.4.1 fails a whole GET or HEAD
// when their value is not what it expects: "Expires: 0", which any web
// application stores, or a tag with an accent. This driver reads them itself.
var unreadable = []string{"Expires", "X-Amz-Tagging", "X-Amz-Tagging-Count", "X-Amz-Restore", "X-Amz-Expiration", "X-Minio-Source-Mtime"}

func parseProblem(body []byte) *problem {
	var p problem
	if err := xml.Unmarshal(body, &p); err != nil || p.Code == "" {
		return nil
	}
	return &p
}
