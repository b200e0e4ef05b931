package placement

import (
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/message"
)

// asked is how much the strictest policy asks for, and which policy that is.
type asked struct {
	value  int
	policy string
}

func (a *asked) raise(value int32, policy string) {
	if int(value) > a.value {
		a.value, a.policy = int(value), policy
	}
}

// setRules are what policies ask of all copies together: the strictest of each.
type setRules struct {
	copies, operators asked
	// distance in kilometres between every two copies; 0 asks for nothing.
	distance asked
	// wants are what one copy at least must have.
	wants []want
}

// want is something that one copy at least must have.
type want struct {
	policy string
	// what it is, in the words: asks for a copy …
	what message.Text
	has  func(c *Candidate) bool
	// rule and reason of the objection when no place has it.
	rule   Rule
	reason string
}

func (w want) isMetBy(m member) bool { return w.has(&m.Candidate) }

// requiredSet joins the set rules of all policies that deny, but those that
// exceptions keep from counting.
func requiredSet(in Request) setRules {
	var required setRules
	for _, policy := range in.Policies {
		required.add(in, policy)
	}
	required.copies.raise(1, "")
	required.operators.raise(1, "")
	return required
}

// add raises the rules to what one policy asks, if it denies.
func (r *setRules) add(in Request, policy Policy) {
	r.raise(in, policy, func(rule Rule) bool { return in.counts(policy, rule) })
}

// raise raises the rules to what one policy asks by those that count.
func (r *setRules) raise(in Request, policy Policy, counts func(Rule) bool) {
	rules := policy.Spec.Copies
	if counts(RuleCopies) {
		r.copies.raise(max(rules.Minimum, 1), policy.Name)
	}
	if counts(RuleOperators) {
		r.operators.raise(max(rules.DistinctOperators, 1), policy.Name)
	}
	if counts(RuleDistance) {
		r.distance.raise(rules.MinimumDistanceKm, policy.Name)
	}
	if rules.OnPremise == v1alpha1.Required && counts(RuleOnPremise) {
		r.wants = append(r.wants, want{
			policy: policy.Name, what: message.Of("in the authority's own premises"), has: func(c *Candidate) bool { return c.OnPremise },
			rule: RuleOnPremise, reason: v1alpha1.ReasonOnPremiseRequired,
		})
	}
	if counts(RuleAttestation) {
		r.wants = append(r.wants, attestedOnce(in.Now, policy)...)
	}
}

// member is a candidate in a set, with its role there.
type member struct {
	*Judged
	role v1alpha1.CopyRole
}

// tooClose says that two places are nearer to each other than is asked, or that it
// is not known how far they are apart, or nothing. A place is never far enough from
// itself.
func (r setRules) tooClose(a, b *Candidate) bool {
	return r.distance.value > 0 && !isApart(a, b, geo.ReachKm(float64(r.distance.value)))
}

func isApart(a, b *Candidate, reach geo.Reach) bool {
	return a.Point != nil && b.Point != nil && a.Point.IsApart(*b.Point, reach)
}

// apart gives the placed copies that may stay beside each other, and those that
// are too close to one of them. The primary stays, then as many as can, and of two
// that are too close the one that is named first.
func (r setRules) apart(placed []member) (stay, leave []member) {
	if r.distance.value == 0 || len(placed) < 2 {
		return placed, nil
	}
	primary := slices.IndexFunc(placed, func(m member) bool { return m.role == v1alpha1.RolePrimary })
	if primary >= 0 && placed[primary].Point == nil {
		return placed, nil // nothing is far from it, so that letting others go would be no gain
	}
	var fixed, others []member
	for i, m := range placed {
		if i == primary {
			fixed = append(fixed, m)
		} else {
			others = append(others, m)
		}
	}
	stay = r.mostApart(fixed, others)
	for _, m := range placed {
		if !contains(stay, m.PlaceReference) {
			leave = append(leave, m)
		}
	}
	return stay, leave
}

// mostApart adds as many of the others as can be beside each other, the first ones
// first.
func (r setRules) mostApart(stay, others []member) []member {
	if len(others) == 0 {
		return stay
	}
	first, rest := others[0], others[1:]
	if !r.fits(stay, first) {
		return r.mostApart(stay, rest)
	}
	with := r.mostApart(append(slices.Clip(stay), first), rest)
	if len(with) == len(stay)+len(others) {
		return with
	}
	if without := r.mostApart(stay, rest); len(without) > len(with) {
		return without
	}
	return with
}

// fits tells whether a place is far enough from all of a set.
func (r setRules) fits(set []member, m member) bool {
	return !slices.ContainsFunc(set, func(other member) bool { return r.tooClose(&other.Candidate, &m.Candidate) })
}

func contains(set []member, place v1alpha1.PlaceReference) bool {
	return slices.ContainsFunc(set, func(m member) bool { return m.PlaceReference == place })
}

// copiesOf gives the copies of a set, the primary first.
func copiesOf(set []member) []Copy {
	copies := make([]Copy, 0, len(set))
	for _, m := range set {
		copies = append(copies, Copy{PlaceReference: m.PlaceReference, Role: m.role, Score: m.Score})
	}
	slices.SortStableFunc(copies, func(a, b Copy) int { return rank(a.Role) - rank(b.Role) })
	return copies
}

func rank(role v1alpha1.CopyRole) int {
	if role == v1alpha1.RolePrimary {
		return 0
	}
	return 1
}
