package drill

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/mover"
)

// Metrics are the metrics about drills.
type Metrics struct {
	moved *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{moved: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rempart_drill_read_bytes_total",
		Help: "Bytes read by drills of a bucket, to restore and to verify.",
	}, []string{"namespace", "bucket"})}
	registerer.MustRegister(m.moved)
	return m
}

func (m *Metrics) observer(d *v1alpha1.ReversibilityDrill) mover.Observer {
	moved := m.moved.WithLabelValues(d.Namespace, d.Spec.BucketRef.Name)
	return mover.ObserverFunc(func(e mover.Event) {
		if e.Kind == mover.EventMoved {
			moved.Add(float64(e.Bytes))
		}
	})
}
