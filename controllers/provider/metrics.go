package provider

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rempart/rempart/internal/provider"
)

// Metrics are the metrics about providers.
type Metrics struct {
	up          *prometheus.GaugeVec
	skew        *prometheus.GaugeVec
	buckets     *prometheus.GaugeVec
	carbon      *prometheus.GaugeVec
	consumption *prometheus.GaugeVec

	mu sync.Mutex
	// locations are those of each provider that were probed last.
	locations map[string]map[string]bool
}

// NewMetrics registers the metrics.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{
		locations: map[string]map[string]bool{},
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_provider_up",
			Help: "Whether the location of a provider answered and accepted the credentials when it was looked last.",
		}, []string{"provider", "location"}),
		skew: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_provider_clock_skew_seconds",
			Help: "How far the clock of a provider's location is ahead of the operator's.",
		}, []string{"provider", "location"}),
		buckets: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_provider_buckets",
			Help: "How many buckets the account has at a location of a provider, those of others included.",
		}, []string{"provider", "location"}),
		carbon: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_provider_co2_grams",
			Help: "What the whole account emitted this month, other services included, as its vendor reports it.",
		}, []string{"provider"}),
		consumption: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_provider_consumption",
			Help: "What the account used of object storage this month, by kind and in its unit, as its vendor reports it.",
		}, []string{"provider", "kind"}),
	}
	registerer.MustRegister(m.all()...)
	return m
}

func (m *Metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.up, m.skew, m.buckets, m.carbon, m.consumption}
}

// record has the metrics tell what a look found. Of a location that is not looked at
// any more they tell nothing.
func (m *Metrics) record(s *scope) {
	m.keepOnly(s.provider.Name, s.probed)
	for _, found := range s.probed {
		if found.location == "" {
			continue // the vendor's API serves no location
		}
		up := 0.0
		if found.err == nil {
			up = 1
			m.buckets.WithLabelValues(s.provider.Name, found.location).Set(float64(found.buckets))
		}
		m.up.WithLabelValues(s.provider.Name, found.location).Set(up)
		if found.hasSkew {
			m.skew.WithLabelValues(s.provider.Name, found.location).Set(found.skew.Seconds())
		}
	}
}

// recordFootprint replaces what was told before: in a new month that is no more
// true.
func (m *Metrics) recordFootprint(name string, footprint provider.Footprint) {
	for _, metric := range []*prometheus.GaugeVec{m.carbon, m.consumption} {
		metric.DeletePartialMatch(prometheus.Labels{"provider": name})
	}
	if footprint.CO2Kilograms != nil {
		m.carbon.WithLabelValues(name).Set(*footprint.CO2Kilograms * 1000)
	}
	for _, used := range footprint.Consumption {
		m.consumption.WithLabelValues(name, used.Kind).Set(used.Value)
	}
}

// keepOnly drops the locations of a provider that metrics tell of and that were not
// probed. The others stay meanwhile: an alert would begin to wait anew.
func (m *Metrics) keepOnly(name string, found []probed) {
	locations := map[string]bool{}
	for _, p := range found {
		locations[p.location] = true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for location := range m.locations[name] {
		if !locations[location] {
			for _, metric := range []*prometheus.GaugeVec{m.up, m.skew, m.buckets} {
				metric.DeleteLabelValues(name, location)
			}
		}
	}
	m.locations[name] = locations
}

func (m *Metrics) forget(name string) {
	for _, metric := range []*prometheus.GaugeVec{m.up, m.skew, m.buckets, m.carbon, m.consumption} {
		metric.DeletePartialMatch(prometheus.Labels{"provider": name})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.locations, name)
}
