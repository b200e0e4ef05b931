package placement

import (
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
)

// chooseWithout chooses a set that satisfies all rules, those included that exceptions
// keep from counting. Where there is none, those give way, and as little as will do:
// an exception is no reason to have fewer copies than there can be.
func chooseWithout(in Request, required setRules, placed []member, candidates []Judged) []member {
	wanted := in.withoutExceptions()
	wish := requiredSet(wanted)
	if len(in.Exceptions) == 0 {
		return choose(required, placed, candidates)
	}
	if chosen := choose(wish, placed, candidates); chosen != nil {
		return chosen
	}
	eased := required
	for eased.copies = larger(wish.copies, required.copies); eased.copies.value >= required.copies.value; eased.copies.value-- {
		eased.operators = larger(wish.operators, required.operators)
		for ; eased.operators.value >= required.operators.value; eased.operators.value-- {
			if chosen := choose(eased, placed, candidates); chosen != nil {
				return chosen
			}
		}
	}
	return nil
}

func larger(a, b asked) asked {
	if a.value > b.value {
		return a
	}
	return b
}

// withoutExceptions is the request as it would be if nothing were excepted.
func (in Request) withoutExceptions() Request {
	in.Exceptions = nil
	return in
}

// excepted are the objections against a set as a whole that exceptions keep from
// counting.
func excepted(in Request, set []member) []Objection {
	var objections []Objection
	for _, policy := range in.Policies {
		var asked setRules
		asked.add(in.withoutExceptions(), policy)
		for _, objection := range asked.missedBy(set) {
			objection.Policy = policy.Name
			if excused := in.excuse(objection); excused.Exception != "" {
				objections = append(objections, excused)
			}
		}
	}
	return objections
}

// missedBy are the objections against a set as a whole.
func (r setRules) missedBy(set []member) []Objection {
	var objections []Objection
	miss := func(rule Rule, reason string, format message.Format, args ...any) {
		objections = append(objections, Objection{Rule: rule, Reason: reason, Message: message.Of(format, args...)})
	}
	if len(set) < r.copies.value {
		miss(RuleCopies, v1alpha1.ReasonNotEnoughCopies, "%s in all, and policy %s asks for %d",
			counted(len(set), "1 copy", "%d copies"), r.copies.policy, r.copies.value)
	}
	if held := len(operatorsOf(set)); held < r.operators.value {
		miss(RuleOperators, v1alpha1.ReasonNotEnoughOperators, "the copies belong to %s, and policy %s asks for %d",
			counted(held, "1 operator", "%d operators"), r.operators.policy, r.operators.value)
	}
	if a, b := r.closest(set); a != nil {
		miss(RuleDistance, v1alpha1.ReasonTooClose, "the copies at %s and %s are less than %d km apart, or it is not known how far, and policy %s asks for that",
			a.PlaceReference, b.PlaceReference, r.distance.value, r.distance.policy)
	}
	for _, want := range r.wants {
		if !slices.ContainsFunc(set, want.isMetBy) {
			miss(want.rule, want.reason, "there is no copy %s, and policy %s asks for one", want.what, want.policy)
		}
	}
	return objections
}

// closest gives the first two of a set that are too close to each other, or nil.
func (r setRules) closest(set []member) (a, b *member) {
	for i := range set {
		for j := range i {
			if r.tooClose(&set[j].Candidate, &set[i].Candidate) {
				return &set[j], &set[i]
			}
		}
	}
	return nil, nil
}
