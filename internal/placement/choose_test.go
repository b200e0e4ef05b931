package placement_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/placement"
)

// cities are where the places of random worlds are.
var cities = []*geo.Point{
	new(geo.At(50.99, 2.13)), new(geo.At(50.69, 3.17)), new(geo.At(48.58, 7.75)), new(geo.At(48.85, 2.35)),
	new(geo.At(45.76, 4.84)), new(geo.At(43.30, 5.37)), new(geo.At(48.11, -1.68)), nil,
}

// randomSets makes a small world in which sets differ: by distance, operators,
// premises, roles and points.
func randomSets(r *rand.Rand) ([]placement.Policy, []placement.Candidate) {
	var candidates []placement.Candidate
	for i := range 1 + r.IntN(9) {
		candidates = append(candidates, place(fmt.Sprintf("p%d", i), "x", func(c *placement.Candidate) {
			c.Operator = string(rune('a' + r.IntN(4)))
			c.Point = cities[r.IntN(len(cities))]
			c.OnPremise, c.Ready, c.Holds = r.IntN(4) == 0, r.IntN(5) > 0, r.IntN(12) == 0
			c.RunBy.ControlCountry = []string{"FR", "DE", "NO", "US", ""}[r.IntN(5)]
			c.Verification = []v1alpha1.LocationVerification{"Confirmed", "Declared", "Unknown"}[r.IntN(3)]
			if r.IntN(3) == 0 {
				c.Grant = v1alpha1.GrantAccountWide
			}
		}))
	}
	var policies []placement.Policy
	for i := range 1 + r.IntN(2) {
		p := policy(string(rune('p'+i)), copies(1+r.Int32N(4), 1+r.Int32N(3)), func(s *v1alpha1.SovereigntyPolicySpec) {
			s.Copies.MinimumDistanceKm = []int32{0, 0, 50, 150, 400, 1200}[r.IntN(6)]
			s.Copies.OnPremise = []v1alpha1.Requirement{"", "", "Required", "Preferred"}[r.IntN(4)]
			if r.IntN(2) == 0 {
				s.Access.MinimumGrant = v1alpha1.GrantScoped
			}
			if r.IntN(2) == 0 {
				s.Prioritizers = []v1alpha1.Prioritizer{{Name: "Sovereignty", Weight: 1 + r.Int32N(3)}, {Name: "Spread", Weight: 1 + r.Int32N(3)}}
			}
		})
		p.SharePercents = map[string]int32{"a": r.Int32N(100), "b": r.Int32N(100)}
		policies = append(policies, p)
	}
	return policies, candidates
}

// randomPlaced places some of what may be placed, the primary first.
func randomPlaced(r *rand.Rand, candidates []placement.Candidate) func(*placement.Request) {
	shuffled := slices.Clone(candidates)
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	var names []string
	for _, candidate := range shuffled[:r.IntN(min(len(shuffled), 4)+1)] {
		names = append(names, candidate.String())
	}
	return placed(names...)
}

// world is what a brute force looks at.
type world struct {
	policies []placement.Policy
	judged   []placement.Judged
}

// stay tries every part of what is placed and may be where it is, and gives the
// largest one in which all are far enough from each other and that has the primary:
// of several the one with the first copies.
func (w world) stay(copies []placement.Copy) []placement.Copy {
	var legal []placement.Copy
	for _, c := range copies {
		isObjected := func(o placement.Objection) bool { return o.Rule != placement.RuleDistance && o.Concerns(c.Role) }
		if !slices.ContainsFunc(w.at(c.PlaceReference).Objections, isObjected) {
			legal = append(legal, c)
		}
	}
	var most []placement.Copy
	for part := range 1 << len(legal) {
		var chosen []placement.Copy
		hasPrimary := false
		for i, c := range legal {
			if part&(1<<(len(legal)-1-i)) != 0 {
				chosen = append(chosen, c)
				hasPrimary = hasPrimary || isPrimary(c)
			}
		}
		if hasPrimary != slices.ContainsFunc(legal, isPrimary) || !w.areApart(chosen) {
			continue
		}
		if len(chosen) >= len(most) { // parts with the first copies come last
			most = chosen
		}
	}
	for _, c := range legal {
		if isPrimary(c) && w.at(c.PlaceReference).Point == nil {
			return legal // nothing would be gained by letting others go
		}
	}
	return most
}

func (w world) at(place v1alpha1.PlaceReference) placement.Judged {
	return w.judged[slices.IndexFunc(w.judged, func(j placement.Judged) bool { return j.PlaceReference == place })]
}

func (w world) areApart(copies []placement.Copy) bool {
	for i, c := range copies {
		for _, other := range copies[:i] {
			if w.areClose(w.at(c.PlaceReference), w.at(other.PlaceReference)) {
				return false
			}
		}
	}
	return true
}

