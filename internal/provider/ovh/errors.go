package ovh

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outcome"
)

// operation is what is asked of the API, in words that begin a message.
type operation string

// Operations.
const (
	opFindProject  operation = "find"
	opListRegions  operation = "list regions of"
	opFindRegion   operation = "find region"
	opListMachines operation = "list instances of"
	opListBuckets  operation = "list buckets"
	opFindBucket   operation = "observe"
	opMakeBucket   operation = "create"
	opChangeBucket operation = "update"
	opDeleteBucket operation = "delete"
	opCorrect      operation = "correct replication of"
	opListUsers    operation = "list users of"
	opMakeUser     operation = "make user for"
	opAwaitUser    operation = "await user of"
	opDeleteUser   operation = "delete user of"
	opSetPolicy    operation = "set policy of"
	opListKeys     operation = "list keys of"
	opMakeKey      operation = "make key of"
	opShowKey      operation = "show key of"
	opDeleteKey    operation = "delete key of"
	// opGetToken and opFindCredential are asked on the way to another one.
	opGetToken       operation = "get token"
	opFindCredential operation = "find out about the consumer key"
)

// Where a 404 is about a bucket, or about a user or a key of one. Elsewhere it is
// about the project or a region.
var (
	aboutBuckets = []operation{opFindBucket, opChangeBucket, opDeleteBucket, opCorrect}
	aboutUsers   = []operation{opDeleteUser, opSetPolicy, opListKeys, opMakeKey, opShowKey, opDeleteKey}
	aboutRegions = []operation{opFindRegion, opListBuckets, opMakeBucket}
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
	bucketQuota    = outcome.Quota
	throttled      = outcome.Throttled
	unsupported    = outcome.Unsupported
	notKept        = outcome.NotKept
	misconfigured  = outcome.Misconfigured
	moved          = outcome.Moved
	unreachable    = outcome.APIUnreachable
	unavailable    = outcome.APIUnavailable
	failing        = outcome.Failing

	keyExpired = verdict{Sentinel: provider.ErrAuthentication, Class: fault.Terminal, Reason: fault.TokenExpired}
	// tokenRenewed is for a token that ended early: the next try gets another one.
	tokenRenewed = verdict{Sentinel: provider.ErrNotReady, Class: fault.Transient, Reason: fault.TokenExpired}
	// keyPending is no refusal of the credentials: they are good as soon as somebody
	// has confirmed them.
	keyPending = verdict{Sentinel: provider.ErrNotReady, Class: fault.Waiting, Reason: fault.ConsumerKeyPending}
	// clockSkew is transient: the time of the API is asked for again.
	clockSkew      = verdict{Sentinel: provider.ErrClockSkew, Class: fault.Transient, Reason: fault.ClockSkew}
	projectMissing = verdict{Sentinel: provider.ErrInvalidConfiguration, Class: fault.Terminal, Reason: fault.ProjectNotFound}
	regionMissing  = verdict{Sentinel: provider.ErrNotReady, Class: fault.Waiting, Reason: fault.RegionNotActivated}
	maintenance    = verdict{Sentinel: provider.ErrMaintenance, Class: fault.Waiting, Reason: fault.ProviderMaintenance}
	serviceExpired = verdict{Sentinel: provider.ErrExpired, Class: fault.Terminal, Reason: fault.ServiceExpired}
	userLimit      = verdict{Sentinel: provider.ErrQuota, Class: fault.Terminal, Reason: fault.UserLimitReached}
	keyLimit       = verdict{Sentinel: provider.ErrQuota, Class: fault.Terminal, Reason: fault.KeyLimitReached}
	inTheMaking    = verdict{Sentinel: provider.ErrNotReady, Class: fault.Throttled, Reason: fault.Progressing}
	userStuck      = verdict{Sentinel: provider.ErrNotReady, Class: fault.Terminal, Reason: fault.UserCreationStuck}
	busy           = verdict{Sentinel: provider.ErrNotReady, Class: fault.Transient, Reason: fault.Progressing}
)

// rule matches a refusal; empty fields match any. The first match counts.
type rule struct {
	operations []operation
	statuses   []int
	// codes are codes or classes, whole.
	codes []string
	// says are parts of the message, in lower case.
	says []string
	is   verdict
}

// refusedLogin are the statuses with which the API refuses who asks: 400 for a
// signature (komiser issue 1490, 2024, and php-ovh issue 62, 2017), 403 for a key
// (php-ovh issue 56, 2017), 401 for a token. All third-party; the codes are in the
// vendor's python client.
var refusedLogin = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}

