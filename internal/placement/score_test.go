package placement_test

import (
	"testing"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/placement"
)

// ranked has prioritizers, all of weight 1.
func ranked(names ...v1alpha1.PrioritizerName) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) {
		for _, name := range names {
			s.Prioritizers = append(s.Prioritizers, v1alpha1.Prioritizer{Name: name})
		}
	}
}

func TestScores(t *testing.T) {
	runFrom := func(country string) func(*placement.Candidate) {
		return func(c *placement.Candidate) { c.RunBy.ControlCountry = country }
	}
	powered := func(grams int32, pue string) func(*placement.Candidate) {
		return func(c *placement.Candidate) { c.Facts.GridIntensity, c.Facts.PUE = &grams, pue }
	}
	down := func(c *placement.Candidate) { c.Ready = false }
	near := func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Near = &v1alpha1.Point{Latitude: "50.63", Longitude: "3.07"}
	}
	limit := func(percent int32) func(*v1alpha1.SovereigntyPolicySpec) {
		return func(s *v1alpha1.SovereigntyPolicySpec) { s.Concentration.MaximumSharePercent = percent }
	}
	tainted := func(c *placement.Candidate) {
		c.Taints = []v1alpha1.Taint{{Key: "old", Effect: v1alpha1.TaintPreferNoSchedule}}
	}
	attested := func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Attestations = []v1alpha1.AttestationRule{{Scheme: "HDS", Requirement: v1alpha1.Preferred}}
	}
	wide := perimeter("EEA")
	holding := map[string]int32{"a": 70, "b": 20}

	for name, test := range map[string]struct {
		policies  []placement.Policy
		candidate placement.Candidate
		points    int32
		spread    int32
		score     int32
	}{
		"Sovereignty: in France, controlled from France, confirmed": {
			[]placement.Policy{policy("p")}, place("a", "x", runFrom("FR"), verified("Confirmed")), 10000, 0, 100,
		},
		"Sovereignty: half of that is where it stands":       {[]placement.Policy{policy("p")}, place("a", "x"), 7500, 0, 75},
		"Sovereignty: in another country of the Union":       {[]placement.Policy{policy("p", wide)}, place("a", "x", in("DE")), 6500, 0, 65},
		"Sovereignty: in the EEA":                            {[]placement.Policy{policy("p", wide)}, place("a", "x", in("NO")), 5750, 0, 60},
		"Sovereignty: controlled from the Union":             {[]placement.Policy{policy("p")}, place("a", "x", runFrom("DE")), 8400, 0, 85},
		"Sovereignty: controlled from elsewhere":             {[]placement.Policy{policy("p")}, place("a", "x", runFrom("US")), 7500, 0, 75},
		"Sovereignty: declared":                              {[]placement.Policy{policy("p")}, place("a", "x", verified("Declared")), 8000, 0, 80},
		"Sovereignty: of own premises nobody else can tell":  {[]placement.Policy{policy("p")}, place("a", "x", verified("Declared"), ownWalls), 8500, 0, 85},
		"a place that does not answer has half of the score": {[]placement.Policy{policy("p")}, place("a", "x", runFrom("FR"), verified("Confirmed"), down), 5000, 0, 50},

		"Carbon: what the power of the building costs":  {[]placement.Policy{policy("p", ranked("Carbon"))}, place("a", "x", powered(100, "1.5")), 9250, 0, 95},
		"Carbon: nothing for the worst":                 {[]placement.Policy{policy("p", ranked("Carbon"))}, place("a", "x", powered(900, "1.5")), 5000, 0, 50},
		"Carbon: an unknown PUE is worse than any":      {[]placement.Policy{policy("p", ranked("Carbon"))}, place("a", "x", powered(100, "")), 8500, 0, 85},
		"Carbon: a PUE that cannot be is unknown":       {[]placement.Policy{policy("p", ranked("Carbon"))}, place("a", "x", powered(100, "0.5")), 8500, 0, 85},
		"Carbon: an unknown grid is worth nothing":      {[]placement.Policy{policy("p", ranked("Carbon"))}, place("a", "x"), 5000, 0, 50},
		"Proximity: at the place":                       {[]placement.Policy{policy("p", ranked("Proximity"), near)}, place("a", "x", standing(lille)), 10000, 0, 100},
		"Proximity: falls with the distance":            {[]placement.Policy{policy("p", ranked("Proximity"), near)}, place("a", "x", standing(paris)), 8977, 0, 90},
		"Proximity: nothing from 1000 km on":            {[]placement.Policy{policy("p", ranked("Proximity"), near)}, place("a", "x", standing(new(geo.At(30, 3)))), 5000, 0, 50},
		"Proximity: an unknown place is worth nothing":  {[]placement.Policy{policy("p", ranked("Proximity"), near)}, place("a", "x"), 5000, 0, 50},
		"Proximity: to nothing is worth nothing":        {[]placement.Policy{policy("p", ranked("Proximity"))}, place("a", "x", standing(lille)), 5000, 0, 50},
		"Proximity: to nonsense is worth nothing":       {[]placement.Policy{policy("p", ranked("Proximity"), func(s *v1alpha1.SovereigntyPolicySpec) { s.Near = &v1alpha1.Point{Latitude: "north"} })}, place("a", "x", standing(lille)), 5000, 0, 50},
		"Spread: what the operator does not hold":       {[]placement.Policy{{Name: "p", Spec: policy("p", ranked("Spread")).Spec, SharePercents: holding}}, place("a", "x"), 6500, 1500, 65},
		"Spread: of others is more":                     {[]placement.Policy{{Name: "p", Spec: policy("p", ranked("Spread")).Spec, SharePercents: holding}}, place("b", "x"), 9000, 4000, 90},
		"Spread: nothing is known to be stored":         {[]placement.Policy{policy("p", ranked("Spread"))}, place("a", "x"), 10000, 5000, 100},
		"Spread: more than it should hold is nothing":   {[]placement.Policy{{Name: "p", Spec: policy("p", ranked("Spread"), limit(60)).Spec, SharePercents: holding}}, place("a", "x"), 5000, 0, 50},
		"concentration alone counts beside Sovereignty": {[]placement.Policy{{Name: "p", Spec: policy("p", limit(60)).Spec, SharePercents: holding}}, place("b", "x"), 8250, 2000, 85},

		"prioritizers count by their weights": {
			[]placement.Policy{policy("p", near, func(s *v1alpha1.SovereigntyPolicySpec) {
				s.Prioritizers = []v1alpha1.Prioritizer{{Name: "Proximity", Weight: 3}, {Name: "Carbon", Weight: 1}}
			})}, place("a", "x", standing(lille)), 8750, 0, 90,
		},
		"and those of several policies beside each other": {
			[]placement.Policy{policy("p", near, ranked("Proximity")), policy("q", ranked("Carbon"))}, place("a", "x", standing(lille)), 7500, 0, 75,
		},
		"a baseline that does not deny has no say": {
			[]placement.Policy{policy("p", near, ranked("Proximity")), {Name: "q", IsBaseline: true, Spec: policy("q", ranked("Carbon"), premises("Preferred"),
				func(s *v1alpha1.SovereigntyPolicySpec) {
					s.ValidationActions = []v1alpha1.ValidationAction{v1alpha1.ActionWarn}
				}).Spec}}, place("a", "x", standing(lille)), 10000, 0, 100,
		},
		"a prioritizer that nobody knows has none either": {[]placement.Policy{policy("p", near, ranked("Proximity", "Price"))}, place("a", "x", standing(lille)), 10000, 0, 100},
		"a wish that is left open halves the rest":        {[]placement.Policy{policy("p", premises("Preferred"))}, place("a", "x"), 6250, 0, 65},
		"and is met at home":                              {[]placement.Policy{policy("p", premises("Preferred"))}, place("a", "x", ownWalls), 7500, 0, 75},
		"a taint is one":                                  {[]placement.Policy{policy("p")}, place("a", "x", tainted), 6250, 0, 65},
		"an attestation that is preferred is another":     {[]placement.Policy{policy("p", attested)}, place("a", "x", tainted), 5625, 0, 55},
	} {
		t.Run(name, func(t *testing.T) {
			got := decide(test.policies, []placement.Candidate{test.candidate}).Candidates[0]
			if got.Points != test.points || got.SpreadPoints != test.spread || got.Score != test.score {
				t.Errorf("%d points, %d of them for spread, score %d; want %d, %d, %d", got.Points, got.SpreadPoints, got.Score,
					test.points, test.spread, test.score)
			}
		})
	}
}

func TestSpreadPutsCopiesWithDifferentOperators(t *testing.T) {
	sameGroup := func(c *placement.Candidate) { c.Operator = "group" }
	better := func(c *placement.Candidate) { c.RunBy.ControlCountry = "FR" }
	candidates := []placement.Candidate{place("a", "x", sameGroup, better), place("b", "x", sameGroup, better), place("c", "x")}
	for name, test := range map[string]struct {
		change func(*v1alpha1.SovereigntyPolicySpec)
		want   []string
	}{
		"without it the two best are taken": {ranked("Sovereignty"), []string{"a/x", "b/x"}},
		"with it another operator is":       {ranked("Sovereignty", "Spread"), []string{"a/x", "c/x"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := placesOf(decide([]placement.Policy{policy("p", copies(2, 1), test.change)}, candidates).Copies)
			if len(got) != 2 || got[0] != test.want[0] || got[1] != test.want[1] {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
