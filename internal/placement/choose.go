package placement

import (
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
)

// maximumSteps bounds one search, in sets and beginnings of sets that are looked
// at. Within it the best set is found. Beyond it the best of those that were looked
// at is taken, which is the same one every time, and a better one may be left out;
// one that exists is left out altogether only where there are many places and rules
// about distance leave hardly any set. It is some tens of milliseconds.
const maximumSteps = 50_000

// choose completes the placed copies to the best of the smallest sets that satisfy
// the rules, or gives nil. The candidates come sorted by preference.
//
// The best set is the one with the most points. Each member brings its own, but
// those for spread only once for each operator; the primary, which applications
// use, counts twice. Of equal sets it is the one whose places come first in the
// order of preference.
func choose(required setRules, placed []member, candidates []Judged) []member {
	s := newSearch(required, placed, candidates)
	for size := s.smallest(); size <= s.largest(); size++ {
		if s.run(size); s.best != nil {
			return s.members(s.best)
		}
	}
	return nil
}

// option is a place that a set may have, in figures that are quick to compare.
type option struct {
	// points without those for spread, and those for spread.
	points, spread int
	// operator and group are numbers. A set has one member of each group at most:
	// all of a group are too close to each other.
	operator, group int
	// has tells which of the wants it meets.
	has                      []bool
	canBePrimary, canReplica bool
}

// worth is what the option brings at most.
func (o option) worth() int { return o.points + o.spread }

// holdsBonus has a place that holds the dataset go before every sum of points.
const holdsBonus = 1_000_000

// exceptionMalus has a place that an exception allows go after every other: what was
// never put there need not leave when the exception ends.
const exceptionMalus = 100_000

// search looks for the best set that holds what is placed. It goes through sets
// depth first, and leaves out branches that cannot lead to a set at all, or only to
// one that is not better than what is found.
type search struct {
	required setRules
	// all are the members by number: what is placed, then the other candidates in
	// the order of preference.
	all        []member
	options    []option
	placed     int
	hasPrimary bool
	// isClose tells of two options whether they are too close; nil if no rule asks.
	isClose [][]bool

	steps     int
	best      []int
	bestWorth int
}

func newSearch(required setRules, placed []member, candidates []Judged) *search {
	s := &search{required: required, all: slices.Clone(placed), placed: len(placed)}
	for _, m := range placed {
		s.hasPrimary = s.hasPrimary || m.role == v1alpha1.RolePrimary
	}
	for i := range candidates {
		if candidate := &candidates[i]; candidate.Eligible() && !contains(placed, candidate.PlaceReference) {
			s.all = append(s.all, member{Judged: candidate})
		}
	}
	operators := map[string]int{}
	for _, m := range s.all {
		number, known := operators[m.Operator]
		if !known {
			number = len(operators)
			operators[m.Operator] = number
		}
		s.options = append(s.options, s.optionOf(m, number))
	}
	for i := range s.options[:s.placed] { // their roles are settled
		s.options[i].canReplica, s.options[i].canBePrimary = true, false
	}
	s.findClose()
	s.findGroups()
	return s
}

func (s *search) optionOf(m member, operator int) option {
	o := option{
		points: int(m.Points - m.SpreadPoints), spread: int(m.SpreadPoints), operator: operator,
		canBePrimary: m.EligibleAs(v1alpha1.RolePrimary), canReplica: m.EligibleAs(v1alpha1.RoleReplica),
	}
	if m.Holds {
		o.points += holdsBonus
	}
	if m.IsExcepted() {
		o.points -= exceptionMalus
	}
	for _, want := range s.required.wants {
		o.has = append(o.has, want.isMetBy(m))
	}
	return o
}

func (s *search) findClose() {
	if s.required.distance.value == 0 {
		return
	}
	reach := geo.ReachKm(float64(s.required.distance.value))
	s.isClose = make([][]bool, len(s.all))
	for i := range s.all {
		s.isClose[i] = make([]bool, len(s.all))
		for j := range i {
			isClose := !isApart(&s.all[i].Candidate, &s.all[j].Candidate, reach)
			s.isClose[i][j], s.isClose[j][i] = isClose, isClose
		}
	}
}

// findGroups puts each option into the first group all of which it is too close
// to, so that the number of groups bounds the size of a set.
func (s *search) findGroups() {
	var groups [][]int
	for i := range s.options {
		index := -1
		if s.isClose != nil {
			index = slices.IndexFunc(groups, func(group []int) bool {
				return !slices.ContainsFunc(group, func(j int) bool { return !s.isClose[i][j] })
			})
		}
		if index < 0 {
			index = len(groups)
			groups = append(groups, nil)
		}
		groups[index] = append(groups[index], i)
		s.options[i].group = index
	}
}

// smallest is the size below which no set satisfies the rules.
func (s *search) smallest() int {
	return max(s.required.copies.value, s.placed+max(s.lackingOperators(s.start()), 0), s.placed, 1)
}

// largest is the size above which every set has a member that it does not need:
// beside those that the number of copies asks for, each new operator, each want and
// the primary may need one.
func (s *search) largest() int {
	needed := s.placed + max(s.lackingOperators(s.start()), 0) + len(s.required.wants) + 1
	return min(max(s.required.copies.value, needed), len(s.options))
}

// start is the set of what is placed.
func (s *search) start() []int {
	chosen := make([]int, s.placed, s.placed+8)
	for i := range chosen {
		chosen[i] = i
	}
	return chosen
}

// run finds the best set of a size.
func (s *search) run(size int) {
	chosen := s.start()
	var open []int
	for i := s.placed; i < len(s.options); i++ {
		if !s.isCloseToOne(i, chosen) {
			open = append(open, i)
		}
	}
	if !s.hasClosePair(chosen) && size >= len(chosen) {
		s.explore(chosen, open, size-len(chosen))
	}
}

