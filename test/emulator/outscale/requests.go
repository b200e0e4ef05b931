package outscale

import (
	"slices"
	"sync"
	"time"
)

// Request is what the server remembers of one request to the API.
type Request struct {
	Time   time.Time
	Action string
	// AccessKey is the one that the request names, whether it is good or not.
	AccessKey string
	// Status is 0 when no answer was given; Code is that of an error.
	Status int
	Code   string
}

// requestLog remembers every request.
type requestLog struct {
	mu   sync.Mutex
	kept []Request
}

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, r)
}

// Requests gives the requests to the API so far, oldest first. Those to OOS are
// Server.Store's.
func (s *Server) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return slices.Clone(s.log.kept)
}

// Counts gives how many requests each action got.
func (s *Server) Counts() map[string]int {
	counts := map[string]int{}
	for _, request := range s.Requests() {
		counts[request.Action]++
	}
	return counts
}
