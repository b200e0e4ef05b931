package placement

import (
	"strconv"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
)

// Points are counted in hundredths of a score.
const (
	fullPoints = 100 * 100
	// readyPoints are half of all: a place that does not answer now never goes before
	// one that does.
	readyPoints = fullPoints / 2
)

// scale is how the policies of a request together measure places. Their
// prioritizers count beside each other, each by its weight.
type scale struct {
	in      Request
	weights []weight
	total   int
}

// weight is a prioritizer of a policy.
type weight struct {
	measure measure
	policy  Policy
	// near is the point of the policy; nil is none.
	near   *geo.Point
	weight int
	// isSpread tells that a set of copies gets it once for each operator.
	isSpread bool
}

// measure says how good a place is by one prioritizer, 0 to fullPoints. What is not
// known of a place is worth nothing.
type measure func(w weight, c Candidate) int

var measures = map[v1alpha1.PrioritizerName]measure{
	v1alpha1.PrioritizerSovereignty: sovereignty,
	v1alpha1.PrioritizerCarbon:      carbon,
	v1alpha1.PrioritizerProximity:   proximity,
	v1alpha1.PrioritizerSpread:      spread,
}

// wishes count what is held against a place and is no rule, such as that it is not in
// the own premises where that is preferred. Each one halves what the prioritizers
// give.
var wishes = []func(in Request, c Candidate) int{atHome, unmetPreferences}

func newScale(in Request) scale {
	s := scale{in: in}
	isPrioritised := false
	for _, policy := range in.Policies {
		if policy.IsAdvice() {
			continue
		}
		hasSpread := false
		for _, p := range policy.Spec.Prioritizers {
			s.add(p.Name, policy, max(int(p.Weight), 1))
			hasSpread = hasSpread || p.Name == v1alpha1.PrioritizerSpread
			isPrioritised = true
		}
		if policy.Spec.Concentration.MaximumSharePercent > 0 && !hasSpread {
			s.add(v1alpha1.PrioritizerSpread, policy, 1)
		}
	}
	if !isPrioritised {
		s.add(v1alpha1.PrioritizerSovereignty, Policy{}, 1)
	}
	return s
}

func (s *scale) add(name v1alpha1.PrioritizerName, policy Policy, by int) {
	if measure, isKnown := measures[name]; isKnown {
		w := weight{measure: measure, policy: policy, weight: by, isSpread: name == v1alpha1.PrioritizerSpread}
		if point := policy.Spec.Near; point != nil {
			w.near = geo.ParsePoint(point.Latitude, point.Longitude)
		}
		s.weights = append(s.weights, w)
		s.total += by
	}
}

// points gives the points of a place, and how many of them are for spread.
func (s *scale) points(c Candidate) (all, forSpread int32) {
	sum, ofSpread := 0, 0
	for _, w := range s.weights {
		part := w.weight * w.measure(w, c) / s.total
		sum += part
		if w.isSpread {
			ofSpread += part
		}
	}
	open := 1 // the other half
	for _, wish := range wishes {
		open += wish(s.in, c)
	}
	sum, ofSpread = sum>>open, ofSpread>>open
	if c.Ready {
		sum += readyPoints
	}
	return int32(sum), int32(ofSpread) //nolint:gosec // at most fullPoints
}

// shown rounds points to a score: 0 to 100 in steps of 5.
func shown(points int32) int32 {
	const step = 5
	return (points + step*100/2) / (step * 100) * step
}

// inside gives what a perimeter is worth: the narrower the more.
func inside(perimeter geo.Perimeter, full int) int {
	switch perimeter {
	case geo.FR:
		return full
	case geo.EU:
		return full * 3 / 5
	case geo.EEA:
		return full * 3 / 10
	case geo.None:
	}
	return 0
}

// sovereignty is half where the place stands, three tenths who controls its
// operator, and two tenths how sure the place is: of premises of one's own nobody
// but the owner can tell.
func sovereignty(_ weight, c Candidate) int {
	points := inside(c.Territory.Perimeter, fullPoints/2) +
		inside(geo.Classify(c.RunBy.ControlCountry, "").Perimeter, fullPoints*3/10)
	const sure = fullPoints / 5
	switch {
	case c.Verification == v1alpha1.VerificationConfirmed, c.Verification == v1alpha1.VerificationDeclared && c.OnPremise:
		points += sure
	case c.Verification == v1alpha1.VerificationDeclared:
		points += sure / 2
	}
	return points
}

// worstCarbon is what is worth nothing, in grams of CO2 equivalent per kWh that the
// machines take. unknownPUE is worse than data centres are.
const (
	worstCarbon = 1000
	unknownPUE  = 3.0
)

// carbon is what power costs there, for the building as well.
func carbon(_ weight, c Candidate) int {
	if c.Facts.GridIntensity == nil {
		return 0
	}
	pue, err := strconv.ParseFloat(c.Facts.PUE, 64)
	if err != nil || pue < 1 {
		pue = unknownPUE
	}
	return falling(float64(*c.Facts.GridIntensity)*pue, worstCarbon)
}

// farAwayKm is worth nothing.
const farAwayKm = 1000

// proximity is how close a place is to the point that the policy names.
func proximity(w weight, c Candidate) int {
	if w.near == nil || c.Point == nil {
		return 0
	}
	return falling(c.Point.DistanceKm(*w.near), farAwayKm)
}

// spread is what the operator does not hold of all that is known to be stored under
// the policy, and nothing where it holds more than it should.
func spread(w weight, c Candidate) int {
	share := w.policy.SharePercents[c.Operator]
	if most := w.policy.Spec.Concentration.MaximumSharePercent; most > 0 && share > most {
		return 0
	}
	return falling(float64(share), 100)
}

// falling is full at 0 and nothing from the worst on.
func falling(value, worst float64) int {
	return int(max(0, fullPoints*(1-value/worst)))
}

// atHome counts the policies that prefer the own premises where a place is not.
func atHome(in Request, c Candidate) int {
	open := 0
	for _, policy := range in.Policies {
		if !policy.IsAdvice() && policy.Spec.Copies.OnPremise == v1alpha1.Preferred && !c.OnPremise {
			open++
		}
	}
	return open
}
