package exception

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/placement"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// observed is an exception of an hour that counts, at noon.
func observed() *scope {
	policy := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "p"}}
	policy.Spec.Exceptions = v1alpha1.ExceptionRules{
		Rules: []v1alpha1.ExceptableRule{"grid"}, MaximumDuration: &metav1.Duration{Duration: time.Hour},
	}
	bucket := &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "b"}}
	bucket.Spec.PolicyRef.Name = "p"
	made := &v1alpha1.SovereigntyException{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "e", CreationTimestamp: metav1.NewTime(noon)},
		Spec: v1alpha1.SovereigntyExceptionSpec{
			PolicyRef: v1alpha1.NameReference{Name: "p"}, SubjectRef: v1alpha1.SubjectReference{Kind: "SovereignBucket", Name: "b"},
			Rules: []v1alpha1.ExceptableRule{"grid"}, ApprovedBy: "erin", NotAfter: &metav1.Time{Time: noon.Add(time.Hour)},
		},
	}
	return &scope{
		exception: made, policy: policy, subject: bucket, now: noon, isObserved: true,
		namespace: placement.Namespace{Name: "ns", Labels: map[string]string{"service": "social"}},
	}
}

func TestWhatAnExceptionSaysOfItself(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*scope)
		want    string
		stalled bool
		message string
		decay   time.Duration
	}{
		"it counts": {
			change: func(*scope) {}, want: v1alpha1.ReasonExceptionActive, decay: time.Hour,
			message: "approved by erin: until 2026-11-24 13:00 UTC these rules of policy p do not count for SovereignBucket b: grid",
		},
		"under a baseline that the bucket does not name": {
			change: func(s *scope) {
				s.subject.Spec.PolicyRef.Name = "other"
				s.policy.Spec.AppliesTo = &v1alpha1.AppliesTo{NamespaceSelector: &metav1.LabelSelector{MatchLabels: s.namespace.Labels}}
			},
			want: v1alpha1.ReasonExceptionActive, decay: time.Hour,
			message: "approved by erin: until 2026-11-24 13:00 UTC these rules of policy p do not count for SovereignBucket b: grid",
		},
		"the policy does not bind the bucket": {
			change: func(s *scope) { s.subject.Spec.PolicyRef.Name = "other" },
			want:   v1alpha1.ReasonPolicyNotBinding, decay: time.Hour,
			message: "policy p does not bind SovereignBucket b, which names policy other",
		},
		"there is no bucket": {
			change: func(s *scope) { s.subject = nil }, want: v1alpha1.ReasonSubjectNotFound, decay: time.Hour,
			message: "SovereignBucket b does not exist in this namespace",
		},
		"there is no policy": {
			change: func(s *scope) { s.policy = nil }, want: v1alpha1.ReasonPolicyNotFound, decay: time.Hour,
			message: "SovereigntyPolicy p does not exist",
		},
		"the policy allows none": {
			change: func(s *scope) { s.policy.Spec.Exceptions = v1alpha1.ExceptionRules{} },
			want:   v1alpha1.ReasonRuleNotExceptable, stalled: true, decay: time.Hour, message: "policy p allows no exception",
		},
		"it is being deleted, and something else holds it up": {
			change: func(s *scope) { s.exception.DeletionTimestamp = &metav1.Time{Time: noon} },
			want:   v1alpha1.ReasonDeleting, decay: time.Hour, message: "it is being deleted, and for policy p this counts again: rule grid",
		},
		"it is too long": {
			change: func(s *scope) { s.policy.Spec.Exceptions.MaximumDuration.Duration = time.Minute },
			want:   v1alpha1.ReasonExceptionTooLong, stalled: true, decay: time.Hour,
			message: "policy p allows exceptions of 1m0s from when they are made, and this one lasts longer: make another one that ends sooner",
		},
		"it is over, whatever else there is": {
			change: func(s *scope) { s.now, s.policy = noon.Add(time.Hour), nil },
			want:   v1alpha1.ReasonExceptionExpired, stalled: true,
			message: "it ended at 2026-11-24 13:00 UTC, and for policy p this counts again: rule grid",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := observed()
			test.change(s)
			status := metav1.ConditionFalse
			if test.want == v1alpha1.ReasonExceptionActive {
				status = metav1.ConditionTrue
			}
			want := []metav1.Condition{
				{Type: v1alpha1.ConditionActive, Status: status, Reason: test.want, Message: test.message},
				{Type: v1alpha1.ConditionReady, Status: status, Reason: test.want, Message: test.message},
			}
			if test.stalled {
				want = append(want, condition.True(v1alpha1.ConditionStalled, test.want, test.message))
			}
			report := s.report(nil)
			if diff := cmp.Diff(want, report.Conditions); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			if report.Decay != test.decay {
				t.Errorf("it is looked at again after %s, want %s", report.Decay, test.decay)
			}
		})
	}
}

func TestWhatCouldNotBeReadIsNotKnown(t *testing.T) {
	s := observed()
	s.isObserved = false
	report := s.report(errors.New("the API server is away"))
	if active := report.Conditions[0]; len(report.Conditions) != 1 || active.Type != v1alpha1.ConditionActive || active.Status != metav1.ConditionUnknown {
		t.Errorf("the conditions are %v", report.Conditions)
	}
}

func TestTheEndOfAnExceptionIsMeasuredWhileItIsActive(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics := NewMetrics(registry)
	made := observed().exception
	series := func(wantActive float64, want ...int) {
		t.Helper()
		for i, collector := range []prometheus.Collector{metrics.active, metrics.notAfter} {
			if got := testutil.CollectAndCount(collector); got != want[i] {
				t.Errorf("there are %d series, want %d", got, want[i])
			}
		}
		if want[0] > 0 {
			if got := testutil.ToFloat64(metrics.active); got != wantActive {
				t.Errorf("active is %v, want %v", got, wantActive)
			}
		}
	}
	metrics.record(made)
	series(0, 1, 0)
	made.Status.Conditions = []metav1.Condition{condition.True(v1alpha1.ConditionActive, v1alpha1.ReasonExceptionActive, "")}
	metrics.record(made)
	series(1, 1, 1)
	if got := testutil.ToFloat64(metrics.notAfter); got != float64(noon.Add(time.Hour).Unix()) {
		t.Errorf("it ends at %v", got)
	}
	made.Status.Conditions = nil
	metrics.record(made)
	series(0, 1, 0)
	metrics.forget(types.NamespacedName{Namespace: "ns", Name: "e"})
	series(0, 0, 0)
}
