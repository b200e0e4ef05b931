package retry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/retry"
)

var (
	transient = fault.New(fault.Transient, fault.ProviderUnreachable, "no answer")
	waiting   = fault.New(fault.Waiting, fault.DeletionBlocked, "not yet")
	terminal  = fault.New(fault.Terminal, fault.AccessDenied, "denied")
	errPlain  = errors.New("unclassified")
	mismatch  = &fault.Error{Class: fault.Transient, Err: fmt.Errorf("put: %w", provider.ErrContentMismatch)}
	changed   = &fault.Error{Class: fault.Transient, Err: fmt.Errorf("get: %w", provider.ErrChanged)}
)

func throttled(after time.Duration) error {
	return &fault.Error{Class: fault.Throttled, Reason: fault.Throttling, After: after, Err: provider.ErrThrottled}
}

// script is a call that fails with the given errors, one after the other.
func script(errs ...error) (call func(context.Context) error, calls *int) {
	calls = new(int)
	return func(context.Context) error {
		*calls++
		if *calls > len(errs) {
			return nil
		}
		return errs[*calls-1]
	}, calls
}

func TestFailuresAreRepeatedByTheirClass(t *testing.T) {
	const base, limit = 100 * time.Millisecond, time.Second
	tests := map[string]struct {
		errs   []error
		calls  int
		delays []time.Duration // with half of every random share
		want   error
	}{
		"success":                            {nil, 1, nil, nil},
		"transient, then success":            {[]error{transient}, 2, []time.Duration{50 * time.Millisecond}, nil},
		"unclassified, then success":         {[]error{errPlain}, 2, []time.Duration{50 * time.Millisecond}, nil},
		"doubling up to the limit":           {[]error{transient, transient, transient, transient, transient}, 6, ms(50, 100, 200, 400, 500), nil},
		"transient for ever":                 {[]error{transient, transient, transient, transient, transient, transient, transient}, 6, ms(50, 100, 200, 400, 500), transient},
		"terminal":                           {[]error{terminal}, 1, nil, terminal},
		"waiting":                            {[]error{waiting}, 1, nil, waiting},
		"transient, then terminal":           {[]error{transient, terminal}, 2, ms(50), terminal},
		"another object than before":         {[]error{changed}, 1, nil, changed},
		"other content than announced":       {[]error{mismatch}, 1, nil, mismatch},
		"throttled without a delay":          {[]error{throttled(0)}, 2, ms(50), nil},
		"throttled for a while":              {[]error{throttled(300 * time.Millisecond)}, 2, ms(350), nil},
		"throttled for just the limit":       {[]error{throttled(limit)}, 2, ms(1000), nil},
		"throttled for longer than we sleep": {[]error{throttled(limit + 1)}, 1, nil, provider.ErrThrottled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var delays []time.Duration
			intercept := retry.New(retry.Options{
				Attempts: 6, Base: base, Max: limit,
				Sleep:  func(_ context.Context, d time.Duration) error { delays = append(delays, d); return nil },
				Random: func() float64 { return 0.5 },
			})
			call, calls := script(test.errs...)
			err := intercept(t.Context(), provider.Operation{}, call)
			if !errors.Is(err, test.want) || *calls != test.calls {
				t.Errorf("got %v after %d calls, want %v after %d", err, *calls, test.want, test.calls)
			}
			if diff := cmp.Diff(test.delays, delays); diff != "" {
				t.Errorf("delays (-want +got):\n%s", diff)
			}
		})
	}
}

func ms(delays ...int) []time.Duration {
	var all []time.Duration
	for _, d := range delays {
		all = append(all, time.Duration(d)*time.Millisecond)
	}
	return all
}

func TestNothingIsRepeatedWhenTheContextIsDone(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	calls := 0
	intercept := retry.New(retry.Options{Sleep: func(context.Context, time.Duration) error { t.Error("slept"); return nil }})
	err := intercept(ctx, provider.Operation{}, func(context.Context) error {
		calls++
		end()
		return transient
	})
	if err != error(transient) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestSleepEndsWithTheContext(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	intercept := retry.New(retry.Options{Base: time.Hour, Max: time.Hour, Random: func() float64 { end(); return 0.9 }})
	call, calls := script(transient, transient)
	err := intercept(ctx, provider.Operation{}, call)
	_, classified := errors.AsType[*fault.Error](err)
	if !errors.Is(err, context.Canceled) || classified || *calls != 1 || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("got %#v after %d calls", err, *calls)
	}
}

func TestNoSleepBeyondTheDeadline(t *testing.T) {
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	intercept := retry.New(retry.Options{Base: time.Hour, Max: time.Hour, Random: func() float64 { return 0.9 }})
	call, calls := script(transient)
	if err := intercept(ctx, provider.Operation{}, call); err != error(transient) || *calls != 1 {
		t.Errorf("got %v after %d calls", err, *calls)
	}
}

func TestDefaultsTryFiveTimes(t *testing.T) {
	intercept := retry.New(retry.Options{Random: func() float64 { return 0 }})
	call, calls := script(errPlain, errPlain, errPlain, errPlain, errPlain, errPlain)
	if err := intercept(t.Context(), provider.Operation{}, call); err != errPlain || *calls != 5 {
		t.Errorf("got %v after %d calls", err, *calls)
	}
}
