package placement

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
)

// shortage says why no set satisfies the rules: which rule limits it, what the best
// set is that exists, and what is missing.
func (r setRules) shortage(placed []member, candidates []Judged) *Objection {
	all := slices.Clone(placed)
	for i := range candidates {
		if candidate := &candidates[i]; candidate.Eligible() && !contains(placed, candidate.PlaceReference) {
			all = append(all, member{Judged: candidate})
		}
	}
	switch {
	case len(all) < r.copies.value:
		return r.tooFew(all, candidates)
	case len(operatorsOf(all)) < r.operators.value:
		return r.tooFewOperators(all, candidates)
	case r.unmet(all) != nil:
		unmet := r.unmet(all)
		return object(unmet.rule, unmet.reason, "policy %s asks for a copy %s, and none of the eligible places will do: %s",
			unmet.policy, unmet.what, places(all)).adding(refusals(candidates), message.Of(SeeCandidates))
	case !slices.ContainsFunc(all, canBePrimary):
		return object(RuleCopies, v1alpha1.ReasonNotEnoughCopies,
			"no eligible place may hold the primary, only copies: %s", places(all)).adding(refusedPrimaries(all), message.Of(SeeCandidates))
	case r.distance.value > 0:
		return r.tooNear(placed, candidates)
	}
	return object(RuleCopies, v1alpha1.ReasonNotEnoughCopies,
		"%d places are eligible, and no %d of them may be primary and copies together", len(all), r.copies.value).adding(message.Of(SeeCandidates))
}

// unmet is the first want that none of a set has, or nil.
func (r setRules) unmet(set []member) *want {
	for i := range r.wants {
		if !slices.ContainsFunc(set, r.wants[i].isMetBy) {
			return &r.wants[i]
		}
	}
	return nil
}

// adding adds to the message of an objection.
func (o *Objection) adding(more ...message.Text) *Objection {
	o.Message = o.Message.Then(more...)
	return o
}

// SeeCandidates ends messages where the status of a bucket says more.
const SeeCandidates message.Format = "; see status.candidates"

func (r setRules) tooFew(all []member, candidates []Judged) *Objection {
	var eligible message.Text
	switch len(all) {
	case 0:
		eligible = message.Of("no place is eligible")
	case 1:
		eligible = message.Of("only 1 place is eligible: %s", places(all))
	default:
		eligible = message.Of("only %d places are eligible: %s", len(all), places(all))
	}
	return object(RuleCopies, v1alpha1.ReasonNotEnoughCopies, "%s asks for %s and %s",
		whoAsks(r.copies), counted(r.copies.value, "1 copy", "%d copies"), eligible).adding(refusals(candidates), message.Of(SeeCandidates))
}

func (r setRules) tooFewOperators(all []member, candidates []Judged) *Objection {
	operators := operatorsOf(all)
	names := make([]message.Text, 0, len(operators))
	for _, of := range operators {
		names = append(names, message.Of("%s (%s)", of[0].operatorName(), places(of)))
	}
	return object(RuleOperators, v1alpha1.ReasonNotEnoughOperators, "%s asks for %d operators and the eligible places belong to %d: %s",
		whoAsks(r.operators), r.operators.value, len(operators), message.Join(", ", names...)).adding(refusals(candidates), message.Of(SeeCandidates))
}

// tooNear says what the distance between copies leaves of enough places.
func (r setRules) tooNear(placed []member, candidates []Judged) *Objection {
	stay, _ := r.apart(placed)
	for _, m := range stay {
		if m.role == v1alpha1.RolePrimary && m.Point == nil {
			return object(RuleDistance, v1alpha1.ReasonLocationUnknown,
				"%s asks for %d km between copies, and the coordinates of the primary's place %s are not known: %s",
				whoAsks(r.distance), r.distance.value, m.PlaceReference, declareAt(&m.Candidate))
		}
	}
	// How many there are is asked without the other rules, which may not be the limit.
	apart := setRules{distance: r.distance}
	for apart.copies.value = r.copies.value; apart.copies.value > 0; apart.copies.value-- {
		best := choose(apart, stay, candidates)
		switch {
		case best == nil:
		case apart.copies.value == r.copies.value:
			return object(RuleDistance, v1alpha1.ReasonTooClose,
				"%s asks for %d km between copies; eligible places that are so far apart exist (%s), but none that %s as well",
				whoAsks(r.distance), r.distance.value, places(best), r.others(stay, candidates)).adding(message.Of(SeeCandidates))
		default:
			return object(RuleDistance, v1alpha1.ReasonTooClose,
				"%s asks for %d km between copies, and no %d eligible places are so far apart; %s would be: %s",
				whoAsks(r.distance), r.distance.value, r.copies.value, counted(len(best), "1 place", "%d places"), places(best)).
				adding(r.example(best, candidates), message.Of(SeeCandidates))
		}
	}
	return object(RuleDistance, v1alpha1.ReasonTooClose,
		"%s asks for %d km between copies, and no eligible place for the primary is so far from what is placed",
		whoAsks(r.distance), r.distance.value).adding(message.Of(SeeCandidates))
}

