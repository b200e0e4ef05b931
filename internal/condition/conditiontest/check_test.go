package conditiontest_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/internal/condition/conditiontest"
)

func TestViolations(t *testing.T) {
	c := func(conditionType, status, message string) metav1.Condition {
		return metav1.Condition{
			Type: conditionType, Status: metav1.ConditionStatus(status), Reason: "R", Message: message,
			ObservedGeneration: 1, LastTransitionTime: metav1.Now(),
		}
	}
	for name, test := range map[string]struct {
		conditions []metav1.Condition
		want       string // part of the only violation; empty for none
	}{
		"well":                            {[]metav1.Condition{c("Ready", "True", ""), c("Other", "False", "down")}, ""},
		"no Ready":                        {[]metav1.Condition{c("Other", "True", "")}, "Ready is missing"},
		"twice":                           {[]metav1.Condition{c("Ready", "True", ""), c("A", "True", ""), c("A", "True", "")}, "stands twice"},
		"False and silent":                {[]metav1.Condition{c("Ready", "False", "")}, "says nothing"},
		"a time in the message":           {[]metav1.Condition{c("Ready", "False", "since 12:30:15")}, "changes all the time"},
		"a port in the message":           {[]metav1.Condition{c("Ready", "False", "read tcp 1.1.1.1:4321->2.2.2.2:80")}, "changes all the time"},
		"Ready while Stalled":             {[]metav1.Condition{c("Ready", "True", ""), c("Stalled", "True", "x")}, "Ready is True while Stalled"},
		"Stalled stands and is False":     {[]metav1.Condition{c("Ready", "False", "x"), c("Stalled", "False", "x")}, "stands and is False"},
		"Stalled and Reconciling at once": {[]metav1.Condition{c("Ready", "False", "x"), c("Stalled", "True", "x"), c("Reconciling", "True", "x")}, "stand together"},
	} {
		got := conditiontest.Violations(1, test.conditions)
		if test.want == "" && len(got) > 0 || test.want != "" && (len(got) != 1 || !strings.Contains(got[0], test.want)) {
			t.Errorf("%s: violations %q, want %q", name, got, test.want)
		}
	}
	if got := conditiontest.Violations(0, []metav1.Condition{c("Ready", "True", "")}); len(got) != 1 {
		t.Errorf("a generation that was not there yet: %q", got)
	}
}
