package placement

import (
	"cmp"
	"slices"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
)

// Exception lets rules of one policy not count until its end. It reaches no other
// policy that binds the dataset, and no objection of a provider or of the bucket
// itself.
type Exception struct {
	// Name of the SovereigntyException.
	Name string
	// Policy whose rules do not count.
	Policy string
	Rules  []v1alpha1.ExceptableRule
	// NotAfter is the moment from which the rules count again.
	NotAfter time.Time
}

// covers tells whether a rule of a policy does not count because of it.
func (e Exception) covers(policy string, rule Rule, now time.Time) bool {
	return e.Policy == policy && !now.IsZero() && now.Before(e.NotAfter) && slices.Contains(e.Rules, v1alpha1.ExceptableRule(rule))
}

// exception gives the one because of which a rule of a policy does not count, or nil.
// Of several it is the one that lasts longest.
func (in Request) exception(policy string, rule Rule) *Exception {
	var longest *Exception
	for i := range in.Exceptions {
		e := &in.Exceptions[i]
		if !e.covers(policy, rule, in.Now) {
			continue
		}
		if longest == nil || cmp.Or(e.NotAfter.Compare(longest.NotAfter), cmp.Compare(longest.Name, e.Name)) > 0 {
			longest = e
		}
	}
	return longest
}

// excuse has an objection that an exception covers keep nothing away, and say so.
func (in Request) excuse(objection Objection) Objection {
	if excepting := in.exception(objection.Policy, objection.Rule); excepting != nil {
		objection.Exception, objection.Reason = excepting.Name, v1alpha1.ReasonExceptionActive
		objection.Message = message.Of("SovereigntyException %s lets it not count until %s: %s",
			excepting.Name, Until(excepting.NotAfter), objection.Message)
	}
	return objection
}

// Until writes an end for people, to the minute.
func Until(end time.Time) string { return end.UTC().Format("2006-01-02 15:04 UTC") }

// counts tells whether a policy keeps data away by a rule: it denies, and no
// exception covers the rule.
func (in Request) counts(policy Policy, rule Rule) bool {
	return policy.Denies() && in.exception(policy.Name, rule) == nil
}
