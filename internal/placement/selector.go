package placement

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// isWithin tells whether a selector selects whatever one before it selected: each of
// its requirements follows from one that there was. Of selectors that it cannot
// compare it says no.
func isWithin(before, after *metav1.LabelSelector) bool {
	if after == nil {
		return before == nil
	}
	had := requirements(before)
	for _, has := range requirements(after) {
		follows := func(one metav1.LabelSelectorRequirement) bool { return implies(one, has) }
		if !slices.ContainsFunc(had, follows) {
			return false
		}
	}
	return true
}

// requirements are those of a selector, labels among them as one of a single value.
func requirements(selector *metav1.LabelSelector) []metav1.LabelSelectorRequirement {
	if selector == nil {
		return nil
	}
	all := slices.Clone(selector.MatchExpressions)
	for key, value := range selector.MatchLabels {
		all = append(all, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{value}})
	}
	return all
}

// implies tells whether whoever meets one requirement meets the other.
func implies(one, other metav1.LabelSelectorRequirement) bool {
	if one.Key != other.Key {
		return false
	}
	isOnlyIn := one.Operator == metav1.LabelSelectorOpIn
	switch other.Operator {
	case metav1.LabelSelectorOpIn:
		return isOnlyIn && !slices.ContainsFunc(one.Values, func(v string) bool { return !slices.Contains(other.Values, v) })
	case metav1.LabelSelectorOpNotIn:
		return one.Operator == metav1.LabelSelectorOpDoesNotExist ||
			isOnlyIn && !slices.ContainsFunc(one.Values, func(v string) bool { return slices.Contains(other.Values, v) }) ||
			one.Operator == metav1.LabelSelectorOpNotIn && !slices.ContainsFunc(other.Values, func(v string) bool { return !slices.Contains(one.Values, v) })
	case metav1.LabelSelectorOpExists:
		return isOnlyIn || one.Operator == metav1.LabelSelectorOpExists
	case metav1.LabelSelectorOpDoesNotExist:
		return one.Operator == metav1.LabelSelectorOpDoesNotExist
	}
	return false
}
