package provider

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the metrics about providers.
type Metrics struct {
	up   *prometheus.GaugeVec
	skew *prometheus.GaugeVec
}

// NewMetrics registers the metrics.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_provider_up",
			Help: "Whether the location of a provider answered and accepted the credentials when it was looked last.",
		}, []string{"provider", "location"}),
		skew: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_provider_clock_skew_seconds",
			Help: "How far the clock of a provider's location is ahead of the operator's.",
		}, []string{"provider", "location"}),
	}
	registerer.MustRegister(m.up, m.skew)
	return m
}

func (m *Metrics) record(s *scope) {
	for _, found := range s.probed {
		up := 0.0
		if found.err == nil {
			up = 1
		}
		m.up.WithLabelValues(s.provider.Name, found.location).Set(up)
		if found.hasSkew {
			m.skew.WithLabelValues(s.provider.Name, found.location).Set(found.skew.Seconds())
		}
	}
}

func (m *Metrics) forget(provider string) {
	m.up.DeletePartialMatch(prometheus.Labels{"provider": provider})
	m.skew.DeletePartialMatch(prometheus.Labels{"provider": provider})
}
