// Package instrument counts and times the requests that go to providers.
//
// Start reading at New.
package instrument

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// Results that are not the reason of a fault.
const (
	// ResultOK is of a call that did what it was asked.
	ResultOK = "ok"
	// ResultNotFound is of a question about an object that is not there.
	ResultNotFound = "NotFound"
	// ResultCanceled is of a call whose caller did not want the answer any more.
	ResultCanceled = "Canceled"
)

const (
	providerLabel  = "provider"
	locationLabel  = "location"
	operationLabel = "operation"
	resultLabel    = "result"
)

// Metrics are the two families of series, by provider, location and operation.
type Metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// New registers the metrics rempart_provider_requests_total and
// rempart_provider_request_duration_seconds.
func New(registerer prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rempart_provider_requests_total",
			Help: "Requests to providers, every try counted, by what came of them: ok or a reason.",
		}, []string{providerLabel, locationLabel, operationLabel, resultLabel}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "rempart_provider_request_duration_seconds",
			Help:    "Time to the end of a try, or to the first byte of an object's body.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{providerLabel, locationLabel, operationLabel}),
	}
	for _, collector := range []prometheus.Collector{m.requests, m.duration} {
		if err := registerer.Register(collector); err != nil {
			return nil, fmt.Errorf("register provider metrics: %w", err)
		}
	}
	return m, nil
}

// Intercept is a provider.Interceptor. It belongs innermost, so that it sees each
// single try and no time spent waiting.
func (m *Metrics) Intercept(ctx context.Context, operation provider.Operation, call func(context.Context) error) error {
	start := time.Now()
	err := call(ctx)
	place := operation.Place
	m.duration.WithLabelValues(place.Provider, place.Location, operation.Name).Observe(time.Since(start).Seconds())
	m.requests.WithLabelValues(place.Provider, place.Location, operation.Name, result(ctx, err)).Inc()
	return err
}

// Forget removes the series of a provider that is no more.
func (m *Metrics) Forget(providerName string) {
	gone := prometheus.Labels{providerLabel: providerName}
	m.requests.DeletePartialMatch(gone)
	m.duration.DeletePartialMatch(gone)
}

func result(ctx context.Context, err error) string {
	classified := fault.Of(err)
	switch {
	case err == nil:
		return ResultOK
	case ctx.Err() != nil:
		return ResultCanceled
	case classified.Reason == fault.Unclassified && errors.Is(err, provider.ErrNotFound):
		return ResultNotFound
	default:
		return string(classified.Reason)
	}
}
