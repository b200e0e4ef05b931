package s3api

import (
	"net/http"
	"strconv"

	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

// RequestIDHeader names a request in its answer. A server sets it before it answers.
const RequestIDHeader = "X-Amz-Request-Id"

// Reply is what one request is answered with.
type Reply struct {
	W http.ResponseWriter
	R *http.Request
}

// Send answers with a text; a HEAD gets its length only. A client that left is its own
// problem.
func (a Reply) Send(status int, contentType string, text []byte) {
	h := a.W.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	a.W.WriteHeader(status)
	if a.R.Method != http.MethodHead {
		_, _ = a.W.Write(text)
	}
}

// Document answers with an XML document.
func (a Reply) Document(status int, document any) {
	text, err := Encode(document)
	if err != nil {
		a.W.WriteHeader(http.StatusInternalServerError)
		return
	}
	a.Send(status, "application/xml", text)
}

// Done answers with a status and an empty body.
func (a Reply) Done(status int) {
	if status != http.StatusNoContent {
		a.W.Header().Set("Content-Length", "0")
	}
	a.W.WriteHeader(status)
}

// Refuse answers with an error about a bucket and a key, either of which may be empty.
func (a Reply) Refuse(e *s3error.Error, bucket, key string) {
	e.SetHeader(a.W.Header())
	if e.Status == http.StatusNotModified {
		a.W.WriteHeader(e.Status) // it has no body
		return
	}
	// Keys go through encoding/xml here: an error about a key that XML cannot hold must
	// still be readable.
	a.Document(e.Status, errorDocument{
		Code: e.Code, Message: e.Message, Bucket: bucket, Key: key, Resource: sigv4.RawPath(a.R),
		RequestID: a.W.Header().Get(RequestIDHeader), Fields: e.Fields,
	})
}

// errorDocument is an error as S3 tells it.
type errorDocument struct {
	XMLName   struct{} `xml:"Error"`
	Code      string
	Message   string
	Bucket    string `xml:"BucketName,omitempty"`
	Key       string `xml:",omitempty"`
	Resource  string
	RequestID string `xml:"RequestId"`
	Fields    []s3error.Field
}
