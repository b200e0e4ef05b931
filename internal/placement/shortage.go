package placement

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
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
			unmet.policy, unmet.what, places(all)).adding(refusals(candidates), SeeCandidates)
	case !slices.ContainsFunc(all, canBePrimary):
		return object(RuleCopies, v1alpha1.ReasonNotEnoughCopies,
			"no eligible place may hold the primary, only copies: %s", places(all)).adding(refusedPrimaries(all), SeeCandidates)
	case r.distance.value > 0:
		return r.tooNear(placed, candidates)
	}
	return object(RuleCopies, v1alpha1.ReasonNotEnoughCopies,
		"%d places are eligible, and no %d of them may be primary and copies together", len(all), r.copies.value).adding(SeeCandidates)
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
func (o *Objection) adding(more ...string) *Objection {
	o.Message += strings.Join(more, "")
	return o
}

// SeeCandidates ends messages where the status of a bucket says more.
const SeeCandidates = "; see status.candidates"

func (r setRules) tooFew(all []member, candidates []Judged) *Objection {
	eligible := "no place is eligible"
	if len(all) > 0 {
		eligible = fmt.Sprintf("only %s eligible: %s", counted(len(all), "place is", "places are"), places(all))
	}
	return object(RuleCopies, v1alpha1.ReasonNotEnoughCopies, "%s asks for %s and %s",
		whoAsks(r.copies), counted(r.copies.value, "copy", "copies"), eligible).adding(refusals(candidates), SeeCandidates)
}

func (r setRules) tooFewOperators(all []member, candidates []Judged) *Objection {
	operators := operatorsOf(all)
	names := make([]string, 0, len(operators))
	for _, of := range operators {
		names = append(names, of[0].operatorName()+" ("+places(of)+")")
	}
	return object(RuleOperators, v1alpha1.ReasonNotEnoughOperators, "%s asks for %d operators and the eligible places belong to %d: %s",
		whoAsks(r.operators), r.operators.value, len(operators), strings.Join(names, ", ")).adding(refusals(candidates), SeeCandidates)
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
				whoAsks(r.distance), r.distance.value, places(best), r.others(stay, candidates)).adding(SeeCandidates)
		default:
			return object(RuleDistance, v1alpha1.ReasonTooClose,
				"%s asks for %d km between copies, and no %d eligible places are so far apart; %s would be: %s",
				whoAsks(r.distance), r.distance.value, r.copies.value, counted(len(best), "place", "places"), places(best)).
				adding(r.example(best, candidates), SeeCandidates)
		}
	}
	return object(RuleDistance, v1alpha1.ReasonTooClose,
		"%s asks for %d km between copies, and no eligible place for the primary is so far from what is placed",
		whoAsks(r.distance), r.distance.value).adding(SeeCandidates)
}

// others says what else is asked of a set, of which places that are far enough apart
// cannot do something.
func (r setRules) others(stay []member, candidates []Judged) string {
	without := r
	without.operators.value = 1
	if r.operators.value > 1 && choose(without, stay, candidates) != nil {
		return fmt.Sprintf("belong to %d operators (%s)", r.operators.value, r.operators.policy)
	}
	for i, want := range r.wants {
		without = r
		without.wants = slices.Delete(slices.Clone(r.wants), i, i+1)
		if choose(without, stay, candidates) != nil {
			return fmt.Sprintf("have one %s (%s)", want.what, want.policy)
		}
	}
	return "satisfy all other rules about copies"
}

// example names an eligible place that is too close to one of a set, and how close.
func (r setRules) example(set []member, candidates []Judged) string {
	for i := range candidates {
		candidate := &candidates[i]
		if !candidate.Eligible() || contains(set, candidate.PlaceReference) || candidate.Point == nil {
			continue
		}
		for _, m := range set {
			if m.Point != nil && r.tooClose(&m.Candidate, &candidate.Candidate) {
				return fmt.Sprintf("; %s, for one, is %s from %s", candidate.PlaceReference, kilometres(&m.Candidate, &candidate.Candidate), m.PlaceReference)
			}
		}
	}
	return ""
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
func refusedPrimaries(all []member) string {
	for _, m := range all {
		for _, objection := range m.Objections {
			if objection.Role == v1alpha1.RolePrimary && objection.Denies() {
				return fmt.Sprintf("; of %s: %s", m.PlaceReference, objection.Message)
			}
		}
	}
	return ""
}

// refusals counts which rules refuse how many places, the rule that refuses most
// first.
func refusals(candidates []Judged) string {
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
		return ""
	}
	rules := slices.SortedFunc(maps.Keys(counts), func(a, b Rule) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	parts := make([]string, 0, len(rules))
	for _, rule := range rules {
		parts = append(parts, fmt.Sprintf("%d by rule %s", counts[rule], rule))
	}
	return fmt.Sprintf("; %s refused: %s", counted(refused, "place is", "places are"), strings.Join(parts, ", "))
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
func whoAsks(a asked) string {
	if a.policy == "" {
		return "a dataset"
	}
	return "policy " + a.policy
}

// shownPlaces is how many places a message names.
const shownPlaces = 5

// places names some of a set.
func places(set []member) string {
	names := make([]string, 0, shownPlaces)
	for _, m := range set[:min(len(set), shownPlaces)] {
		names = append(names, m.PlaceReference.String())
	}
	text := strings.Join(names, ", ")
	if more := len(set) - shownPlaces; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (c Candidate) operatorName() string {
	return cmp.Or(c.RunBy.LegalEntity, c.Operator)
}
