package exception

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/exception"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/placement"
)

// observe reads the policy, the subject and the namespace, as far as they exist.
func (r *Reconciler) observe(ctx context.Context, s *scope) error {
	spec := s.exception.Spec
	var policy v1alpha1.SovereigntyPolicy
	switch err := r.Client.Get(ctx, client.ObjectKey{Name: spec.PolicyRef.Name}, &policy); {
	case err == nil:
		s.policy = &policy
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("read the policy: %w", err)
	}
	var bucket v1alpha1.SovereignBucket
	switch err := r.Client.Get(ctx, client.ObjectKey{Namespace: s.exception.Namespace, Name: spec.SubjectRef.Name}, &bucket); {
	case err == nil:
		s.subject = &bucket
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("read the bucket: %w", err)
	}
	var namespace corev1.Namespace
	if err := r.Client.Get(ctx, client.ObjectKey{Name: s.exception.Namespace}, &namespace); err != nil {
		return fmt.Errorf("read the namespace: %w", err)
	}
	s.namespace = placement.Namespace{Name: namespace.Name, Labels: namespace.Labels}
	s.isObserved = true
	return nil
}

// refusal tells why the exception does not count, or gives nil.
func (s *scope) refusal() *exception.Refusal {
	spec := s.exception.Spec
	if over := exception.Expired(s.exception, s.now); over != nil {
		return over
	}
	if s.policy == nil {
		return &exception.Refusal{Reason: v1alpha1.ReasonPolicyNotFound, Message: "SovereigntyPolicy " + spec.PolicyRef.Name + " does not exist"}
	}
	if refusal := exception.Refuse(s.exception, s.policy.Spec, s.now); refusal != nil {
		return refusal
	}
	switch {
	case s.subject == nil:
		return &exception.Refusal{Reason: v1alpha1.ReasonSubjectNotFound, Message: spec.SubjectRef.Kind + " " + spec.SubjectRef.Name + " does not exist in this namespace"}
	case s.subject.Spec.PolicyRef.Name != s.policy.Name && !placement.IsBaselineOf(s.policy.Spec, s.namespace):
		return &exception.Refusal{
			Reason:  v1alpha1.ReasonPolicyNotBinding,
			Message: "policy " + s.policy.Name + " does not bind " + spec.SubjectRef.Kind + " " + spec.SubjectRef.Name + ", which names policy " + s.subject.Spec.PolicyRef.Name,
		}
	}
	return nil
}

// final are the reasons that do not go away by themselves.
var final = []string{v1alpha1.ReasonExceptionExpired, v1alpha1.ReasonExceptionTooLong, v1alpha1.ReasonRuleNotExceptable}

// report gives the conditions, and looks again when the exception ends.
func (s *scope) report(err error) loop.Report {
	report := loop.Report{Decay: max(s.exception.End().Sub(s.now), 0)}
	if !s.isObserved {
		report.Conditions = []metav1.Condition{condition.Unknown(v1alpha1.ConditionActive, string(fault.Of(err).Reason), err.Error())}
		return report
	}
	active := condition.True(v1alpha1.ConditionActive, v1alpha1.ReasonExceptionActive, s.inForce())
	refusal := s.refusal()
	if refusal != nil {
		active = condition.False(v1alpha1.ConditionActive, refusal.Reason, refusal.Message)
	}
	ready := active
	ready.Type = v1alpha1.ConditionReady
	report.Conditions = []metav1.Condition{active, ready}
	if refusal != nil && slices.Contains(final, refusal.Reason) {
		report.Conditions = append(report.Conditions, condition.True(v1alpha1.ConditionStalled, refusal.Reason, refusal.Message))
	}
	return report
}

// inForce says what does not count, and until when.
func (s *scope) inForce() string {
	spec := s.exception.Spec
	names := make([]string, 0, len(spec.Rules))
	for _, rule := range spec.Rules {
		names = append(names, string(rule))
	}
	return fmt.Sprintf("approved by %s: until %s these rules of policy %s do not count for %s %s: %s",
		spec.ApprovedBy, placement.Until(s.exception.End()), spec.PolicyRef.Name, spec.SubjectRef.Kind, spec.SubjectRef.Name, strings.Join(names, ", "))
}
