package outscale

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	osc "github.com/outscale/osc-sdk-go/v2"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outcome"
)

// verdict is what a failure means to a caller.
type verdict = outcome.Verdict

var (
	authentication = outcome.Authentication
	denied         = outcome.Denied
	throttled      = outcome.Throttled
	notFound       = outcome.NotFound
	quota          = outcome.Quota
	unsupported    = outcome.Unsupported
	moved          = outcome.Moved
	misconfigured  = outcome.Misconfigured
	unreachable    = outcome.APIUnreachable
	failing        = outcome.Failing
	unavailable    = outcome.APIUnavailable

	lockedForGood = verdict{Sentinel: provider.ErrAuthentication, Class: fault.Terminal, Reason: fault.AccountLocked}
	locked        = verdict{Sentinel: provider.ErrThrottled, Class: fault.Throttled, Reason: fault.AccountLocked, After: time.Minute}
)

// rule matches an answer of the API; zero fields match any. The first match
// counts.
type rule struct {
	statuses []int
	codes    []int
	// from and to bound the code too, both included.
	from, to int
	is       verdict
}

// rules translate what the API says. Codes and what they mean are from the
// vendor's page about errors (api-errors, API 1.39.1) and from the ranges in the
// vendor's client for Go, v3.0.0-rc.4; a missing right is code 4 with the status
// 403, as others measured on 12 September 2026 (stephrobert/pepin), and 401 on the
// page of API 1.28.5.
var rules = []rule{
	{codes: []int{13}, is: locked},
	{codes: []int{11}, is: lockedForGood},
	{codes: []int{4}, is: denied},
	// 14: the account's API access rules let nobody in from here; 4120: a key that
	// nobody has, which comes with the status 400.
	{codes: []int{1, 5, 7, 14, 20, 4000, 4120}, is: authentication},
	{codes: []int{6, 24, 25}, is: throttled},
	{codes: []int{12000}, is: unsupported}, // an action that the region does not have
	{from: 5000, to: 5999, is: notFound},
	{from: 10000, to: 10999, is: quota},
	{statuses: []int{http.StatusUnauthorized}, is: authentication},
	{statuses: []int{http.StatusForbidden}, is: denied},
	{statuses: []int{http.StatusTooManyRequests}, is: throttled},
	{statuses: []int{http.StatusRequestTimeout, http.StatusProxyAuthRequired}, is: unreachable},
	{statuses: []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, is: unavailable},
}

// fault makes of what a call ended with what the contract promises. The end of
// the caller's context passes unclassified, unless an answer came before.
func (a *api) fault(ctx context.Context, asked operation, answer *http.Response, err error) error {
	if err == nil {
		return nil
	}
	failure, isAnswer := errors.AsType[osc.GenericOpenAPIError](err)
	if ended := ctx.Err(); ended != nil && !isAnswer {
		return fmt.Errorf("%s: %w", a.what(asked), ended)
	}
	if answer == nil || !isAnswer {
		return outcome.OfCause(err, unreachable).Fault(a.what(asked), a.clean(outcome.Cause(err)))
	}
	x := &exchange{
		Exchange: outcome.Exchange{Status: answer.StatusCode, Header: answer.Header},
		told:     readError(failure.Body()),
	}
	v := x.judge()
	refusal := v.Fault(a.what(asked), a.clean(x.detail()))
	if v.Class == fault.Throttled {
		refusal.After = max(v.After, x.RetryAfter())
	}
	return refusal
}

// exchange is an answer of the API, or of what answers in its place.
type exchange struct {
	outcome.Exchange
	told apiError
}

// apiError is the first error in an answer; its zero value is an answer that is
// none of the API's.
type apiError struct{ Code, Type, Details string }

// readError reads the body of an error.
func readError(body []byte) apiError {
	var document struct{ Errors []apiError }
	if json.Unmarshal(body, &document) != nil || len(document.Errors) == 0 {
		return apiError{}
	}
	return document.Errors[0]
}

// judge tells what an answer means. A success that came as an error is one that
// could not be read.
func (x *exchange) judge() verdict {
	status := x.Status
	switch {
	case x.told != apiError{} || status == http.StatusUnauthorized || status == http.StatusTooManyRequests:
		// Also as a web page: asking again with a refused key locks it.
	case x.IsPage():
		return unreachable // a proxy, a portal or a web server in the place of the API
	case status == http.StatusNotFound:
		return misconfigured // the API knows every path below its own
	}
	code, err := strconv.Atoi(x.told.Code)
	if err != nil {
		code = -1
	}
	for _, r := range rules {
		if r.matches(status, code) {
			return r.is
		}
	}
	switch {
	case status >= 500:
		return failing
	case status >= 400:
		return unsupported // the same request would be refused again
	case status >= 300:
		return moved
	default:
		return failing
	}
}

func (r rule) matches(status, code int) bool {
	return (r.statuses == nil || slices.Contains(r.statuses, status)) &&
		(r.codes == nil || slices.Contains(r.codes, code)) &&
		(r.to == 0 || r.from <= code && code <= r.to)
}

// detail is the vendor's own word.
func (x *exchange) detail() string {
	switch {
	case x.told != apiError{}:
		return strings.TrimSpace(fmt.Sprintf("HTTP %d, code %s %s: %s", x.Status, x.told.Code, x.told.Type, x.told.Details))
	case x.IsPage():
		return fmt.Sprintf("HTTP %d with a web page, not from the API", x.Status)
	default:
		return fmt.Sprintf("HTTP %d", x.Status)
	}
}
