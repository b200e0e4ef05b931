// Package conditiontest holds the conditions of an object against the rules that
// every kind of ours keeps. Every test of a reconciler ends with it.
//
// Start reading at Check.
package conditiontest

import (
	"fmt"
	"regexp"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
)

// Check reports every rule that the conditions of an object break.
func Check(t testing.TB, object metav1.Object, conditions []metav1.Condition) {
	t.Helper()
	for _, violation := range Violations(object.GetGeneration(), conditions) {
		t.Errorf("%s %s/%s: %s", fmt.Sprintf("%T", object), object.GetNamespace(), object.GetName(), violation)
	}
}

// churning matches what changes from one look to the next, such as times and
// ports: a message that holds it is written again and again.
var churning = regexp.MustCompile(`\d{2}:\d{2}:\d{2}|\d+->\d+|request ?id|0x[0-9a-f]{6,}`)

// Violations lists the rules that conditions break.
func Violations(generation int64, conditions []metav1.Condition) []string {
	var violations []string
	broken := func(format string, args ...any) { violations = append(violations, fmt.Sprintf(format, args...)) }
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return []string{"Ready is missing after a reconcile"}
	}
	seen := map[string]bool{}
	for _, c := range conditions {
		if seen[c.Type] {
			broken("%s stands twice", c.Type)
		}
		seen[c.Type] = true
		violations = append(violations, ofOne(generation, c)...)
	}
	for _, onlyTrue := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		c := meta.FindStatusCondition(conditions, onlyTrue)
		switch {
		case c == nil:
		case c.Status != metav1.ConditionTrue:
			broken("%s stands and is %s", onlyTrue, c.Status)
		case ready.Status == metav1.ConditionTrue:
			broken("Ready is True while %s", onlyTrue)
		}
	}
	if seen[v1alpha1.ConditionReconciling] && seen[v1alpha1.ConditionStalled] {
		broken("Reconciling and Stalled stand together")
	}
	return violations
}

// ofOne lists the rules that a condition breaks by itself.
func ofOne(generation int64, c metav1.Condition) []string {
	var violations []string
	broken := func(format string, args ...any) { violations = append(violations, fmt.Sprintf(format, args...)) }
	if c.ObservedGeneration > generation || c.ObservedGeneration <= 0 {
		broken("%s observed generation %d of %d", c.Type, c.ObservedGeneration, generation)
	}
	if c.Reason == "" || c.LastTransitionTime.IsZero() {
		broken("%s has no reason or no time of transition", c.Type)
	}
	if c.Status != metav1.ConditionTrue && c.Message == "" {
		broken("%s is %s and says nothing", c.Type, c.Status)
	}
	if churning.MatchString(c.Message) {
		broken("the message of %s changes all the time: %s", c.Type, c.Message)
	}
	return violations
}
