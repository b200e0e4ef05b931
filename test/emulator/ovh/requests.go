package ovh

import (
	"fmt"
	"net/http"
	"time"
)

// Request is one request that reached the API.
type Request struct {
	Method string
	// Path is without the version; Route is the call in the vendor's notation, empty
	// if there is none.
	Path, Route string
	Query       string
	// Auth is "application", "token" or empty.
	Auth string
	// Status is 0 where the connection was cut.
	Status  int
	Class   string
	QueryID string
	Time    time.Time
}

// remember begins the record of a request.
func (s *Server) remember(r *http.Request, now time.Time) *Request {
	record := &Request{Method: r.Method, Query: r.URL.RawQuery, Time: now}
	// The form is that of the vendor's own ids, as issue threads show them.
	record.QueryID = fmt.Sprintf("EU.ext-1.%x.%d.%s", now.Unix(), s.log.Number(), randomHex(16))
	s.log.Add(record)
	return record
}

// Requests returns what reached the API so far, in order.
func (s *Server) Requests() []Request { return s.log.Requests(nil) }
