// Package exception tells which SovereigntyExceptions count, and why others do not.
//
// It is pure, and asked by everybody who decides: what a status says of an exception
// is for people, and lets nothing through. Who may make an exception is not asked
// here, for only admission knows who did.
//
// Start reading at Refuse.
package exception

import (
	"slices"
	"strings"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

// Refusal says why an exception does not count.
type Refusal struct{ Reason, Message string }

// Refuse tells why an exception to a policy does not count, or gives nil. Whether the
// policy binds its subject is another question. What its policy does not allow any
// more ends at once.
func Refuse(e *v1alpha1.SovereigntyException, policy v1alpha1.SovereigntyPolicySpec, now time.Time) *Refusal {
	allowed := policy.Exceptions
	if over := Expired(e, now); over != nil {
		return over
	}
	if !e.DeletionTimestamp.IsZero() {
		return &Refusal{v1alpha1.ReasonDeleting, "it is being deleted, and for policy " + e.Spec.PolicyRef.Name + " this counts again: " + words(e.Spec.Rules)}
	}
	var others []string
	for _, rule := range e.Spec.Rules {
		if !slices.Contains(allowed.Rules, rule) {
			others = append(others, string(rule))
		}
	}
	switch longest := allowed.MaximumDuration; {
	case len(allowed.Rules) == 0:
		return &Refusal{v1alpha1.ReasonRuleNotExceptable, "policy " + e.Spec.PolicyRef.Name + " allows no exception"}
	case len(others) > 0:
		return &Refusal{
			v1alpha1.ReasonRuleNotExceptable,
			"policy " + e.Spec.PolicyRef.Name + " allows no exception to " + strings.Join(others, ", ") + ", but to " + words(allowed.Rules),
		}
	case longest == nil:
		return &Refusal{v1alpha1.ReasonExceptionTooLong, "policy " + e.Spec.PolicyRef.Name + " does not say how long an exception may last"}
	case Begin(e, now).Add(longest.Duration).Before(e.End()):
		return &Refusal{v1alpha1.ReasonExceptionTooLong, "policy " + e.Spec.PolicyRef.Name + " allows exceptions of " +
			longest.Duration.String() + " from when they are made, and this one lasts longer: make another one that ends sooner"}
	}
	return nil
}

// Expired tells that an exception is over, or gives nil.
func Expired(e *v1alpha1.SovereigntyException, now time.Time) *Refusal {
	if !now.IsZero() && now.Before(e.End()) {
		return nil
	}
	return &Refusal{
		v1alpha1.ReasonExceptionExpired,
		"it ended at " + placement.Until(e.End()) + ", and for policy " + e.Spec.PolicyRef.Name + " this counts again: " + words(e.Spec.Rules),
	}
}

// Begin is when an exception was made; one that no cluster has yet is made now.
func Begin(e *v1alpha1.SovereigntyException, now time.Time) time.Time {
	if e.CreationTimestamp.IsZero() {
		return now
	}
	return e.CreationTimestamp.Time
}

// Counting gives those of some exceptions that count: each is to one of the policies,
// which allows it. Whom they are for is for the caller to choose.
func Counting(exceptions []v1alpha1.SovereigntyException, policies []placement.Policy, now time.Time) []placement.Exception {
	var counting []placement.Exception
	for i := range exceptions {
		e := &exceptions[i]
		index := slices.IndexFunc(policies, func(p placement.Policy) bool { return p.Name == e.Spec.PolicyRef.Name })
		if index < 0 || Refuse(e, policies[index].Spec, now) != nil {
			continue
		}
		counting = append(counting, placement.Exception{
			Name: e.Name, Policy: e.Spec.PolicyRef.Name, Rules: e.Spec.Rules, NotAfter: e.End(),
		})
	}
	return counting
}

func words(rules []v1alpha1.ExceptableRule) string {
	names := make([]string, 0, len(rules))
	for _, rule := range rules {
		names = append(names, string(rule))
	}
	noun := "rule "
	if len(names) > 1 {
		noun = "rules "
	}
	return noun + strings.Join(names, ", ")
}
