package ovh

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Match says which requests of the API a fault hits. Empty fields match everything.
type Match struct {
	Method string
	// Path is a call in the vendor's notation, such as
	// /cloud/project/{serviceName}/user, or the beginning of a path as it is sent,
	// without /1.0.
	Path string
	// Skip lets that many matching requests pass first.
	Skip int
}

// Answer is what a request gets instead of, or besides, its own answer.
type Answer struct {
	// Status is the answer's; with 0 the call is carried out after Delay.
	Status int
	// Class and Message go into the answer; Body replaces the whole of it.
	Class, Message string
	Body           string
	// RetryAfter is sent as the header of that name, in whole seconds.
	RetryAfter time.Duration
	// Delay comes first.
	Delay time.Duration
	// Reset cuts the connection before the call is carried out, Lost after it.
	Reset, Lost bool
}

// Fault is an armed answer.
type Fault struct {
	faults *faults
	match  Match
	answer Answer
	times  int
	passed int
	hits   int
}

type faults struct {
	mu    sync.Mutex
	armed []*Fault
	down  bool
}

// Fail answers matching requests with something else, times times; 0 means until
// the fault is cleared. Of several that match the one armed first hits.
func (s *Server) Fail(match Match, answer Answer, times int) *Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	f := &Fault{faults: &s.faults, match: match, answer: answer, times: times}
	s.faults.armed = append(s.faults.armed, f)
	return f
}

// Clear disarms the fault.
func (f *Fault) Clear() {
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	f.faults.armed = slices.DeleteFunc(f.faults.armed, func(other *Fault) bool { return other == f })
}

// Hits returns how many requests were hit so far.
func (f *Fault) Hits() int {
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	return f.hits
}

// ClearFaults disarms all faults and brings the API up. Knobs stay as they are.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.armed, s.faults.down = nil, false
}

// Down resets every connection to the API until Up; the data planes go on.
func (s *Server) Down() { s.setDown(true) }

// Up ends Down.
func (s *Server) Up() { s.setDown(false) }

func (s *Server) setDown(down bool) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.down = down
}

func (s *Server) isDown() bool {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return s.faults.down
}

// strike returns the answer of the fault that hits a request.
func (f *faults) strike(method, path, template string) (Answer, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.armed {
		if fault.times > 0 && fault.hits >= fault.times || !fault.match.covers(method, path, template) {
			continue
		}
		if fault.passed < fault.match.Skip {
			fault.passed++
			continue
		}
		fault.hits++
		return fault.answer, true
	}
	return Answer{}, false
}

func (m Match) covers(method, path, template string) bool {
	if m.Method != "" && m.Method != method {
		return false
	}
	if strings.Contains(m.Path, "{") {
		return m.Path == template
	}
	return strings.HasPrefix(path, m.Path)
}

// disturb applies a fault. It returns true when it answered the request itself.
func (c *call) disturb(answer Answer) bool {
	if answer.Delay > 0 {
		timer := time.NewTimer(answer.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.r.Context().Done():
			c.cut()
		case <-c.closing:
			c.cut()
		}
	}
	if answer.Reset {
		c.cut()
	}
	if answer.Status == 0 {
		return false
	}
	if answer.RetryAfter > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(int(answer.RetryAfter.Seconds())))
	}
	if answer.Body != "" {
		c.log.note(func() { c.record.Status = answer.Status })
		c.w.WriteHeader(answer.Status)
		_, _ = c.w.Write([]byte(answer.Body))
		return true
	}
	message := answer.Message
	if message == "" {
		message = http.StatusText(answer.Status)
	}
	c.fail(&apiError{Status: answer.Status, Class: answer.Class, Message: message})
	return true
}
