package placement

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
)

// scattered are places all over a country, with points that are all different.
func scattered(seed uint64, count int) []Judged {
	r := rand.New(rand.NewPCG(seed, 5))
	var candidates []Judged
	for i := range count {
		candidates = append(candidates, Judged{
			Candidate: Candidate{
				PlaceReference: v1alpha1.PlaceReference{ProviderName: fmt.Sprintf("p%03d", i), Location: "x"},
				Operator:       fmt.Sprint(i % 5), Point: new(geo.At(43+8*r.Float64(), -2+9*r.Float64())),
			},
			Points: int32(10_000 - 10*i),
		})
	}
	return candidates
}

func TestASearchEndsAtItsBound(t *testing.T) {
	exhausted := 0
	for seed := range uint64(6) {
		candidates := scattered(seed, 400)
		required := setRules{copies: asked{value: 8}, operators: asked{value: 5}, distance: asked{value: 330}}
		s := newSearch(required, nil, candidates)
		started := time.Now()
		s.run(8)
		if s.steps > maximumSteps {
			t.Errorf("seed %d: %d steps", seed, s.steps)
		}
		if s.steps < maximumSteps {
			continue
		}
		exhausted++
		t.Logf("seed %d: %d steps in %v, found %v", seed, s.steps, time.Since(started), s.best != nil)
		again := newSearch(required, nil, candidates)
		if again.run(8); fmt.Sprint(again.best, again.bestWorth) != fmt.Sprint(s.best, s.bestWorth) {
			t.Errorf("seed %d: %v the first time and %v the second", seed, s.best, again.best)
		}
	}
	if exhausted == 0 {
		t.Error("no search came to its bound, so that nothing was shown about it")
	}
}

// Whatever the bound leaves out, it is not what is easy to find.
func TestManyPlacesAreNoHindrance(t *testing.T) {
	for _, count := range []int{60, 200, 1000} {
		required := setRules{copies: asked{value: 4}, operators: asked{value: 3}, distance: asked{value: 150}}
		s := newSearch(required, nil, scattered(1, count))
		s.run(4)
		if s.best == nil || s.steps >= maximumSteps {
			t.Errorf("%d places: %d steps, found %v", count, s.steps, s.best)
		}
	}
}

// Some places may hold nothing but the primary. There is one, and what is placed as a
// copy does not become it.
func TestPlacesThatCanOnlyHoldThePrimary(t *testing.T) {
	at := func(name string, points int32, against ...v1alpha1.CopyRole) Judged {
		j := Judged{Candidate: Candidate{PlaceReference: v1alpha1.PlaceReference{ProviderName: name, Location: "x"}, Operator: name}, Points: points}
		for _, role := range against {
			j.Objections = append(j.Objections, Objection{Role: role})
		}
		return j
	}
	const replica, primary = v1alpha1.RoleReplica, v1alpha1.RolePrimary
	required := setRules{copies: asked{value: 2, policy: "p"}, operators: asked{value: 1}}
	for name, test := range map[string]struct {
		candidates []Judged
		placed     int
		want       string
	}{
		"the best of them is the primary, and a worse place is the copy": {
			[]Judged{at("a", 90, replica), at("b", 80, replica), at("c", 10)}, 0, "a/x Primary, c/x Replica",
		},
		"two of them are no set": {[]Judged{at("a", 90, replica), at("b", 80, replica)}, 0, ""},
		"beside one that can hold only copies": {
			[]Judged{at("a", 90, primary), at("b", 80, replica)}, 0, "a/x Replica, b/x Primary",
		},
		"a copy that is placed stays a copy": {[]Judged{at("a", 90), at("b", 80, replica)}, 1, "a/x Replica, b/x Primary"},
	} {
		t.Run(name, func(t *testing.T) {
			var placed []member
			for i := range test.placed {
				placed = append(placed, member{Judged: &test.candidates[i], role: replica})
			}
			var got []string
			for _, m := range choose(required, placed, test.candidates) {
				got = append(got, fmt.Sprintf("%s %s", m.PlaceReference, m.role))
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("%v, want %s", got, test.want)
			}
			if test.want == "" {
				said := required.shortage(placed, test.candidates)
				if said.Message.String() != "2 places are eligible, and no 2 of them may be primary and copies together; see status.candidates" {
					t.Error(said.Message)
				}
			}
		})
	}
}

func TestAPolicyBringsWhatIsStoredUnderIt(t *testing.T) {
	policy := &v1alpha1.SovereigntyPolicy{}
	policy.Name = "p"
	if got := FromPolicy(policy); got.Name != "p" || got.SharePercents != nil {
		t.Errorf("nothing is known, and it is %+v", got)
	}
	policy.Status.Concentration = &v1alpha1.ConcentrationStatus{Operators: []v1alpha1.OperatorShare{{Operator: "a", SharePercent: 70}}}
	if got := FromPolicy(policy); got.SharePercents["a"] != 70 || len(got.SharePercents) != 1 {
		t.Errorf("shares: %v", got.SharePercents)
	}
}
