package outcome

import (
	"fmt"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// Verdict is what a failure means to a caller. Verdicts can be compared.
type Verdict struct {
	Sentinel error
	Class    fault.Class
	Reason   fault.Reason
	// After is how long to wait where the answer does not say.
	After time.Duration
}

// Verdicts that mean the same at every store and API. Those with API in their name
// are about a control plane; a store's data may well be reached meanwhile.
var (
	Authentication = terminal(provider.ErrAuthentication, fault.AuthenticationFailed)
	Denied         = terminal(provider.ErrDenied, fault.AccessDenied)
	NotFound       = terminal(provider.ErrNotFound, fault.Unclassified)
	BucketMissing  = terminal(provider.ErrNotFound, fault.BucketMissing)
	NameTaken      = terminal(provider.ErrOwnedByOther, fault.NameConflict)
	Quota          = terminal(provider.ErrQuota, fault.QuotaExceeded)
	Unsupported    = terminal(provider.ErrUnsupported, fault.CapabilityMissing)
	NotKept        = terminal(provider.ErrNotKept, fault.CapabilityMissing)
	Misconfigured  = terminal(provider.ErrInvalidConfiguration, fault.InvalidConfiguration)
	Moved          = terminal(provider.ErrInvalidConfiguration, fault.EndpointMoved)
	Untrusted      = terminal(provider.ErrCertificate, fault.CertificateInvalid)
	NotEmpty       = Verdict{Sentinel: provider.ErrNotEmpty, Class: fault.Waiting, Reason: fault.DeletionBlocked}
	Throttled      = Verdict{Sentinel: provider.ErrThrottled, Class: fault.Throttled, Reason: fault.Throttling}
	Failing        = transient(provider.ErrServer, fault.Unclassified)
	Unreachable    = transient(provider.ErrUnreachable, fault.ProviderUnreachable)
	Unavailable    = transient(provider.ErrServer, fault.ProviderUnreachable)
	APIUnreachable = transient(provider.ErrUnreachable, fault.ControlPlaneUnreachable)
	APIUnavailable = transient(provider.ErrServer, fault.ControlPlaneUnreachable)
)

func terminal(sentinel error, reason fault.Reason) Verdict {
	return Verdict{Sentinel: sentinel, Class: fault.Terminal, Reason: reason}
}

func transient(sentinel error, reason fault.Reason) Verdict {
	return Verdict{Sentinel: sentinel, Class: fault.Transient, Reason: reason}
}

// Fault wraps once: what was being done, what it means, what was said. The detail
// holds no credential any more.
func (v Verdict) Fault(what, detail string) *fault.Error {
	return &fault.Error{Class: v.Class, Reason: v.Reason, After: v.After, Err: fmt.Errorf("%s: %w (%s)", what, v.Sentinel, detail)}
}

// Unopened is what provider.Driver.Open fails with, for the reason err.
func Unopened(place provider.Place, err error) error {
	return &fault.Error{
		Class: Misconfigured.Class, Reason: Misconfigured.Reason,
		Err: fmt.Errorf("open %s: %w: %w", place, Misconfigured.Sentinel, err),
	}
}
