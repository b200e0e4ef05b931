package s3

import (
	"maps"
	"net/http"
	"time"

	"github.com/rempart/rempart/test/emulator/serving"
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
	*serving.Log[Request]
	counts map[string]int
}

func newRequestLog(limit int) *requestLog {
	return &requestLog{Log: serving.NewLog[Request](limit), counts: map[string]int{}}
}

// add remembers and counts a request.
func (l *requestLog) add(r *Request) {
	l.Note(func() { l.counts[r.Operation]++ })
	l.Add(r)
}

// Requests returns the remembered requests that want accepts, oldest first; a
// nil want accepts all. At most Options.RequestLog are remembered. A request
// still in progress is among them, with what is known of it. want must not call
// the server.
func (s *Server) Requests(want func(Request) bool) []Request { return s.log.Requests(want) }

// Counts returns how many requests of each operation there were since the
// start or ForgetRequests; requests of no known operation count as "".
func (s *Server) Counts() map[string]int {
	var counts map[string]int
	s.log.Note(func() { counts = maps.Clone(s.log.counts) })
	return counts
}

// Count returns how many requests of one operation there were.
func (s *Server) Count(operation string) int { return s.Counts()[operation] }

// ForgetRequests empties the memory and the counters.
func (s *Server) ForgetRequests() {
	s.log.Forget()
	s.log.Note(func() { clear(s.log.counts) })
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
