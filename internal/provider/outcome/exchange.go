package outcome

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

// Exchange is what is noted of one request and its answer.
type Exchange struct {
	// Asked and Answered bracket the request on the local clock.
	Asked, Answered time.Time
	// Cause is why no answer came.
	Cause error
	// Status is 0 until an answer came. Header is the answer's, as it came.
	Status int
	Header http.Header
}

// Refused tells whether an answer came and was not a success.
func (x *Exchange) Refused() bool { return x.Status >= http.StatusMultipleChoices }

// IsPage tells whether a proxy, a portal or a web server answered in the place of
// the store or the API.
func (x *Exchange) IsPage() bool {
	return strings.HasPrefix(strings.ToLower(x.Header.Get("Content-Type")), "text/html")
}

// AsksToReturn tells whether the answer is that of somebody who is busy and names
// when not to be.
func (x *Exchange) AsksToReturn() bool {
	return x.Status == http.StatusServiceUnavailable && x.Header.Get("Retry-After") != ""
}

// RetryAfter reads the header of that name; 0 when there is none to read. A date is
// one on the clock of who answered, where that is known.
func (x *Exchange) RetryAfter() time.Duration {
	value := x.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	until, err := http.ParseTime(value)
	now := x.Date()
	if err != nil || now.IsZero() {
		return 0
	}
	return max(0, until.Sub(now))
}

// Date is when the answer came: on the clock of who answered, else on the local one.
func (x *Exchange) Date() time.Time {
	if date, ok := x.serverTime(); ok {
		return date
	}
	return x.Answered
}

func (x *Exchange) serverTime() (time.Time, bool) {
	date, err := http.ParseTime(x.Header.Get("Date"))
	return date, err == nil
}

// Health tells what the exchange says about the place.
func (x *Exchange) Health() provider.Health {
	health := provider.Health{AskedAt: x.Asked, AnsweredAt: x.Answered}
	if date, ok := x.serverTime(); ok {
		health.ServerTime = date
	}
	return health
}
