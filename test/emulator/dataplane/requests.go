package dataplane

import (
	"net/http"
	"time"
)

// Request is what the server remembers of one request.
type Request struct {
	Time time.Time
	// Operation is the S3 name (GetObject, ListObjectsV2 …), empty when the
	// request is none the server knows.
	Operation string
	Method    string
	Bucket    string
	Key       string
	// Query is the raw query without a signature, and Header all headers but
	// Authorization.
	Query  string
	Header http.Header
	// AccessKey and Identity are those of a request whose key is known.
	AccessKey string
	Identity  string
	// Status is 0 when no answer was begun; Code is the S3 error code.
	Status int
	Code   string
	// Cut tells that a fault or the upload limit broke the connection.
	Cut bool
}

// Requests returns the remembered requests that want accepts, oldest first; a nil
// want accepts all. At most Options.RequestLog are remembered. One still in
// progress is among them. want must not call the server.
func (s *Server) Requests(want func(Request) bool) []Request { return s.log.Requests(want) }

// Count returns how many remembered requests of one operation there are.
func (s *Server) Count(operation string) int {
	return len(s.Requests(func(r Request) bool { return r.Operation == operation }))
}

// ForgetRequests empties the memory.
func (s *Server) ForgetRequests() { s.log.Forget() }
