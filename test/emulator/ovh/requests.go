package ovh

import (
	"fmt"
	"sync"
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

type requestLog struct {
	mu       sync.Mutex
	requests []*Request
}

func (l *requestLog) add(r Request) *Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	// The form is that of the vendor's own ids, as issue threads show them.
	r.QueryID = fmt.Sprintf("EU.ext-1.%x.%d.%s", r.Time.Unix(), len(l.requests)+1, randomHex(16))
	l.requests = append(l.requests, &r)
	return &r
}

func (l *requestLog) note(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// Requests returns what reached the API so far, in order.
func (s *Server) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	all := make([]Request, len(s.log.requests))
	for i, r := range s.log.requests {
		all[i] = *r
	}
	return all
}
