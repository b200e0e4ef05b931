package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/instrument"
)

var _ provider.Interceptor = new(instrument.Metrics).Intercept

func requests(lines ...string) string {
	return "# HELP rempart_provider_requests_total Requests to providers, every try counted, by what came of them: ok or a reason.\n" +
		"# TYPE rempart_provider_requests_total counter\n" + strings.Join(lines, "\n") + "\n"
}

func TestTriesAreCountedByResult(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	metrics, err := instrument.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	send := func(ctx context.Context, name string, err error) {
		operation := provider.Operation{Name: "Put", Place: provider.Place{Provider: name, Location: "GRA"}}
		if got := metrics.Intercept(ctx, operation, func(context.Context) error { return err }); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
	for _, err := range []error{
		nil, nil,
		fault.New(fault.Throttled, fault.Throttling, "slower"),
		&fault.Error{Class: fault.Terminal, Reason: fault.Unclassified, Err: fmt.Errorf("head: %w", provider.ErrNotFound)},
		&fault.Error{Class: fault.Terminal, Reason: fault.BucketMissing, Err: provider.ErrNotFound},
		errors.New("anything"),
	} {
		send(t.Context(), "ovh", err)
	}
	send(ended, "ovh", ended.Err())
	send(t.Context(), "outscale", nil)
	want := requests(
		`rempart_provider_requests_total{location="GRA",operation="Put",provider="outscale",result="ok"} 1`,
		`rempart_provider_requests_total{location="GRA",operation="Put",provider="ovh",result="BucketMissing"} 1`,
		`rempart_provider_requests_total{location="GRA",operation="Put",provider="ovh",result="Canceled"} 1`,
		`rempart_provider_requests_total{location="GRA",operation="Put",provider="ovh",result="Failed"} 1`,
		`rempart_provider_requests_total{location="GRA",operation="Put",provider="ovh",result="NotFound"} 1`,
		`rempart_provider_requests_total{location="GRA",operation="Put",provider="ovh",result="Throttled"} 1`,
		`rempart_provider_requests_total{location="GRA",operation="Put",provider="ovh",result="ok"} 2`,
	)
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "rempart_provider_requests_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(registry, "rempart_provider_request_duration_seconds"); n != 2 || err != nil {
		t.Errorf("%d series of durations, %v", n, err)
	}
	metrics.Forget("ovh")
	want = requests(`rempart_provider_requests_total{location="GRA",operation="Put",provider="outscale",result="ok"} 1`)
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "rempart_provider_requests_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(registry, "rempart_provider_request_duration_seconds"); n != 1 || err != nil {
		t.Errorf("%d series of durations are left, %v", n, err)
	}
}

func TestRegisteringTwiceIsAnError(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := instrument.New(registry); err != nil {
		t.Fatal(err)
	}
	if _, err := instrument.New(registry); err == nil {
		t.Error("registered twice")
	}
}
