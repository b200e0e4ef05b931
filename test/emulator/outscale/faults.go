package outscale

import (
	"net/http"
	"time"

	"github.com/rempart/rempart/test/emulator/serving"
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
type faults = serving.Faults[match, Failure]

// match says which requests a failure hits.
type match struct {
	action string
	times  int
}

// Bounds implements serving.Match.
func (m match) Bounds() (skip, times int) { return 0, m.times }

// Fail arms a failure for the next requests of an action, or of any when it is
// empty; times 0 means until Recover. Of several the one armed first counts.
func (s *Server) Fail(action string, times int, failure Failure) {
	s.faults.Add(match{action, max(0, times)}, failure)
}

// Recover disarms all failures, and brings the API up.
func (s *Server) Recover() { s.faults.Clear() }

// Down resets every connection to the API until Recover. OOS stays up.
func (s *Server) Down() { s.faults.Down() }

// strike gives the failure of a request, or false.
func strike(f *faults, action string) (failure Failure, struck bool) {
	if f.IsDown() {
		return Failure{Reset: true}, true
	}
	f.Strike(func(m match, _ Failure) bool {
		return !struck && (m.action == "" || m.action == action)
	}, func(_ match, hit Failure) { failure, struck = hit, true })
	return failure, struck
}
