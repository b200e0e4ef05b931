package outscale

import "time"

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

// Requests gives the requests to the API so far, oldest first. Those to OOS are
// Server.Store's.
func (s *Server) Requests() []Request { return s.log.Requests(nil) }

// Counts gives how many requests each action got.
func (s *Server) Counts() map[string]int {
	counts := map[string]int{}
	for _, request := range s.Requests() {
		counts[request.Action]++
	}
	return counts
}
