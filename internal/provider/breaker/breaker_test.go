package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

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
