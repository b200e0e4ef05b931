package exception_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/exception"
	"github.com/rempart/rempart/internal/placement"
)

var made = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// toGrid is an exception to the rule grid of policy p, of so many hours.
func toGrid(hours int, rules ...v1alpha1.ExceptableRule) *v1alpha1.SovereigntyException {
	return &v1alpha1.SovereigntyException{
		ObjectMeta: metav1.ObjectMeta{Name: "e", CreationTimestamp: metav1.NewTime(made)},
		Spec: v1alpha1.SovereigntyExceptionSpec{
			PolicyRef: v1alpha1.NameReference{Name: "p"}, Rules: append(rules, "grid"),
			NotAfter: &metav1.Time{Time: made.Add(time.Duration(hours) * time.Hour)},
		},
	}
}

func allowing(maximum time.Duration, rules ...v1alpha1.ExceptableRule) v1alpha1.SovereigntyPolicySpec {
	return v1alpha1.SovereigntyPolicySpec{
		Exceptions: v1alpha1.ExceptionRules{Rules: rules, MaximumDuration: &metav1.Duration{Duration: maximum}},
	}
}

func TestRefuse(t *testing.T) {
	undated := toGrid(3)
	undated.CreationTimestamp = metav1.Time{}
	leaving := toGrid(2)
	leaving.DeletionTimestamp = &metav1.Time{Time: made}
	endless := allowing(0, "grid")
	endless.Exceptions.MaximumDuration = nil
	for name, test := range map[string]struct {
		exception *v1alpha1.SovereigntyException
		policy    v1alpha1.SovereigntyPolicySpec
		now       time.Time
		want      string
	}{
		"a rule that the policy lists, as long as it allows": {toGrid(2), allowing(2*time.Hour, "pue", "grid"), made, ""},
		"the last moment":                        {toGrid(2), allowing(2*time.Hour, "grid"), made.Add(2*time.Hour - 1), ""},
		"its end":                                {toGrid(2), allowing(2*time.Hour, "grid"), made.Add(2 * time.Hour), v1alpha1.ReasonExceptionExpired},
		"its end, whatever the policy says":      {toGrid(2), v1alpha1.SovereigntyPolicySpec{}, made.Add(3 * time.Hour), v1alpha1.ReasonExceptionExpired},
		"a time that is not known":               {toGrid(2), allowing(2*time.Hour, "grid"), time.Time{}, v1alpha1.ReasonExceptionExpired},
		"one that is being deleted":              {leaving, allowing(2*time.Hour, "grid"), made, v1alpha1.ReasonDeleting},
		"a policy that allows none":              {toGrid(2), v1alpha1.SovereigntyPolicySpec{}, made, v1alpha1.ReasonRuleNotExceptable},
		"one rule that is not listed":            {toGrid(2, "residency"), allowing(2*time.Hour, "grid"), made, v1alpha1.ReasonRuleNotExceptable},
		"longer than the policy allows":          {toGrid(2), allowing(2*time.Hour-time.Second, "grid"), made, v1alpha1.ReasonExceptionTooLong},
		"however little of it is left":           {toGrid(2), allowing(time.Hour, "grid"), made.Add(119 * time.Minute), v1alpha1.ReasonExceptionTooLong},
		"no longest duration":                    {toGrid(2), endless, made, v1alpha1.ReasonExceptionTooLong},
		"one that is not made yet begins now":    {undated, allowing(2*time.Hour, "grid"), made.Add(time.Hour), ""},
		"and may be too long from now all right": {undated, allowing(2*time.Hour, "grid"), made, v1alpha1.ReasonExceptionTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if refusal := exception.Refuse(test.exception, test.policy, test.now); refusal != nil {
				got = refusal.Reason
				if refusal.Message == "" {
					t.Error("it does not say why")
				}
			}
			if got != test.want {
				t.Errorf("refused for %q, want %q", got, test.want)
			}
		})
	}
}

func TestOnlyWhatAPolicyThatBindsAllowsIsCounted(t *testing.T) {
	foreign, leaving, tooLong, other := toGrid(1), toGrid(1), toGrid(9), toGrid(1)
	foreign.Spec.PolicyRef.Name = "another"
	leaving.DeletionTimestamp = &metav1.Time{Time: made}
	other.Name, other.Spec.PolicyRef.Name = "other", "baseline"
	policies := []placement.Policy{
		{Name: "p", Spec: allowing(2*time.Hour, "grid")}, {Name: "baseline", Spec: allowing(time.Hour, "grid", "pue")},
	}
	got := exception.Counting([]v1alpha1.SovereigntyException{*toGrid(2), *foreign, *leaving, *tooLong, *other}, policies, made)
	want := []placement.Exception{
		{Name: "e", Policy: "p", Rules: []v1alpha1.ExceptableRule{"grid"}, NotAfter: made.Add(2 * time.Hour)},
		{Name: "other", Policy: "baseline", Rules: []v1alpha1.ExceptableRule{"grid"}, NotAfter: made.Add(time.Hour)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
