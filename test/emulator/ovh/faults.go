package ovh

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/serving"
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
type Fault = serving.Fault[bounded, Answer]

// bounded is a match with the number of requests that are hit.
type bounded struct {
	Match
	times int
}

// Bounds implements serving.Match.
func (b bounded) Bounds() (skip, times int) { return b.Skip, b.times }

type faults = serving.Faults[bounded, Answer]

// Fail answers matching requests with something else, times times; 0 means until
// the fault is cleared. Of several that match the one armed first hits.
func (s *Server) Fail(match Match, answer Answer, times int) *Fault {
	return s.faults.Add(bounded{match, times}, answer)
}

// ClearFaults disarms all faults and brings the API up. Knobs stay as they are.
func (s *Server) ClearFaults() { s.faults.Clear() }

// Down resets every connection to the API until Up; the data planes go on.
func (s *Server) Down() { s.faults.Down() }

// Up ends Down.
func (s *Server) Up() { s.faults.Up() }

// strike returns the answer of the fault that hits a request.
func strike(f *faults, method, path, template string) (answer Answer, struck bool) {
	f.Strike(func(m bounded, _ Answer) bool {
		return !struck && m.covers(method, path, template)
	}, func(_ bounded, a Answer) { answer, struck = a, true })
	return answer, struck
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
		c.service.Pause(c.r.Context(), answer.Delay)
		if c.r.Context().Err() != nil || c.service.IsClosing() {
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
		c.log.Note(func() { c.record.Status = answer.Status })
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
