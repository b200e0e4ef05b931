package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/breaker"
)

var _ provider.Interceptor = new(breaker.Breaker).Intercept

func TestBreakerOpensAtTheFirstRefusal(t *testing.T) {
	refused := &fault.Error{Class: fault.Terminal, Reason: fault.AuthenticationFailed, Err: fmt.Errorf("ping: %w", provider.ErrAuthentication)}
	denied := &fault.Error{Class: fault.Terminal, Reason: fault.AccessDenied, Err: provider.ErrDenied}
	b := breaker.New()
	calls := 0
	send := func(err error) error {
		return b.Intercept(t.Context(), provider.Operation{Place: provider.Place{Provider: "ovh", Location: "GRA"}}, func(context.Context) error {
			calls++
			return err
		})
	}
	for _, err := range []error{nil, denied, errors.New("anything else")} {
		if got := send(err); got != err || b.Tripped() != nil {
			t.Fatalf("got %v, tripped by %v", got, b.Tripped())
		}
	}
	if got := send(refused); got != error(refused) {
		t.Fatalf("the refusal itself came as %v", got)
	}
	first, second := send(nil), send(denied)
	if calls != 4 || first != second || first != b.Tripped() {
		t.Errorf("%d calls were sent, got %v and %v", calls, first, second)
	}
	if !errors.Is(first, provider.ErrAuthentication) || fault.Of(first).Class != fault.Terminal || !fault.HasReason(first, fault.AuthenticationFailed) {
		t.Errorf("got %#v", first)
	}
	if want := "credentials for ovh/GRA are not used again until they change: ping: credentials were refused"; first.Error() != want {
		t.Errorf("message is %q", first)
	}
	if breaker.New().Tripped() != nil {
		t.Error("a new breaker is open")
	}
}

func TestBreakerIsSharedByManyCallers(t *testing.T) {
	b := breaker.New()
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			_ = b.Intercept(t.Context(), provider.Operation{}, func(context.Context) error {
				return fmt.Errorf("%d: %w", i, provider.ErrAuthentication)
			})
		})
	}
	group.Wait()
	if first := b.Tripped(); first == nil || first != b.Tripped() {
		t.Errorf("got %v, then %v", first, b.Tripped())
	}
}

// callers sends many calls at once, and gives what they ended with and how many
// of them were under way together at most.
func callers(t *testing.T, b *breaker.Breaker, count int, answer func(int64) error) (results []error, sent, together int64) {
	t.Helper()
	var now, most, all atomic.Int64
	results = make([]error, count)
	synctest.Test(t, func(t *testing.T) {
		var group sync.WaitGroup
		for i := range count {
			group.Go(func() {
				results[i] = b.Intercept(t.Context(), provider.Operation{}, func(context.Context) error {
					most.Store(max(most.Load(), now.Add(1)))
					defer now.Add(-1)
					number := all.Add(1)
					time.Sleep(time.Second)
					return answer(number)
				})
			})
		}
		group.Wait()
	})
	return results, all.Load(), most.Load()
}

func TestWrongCredentialsAreSentOnceHoweverManyBegin(t *testing.T) {
	b := breaker.New()
	results, sent, _ := callers(t, b, 50, func(int64) error { return provider.ErrAuthentication })
	for _, err := range results {
		if !errors.Is(err, provider.ErrAuthentication) {
			t.Errorf("got %v", err)
		}
	}
	if sent != 1 || b.Tripped() == nil {
		t.Errorf("sent %d times", sent)
	}
}

func TestCredentialsThatWereAcceptedOnceAreUsedByManyTogether(t *testing.T) {
	for name, accepted := range map[string]error{
		"by a success": nil, "by what is not there": provider.ErrNotFound, "by a right that is missing": provider.ErrDenied,
	} {
		results, sent, together := callers(t, breaker.New(), 50, func(number int64) error {
			if number == 1 {
				return accepted
			}
			return nil
		})
		if sent != 50 || together != 49 {
			t.Errorf("%s: %d calls were sent, %d of them together", name, sent, together)
		}
		if failed := slices.DeleteFunc(results, func(err error) bool { return err == nil }); accepted == nil && len(failed) > 0 {
			t.Errorf("%s: got %v", name, failed)
		}
	}
}

func TestAnAnswerThatSaysNothingOfTheCredentialsLetsTheNextOneTry(t *testing.T) {
	_, sent, together := callers(t, breaker.New(), 5, func(int64) error { return provider.ErrServer })
	if sent != 5 || together != 1 {
		t.Errorf("%d calls were sent, %d of them together", sent, together)
	}
}

func TestWhoWaitsForACallThatFailsForAllIsToldAtOnce(t *testing.T) {
	for name, failure := range map[string]*fault.Error{
		"no answer": {Class: fault.Transient, Reason: fault.ProviderUnreachable, Err: provider.ErrUnreachable},
		"a lock":    {Class: fault.Throttled, Reason: fault.AccountLocked, After: time.Minute, Err: provider.ErrThrottled},
	} {
		results, sent, _ := callers(t, breaker.New(), 50, func(int64) error { return failure })
		for _, err := range results {
			if got := fault.Of(err); !errors.Is(err, failure.Err) || got.Class != failure.Class || got.Reason != failure.Reason || got.After != failure.After {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if sent != 1 {
			t.Errorf("%s was met %d times", name, sent)
		}
	}
}

func TestWhoWaitsMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker.New()
		go func() {
			_ = b.Intercept(t.Context(), provider.Operation{}, func(context.Context) error { time.Sleep(time.Minute); return nil })
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := b.Intercept(ctx, provider.Operation{}, func(context.Context) error { t.Error("it was sent"); return nil })
		if _, classified := errors.AsType[*fault.Error](err); !errors.Is(err, context.DeadlineExceeded) || classified {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
	})
}