// explore completes the chosen ones with so many of the open ones.
func (s *search) explore(chosen, open []int, missing int) {
	if missing == 0 {
		open = nil
	}
	if s.steps >= maximumSteps || !s.canSatisfy(chosen, open, missing) {
		return
	}
	s.steps++
	if missing == 0 {
		s.take(chosen)
		return
	}
	soFar, primary := s.worth(chosen), s.bestPrimary(chosen, open)
	for i, next := range open {
		more, enough := s.mostWorth(open[i:], missing)
		if !enough || s.best != nil && soFar+more+primary <= s.bestWorth {
			return // and so it is with those that come after
		}
		if !s.mayJoin(chosen, next) {
			continue
		}
		s.explore(append(chosen, next), s.apartFrom(next, open[i+1:]), missing-1)
	}
}

// take keeps a set that satisfies the rules if it is the best so far.
func (s *search) take(chosen []int) {
	worth := s.worth(chosen)
	if !s.hasPrimary {
		worth += s.options[s.primaryOf(chosen)].worth()
	}
	if s.best == nil || worth > s.bestWorth {
		s.best, s.bestWorth = slices.Clone(chosen), worth
	}
}

// canSatisfy tells whether so many of the open ones could bring what the chosen
// ones lack.
func (s *search) canSatisfy(chosen, open []int, missing int) bool {
	if s.lackingOperators(chosen) > min(missing, s.newOperators(chosen, open)) {
		return false
	}
	for want := range s.required.wants {
		hasIt := func(i int) bool { return s.options[i].has[want] }
		if !slices.ContainsFunc(chosen, hasIt) && !slices.ContainsFunc(open, hasIt) {
			return false
		}
	}
	canBePrimary := func(i int) bool { return s.options[i].canBePrimary }
	return s.hasPrimary || slices.ContainsFunc(chosen, canBePrimary) || slices.ContainsFunc(open, canBePrimary)
}

func (s *search) lackingOperators(chosen []int) int {
	return s.required.operators.value - s.newOperators(nil, chosen)
}

// newOperators counts the operators of the others that the chosen ones do not have.
func (s *search) newOperators(chosen, others []int) int {
	count := 0
	for i, other := range others {
		isSame := func(j int) bool { return s.options[j].operator == s.options[other].operator }
		if !slices.ContainsFunc(chosen, isSame) && !slices.ContainsFunc(others[:i], isSame) {
			count++
		}
	}
	return count
}

// worth is the sum of the points of a set, its primary's counted once.
func (s *search) worth(chosen []int) int {
	sum := 0
	for i, number := range chosen {
		known := 0
		for _, before := range chosen[:i] {
			if s.options[before].operator == s.options[number].operator {
				known = max(known, s.options[before].spread)
			}
		}
		sum += s.options[number].points + max(s.options[number].spread-known, 0)
	}
	return sum
}

// mostWorth is more than what so many of the open ones can bring, which come by
// worth, and tells whether there are so many that are not too close to each other.
func (s *search) mostWorth(open []int, missing int) (sum int, enough bool) {
	groups := make([]int, 0, 16)
	for _, number := range open {
		group := s.options[number].group
		if slices.Contains(groups, group) {
			continue
		}
		groups = append(groups, group)
		sum += s.options[number].worth()
		if len(groups) == missing {
			return sum, true
		}
	}
	return sum, false
}

// bestPrimary is more than what a primary can count beside its place in the sum.
func (s *search) bestPrimary(chosen, open []int) int {
	best := 0
	if s.hasPrimary {
		return best
	}
	for _, numbers := range [][]int{chosen, open} {
		for _, number := range numbers {
			if s.options[number].canBePrimary {
				best = max(best, s.options[number].worth())
			}
		}
	}
	return best
}

// mayJoin tells whether an option has a role beside the chosen ones: what cannot be
// a replica is the primary, and there is one.
func (s *search) mayJoin(chosen []int, next int) bool {
	if s.options[next].canReplica {
		return true
	}
	return !s.hasPrimary && !slices.ContainsFunc(chosen, func(i int) bool { return !s.options[i].canReplica })
}

// primaryOf gives the member that is the primary, or -1: what is placed as one,
// what can be nothing else, or the best.
func (s *search) primaryOf(chosen []int) int {
	best := -1
	for _, number := range chosen {
		switch o := s.options[number]; {
		case number < s.placed:
			if s.all[number].role == v1alpha1.RolePrimary {
				return number
			}
		case s.hasPrimary || !o.canBePrimary:
		case !o.canReplica:
			return number
		case best < 0 || o.worth() > s.options[best].worth():
			best = number
		}
	}
	return best
}

func (s *search) apartFrom(next int, open []int) []int {
	if s.isClose == nil {
		return open
	}
	var apart []int
	for _, i := range open {
		if !s.isClose[next][i] {
			apart = append(apart, i)
		}
	}
	return apart
}

func (s *search) isCloseToOne(i int, chosen []int) bool {
	return s.isClose != nil && slices.ContainsFunc(chosen, func(j int) bool { return s.isClose[i][j] })
}

func (s *search) hasClosePair(chosen []int) bool {
	for i, number := range chosen {
		if s.isCloseToOne(number, chosen[:i]) {
			return true
		}
	}
	return false
}

// members gives a set with the role of each, what is placed first.
func (s *search) members(chosen []int) []member {
	primary := s.primaryOf(chosen)
	members := make([]member, 0, len(chosen))
	for _, number := range chosen {
		m := s.all[number]
		if number >= s.placed {
			m.role = v1alpha1.RoleReplica
			if number == primary {
				m.role = v1alpha1.RolePrimary
			}
		}
		members = append(members, m)
	}
	return members
}
