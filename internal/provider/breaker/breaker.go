// Package breaker stops using credentials that a store has refused. Trying them
// again locks accounts, at Outscale for instance.
//
// Start reading at Breaker.
package breaker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// Breaker belongs to one set of credentials, and is common to all sessions that
// use it. It opens at the first provider.ErrAuthentication and never closes: new
// credentials get a new breaker. Until credentials were accepted once, one call
// after the other tries them, so that wrong ones are seen once, however many
// callers begin together. The zero value is closed. It is safe for concurrent use.
type Breaker struct {
	tripped  atomic.Pointer[fault.Error]
	accepted atomic.Bool

	mu sync.Mutex
	// trial is the call that tries the credentials right now, or nil.
	trial *trial
}

// trial is a call that others wait for.
type trial struct {
	done chan struct{}
	// err is what it ended with, once done.
	err error
}

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
	for !b.accepted.Load() && b.Tripped() == nil {
		other, isFirst := b.join()
		if isFirst {
			return b.try(ctx, operation, call, other)
		}
		select {
		case <-other.done:
		case <-ctx.Done():
			return fmt.Errorf("wait until the credentials for %s are tried: %w", operation.Place, ctx.Err())
		}
		if isForAll(other.err) {
			return fmt.Errorf("not sent, because of another call: %w", other.err)
		}
	}
	return b.send(ctx, operation, call)
}

// join gives the trial that is on its way, or begins one.
func (b *Breaker) join() (current *trial, isFirst bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trial != nil {
		return b.trial, false
	}
	b.trial = &trial{done: make(chan struct{})}
	return b.trial, true
}

// try sends a call that others wait for.
func (b *Breaker) try(ctx context.Context, operation provider.Operation, call func(context.Context) error, own *trial) error {
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.trial = nil
		close(own.done)
	}()
	own.err = b.send(ctx, operation, call)
	return own.err
}

func (b *Breaker) send(ctx context.Context, operation provider.Operation, call func(context.Context) error) error {
	if err := b.Tripped(); err != nil {
		return err
	}
	err := call(ctx)
	switch {
	case errors.Is(err, provider.ErrAuthentication):
		b.tripped.CompareAndSwap(nil, &fault.Error{
			Class:  fault.Terminal,
			Reason: fault.AuthenticationFailed,
			Err:    fmt.Errorf("credentials for %s are not used again until they change: %w", operation.Place, err),
		})
	case err == nil, errors.Is(err, provider.ErrNotFound), errors.Is(err, provider.ErrDenied):
		b.accepted.Store(true)
	}
	return err
}

// isForAll tells that a failure is one of the place or of the account, which every
// other call would meet too: after the same wait, or as one more knock at an account
// that is locked.
func isForAll(err error) bool {
	return errors.Is(err, provider.ErrUnreachable) || errors.Is(err, provider.ErrCertificate) || errors.Is(err, provider.ErrThrottled)
}