func (w world) areClose(a, b placement.Judged) bool {
	for _, p := range w.policies {
		if asked := p.Spec.Copies.MinimumDistanceKm; asked > 0 &&
			(a.Point == nil || b.Point == nil || a.Point.DistanceKm(*b.Point) < float64(asked)) {
			return true
		}
	}
	return false
}

// best tries every set and every primary in it. It gives the most that any of the
// smallest satisfying sets that hold what stays is worth, or no size if there is none.
func (w world) best(stay []placement.Copy) (size, worth int) {
	for set := 1; set < 1<<len(w.judged); set++ {
		var members []placement.Judged
		for i, candidate := range w.judged {
			if set&(1<<i) != 0 {
				members = append(members, candidate)
			}
		}
		for _, primary := range members {
			if size > 0 && len(members) > size || !w.satisfies(members, primary, stay) {
				continue
			}
			is := worthOf(members, primary, slices.ContainsFunc(stay, isPrimary))
			if size == 0 || len(members) < size || is > worth {
				size, worth = len(members), is
			}
		}
	}
	return size, worth
}

func isPrimary(c placement.Copy) bool { return c.Role == v1alpha1.RolePrimary }

// worthOf is what a set is worth, as choosing is documented.
func worthOf(members []placement.Judged, primary placement.Judged, primaryStays bool) int {
	worth, spread := 0, map[string]int32{}
	for _, m := range members {
		worth += int(m.Points - m.SpreadPoints)
		if m.Holds {
			worth += 1_000_000
		}
		spread[m.Operator] = max(spread[m.Operator], m.SpreadPoints)
	}
	for _, points := range spread {
		worth += int(points)
	}
	if !primaryStays {
		worth += int(primary.Points)
		if primary.Holds {
			worth += 1_000_000
		}
	}
	return worth
}

func (w world) satisfies(members []placement.Judged, primary placement.Judged, stay []placement.Copy) bool {
	operators, atHome := map[string]bool{}, false
	for i, m := range members {
		role := v1alpha1.RoleReplica
		if m.PlaceReference == primary.PlaceReference {
			role = v1alpha1.RolePrimary
		}
		isPlaced := slices.ContainsFunc(stay, func(c placement.Copy) bool { return c.PlaceReference == m.PlaceReference && c.Role == role })
		if !isPlaced && !m.EligibleAs(role) {
			return false
		}
		operators[m.Operator], atHome = true, atHome || m.OnPremise
		if slices.ContainsFunc(members[:i], func(other placement.Judged) bool { return w.areClose(m, other) }) {
			return false
		}
	}
	for _, c := range stay {
		if !slices.ContainsFunc(members, func(m placement.Judged) bool { return m.PlaceReference == c.PlaceReference }) ||
			c.Role == v1alpha1.RolePrimary && c.PlaceReference != primary.PlaceReference ||
			c.Role == v1alpha1.RoleReplica && c.PlaceReference == primary.PlaceReference {
			return false
		}
	}
	for _, p := range w.policies {
		rules := p.Spec.Copies
		if len(members) < int(max(rules.Minimum, 1)) || len(operators) < int(rules.DistinctOperators) ||
			rules.OnPremise == v1alpha1.Required && !atHome {
			return false
		}
	}
	return true
}

func TestTheBestSetIsChosen(t *testing.T) {
	satisfied, refused, replaced := 0, 0, 0
	for seed := range uint64(6000) {
		r := rand.New(rand.NewPCG(seed, 7))
		policies, candidates := randomSets(r)
		if r.IntN(2) == 0 { // where a copy may stand by no policy, it is in nobody's way
			candidates[r.IntN(len(candidates))].Territory = geo.Classify("CA", "")
		}
		request := placement.Request{Namespace: placement.Namespace{Name: "etat-civil"}, Policies: policies, Candidates: candidates}
		randomPlaced(r, candidates)(&request)
		decision := placement.Decide(request)
		if decision.Reason == v1alpha1.ReasonPrimaryRelocationRequired {
			continue
		}
		w := world{policies: policies, judged: decision.Candidates}
		stay := w.stay(request.Placed)
		size, worth := w.best(stay)
		if decision.Satisfied != (size > 0) {
			if !decision.Satisfied {
				t.Fatalf("seed %d: %s: %s; trying all sets finds one of %d", seed, decision.Reason, decision.Message, size)
			}
			t.Fatalf("seed %d: satisfied by %v, and trying all sets finds none", seed, decision.Copies)
		}
		if !decision.Satisfied {
			refused++
			if decision.Reason == "" || decision.Message.IsZero() {
				t.Fatalf("seed %d: nothing is said: %+v", seed, decision)
			}
			continue
		}
		satisfied++
		if len(decision.Illegal) > 0 {
			replaced++
		}
		var members []placement.Judged
		for _, c := range decision.Copies {
			members = append(members, decision.Candidates[slices.IndexFunc(decision.Candidates, func(j placement.Judged) bool {
				return j.PlaceReference == c.PlaceReference
			})])
		}
		if !w.satisfies(members, members[0], stay) {
			t.Fatalf("seed %d: %v does not satisfy the policies", seed, decision.Copies)
		}
		if got := worthOf(members, members[0], slices.ContainsFunc(stay, isPrimary)); len(members) != size || got != worth {
			t.Fatalf("seed %d: %v is worth %d, and the best of %d is worth %d", seed, decision.Copies, got, size, worth)
		}
		again := request
		again.Placed = decision.Copies
		if diff := cmp.Diff(placesOf(decision.Copies), placesOf(placement.Decide(again).Copies)); diff != "" {
			t.Fatalf("seed %d: deciding again moves copies:\n%s", seed, diff)
		}
		shuffled := request
		shuffled.Candidates = slices.Clone(candidates)
		r.Shuffle(len(candidates), func(i, j int) {
			shuffled.Candidates[i], shuffled.Candidates[j] = shuffled.Candidates[j], shuffled.Candidates[i]
		})
		if diff := cmp.Diff(decision, placement.Decide(shuffled)); diff != "" {
			t.Fatalf("seed %d: the order of candidates changes the decision:\n%s", seed, diff)
		}
	}
	t.Logf("%d satisfied, %d of them with a copy replaced, %d refused", satisfied, replaced, refused)
	if satisfied < 1000 || refused < 1000 || replaced < 100 {
		t.Errorf("the worlds are too much alike: %d satisfied, %d replaced, %d refused", satisfied, replaced, refused)
	}
}

