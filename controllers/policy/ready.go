package policy

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/placement"
)

// selector is one that says whom a policy is for, with its field below spec.
type selector struct {
	field string
	is    *metav1.LabelSelector
}

// ready tells whether the policy can bind anything. A guard that was meant for
// somebody and guards nobody must not look well.
func (s *scope) ready() metav1.Condition {
	const this = v1alpha1.ConditionReady
	selectors := selectorsOf(s.policy.Spec)
	for _, selector := range selectors {
		if _, err := metav1.LabelSelectorAsSelector(selector.is); err != nil {
			return condition.False(this, v1alpha1.ReasonInvalidConfiguration, "spec."+selector.field+" can select nothing: "+err.Error())
		}
	}
	for _, selector := range selectors {
		selects := func(n placement.Namespace) bool { return placement.Selects(selector.is, n) }
		if !slices.ContainsFunc(s.namespaces, selects) {
			return condition.False(this, v1alpha1.ReasonNothingSelected, "spec."+selector.field+" selects no namespace that there is")
		}
	}
	if len(selectors) == 0 {
		return condition.False(this, v1alpha1.ReasonNothingSelected,
			"no bucket may name the policy and it applies to none: set spec.allowedNamespaces or spec.appliesTo")
	}
	return condition.True(this, v1alpha1.ReasonSucceeded, "")
}

func selectorsOf(policy v1alpha1.SovereigntyPolicySpec) []selector {
	var selectors []selector
	if policy.AppliesTo != nil {
		selectors = append(selectors, selector{"appliesTo.namespaceSelector", policy.AppliesTo.NamespaceSelector})
	}
	if policy.AllowedNamespaces != nil {
		selectors = append(selectors, selector{"allowedNamespaces", policy.AllowedNamespaces})
	}
	return selectors
}
