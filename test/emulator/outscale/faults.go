package outscale

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Failure is what happens to a request in place of its answer.
type Failure struct {
	// Status, Code, Type and Details make an error as the API tells it.
	Status              int
	Code, Type, Details string
	// RetryAfter is sent as a header, in whole seconds.
	RetryAfter time.Duration
	// Page is sent in place of an error, as a web page.
	Page string
	// Delay goes before everything else.
	Delay time.Duration
	// Reset breaks the connection in place of any answer.
	Reset bool
}

// isDelay tells that the request is answered after all.
func (f Failure) isDelay() bool { return f.Status == 0 && !f.Reset }

// PlatformThrottled is too many requests on the whole platform.
func PlatformThrottled() Failure {
	return Failure{Status: http.StatusServiceUnavailable, Code: "6", Type: typeAccessDenied, Details: "Request rate exceeded."}
}

// AccountThrottled is too many requests of the account.
func AccountThrottled() Failure {
	return Failure{Status: http.StatusTooManyRequests, Code: "24", Type: typeAccessDenied, Details: "Request rate exceeded."}
}

// CallThrottled is too many requests of one kind.
func CallThrottled() Failure {
	return Failure{Status: http.StatusTooManyRequests, Code: "25", Type: typeAccessDenied, Details: "Request rate exceeded."}
}

// Denied is a right that the key does not have.
func Denied() Failure {
	return Failure{Status: errDenied.Status, Code: errDenied.Code, Type: errDenied.Type, Details: errDenied.Details}
}

// Quota is a limit of the account that is reached.
func Quota() Failure {
	return Failure{Status: http.StatusBadRequest, Code: "10014", Type: typeQuota}
}

// faults are the failures that are armed. The zero value has none.
type faults struct {
	mu     sync.Mutex
	armed  []*fault
	isDown bool
}

type fault struct {
	action  string
	left    int // below zero is for ever
	failure Failure
}

// Fail arms a failure for the next requests of an action, or of any when it is
// empty; times 0 means until Recover. Of several the one armed first counts.
func (s *Server) Fail(action string, times int, failure Failure) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if times <= 0 {
		times = -1
	}
	s.faults.armed = append(s.faults.armed, &fault{action, times, failure})
}

// Recover disarms all failures, and brings the API up.
func (s *Server) Recover() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.armed, s.faults.isDown = nil, false
}

// Down resets every connection to the API until Recover. OOS stays up.
func (s *Server) Down() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.isDown = true
}

// strike gives the failure of a request, or false.
func (f *faults) strike(action string) (Failure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isDown {
		return Failure{Reset: true}, true
	}
	i := slices.IndexFunc(f.armed, func(a *fault) bool { return a.left != 0 && (a.action == "" || a.action == action) })
	if i < 0 {
		return Failure{}, false
	}
	f.armed[i].left--
	return f.armed[i].failure, true
}
