package outcome_test

import (
	"errors"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outcome"
)

func TestFaultSaysWhatHappenedAndWhatItMeans(t *testing.T) {
	v := outcome.Throttled
	v.After = time.Minute
	err := v.Fault(`put object "k"`, "HTTP 503")
	if got, want := err.Error(), `put object "k": throttled by the store (HTTP 503)`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, provider.ErrThrottled) || err.Class != fault.Throttled || err.Reason != fault.Throttling || err.After != time.Minute {
		t.Errorf("got %#v", err)
	}
}

func TestPlaceThatCannotBeOpenedIsMisconfigured(t *testing.T) {
	cause := errors.New("the endpoint is missing")
	err := outcome.Unopened(provider.Place{Provider: "onprem", Location: "dc1"}, cause)
	if got, want := err.Error(), "open onprem/dc1: invalid configuration: the endpoint is missing"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	classified := fault.Of(err)
	if !errors.Is(err, provider.ErrInvalidConfiguration) || !errors.Is(err, cause) ||
		classified.Class != fault.Terminal || classified.Reason != fault.InvalidConfiguration {
		t.Errorf("got %#v", classified)
	}
}
