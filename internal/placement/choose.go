package placement

import (
	"slices"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
)

// setRules are what policies ask of all copies together: the strictest of each.
type setRules struct {
	copies, operators int
	onPremise         bool
	// attested are what at least one copy must have attested, as of now.
	attested []v1alpha1.AttestationRule
	now      time.Time
}

// requiredSet joins the set rules of all policies that deny.
func requiredSet(in Request) setRules {
	required := setRules{copies: 1, operators: 1, attested: attestedOnce(in.Policies), now: in.Now}
	for _, policy := range in.Policies {
		if !policy.Denies() {
			continue
		}
		rules := policy.Spec.Copies
		required.copies = max(required.copies, int(rules.Minimum))
		required.operators = max(required.operators, int(rules.DistinctOperators))
		required.onPremise = required.onPremise || rules.OnPremise == v1alpha1.Required
	}
	return required
}

// member is a candidate in a set, with its role there.
type member struct {
	Judged
	role v1alpha1.CopyRole
}

// missing says what a set lacks, or nil.
func (r setRules) missing(set []member) *Objection {
	switch {
	case len(set) < r.copies:
		return object(RuleCopies, v1alpha1.ReasonNotEnoughCopies,
			"the policy asks for %d copies and only %d places are eligible: see status.candidates", r.copies, len(set))
	case operators(set) < r.operators:
		return object(RuleOperators, v1alpha1.ReasonNotEnoughOperators,
			"the policy asks for %d operators and the eligible places belong to %d: see status.candidates",
			r.operators, operators(set))
	case r.onPremise && !slices.ContainsFunc(set, func(m member) bool { return m.OnPremise }):
		return object(RuleOnPremise, v1alpha1.ReasonOnPremiseRequired,
			"the policy asks for a copy in the authority's own premises and no eligible place is there: see status.candidates")
	}
	return unattestedSet(r.now, r.attested, candidatesOf(set))
}

func candidatesOf(set []member) []Candidate {
	candidates := make([]Candidate, 0, len(set))
	for _, m := range set {
		candidates = append(candidates, m.Candidate)
	}
	return candidates
}

func operators(set []member) int {
	distinct := map[string]bool{}
	for _, m := range set {
		distinct[m.Operator] = true
	}
	return len(distinct)
}

// choose completes the placed copies to the smallest set that satisfies the
// rules, the best candidates first, or says what even all eligible places
// together would lack. The candidates come sorted by preference.
func choose(required setRules, placed []member, candidates []Judged) ([]member, *Objection) {
	s := search{required: required, candidates: candidates}
	everything := s.everything(placed)
	if missing := required.missing(everything); missing != nil {
		return nil, missing
	}
	for size := max(len(placed), required.copies, 1); size <= len(everything); size++ {
		if set := s.complete(placed, size, 0); set != nil {
			return set, nil
		}
	}
	return nil, object(RuleCopies, v1alpha1.ReasonNotEnoughCopies, "no eligible place may hold the primary: see status.candidates")
}

// search is a depth-first search in the order of preference.
type search struct {
	required   setRules
	candidates []Judged
}

// complete adds candidates from the given index on until the set has the size
// and lacks nothing. It gives nil when no choice does.
func (s search) complete(set []member, size, from int) []member {
	if len(set) == size {
		if s.required.missing(set) == nil && hasPrimary(set) {
			return set
		}
		return nil
	}
	if s.required.operators-operators(set) > size-len(set) {
		return nil
	}
	if !hasPrimary(set) {
		return s.startWithPrimary(set, size)
	}
	for i := from; i < len(s.candidates); i++ {
		candidate := s.candidates[i]
		if contains(set, candidate) || !candidate.EligibleAs(v1alpha1.RoleReplica) {
			continue
		}
		grown := append(slices.Clip(set), member{Judged: candidate, role: v1alpha1.RoleReplica})
		if found := s.complete(grown, size, i+1); found != nil {
			return found
		}
	}
	return nil
}

// startWithPrimary tries the candidates for the primary, the best first.
func (s search) startWithPrimary(set []member, size int) []member {
	for _, candidate := range s.candidates {
		if contains(set, candidate) || !candidate.EligibleAs(v1alpha1.RolePrimary) {
			continue
		}
		grown := append([]member{{Judged: candidate, role: v1alpha1.RolePrimary}}, set...)
		if found := s.complete(grown, size, 0); found != nil {
			return found
		}
	}
	return nil
}

// everything is the largest set: what is placed and all that is eligible.
func (s search) everything(placed []member) []member {
	set := slices.Clone(placed)
	for _, candidate := range s.candidates {
		if candidate.Eligible() && !contains(set, candidate) {
			set = append(set, member{Judged: candidate})
		}
	}
	return set
}

func contains(set []member, candidate Judged) bool {
	return slices.ContainsFunc(set, func(m member) bool { return m.PlaceReference == candidate.PlaceReference })
}

func hasPrimary(set []member) bool {
	return slices.ContainsFunc(set, func(m member) bool { return m.role == v1alpha1.RolePrimary })
}

// copiesOf gives the copies of a set, the primary first, then by place.
func copiesOf(set []member) []Copy {
	copies := make([]Copy, 0, len(set))
	for _, m := range set {
		copies = append(copies, Copy{PlaceReference: m.PlaceReference, Role: m.role, Score: m.Score})
	}
	slices.SortStableFunc(copies, func(a, b Copy) int {
		if a.Role == b.Role {
			return 0
		}
		if a.Role == v1alpha1.RolePrimary {
			return -1
		}
		return 1
	})
	return copies
}