// What is placed stays unless it is too close to something: as many as can, the
// primary among them.
func TestPlacedCopiesStayAsLongAsTheyAreApart(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 8))
		policies, candidates := randomSets(r)
		if r.IntN(2) == 0 { // where a copy may stand by no policy, it is in nobody's way
			candidates[r.IntN(len(candidates))].Territory = geo.Classify("CA", "")
		}
		request := placement.Request{Namespace: placement.Namespace{Name: "etat-civil"}, Policies: policies, Candidates: candidates}
		randomPlaced(r, candidates)(&request)
		decision := placement.Decide(request)
		if !decision.Satisfied {
			for _, c := range request.Placed {
				isIllegal := slices.ContainsFunc(decision.Illegal, func(i placement.IllegalCopy) bool { return i.PlaceReference == c.PlaceReference })
				if !isIllegal && !slices.ContainsFunc(decision.Copies, func(k placement.Copy) bool { return k.PlaceReference == c.PlaceReference }) {
					t.Fatalf("seed %d: %s is forgotten: %+v", seed, c, decision)
				}
			}
			continue
		}
		for _, illegal := range decision.Illegal {
			objection := illegal.Objections[len(illegal.Objections)-1]
			if objection.Rule != placement.RuleDistance {
				continue
			}
			if illegal.Role == v1alpha1.RolePrimary {
				t.Fatalf("seed %d: the primary moves: %+v", seed, illegal)
			}
			if alone := placement.TooClose(request, illegal.PlaceReference); alone == nil || !alone.Message.Equal(objection.Message) {
				t.Fatalf("seed %d: asked about %s alone: %+v, want %+v", seed, illegal, alone, objection)
			}
			// Once it is on its way out it is no longer among what is placed.
			leaving := request
			leaving.Placed = decision.Copies
			if placement.TooClose(leaving, illegal.PlaceReference) == nil {
				t.Fatalf("seed %d: %s may stay once it is replaced by %v", seed, illegal, decision.Copies)
			}
		}
		for _, c := range decision.Copies {
			if objection := placement.TooClose(request, c.PlaceReference); objection != nil && slices.Contains(placesOf(request.Placed), c.String()) {
				t.Fatalf("seed %d: %s stays although %s", seed, c, objection.Message)
			}
		}
	}
}

// Many places in few towns, rules that leave nothing, and points that are all
// different: the search ends, and says the same every time.
func TestLargeWorldsAreDecidedWithinBounds(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.SovereigntyPolicySpec){
		"eight copies":                            copies(8, 4),
		"eight copies far apart, of which are 7":  apart(8, 1, 60),
		"five copies far apart":                   apart(5, 5, 60),
		"more operators than the towns have room": apart(4, 4, 900),
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			var candidates []placement.Candidate
			for i := range 400 {
				candidates = append(candidates, place(fmt.Sprintf("p%03d", i), "x", func(c *placement.Candidate) {
					c.Operator = string(rune('a' + i%6))
					c.Point = cities[i%7]
					c.RunBy.ControlCountry = []string{"FR", "DE", "NO", ""}[r.IntN(4)]
				}))
			}
			first := decide([]placement.Policy{policy("p", change)}, candidates)
			slices.Reverse(candidates)
			if diff := cmp.Diff(first, decide([]placement.Policy{policy("p", change)}, candidates)); diff != "" {
				t.Errorf("another order decides otherwise:\n%s", diff)
			}
		})
	}
}

func apart(minimum, operators, kilometres int32) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Copies.Minimum, s.Copies.DistinctOperators, s.Copies.MinimumDistanceKm = minimum, operators, kilometres
	}
}
