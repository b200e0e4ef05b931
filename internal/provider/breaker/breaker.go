// Package breaker stops using credentials that a store has refused. Trying them
// again locks accounts, at Outscale for instance.
//
// Start reading at Breaker.
package breaker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// Breaker belongs to one set of credentials, and is common to all sessions that
// use it. It opens at the first provider.ErrAuthentication and never closes: new
// credentials get a new breaker. The zero value is closed. It is safe for
// concurrent use; calls already on their way are let through.
type Breaker struct{ tripped atomic.Pointer[fault.Error] }

// New gives a closed breaker.
func New() *Breaker { return &Breaker{} }

// Tripped gives the fault with which every call is answered since the credentials
// were refused, or nil.
func (b *Breaker) Tripped() error {
	if tripped := b.tripped.Load(); tripped != nil {
		return tripped
	}
	return nil
}

// Intercept is a provider.Interceptor. It belongs inside retry and outside
// whatever sends: a call through an open breaker sends nothing.
func (b *Breaker) Intercept(ctx context.Context, operation provider.Operation, call func(context.Context) error) error {
	if err := b.Tripped(); err != nil {
		return err
	}
	err := call(ctx)
	if errors.Is(err, provider.ErrAuthentication) {
		b.tripped.CompareAndSwap(nil, &fault.Error{
			Class:  fault.Terminal,
			Reason: fault.AuthenticationFailed,
			Err:    fmt.Errorf("credentials for %s are not used again until they change: %w", operation.Place, err),
		})
	}
	return err
}
