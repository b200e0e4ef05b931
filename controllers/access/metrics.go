package access

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
)

// Metrics are the metrics about accesses.
type Metrics struct {
	conditions *prometheus.GaugeVec
	issued     *prometheus.GaugeVec
}

// NewMetrics registers the metrics.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{
		conditions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_access_condition",
			Help: "1 when a condition of an access is True, 0 when it is False or not known.",
		}, []string{"namespace", "access", "condition"}),
		issued: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_access_key_issued_timestamp_seconds",
			Help: "When the key that is published was issued.",
		}, []string{"namespace", "access"}),
	}
	registerer.MustRegister(m.conditions, m.issued)
	return m
}

// record takes up how an access fares.
func (m *Metrics) record(access *v1alpha1.SovereignBucketAccess) {
	for _, conditionType := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionCredentialsValid} {
		value := 0.0
		if meta.IsStatusConditionTrue(access.Status.Conditions, conditionType) {
			value = 1
		}
		m.conditions.WithLabelValues(access.Namespace, access.Name, conditionType).Set(value)
	}
	if issued := access.Status.LastRotationTime; issued != nil {
		m.issued.WithLabelValues(access.Namespace, access.Name).Set(float64(issued.Unix()))
	}
}

// forget drops the series of an access that is gone.
func (m *Metrics) forget(name types.NamespacedName) {
	labels := prometheus.Labels{"namespace": name.Namespace, "access": name.Name}
	m.conditions.DeletePartialMatch(labels)
	m.issued.DeletePartialMatch(labels)
}
