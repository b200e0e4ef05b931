// Package throttle keeps the use of an account within its limits: requests per
// second, and bytes of objects per second in both directions together.
//
// Start reading at Account.
package throttle

import (
	"context"
	"fmt"

	"golang.org/x/time/rate"

	"github.com/rempart/rempart/internal/provider"
)

// Limits are what an account may use. Zero is no limit.
type Limits struct {
	RequestsPerSecond float64
	BytesPerSecond    int64
}

// Account is the budget of one account, common to all sessions on it.
type Account struct {
	requests, bytes *rate.Limiter
}

// largestPiece bounds the bytes that pass at once. Small enough for a steady
// stream, large enough to be asked rarely.
const largestPiece = 1 << 20

// NewAccount makes the budget of an account.
func NewAccount(limits Limits) *Account {
	a := &Account{requests: rate.NewLimiter(rate.Inf, 1), bytes: rate.NewLimiter(rate.Inf, 1)}
	a.SetLimits(limits)
	return a
}

// SetLimits changes the limits, also of what is waiting or under way.
func (a *Account) SetLimits(limits Limits) {
	requests, burst := rate.Inf, 1
	if limits.RequestsPerSecond > 0 {
		// A tenth of a second at once: a store counts over a second or so, and a
		// whole second's worth on top of the rate would be twice the limit.
		requests, burst = rate.Limit(limits.RequestsPerSecond), max(1, int(limits.RequestsPerSecond/10))
	}
	a.requests.SetBurst(burst)
	a.requests.SetLimit(requests)
	bytes, piece := rate.Inf, 1
	if limits.BytesPerSecond > 0 {
		bytes, piece = rate.Limit(limits.BytesPerSecond), int(min(max(1, limits.BytesPerSecond/10), largestPiece))
	}
	a.bytes.SetBurst(piece)
	a.bytes.SetLimit(bytes)
}

// Intercept is a provider.Interceptor that lets a call wait for its turn. A call
// counts as one request, also where a driver needs a second one to explain a
// refusal. It belongs inside retry, so that each try counts.
func (a *Account) Intercept(ctx context.Context, _ provider.Operation, call func(context.Context) error) error {
	if err := a.requests.Wait(ctx); err != nil {
		return ended(ctx, err)
	}
	return call(ctx)
}

// take waits until n more bytes may pass.
func (a *Account) take(ctx context.Context, n int) error {
	for n > 0 && a.bytes.Limit() != rate.Inf {
		piece := min(n, a.bytes.Burst())
		if err := a.bytes.WaitN(ctx, piece); err != nil {
			if piece > a.bytes.Burst() {
				continue // the limit was lowered meanwhile
			}
			return ended(ctx, err)
		}
		n -= piece
	}
	return nil
}

// piece is how many of n bytes to move before the next question.
func (a *Account) piece(n int) int {
	if a.bytes.Limit() == rate.Inf {
		return n
	}
	return min(n, a.bytes.Burst())
}

// ended gives the error of a wait that came to nothing. A limiter does not wait
// beyond the context's deadline: it fails at once, with an error of its own.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	} else if _, limited := ctx.Deadline(); limited {
		err = context.DeadlineExceeded
	}
	return fmt.Errorf("wait for the account's limit: %w", err)
}
