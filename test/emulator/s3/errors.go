package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
)

// apiError is an answer that is an S3 error document.
type apiError struct {
	Status  int
	Code    string
	Message string
	// Header adds to the answer's headers.
	Header map[string]string
	// Fields adds elements to the document.
	Fields []errorField
}

type errorField struct {
	XMLName xml.Name
	Value   string `xml:",chardata"`
}

func (e *apiError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message)
}

// with returns a copy that carries one more element.
func (e *apiError) with(name, value string) *apiError {
	c := *e
	c.Fields = append(slices.Clip(c.Fields), errorField{xml.Name{Local: name}, value})
	return &c
}

func badRequest(code, format string, args ...any) *apiError {
	return &apiError{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func forbidden(code, message string) *apiError {
	return &apiError{Status: http.StatusForbidden, Code: code, Message: message}
}

func notFound(code, format string, args ...any) *apiError {
	return &apiError{Status: http.StatusNotFound, Code: code, Message: fmt.Sprintf(format, args...)}
}

func conflict(code, message string) *apiError {
	return &apiError{Status: http.StatusConflict, Code: code, Message: message}
}

func notImplemented(format string, args ...any) *apiError {
	return &apiError{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: fmt.Sprintf(format, args...)}
}

func invalidArgument(format string, args ...any) *apiError {
	return badRequest("InvalidArgument", format, args...)
}

func preconditionFailed(condition string) *apiError {
	e := &apiError{
		Status:  http.StatusPreconditionFailed,
		Code:    "PreconditionFailed",
		Message: "At least one of the pre-conditions you specified did not hold",
	}
	return e.with("Condition", condition)
}

// Errors without parameters. They are values to return, never to change.
var (
	errAccessDenied      = forbidden("AccessDenied", "Access Denied")
	errNoSuchBucket      = notFound("NoSuchBucket", "The specified bucket does not exist")
	errNoSuchKey         = notFound("NoSuchKey", "The specified key does not exist.")
	errNoSuchVersion     = notFound("NoSuchVersion", "The specified version does not exist.")
	errNoSuchUpload      = notFound("NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	errMalformedXML      = badRequest("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	errIncompleteBody    = badRequest("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	errBadDigest         = badRequest("BadDigest", "The Content-MD5 you specified did not match what we received.")
	errInvalidDigest     = badRequest("InvalidDigest", "The Content-MD5 you specified is not valid.")
	errMissingContentMD5 = badRequest("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	errContentSHA256     = badRequest("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	errSignature         = forbidden("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	errMissingLength     = &apiError{Status: http.StatusLengthRequired, Code: "MissingContentLength", Message: "You must provide the Content-Length HTTP header."}
	errMethodNotAllowed  = &apiError{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource."}
)