// busyCodes are refusals that pass.
var busyCodes = []string{"Client::Forbidden::Busy", "Client::Conflict::ServiceNotReady"}

// rules translate what the API says. Of buckets and users it documents successes
// only, so what cannot be told from a status is found out by asking for facts, and
// is not here: see Create and Delete of buckets, and the limits of users and keys.
var rules = []rule{
	{statuses: []int{460}, is: serviceExpired},
	{says: []string{"service is expired", "service has expired"}, is: serviceExpired},

	// How a key is refused that is pending or over is not documented: these words are
	// assumed. In 2017 a pending one was an invalid signature, as of a wrong key.
	{statuses: refusedLogin, says: []string{"pending validation", "not validated", "not been validated"}, is: keyPending},
	{statuses: refusedLogin, codes: []string{"CREDENTIAL_PENDING", "Client::Forbidden::PendingValidation", "Client::Unauthorized::PendingValidation"}, is: keyPending},
	{statuses: refusedLogin, says: []string{"expired access token", "token has expired", "token is expired", "credential has expired", "credential is expired", "key has expired", "key is expired"}, is: keyExpired},
	{statuses: refusedLogin, codes: []string{"EXPIRED_CREDENTIAL", "Client::Forbidden::ExpiredCredential", "Client::Unauthorized::ExpiredCredential"}, is: keyExpired},
	{statuses: []int{http.StatusBadRequest, http.StatusForbidden}, codes: []string{"QUERY_TIME_OUT"}, is: clockSkew},
	{statuses: refusedLogin, says: []string{"query out of time", "out of time"}, is: clockSkew},
	{statuses: refusedLogin, codes: []string{"INVALID_KEY", "INVALID_CREDENTIAL", "NOT_CREDENTIAL", "INVALID_SIGNATURE"}, is: authentication},
	{statuses: refusedLogin, says: []string{"invalid signature", "application key", "this credential", "consumer key"}, is: authentication},
	{operations: []operation{opGetToken}, statuses: refusedLogin, is: authentication},
	{statuses: []int{http.StatusUnauthorized}, is: authentication},

	{says: []string{"under maintenance", "in maintenance"}, is: maintenance},
	{codes: busyCodes, is: busy},
	{statuses: []int{http.StatusForbidden}, is: denied},

	{operations: aboutBuckets, statuses: []int{http.StatusNotFound}, is: bucketMissing},
	{operations: aboutUsers, statuses: []int{http.StatusNotFound}, is: notFound},
	{operations: aboutRegions, statuses: []int{http.StatusNotFound}, is: regionMissing},
	{statuses: []int{http.StatusNotFound}, is: projectMissing},

	{statuses: []int{http.StatusProxyAuthRequired, http.StatusRequestTimeout, 499, http.StatusNetworkAuthenticationRequired}, is: unreachable},
	{statuses: []int{http.StatusTooManyRequests}, is: throttled},
	{operations: []operation{opMakeBucket}, statuses: []int{http.StatusConflict}, is: nameTaken},
	{statuses: []int{http.StatusConflict}, is: busy},
	{statuses: []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, is: unavailable},
}

// fault makes of err, which a question ended with, what the contract promises. The
// end of the caller's context passes unclassified.
func (x *exchange) fault(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%s: %w", x.what(), ended)
	}
	_, isToken := errors.AsType[*tokenError](err)
	v := x.judge(isToken)
	switch {
	case v == keyExpired && x.api.login.kind == serviceAccount && !isToken && !x.isFresh:
		v = tokenRenewed
	case v == authentication && x.refusal != nil && x.refusal.isOfCredential() && x.operation != opFindCredential:
		v = x.api.standing(ctx)
	}
	if v == tokenRenewed || v == clockSkew {
		x.api.forget(ctx)
	}
	switch {
	case x.Cause != nil:
		return x.fail(v, x.api.secrets().Clean(outcome.Cause(x.Cause)))
	case x.Status == 0:
		return x.fail(v, x.api.secrets().Clean(err.Error()))
	case !x.Refused():
		return x.fail(v, fmt.Sprintf("HTTP %d, and the answer cannot be read", x.Status))
	default:
		return x.fail(v, x.detail())
	}
}

// isOfCredential tells whether a refusal is about the consumer key. One that nobody
// has confirmed yet, and one that is over, may be refused in the same words.
func (r *refusal) isOfCredential() bool {
	return slices.Contains([]string{"INVALID_CREDENTIAL", "NOT_CREDENTIAL"}, r.Code) || strings.Contains(strings.ToLower(r.Message), "credential")
}

