package placement

import (
	"fmt"
	"math/rand/v2"
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
