// Package retry repeats the calls of a provider session that failed for a while
// only.
//
// Every method of the contract is idempotent, so any call may be repeated. What a
// body still to be read does after Get returned is the reader's to deal with.
//
// Start reading at New.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// Options say how often and how soon. The zero value is five tries within about
// six seconds.
type Options struct {
	// Attempts is how many tries there are in all; 0 means 5.
	Attempts int
	// Base bounds the first delay, which doubles from then on; 0 means 200 ms.
	Base time.Duration
	// Max bounds every delay; 0 means 20 s. A store that asks for a longer one
	// gets it from whoever called: the failure is given back at once.
	Max time.Duration
	// Sleep waits, or gives the error of the context when that ends first; nil
	// means a timer.
	Sleep func(context.Context, time.Duration) error
	// Random gives a number in [0, 1); nil means math/rand.
	Random func() float64
}

func (o Options) withDefaults() Options {
	if o.Attempts <= 0 {
		o.Attempts = 5
	}
	if o.Base <= 0 {
		o.Base = 200 * time.Millisecond
	}
	if o.Max <= 0 {
		o.Max = 20 * time.Second
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return o
}

// New gives an interceptor that repeats Transient and Throttled failures with
// exponential backoff and full jitter, after the delay that the store named where
// it named one. It gives back the last failure. Terminal and Waiting failures,
// and the end of the caller's context, end it at once.
func New(options Options) provider.Interceptor {
	options = options.withDefaults()
	return func(ctx context.Context, _ provider.Operation, call func(context.Context) error) error {
		for try := 1; ; try++ {
			err := call(ctx)
			if err == nil || try >= options.Attempts || ctx.Err() != nil || !repeatable(err) {
				return err
			}
			delay := options.delay(try, fault.Of(err).After)
			if delay > options.Max || !leavesTime(ctx, delay) {
				return err
			}
			if ended := options.Sleep(ctx, delay); ended != nil {
				return fmt.Errorf("%w while waiting to try again after: %s", ended, err.Error())
			}
		}
	}
}

// repeatable tells whether the same call may well succeed. A changed object, or
// content that is not what its digest says, is transient for whoever reads the
// object anew; asked for or sent again, it is the same once more.
func repeatable(err error) bool {
	if errors.Is(err, provider.ErrChanged) || errors.Is(err, provider.ErrContentMismatch) {
		return false
	}
	class := fault.Of(err).Class
	return class == fault.Transient || class == fault.Throttled
}

// delay is random up to a bound that doubles with every try, so that callers that
// failed together do not come back together; on top of what the store asked for.
func (o Options) delay(try int, after time.Duration) time.Duration {
	bound := o.Base
	for range try - 1 {
		bound = min(2*bound, o.Max)
	}
	if after > 0 {
		bound = min(o.Base, max(0, o.Max-after))
	}
	return after + time.Duration(o.Random()*float64(bound))
}

// leavesTime tells whether the context lasts beyond the delay.
func leavesTime(ctx context.Context, delay time.Duration) bool {
	deadline, limited := ctx.Deadline()
	return !limited || time.Until(deadline) > delay
}

func sleep(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
