package app

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/breaker"
	"github.com/rempart/rempart/internal/provider/instrument"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/provider/throttle"
	"github.com/rempart/rempart/internal/session"
)

// accounts makes what the sessions of an account share. Limits are those of the
// account whatever its credentials; a breaker belongs to one set of them.
type accounts struct {
	requests *instrument.Metrics
	// around is put innermost; it may be nil.
	around provider.Interceptor

	mu     sync.Mutex
	limits map[types.UID]*throttle.Account
}

func (a *accounts) open(p v1alpha1.SovereignProvider) session.Account {
	return &account{accounts: a, breaker: breaker.New(), limits: a.limitsOf(p)}
}

func (a *accounts) limitsOf(p v1alpha1.SovereignProvider) *throttle.Account {
	limits := throttle.Limits{RequestsPerSecond: float64(p.Spec.Limits.RequestsPerSecond)}
	if bytes := p.Spec.Limits.BytesPerSecond; bytes != nil {
		limits.BytesPerSecond = bytes.Value()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.limits == nil {
		a.limits = map[types.UID]*throttle.Account{}
	}
	known := a.limits[p.UID]
	if known == nil {
		known = throttle.NewAccount(limits)
		a.limits[p.UID] = known
	}
	known.SetLimits(limits)
	return known
}

// account is one set of credentials.
type account struct {
	*accounts
	breaker *breaker.Breaker
	limits  *throttle.Account
}

// Wrap puts, from the outside to the inside: retries, the breaker, the limits,
// the metrics of each single try.
func (a *account) Wrap(s provider.Session) provider.Session {
	interceptors := []provider.Interceptor{
		retry.New(retry.Options{}), a.breaker.Intercept, a.limits.Intercept, a.requests.Intercept,
	}
	if a.around != nil {
		interceptors = append(interceptors, a.around)
	}
	return a.limits.Bytes(provider.Intercept(s, interceptors...))
}

// Refused implements session.Account.
func (a *account) Refused() error { return a.breaker.Tripped() }
