package outscale

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	osc "github.com/outscale/osc-sdk-go/v2"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// verdict is what a failure means to a caller.
type verdict struct {
	sentinel error
	class    fault.Class
	reason   fault.Reason
	// after is how long to wait where the answer does not say.
	after time.Duration
}

var (
	authentication = verdict{sentinel: provider.ErrAuthentication, class: fault.Terminal, reason: fault.AuthenticationFailed}
	lockedForGood  = verdict{sentinel: provider.ErrAuthentication, class: fault.Terminal, reason: fault.AccountLocked}
	locked         = verdict{sentinel: provider.ErrThrottled, class: fault.Throttled, reason: fault.AccountLocked, after: time.Minute}
	denied         = verdict{sentinel: provider.ErrDenied, class: fault.Terminal, reason: fault.AccessDenied}
	throttled      = verdict{sentinel: provider.ErrThrottled, class: fault.Throttled, reason: fault.Throttling}
	notFound       = verdict{sentinel: provider.ErrNotFound, class: fault.Terminal, reason: fault.Unclassified}
	quota          = verdict{sentinel: provider.ErrQuota, class: fault.Terminal, reason: fault.QuotaExceeded}
	unsupported    = verdict{sentinel: provider.ErrUnsupported, class: fault.Terminal, reason: fault.CapabilityMissing}
	moved          = verdict{sentinel: provider.ErrInvalidConfiguration, class: fault.Terminal, reason: fault.EndpointMoved}
	misconfigured  = verdict{sentinel: provider.ErrInvalidConfiguration, class: fault.Terminal, reason: fault.InvalidConfiguration}
	unreachable    = verdict{sentinel: provider.ErrUnreachable, class: fault.Transient, reason: fault.ControlPlaneUnreachable}
	untrusted      = verdict{sentinel: provider.ErrCertificate, class: fault.Terminal, reason: fault.CertificateInvalid}
	failing        = verdict{sentinel: provider.ErrServer, class: fault.Transient, reason: fault.Unclassified}
	unavailable    = verdict{sentinel: provider.ErrServer, class: fault.Transient, reason: fault.ControlPlaneUnreachable}
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
		return a.fail(asked, ofCause(err), 0, causeText(err))
	}
	told := readError(failure.Body())
	return a.fail(asked, ofAnswer(answer, told), retryAfter(answer), detail(answer, told))
}

// fail wraps once: what was being done, what it means, what was said.
func (a *api) fail(asked operation, v verdict, after time.Duration, detail string) error {
	failure := &fault.Error{Class: v.class, Reason: v.reason}
	if v.class == fault.Throttled {
		failure.After = max(v.after, after)
	}
	failure.Err = fmt.Errorf("%s: %w (%s)", a.what(asked), v.sentinel, a.clean(detail))
	return failure
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

// ofAnswer judges an answer. A success that came as an error is one that could
// not be read.
func ofAnswer(answer *http.Response, told apiError) verdict {
	status := answer.StatusCode
	switch {
	case told != apiError{} || status == http.StatusUnauthorized || status == http.StatusTooManyRequests:
		// Also as a web page: asking again with a refused key locks it.
	case isPage(answer):
		return unreachable // a proxy, a portal or a web server in the place of the API
	case status == http.StatusNotFound:
		return misconfigured // the API knows every path below its own
	}
	code, err := strconv.Atoi(told.Code)
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

func isPage(answer *http.Response) bool {
	return strings.HasPrefix(strings.ToLower(answer.Header.Get("Content-Type")), "text/html")
}

// ofCause judges why no answer came.
func ofCause(err error) verdict {
	var (
		invalid  x509.CertificateInvalidError
		host     x509.HostnameError
		unknown  x509.UnknownAuthorityError
		roots    x509.SystemRootsError
		verified *tls.CertificateVerificationError
	)
	if errors.As(err, &invalid) || errors.As(err, &host) || errors.As(err, &unknown) ||
		errors.As(err, &roots) || errors.As(err, &verified) {
		return untrusted
	}
	return unreachable
}

// causeText tells why no answer came, without the port of our own end.
func causeText(err error) string {
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("lookup %s: %s", lookup.Name, lookup.Err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Sprintf("%s %s: %v", op.Op, op.Addr, op.Err)
	}
	return err.Error()
}

// detail is the vendor's own word.
func detail(answer *http.Response, told apiError) string {
	switch {
	case told != apiError{}:
		return strings.TrimSpace(fmt.Sprintf("HTTP %d, code %s %s: %s", answer.StatusCode, told.Code, told.Type, told.Details))
	case isPage(answer):
		return fmt.Sprintf("HTTP %d with a web page, not from the API", answer.StatusCode)
	default:
		return fmt.Sprintf("HTTP %d", answer.StatusCode)
	}
}

// retryAfter reads a delay in seconds; 0 when there is none to read.
func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil {
		return 0
	}
	return max(0, time.Duration(seconds)*time.Second)
}
