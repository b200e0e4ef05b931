package dataplane

import (
	"fmt"
	"net/http"
	"sync"
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

// requestLog remembers the newest requests.
type requestLog struct {
	mu     sync.Mutex
	limit  int
	oldest int
	kept   []*Request
	ids    uint64
}

func newRequestLog(limit int) *requestLog { return &requestLog{limit: max(1, limit)} }

func (l *requestLog) nextID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids++
	return fmt.Sprintf("%016X", l.ids)
}

// add remembers a request from its beginning: a client that has its answer must
// find its request here.
func (l *requestLog) add(r *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) < l.limit {
		l.kept = append(l.kept, r)
		return
	}
	l.kept[l.oldest] = r
	l.oldest = (l.oldest + 1) % l.limit
}

// note completes a remembered request.
func (l *requestLog) note(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// Requests returns the remembered requests that want accepts, oldest first; a nil
// want accepts all. At most Options.RequestLog are remembered. One still in
// progress is among them. want must not call the server.
func (s *Server) Requests(want func(Request) bool) []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	var out []Request
	for i := range s.log.kept {
		r := s.log.kept[(s.log.oldest+i)%len(s.log.kept)]
		if want == nil || want(*r) {
			out = append(out, *r)
		}
	}
	return out
}

// Count returns how many remembered requests of one operation there are.
func (s *Server) Count(operation string) int {
	return len(s.Requests(func(r Request) bool { return r.Operation == operation }))
}

// ForgetRequests empties the memory.
func (s *Server) ForgetRequests() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.kept, s.log.oldest = nil, 0
}
