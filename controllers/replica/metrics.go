package replica

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/mover"
)

// Metrics are the metrics about copies.
type Metrics struct {
	lag     *prometheus.GaugeVec
	objects *prometheus.GaugeVec
	bytes   *prometheus.GaugeVec
	failed  *prometheus.GaugeVec
	moved   *prometheus.CounterVec
	runs    *prometheus.CounterVec
	named   *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	labels := []string{"namespace", "replica"}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		lag:     gauge("rempart_replication_lag_seconds", "Age of the oldest change that a copy lacks, or of the last look at its source; what is not known is not 0 but absent."),
		objects: gauge("rempart_replication_objects", "Objects that a copy holds."),
		bytes:   gauge("rempart_replication_stored_bytes", "Bytes that a copy holds."),
		failed:  gauge("rempart_replication_failed_objects", "Objects that the last run could not copy."),
		moved: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rempart_replication_read_bytes_total", Help: "Bytes read from the sources of a copy.",
		}, labels),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rempart_replication_runs_total", Help: "Runs of the mover for a copy, by what they came to.",
		}, append(labels, "result", "reason")),
	}
	m.named = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rempart_replication_named_objects_total",
		Help: "Objects that notifications named, by what became of them: Copied, Current (there already), Held (left to a pass) or Failed (tried again).",
	}, append(labels, "result"))
	registerer.MustRegister(m.lag, m.objects, m.bytes, m.failed, m.moved, m.runs, m.named)
	return m
}

// observer counts what a run reads.
func (m *Metrics) observer(replica *v1alpha1.BucketReplica) mover.Observer {
	moved := m.moved.WithLabelValues(replica.Namespace, replica.Name)
	return mover.ObserverFunc(func(e mover.Event) {
		if e.Kind == mover.EventMoved {
			moved.Add(float64(e.Bytes))
		}
	})
}

func (m *Metrics) record(replica *v1alpha1.BucketReplica, s *scope) {
	namespace, name, status := replica.Namespace, replica.Name, replica.Status
	if s.ended != nil && s.ended.kind == syncing {
		m.runs.WithLabelValues(namespace, name, string(s.ended.report.Result), string(s.ended.report.Reason)).Inc()
	}
	if replica.Spec.Role == v1alpha1.RolePrimary {
		return
	}
	if s.heard != nil {
		report := s.heard.report
		for result, n := range map[string]int64{"Copied": report.Copied, "Current": report.Current, "Held": report.Held, "Failed": int64(len(report.Again))} {
			m.named.WithLabelValues(namespace, name, result).Add(float64(n))
		}
	}
	oldest := s.told.Since
	if status.UnreplicatedSince != nil {
		oldest = earliest(oldest, status.UnreplicatedSince.Time)
	}
	if asOf := s.asOf(); oldest.IsZero() && asOf != nil && s.memory.report != nil && hasSeenAll(*s.memory.report) {
		oldest = asOf.Time
	}
	if !oldest.IsZero() {
		m.lag.WithLabelValues(namespace, name).Set(max(s.now.Sub(oldest).Seconds(), 0))
	}
	if status.Objects != nil && status.Bytes != nil {
		m.objects.WithLabelValues(namespace, name).Set(float64(*status.Objects))
		m.bytes.WithLabelValues(namespace, name).Set(float64(*status.Bytes))
	}
	m.failed.WithLabelValues(namespace, name).Set(float64(status.FailedObjects))
}

func (m *Metrics) forget(replica types.NamespacedName) {
	labels := prometheus.Labels{"namespace": replica.Namespace, "replica": replica.Name}
	for _, gauge := range []*prometheus.GaugeVec{m.lag, m.objects, m.bytes, m.failed} {
		gauge.DeletePartialMatch(labels)
	}
	m.moved.DeletePartialMatch(labels)
	m.runs.DeletePartialMatch(labels)
	m.named.DeletePartialMatch(labels)
}
