package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outcome"
)

// verdict is what a failure means to a caller.
type verdict = outcome.Verdict

var (
	authentication = outcome.Authentication
	denied         = outcome.Denied
	bucketMissing  = outcome.BucketMissing
	notFound       = outcome.NotFound
	notEmpty       = outcome.NotEmpty
	nameTaken      = outcome.NameTaken
	throttled      = outcome.Throttled
	quota          = outcome.Quota
	notKept        = outcome.NotKept
	unsupported    = outcome.Unsupported
	moved          = outcome.Moved
	misconfigured  = outcome.Misconfigured
	unreachable    = outcome.Unreachable
	untrusted      = outcome.Untrusted
	failing        = outcome.Failing
	unavailable    = outcome.Unavailable

	clockSkew  = verdict{Sentinel: provider.ErrClockSkew, Class: fault.Terminal, Reason: fault.ClockSkew}
	mismatch   = verdict{Sentinel: provider.ErrContentMismatch, Class: fault.Transient, Reason: fault.VerificationMismatch}
	changed    = verdict{Sentinel: provider.ErrChanged, Class: fault.Transient, Reason: fault.Unclassified}
	invalidKey = verdict{Sentinel: provider.ErrInvalidKey, Class: fault.Terminal, Reason: fault.KeysNotExact}
	suspicious = verdict{Sentinel: provider.ErrSuspiciousListing, Class: fault.Transient, Reason: fault.SourceListingSuspicious}
)

// rule matches an answer; zero fields match any. The first match counts.
type rule struct {
	action string
	status int
	codes  []string
	is     verdict
}

// rules translate what stores say, in the order codes, operations, statuses.
var rules = []rule{
	{codes: []string{"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "ExpiredTokenException", "InvalidSecurity", "NotSignedUp", "UnrecognizedClientException"}, is: authentication},
	{codes: []string{"RequestTimeTooSkewed", "RequestExpired"}, is: clockSkew},
	{codes: []string{"AccessDenied", "AllAccessDisabled", "AccountProblem", "UserSuspended", "XAdminAccessDenied"}, is: denied},
	{codes: []string{"SlowDown", "SlowDownRead", "SlowDownWrite", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "Throttling", "ThrottlingException", "TooManyRequests", "TooManyRequestsException", "BandwidthLimitExceeded"}, is: throttled},
	{codes: []string{"TooManyBuckets", "QuotaExceeded", "LimitExceeded", "MaxVersionsReached", "InsufficientStorage", "XMinioStorageFull"}, is: quota},
	{codes: []string{"XAmzContentSHA256Mismatch", "BadDigest", "IncompleteBody"}, is: mismatch},
	{codes: []string{"PreconditionFailed", "ConditionalRequestConflict", "InvalidRange", "InvalidPart", "InvalidPartOrder"}, is: changed},
	// A posix gateway keeps folders and files: what is one cannot be the other.
	// versitygw has the code "400" for keys that leave the bucket, such as "..".
	{codes: []string{"400", "InvalidURI", "KeyTooLongError", "XMinioInvalidObjectName", "XMinioParentIsObject", "XMinioObjectExistsAsDirectory", "ObjectParentIsFile", "ExistingObjectIsDirectory", "DirectoryObjectContainsData"}, is: invalidKey},
	{codes: []string{"NotImplemented", "MethodNotAllowed", "XNotImplemented", "UnsupportedOperation", "VersioningNotConfigured"}, is: unsupported},
	// Object lock for a bucket made without it; and a subresource that the store
	// does not know, so that it took its PUT for one that makes the bucket.
	{codes: []string{"InvalidBucketState", "BucketAlreadyOwnedByYou"}, is: unsupported},
	{codes: []string{"InvalidBucketName", "InvalidLocationConstraint", "IllegalLocationConstraintException", "InvalidRegion", "AuthorizationHeaderMalformed"}, is: misconfigured},
	{codes: []string{"PermanentRedirect", "TemporaryRedirect"}, is: moved},
	{codes: []string{"NoSuchBucket"}, is: bucketMissing},
	{codes: []string{"NoSuchKey", "NoSuchVersion", "NoSuchUpload", "NoSuchTagSet", "NoSuchBucketPolicy", "NotFound", "XAdminUserNotFound"}, is: notFound},
	{codes: []string{"BucketNotEmpty"}, is: notEmpty},
	{codes: []string{"BucketAlreadyExists"}, is: nameTaken},
	{codes: []string{"OperationAborted", "InternalError", "InternalFailure"}, is: failing},
	{codes: []string{"RequestTimeout", "ServiceUnavailable"}, is: unavailable},
	{action: actionCreateBucket, status: http.StatusConflict, is: nameTaken},
	{action: actionDeleteBucket, status: http.StatusConflict, is: notEmpty},
	{status: http.StatusForbidden, is: denied},
	{status: http.StatusMethodNotAllowed, is: unsupported},
	{status: http.StatusProxyAuthRequired, is: unreachable},
	{status: http.StatusRequestTimeout, is: unreachable},
	{status: http.StatusConflict, is: failing},
	{status: http.StatusPreconditionFailed, is: changed},
	{status: http.StatusRequestedRangeNotSatisfiable, is: changed},
	{status: 499, is: unreachable}, // nginx: the client is taken to have left
	{status: http.StatusNotImplemented, is: unsupported},
	{status: http.StatusBadGateway, is: unavailable},
	{status: http.StatusServiceUnavailable, is: unavailable},
	{status: http.StatusGatewayTimeout, is: unavailable},
	{status: http.StatusInsufficientStorage, is: quota},
	{status: http.StatusNetworkAuthenticationRequired, is: unreachable},
}

// fault makes of err, which a request ended with, what the contract promises.
// The end of the caller's context passes unclassified.
func (x *exchange) fault(ctx context.Context, err error) error {
	if x.succeeded(err) {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%s: %w", x.what(), ended)
	}
	if x.content != nil && x.content.err != nil {
		return x.ownFault(x.content.err)
	}
	if x.Status == 0 {
		if x.Cause == nil { // refused before anything was sent
			return x.fail(misconfigured, err.Error())
		}
		return x.fail(outcome.OfCause(x.Cause, unreachable), outcome.Cause(x.Cause))
	}
	if answer, ok := errors.AsType[minio.ErrorResponse](err); ok && !x.Refused() && !x.IsPage() {
		// A failure inside a success, as CompleteMultipartUpload may answer.
		x.problem = &problem{Code: answer.Code, Message: answer.Message}
	}
	v := x.ofAnswer()
	if v == authentication && x.isAcquitted(ctx) {
		v = unsupported
		if isOddKey(x.key) {
			v = invalidKey
		}
	}
	return x.fail(v, x.detail())
}

// isAcquitted tells whether the credentials are good although a signature was
// found wrong. A store that cleans a key, or folds the spaces of a header in its
// own way, computes another signature than ours; one tenant's object must not
// open the breaker of the whole account. Only such requests get the benefit of
// the doubt, at the price of one ListBuckets.
func (x *exchange) isAcquitted(ctx context.Context) bool {
	if x.code() != "SignatureDoesNotMatch" || (!x.odd && !isOddKey(x.key)) {
		return false
	}
	_, _, err := x.session.listBuckets(ctx)
	return err == nil
}

// isOddKey tells whether a key has a character that needs an escape, or a
// segment that a path cleaner would drop.
func isOddKey(key string) bool {
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." || !unreserved.MatchString(segment) {
			return key != ""
		}
	}
	return false
}

