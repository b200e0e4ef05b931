package exception

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
)

// Metrics are the metrics about exceptions.
type Metrics struct {
	active   *prometheus.GaugeVec
	notAfter *prometheus.GaugeVec
}

// NewMetrics registers the metrics.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	labels := []string{"namespace", "exception", "policy", "bucket"}
	m := &Metrics{
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_exception_active",
			Help: "1 while rules do not count because of the exception, 0 when they do or it is not known.",
		}, labels),
		notAfter: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_exception_not_after_timestamp_seconds",
			Help: "When an exception ends that is active.",
		}, labels),
	}
	registerer.MustRegister(m.active, m.notAfter)
	return m
}

// record takes up whether an exception counts.
func (m *Metrics) record(made *v1alpha1.SovereigntyException) {
	labels := []string{made.Namespace, made.Name, made.Spec.PolicyRef.Name, made.Spec.SubjectRef.Name}
	if !meta.IsStatusConditionTrue(made.Status.Conditions, v1alpha1.ConditionActive) {
		m.active.WithLabelValues(labels...).Set(0)
		m.notAfter.DeleteLabelValues(labels...)
		return
	}
	m.active.WithLabelValues(labels...).Set(1)
	m.notAfter.WithLabelValues(labels...).Set(float64(made.End().Unix()))
}

// forget drops the series of an exception that is gone.
func (m *Metrics) forget(name types.NamespacedName) {
	labels := prometheus.Labels{"namespace": name.Namespace, "exception": name.Name}
	m.active.DeletePartialMatch(labels)
	m.notAfter.DeletePartialMatch(labels)
}
