package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outcome"
)

// adminAPI is an admin interface that answers in JSON, successes and errors
// alike. Beside it, or in its place, something else may answer: an S3 store, to
// which the same request could mean an object, or a proxy.
type adminAPI struct {
	session *session
	// name is what its documentation calls it.
	name string
	// authorize makes a request count as ours.
	authorize func(*http.Request) *http.Request
	// rights say what to do when it refuses, absence when it is not there.
	rights, absence string
}

// adminQuestion is one request to an admin API.
type adminQuestion struct {
	action, bucket string
	method, path   string
	query          url.Values
	// send is encoded as JSON; nil sends nothing.
	send any
}

// ask sends a question and reads the JSON answer into document, nil for none.
// The exchange tells the code of a refusal.
func (a *adminAPI) ask(ctx context.Context, q adminQuestion, document any) (*exchange, error) {
	ctx, x := a.session.begin(ctx, q.action, q.bucket, "")
	x.parseProblem = parseAdminProblem
	request, err := a.request(ctx, q)
	if err != nil {
		return x, x.fault(ctx, err)
	}
	response, err := a.session.wire.RoundTrip(request)
	if err != nil {
		return x, a.unanswered(ctx, x, err)
	}
	defer response.Body.Close()
	if x.Refused() {
		return x, a.fail(x, ofAdminAnswer(x), x.detail())
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, documentLimit))
	if err != nil {
		return x, a.unanswered(ctx, x, err)
	}
	if document == nil && !x.IsPage() {
		return x, nil
	}
	if document == nil || json.Unmarshal(body, document) != nil {
		return x, a.stranger(x)
	}
	return x, nil
}

func (a *adminAPI) request(ctx context.Context, q adminQuestion) (*http.Request, error) {
	var body []byte
	if q.send != nil {
		body = encode(q.send)
	}
	address := a.session.adminEndpoint.Scheme + "://" + a.session.adminEndpoint.Host + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, q.method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	digest := sha256.Sum256(body)
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(digest[:]))
	return a.authorize(request), nil
}

// unanswered is for a question to which no whole answer came.
func (a *adminAPI) unanswered(ctx context.Context, x *exchange, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%s: %w", x.what(), ended)
	}
	return a.fail(x, outcome.OfCause(err, unreachable), outcome.Cause(err))
}

// stranger is for a success that is not the API's. A web page is taken for a
// proxy that may go away, anything else for another server.
func (a *adminAPI) stranger(x *exchange) error {
	if x.IsPage() {
		return a.fail(x, unreachable, x.detail())
	}
	return a.fail(x, unsupported, fmt.Sprintf("HTTP %d, %v", x.Status, errUnreadable))
}

// fail says what happened, and what to do about it.
func (a *adminAPI) fail(x *exchange, v verdict, detail string) error {
	failure := v.Fault(x.what()+": "+a.name, a.session.clean(detail))
	if v.Class == fault.Throttled {
		failure.After = x.RetryAfter()
	}
	if advice := a.adviceOn(v); advice != "" {
		failure.Err = fmt.Errorf("%w; %s", failure.Err, advice)
	}
	return failure
}

func (a *adminAPI) adviceOn(v verdict) string {
	endpoint := a.session.adminEndpoint.Scheme + "://" + a.session.adminEndpoint.Host
	switch v {
	case denied:
		return a.rights
	case unsupported, misconfigured, moved:
		return fmt.Sprintf("what answers at %s is not this API: %s", endpoint, a.absence)
	case unreachable:
		return fmt.Sprintf("check spec.s3.credentialAPIEndpoint, and whether the operator may connect to %s", endpoint)
	case untrusted:
		return "the certificates that spec.s3.caBundleRef names are those of the admin API too"
	default:
		return ""
	}
}

// adminProblem is the error document of the admin APIs: Ceph RGW writes its
// members with a capital, Garage without, and Go reads both.
type adminProblem struct{ Code, Message string }

// parseAdminProblem reads an error document of an admin API, or nil. Of what an
// S3 store says in its place, only what is about the request as such counts: its
// "not found" is about an object that nobody asked for.
func parseAdminProblem(body []byte) *problem {
	var p adminProblem
	if json.Unmarshal(body, &p) == nil && p.Code != "" {
		return &problem{Code: p.Code, Message: p.Message}
	}
	if s3 := parseProblem(body); s3 != nil && slices.Contains(aboutTheRequest, s3.Code) {
		return s3
	}
	return nil
}

var aboutTheRequest = []string{
	"InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "RequestExpired", "SlowDown", "ServiceUnavailable", "InternalError",
}

// adminRules translate what admin APIs say; the first match counts. A refused
// token is not taken for refused credentials: those are the account's, and S3
// goes on with them.
var adminRules = []rule{
	{codes: []string{"InvalidAccessKeyId", "SignatureDoesNotMatch"}, is: authentication},
	{codes: []string{"RequestTimeTooSkewed", "RequestExpired"}, is: clockSkew},
	{codes: []string{"SlowDown", "TooManyRequests"}, is: throttled},
	{status: http.StatusTooManyRequests, is: throttled},
	// Ceph RGW says NoSuchKey of users too in old versions.
	{codes: []string{"NoSuchUser", "NoSuchKey", "NoSuchAccessKey"}, is: notFound},
	{codes: []string{"NoSuchBucket"}, is: bucketMissing},
	{codes: []string{"QuotaExceeded", "LimitExceeded"}, is: quota},
	{codes: []string{"AccessDenied", "UserSuspended"}, is: denied},
	{status: http.StatusUnauthorized, is: denied},
	{status: http.StatusForbidden, is: denied},
	{status: http.StatusProxyAuthRequired, is: unreachable},
	{status: http.StatusRequestTimeout, is: unreachable},
	// Somebody else made the same user or key meanwhile.
	{codes: []string{"UserAlreadyExists", "UserExists", "KeyExists", "KeyAlreadyExists", "ConcurrentModification"}, is: failing},
	{status: http.StatusConflict, is: failing},
	{status: http.StatusNotFound, is: unsupported},
	{status: http.StatusMethodNotAllowed, is: unsupported},
	{status: http.StatusNotImplemented, is: unsupported},
	{status: http.StatusBadGateway, is: unavailable},
	{status: http.StatusServiceUnavailable, is: unavailable},
	{status: http.StatusGatewayTimeout, is: unavailable},
	{status: http.StatusNetworkAuthenticationRequired, is: unreachable},
}

func ofAdminAnswer(x *exchange) verdict {
	if x.AsksToReturn() {
		return throttled
	}
	return x.by(adminRules)
}

// isAbsent tells whether the API itself said that a user or key does not exist.
func isAbsent(err error) bool { return errors.Is(err, provider.ErrNotFound) }
