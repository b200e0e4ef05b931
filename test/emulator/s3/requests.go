package s3

import (
	"fmt"
	"maps"
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
	// Key is as sent, before any rewriting.
	Key string
	// Subresource is what made the operation, "tagging" or "partNumber&uploadId",
	// or the unknown query parameters of a refused one.
	Subresource string
	// Query is the raw query and Header all headers but Authorization.
	Query     string
	Header    http.Header
	AccessKey string
	// Status is 0 when no answer was begun; Code is the S3 error code.
	Status int
	Code   string
	// BytesIn are the payload's, decoded; BytesOut the answer body's.
	BytesIn  int64
	BytesOut int64
	// Cut tells that a fault broke the connection.
	Cut bool
}

// requestLog remembers the newest requests and counts all.
type requestLog struct {
	mu     sync.Mutex
	limit  int
	oldest int
	kept   []*Request
	counts map[string]int
	ids    uint64
}

func newRequestLog(limit int) *requestLog {
	return &requestLog{limit: max(1, limit), counts: map[string]int{}}
}

func (l *requestLog) nextID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids++
	return fmt.Sprintf("%016X", l.ids)
}

// add remembers a request from its beginning: a client that has its answer
// must find its request here, so nothing waits for the handler to return.
func (l *requestLog) add(r *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[r.Operation]++
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

// Requests returns the remembered requests that want accepts, oldest first; a
// nil want accepts all. At most Options.RequestLog are remembered. A request
// still in progress is among them, with what is known of it. want must not call
// the server.
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

// Counts returns how many requests of each operation there were since the
// start or ForgetRequests; requests of no known operation count as "".
func (s *Server) Counts() map[string]int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return maps.Clone(s.log.counts)
}

// Count returns how many requests of one operation there were.
func (s *Server) Count(operation string) int { return s.Counts()[operation] }

// ForgetRequests empties the memory and the counters.
func (s *Server) ForgetRequests() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.kept, s.log.oldest = nil, 0
	clear(s.log.counts)
}

// remember starts the record of a routed request.
func (c *call) remember() {
	header := c.r.Header.Clone()
	header.Del("Authorization")
	c.record.Time = c.now
	c.record.Method = c.r.Method
	c.record.Bucket = c.bucket
	c.record.Query = c.r.URL.RawQuery
	c.record.Header = header
	c.log.add(c.record)
}
