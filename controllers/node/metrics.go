package node

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rempart/rempart/api/v1alpha1"
)

// Metrics are the metrics about Nodes.
type Metrics struct {
	nodes *prometheus.GaugeVec

	mu   sync.Mutex
	sure map[string]v1alpha1.NodeVerification
}

// NewMetrics registers the metrics.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{
		nodes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_nodes",
			Help: "How many Nodes of the cluster there are, by how sure it is where they stand.",
		}, []string{"verification"}),
		sure: map[string]v1alpha1.NodeVerification{},
	}
	registerer.MustRegister(m.nodes)
	for _, verification := range verifications {
		m.nodes.WithLabelValues(string(verification)).Set(0)
	}
	return m
}

var verifications = []v1alpha1.NodeVerification{
	v1alpha1.NodeConfirmed, v1alpha1.NodeDeclared, v1alpha1.NodeOverridden, v1alpha1.NodeContradicted, v1alpha1.NodeUnknown,
}

func (m *Metrics) record(node string, sure v1alpha1.NodeVerification) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sure[node] = sure
	m.count()
}

func (m *Metrics) forget(node string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sure, node)
	m.count()
}

func (m *Metrics) count() {
	counts := map[v1alpha1.NodeVerification]int{}
	for _, sure := range m.sure {
		counts[sure]++
	}
	for _, verification := range verifications {
		m.nodes.WithLabelValues(string(verification)).Set(float64(counts[verification]))
	}
}