var unreserved = regexp.MustCompile(`^[A-Za-z0-9_.~-]+$`)

// interrupted is for an answer whose body ended early, for the reason err.
func (x *exchange) interrupted(err error) error {
	failure := &fault.Error{Class: unreachable.Class, Reason: unreachable.Reason}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		failure.Err = fmt.Errorf("%s: %w: %w", x.what(), provider.ErrUnreachable, err)
	} else {
		failure.Err = fmt.Errorf("%s: %w (%s)", x.what(), provider.ErrUnreachable, x.session.clean(outcome.Cause(err)))
	}
	return failure
}

// succeeded tells a success from what minio-go takes for one: a web page in
// answer to a PUT; and from what it takes for a failure: a DELETE answered with
// 200 instead of 204, as Ceph RGW does for policies.
func (x *exchange) succeeded(err error) bool {
	switch x.method {
	case http.MethodGet, http.MethodHead, "":
		return err == nil
	case http.MethodDelete:
		return x.Status != 0 && !x.Refused() && !x.IsPage()
	default:
		return err == nil && !x.IsPage()
	}
}

// ownFault is for content that could not be read to its announced end.
func (x *exchange) ownFault(err error) error {
	if errors.Is(err, errShort) {
		return x.fail(mismatch, err.Error())
	}
	return fmt.Errorf("%s: read content: %w", x.what(), err)
}

// fail wraps once: what was being done, what it means, what was said.
func (x *exchange) fail(v verdict, detail string) error {
	failure := v.Fault(x.what(), x.session.clean(detail))
	if v.Class == fault.Throttled {
		failure.After = x.RetryAfter()
	}
	return failure
}

// ofAnswer judges an answer. What the rules cannot know comes first: whether it
// is a store that speaks, and whether a 404 may be believed.
func (x *exchange) ofAnswer() verdict {
	switch {
	case x.Status == http.StatusUnauthorized:
		// Also as a web page: asking again with a refused key locks accounts.
		return authentication
	case x.Status == http.StatusTooManyRequests,
		x.AsksToReturn():
		return throttled // also as the web page of a front end
	case x.problem == nil && (x.Status == http.StatusMovedPermanently || x.Status == http.StatusPermanentRedirect):
		return moved // for good, so it is no portal, although it may come as a page
	case x.problem == nil && x.IsPage():
		return unreachable
	case x.Status == http.StatusMethodNotAllowed && x.Header.Get("X-Amz-Delete-Marker") == "true":
		return notFound // the version asked for is a delete marker
	case x.code() == "InvalidArgument" && strings.Contains(strings.ToLower(x.problem.Message), "version id"):
		return notFound // versitygw: a version that was removed has no valid id
	case x.Status == http.StatusNotFound && x.problem == nil:
		// Deletions are inferred from absence. A HEAD has no more to say; any
		// other 404 without S3's own word comes from something in between.
		if x.method == http.MethodHead {
			return notFound
		}
		return unreachable
	}
	return x.by(rules)
}

// by gives the verdict of the first rule that the answer meets, or that of its
// status alone.
func (x *exchange) by(rules []rule) verdict {
	for _, rule := range rules {
		if (rule.action == "" || rule.action == x.action) &&
			(rule.status == 0 || rule.status == x.Status) &&
			(rule.codes == nil || slices.Contains(rule.codes, x.code())) {
			return rule.is
		}
	}
	switch {
	case x.Status >= 500:
		return failing
	case x.Status >= 400:
		return unsupported // the same request would be refused again
	case x.Status >= 300:
		return moved // a redirect: another region's bucket, another host or scheme
	default:
		return failing // a success that cannot be read
	}
}
