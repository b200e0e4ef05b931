// Package s3error is the error document of the S3 API, shared by the servers that
// answer with it.
//
// Start reading at Error.
package s3error

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// Error is an answer that is an S3 error document.
type Error struct {
	Status  int
	Code    string
	Message string
	// Header adds to the answer's headers.
	Header map[string]string
	// Fields adds elements to the document.
	Fields []Field
}

// Field is one more element of the document.
type Field struct {
	XMLName xml.Name
	Value   string `xml:",chardata"`
}

// Error names status, code and message.
func (e *Error) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message)
}

// Of gives what a client is told of err: what it says itself, or that something here
// went wrong.
func Of(err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	return &Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: err.Error()}
}

// SetHeader adds the error's headers to those of an answer.
func (e *Error) SetHeader(h http.Header) {
	for name, value := range e.Header {
		h.Set(name, value)
	}
}

// With returns a copy that carries one more element.
func (e *Error) With(name, value string) *Error {
	c := *e
	c.Fields = append(slices.Clip(c.Fields), Field{xml.Name{Local: name}, value})
	return &c
}

// BadRequest is an answer 400.
func BadRequest(code, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Forbidden is an answer 403.
func Forbidden(code, message string) *Error {
	return &Error{Status: http.StatusForbidden, Code: code, Message: message}
}

// NotFound is an answer 404.
func NotFound(code, format string, args ...any) *Error {
	return &Error{Status: http.StatusNotFound, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Conflict is an answer 409.
func Conflict(code, message string) *Error {
	return &Error{Status: http.StatusConflict, Code: code, Message: message}
}

// NotImplemented is an answer 501 NotImplemented.
func NotImplemented(format string, args ...any) *Error {
	return &Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: fmt.Sprintf(format, args...)}
}

// InvalidArgument is an answer 400 InvalidArgument.
func InvalidArgument(format string, args ...any) *Error {
	return BadRequest("InvalidArgument", format, args...)
}

// PreconditionFailed is an answer 412 that names the condition.
func PreconditionFailed(condition string) *Error {
	e := &Error{
		Status:  http.StatusPreconditionFailed,
		Code:    "PreconditionFailed",
		Message: "At least one of the pre-conditions you specified did not hold",
	}
	return e.With("Condition", condition)
}

// Errors without parameters. They are values to return, never to change.
var (
	ErrAccessDenied          = Forbidden("AccessDenied", "Access Denied")
	ErrNoSuchBucket          = NotFound("NoSuchBucket", "The specified bucket does not exist")
	ErrNoSuchKey             = NotFound("NoSuchKey", "The specified key does not exist.")
	ErrNoSuchVersion         = NotFound("NoSuchVersion", "The specified version does not exist.")
	ErrNoSuchUpload          = NotFound("NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	ErrMalformedXML          = BadRequest("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	ErrIncompleteBody        = BadRequest("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	ErrBadDigest             = BadRequest("BadDigest", "The Content-MD5 you specified did not match what we received.")
	ErrInvalidDigest         = BadRequest("InvalidDigest", "The Content-MD5 you specified is not valid.")
	ErrMissingContentMD5     = BadRequest("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	ErrContentSHA256Mismatch = BadRequest("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	ErrSignatureDoesNotMatch = Forbidden("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	ErrMissingLength         = &Error{Status: http.StatusLengthRequired, Code: "MissingContentLength", Message: "You must provide the Content-Length HTTP header."}
	ErrMethodNotAllowed      = &Error{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource."}
)