// standing asks what is the matter with the consumer key, which is refused. That a
// key may ask this in any state is assumed; where it may not, it is refused.
func (a *api) standing(ctx context.Context) verdict {
	var told struct{ Status string }
	q := question{operation: opFindCredential, method: http.MethodGet, path: "/auth/currentCredential"}
	if _, err := a.ask(ctx, q, &told); err != nil {
		return authentication
	}
	switch told.Status {
	case "pendingValidation":
		return keyPending
	case "expired":
		return keyExpired
	default:
		return authentication
	}
}

// judge tells what a failure means. What the rules cannot know comes first:
// whether it is the API that speaks.
func (x *exchange) judge(isToken bool) verdict {
	switch {
	case x.Cause != nil:
		return outcome.OfCause(x.Cause, unreachable)
	case x.Status == 0:
		return unreachable // no turn came in time
	case x.AsksToReturn():
		return throttled
	case x.Refused() && x.Status < http.StatusBadRequest:
		return moved
	case x.IsPage() && x.Status != http.StatusUnauthorized && x.Status != http.StatusTooManyRequests:
		return unreachable
	case x.Status == http.StatusNotFound && x.refusal == nil:
		// Deletions are inferred from absence: without the API's own word it comes
		// from something in between.
		return unreachable
	case !x.Refused():
		return failing
	}
	operation := x.operation
	if isToken {
		operation = opGetToken
	}
	return x.by(operation)
}

// by gives the verdict of the first rule that the refusal meets, or that of its
// status alone.
func (x *exchange) by(operation operation) verdict {
	told := x.refusal
	if told == nil {
		told = &refusal{}
	}
	message := strings.ToLower(told.Message + " " + told.Description)
	for _, rule := range rules {
		if (rule.operations == nil || slices.Contains(rule.operations, operation)) &&
			(rule.statuses == nil || slices.Contains(rule.statuses, x.Status)) &&
			(rule.codes == nil || slices.Contains(rule.codes, told.Code) || slices.Contains(rule.codes, told.Class)) &&
			(rule.says == nil || slices.ContainsFunc(rule.says, func(part string) bool { return strings.Contains(message, part) })) {
			return rule.is
		}
	}
	if x.Status >= http.StatusInternalServerError {
		return failing
	}
	return unsupported // the same request would be refused again
}

// fail wraps once: what was being done, what it means, what was said. Foreign words
// in the detail were made fit for a message before.
func (x *exchange) fail(v verdict, detail string) *fault.Error {
	failure := v.Fault(x.what(), x.api.secrets().Redact(detail))
	if v.Class == fault.Throttled || v.Class == fault.Transient {
		failure.After = x.RetryAfter()
	}
	if way := wayOut(v); way != "" {
		failure.Err = fmt.Errorf("%w; %s", failure.Err, way)
	}
	return failure
}

// wayOut is what a person can do, where the vendor's words do not tell.
func wayOut(v verdict) string {
	switch v {
	case keyPending:
		return "confirm the consumer key at the validation URL that OVHcloud gave with it"
	case keyExpired:
		return "make a new consumer key, or token"
	case serviceExpired:
		return "renew it before OVHcloud erases what is in it"
	case bucketQuota, userLimit, keyLimit:
		return "ask OVHcloud's support for more, or remove what nobody needs"
	case projectMissing:
		return "correct projectID, or let the login see the project"
	case regionMissing:
		return "activate the region in the project"
	default:
		return ""
	}
}

// isRefused tells a refusal of the request as such, which facts may explain, from
// one of who asks, and from one that may pass. A plain 403 may be of either kind.
func (x *exchange) isRefused(err error) bool {
	if x.refusal == nil || x.Status < http.StatusBadRequest || x.Status >= http.StatusInternalServerError {
		return false
	}
	for _, sentinel := range []error{
		provider.ErrAuthentication, provider.ErrExpired, provider.ErrThrottled, provider.ErrMaintenance,
		provider.ErrClockSkew, provider.ErrUnreachable,
	} {
		if errors.Is(err, sentinel) {
			return false
		}
	}
	isOfKey := fault.HasReason(err, fault.ConsumerKeyPending) || fault.HasReason(err, fault.TokenExpired)
	return !isOfKey && !x.refusal.isOfRights() && !slices.Contains(busyCodes, x.refusal.Class)
}

// isOfRights tells whether the API says that the login may not do this.
func (r *refusal) isOfRights() bool {
	return r.Code == "NOT_GRANTED_CALL" || strings.Contains(strings.ToLower(r.Message), "not been granted") || r.missing() != ""
}
