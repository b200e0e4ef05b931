package bucket

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
)

// Metrics are the metrics about buckets.
type Metrics struct {
	conditions *prometheus.GaugeVec
	lastDrill  *prometheus.GaugeVec
}

// NewMetrics registers the metrics.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{
		conditions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_bucket_condition",
			Help: "1 when a condition of a bucket is True, 0 when it is False or not known.",
		}, []string{"namespace", "bucket", "condition"}),
		lastDrill: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rempart_drill_last_success_timestamp_seconds",
			Help: "When a drill of the bucket passed last.",
		}, []string{"namespace", "bucket"}),
	}
	registerer.MustRegister(m.conditions, m.lastDrill)
	return m
}

// measured are the conditions that alerts are made of.
var measured = []string{
	v1alpha1.ConditionReady, v1alpha1.ConditionResidencyCompliant, v1alpha1.ConditionReplicated,
	v1alpha1.ConditionVerified, v1alpha1.ConditionDrillCurrent, v1alpha1.ConditionProtected,
}

func (m *Metrics) record(bucket *v1alpha1.SovereignBucket, lastPassed *v1alpha1.ReversibilityDrill) {
	for _, conditionType := range measured {
		value := 0.0
		if meta.IsStatusConditionTrue(bucket.Status.Conditions, conditionType) {
			value = 1
		}
		m.conditions.WithLabelValues(bucket.Namespace, bucket.Name, conditionType).Set(value)
	}
	if lastPassed != nil {
		m.lastDrill.WithLabelValues(bucket.Namespace, bucket.Name).Set(float64(lastPassed.Status.CompletionTime.Unix()))
	}
}

func (m *Metrics) forget(bucket types.NamespacedName) {
	labels := prometheus.Labels{"namespace": bucket.Namespace, "bucket": bucket.Name}
	m.conditions.DeletePartialMatch(labels)
	m.lastDrill.DeletePartialMatch(labels)
}