// others says what else is asked of a set, of which places that are far enough apart
// cannot do something.
func (r setRules) others(stay []member, candidates []Judged) message.Text {
	without := r
	without.operators.value = 1
	if r.operators.value > 1 && choose(without, stay, candidates) != nil {
		return message.Of("belong to %d operators (%s)", r.operators.value, r.operators.policy)
	}
	for i, want := range r.wants {
		without = r
		without.wants = slices.Delete(slices.Clone(r.wants), i, i+1)
		if choose(without, stay, candidates) != nil {
			return message.Of("have one %s (%s)", want.what, want.policy)
		}
	}
	return message.Of("satisfy all other rules about copies")
}

// example names an eligible place that is too close to one of a set, and how close.
func (r setRules) example(set []member, candidates []Judged) message.Text {
	for i := range candidates {
		candidate := &candidates[i]
		if !candidate.Eligible() || contains(set, candidate.PlaceReference) || candidate.Point == nil {
			continue
		}
		for _, m := range set {
			if m.Point != nil && r.tooClose(&m.Candidate, &candidate.Candidate) {
				return message.Of("; %s, for one, is %s from %s", candidate.PlaceReference, kilometres(&m.Candidate, &candidate.Candidate), m.PlaceReference)
			}
		}
	}
	return message.Text{}
}

// operatorsOf gives the members of each operator, in the order of the first ones.
func operatorsOf(set []member) [][]member {
	var operators [][]member
	for _, m := range set {
		index := slices.IndexFunc(operators, func(of []member) bool { return of[0].Operator == m.Operator })
		if index < 0 {
			operators = append(operators, []member{m})
			continue
		}
		operators[index] = append(operators[index], m)
	}
	return operators
}

func canBePrimary(m member) bool {
	return m.role == v1alpha1.RolePrimary || m.role == "" && m.EligibleAs(v1alpha1.RolePrimary)
}

// refusedPrimaries says which rule keeps the primary from the first of some places.
func refusedPrimaries(all []member) message.Text {
	for _, m := range all {
		for _, objection := range m.Objections {
			if objection.Role == v1alpha1.RolePrimary && objection.Denies() {
				return message.Of("; of %s: %s", m.PlaceReference, objection.Message)
			}
		}
	}
	return message.Text{}
}

// refusals counts which rules refuse how many places, the rule that refuses most
// first.
func refusals(candidates []Judged) message.Text {
	counts, refused := map[Rule]int{}, 0
	for i := range candidates {
		if !candidates[i].Eligible() {
			refused++
			for rule := range candidates[i].refusedBy() {
				counts[rule]++
			}
		}
	}
	if refused == 0 {
		return message.Text{}
	}
	rules := slices.SortedFunc(maps.Keys(counts), func(a, b Rule) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	parts := make([]message.Text, 0, len(rules))
	for _, rule := range rules {
		parts = append(parts, message.Of("%d by rule %s", counts[rule], rule))
	}
	return message.Of("; %s: %s", counted(refused, "1 place is refused", "%d places are refused"), message.Join(", ", parts...))
}

// refusedBy are the rules that keep copies away from a candidate.
func (j *Judged) refusedBy() map[Rule]bool {
	rules := map[Rule]bool{}
	for _, objection := range j.Objections {
		if objection.Denies() {
			rules[objection.Rule] = true
		}
	}
	return rules
}

// whoAsks begins a sentence.
func whoAsks(a asked) message.Text {
	if a.policy == "" {
		return message.Of("a dataset")
	}
	return message.Of("policy %s", a.policy)
}

// shownPlaces is how many places a message names.
const shownPlaces = 5

// places names some of a set.
func places(set []member) message.Text {
	names := make([]string, 0, shownPlaces)
	for _, m := range set[:min(len(set), shownPlaces)] {
		names = append(names, m.PlaceReference.String())
	}
	named := message.Verbatim(strings.Join(names, ", "))
	if more := len(set) - shownPlaces; more > 0 {
		return named.Then(message.Of(" and %d more", more))
	}
	return named
}

func (c Candidate) operatorName() string {
	return cmp.Or(c.RunBy.LegalEntity, c.Operator)
}
