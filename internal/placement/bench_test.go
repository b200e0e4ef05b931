package placement

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
)

// thousandBuckets are requests of 1 000 buckets under 20 policies, with 60 places to
// choose from; every other bucket has its primary already.
func thousandBuckets() []Request {
	const buckets, locations, kinds = 1000, 60, 20
	r := rand.New(rand.NewPCG(1, 1))
	everybody := &metav1.LabelSelector{}
	towns := [][2]float64{
		{50.99, 2.13},
		{50.69, 3.17},
		{48.58, 7.75},
		{48.85, 2.35},
		{45.76, 4.84},
		{43.30, 5.37},
		{48.11, -1.68},
		{44.84, -0.58},
		{43.60, 1.44},
		{47.22, -1.55},
		{50.12, 8.68},
		{52.23, 21.01},
		{45.46, 9.19},
		{41.39, 2.17},
		{52.37, 4.90},
	}
	countries := []string{"FR", "FR", "FR", "FR", "FR", "FR", "FR", "FR", "FR", "FR", "DE", "PL", "IT", "ES", "NL"}
	var candidates []Candidate
	for i := range locations {
		town := i % len(towns)
		candidates = append(candidates, Candidate{
			PlaceReference: v1alpha1.PlaceReference{ProviderName: fmt.Sprintf("provider-%d", i%12), Location: fmt.Sprintf("location-%d", i)},
			Operator:       fmt.Sprintf("operator-%d", i%9), RunBy: v1alpha1.Operator{ControlCountry: countries[(i*7)%len(countries)]},
			Territory: geo.Classify(countries[town], ""), Point: new(geo.At(towns[town][0]+r.Float64()/10, towns[town][1]+r.Float64()/10)),
			Verification: v1alpha1.VerificationDeclared, OnPremise: i%10 == 9, Grant: v1alpha1.GrantScoped, Ready: i%8 != 3,
			AllowedNamespaces: everybody, Capabilities: v1alpha1.Capabilities{Versioning: v1alpha1.CapabilitySupported},
		})
		candidates[i].Facts.GridIntensity, candidates[i].Facts.PUE = new(int32(30+town*20)), "1.3"
	}
	var policies []Policy
	for i := range kinds {
		policies = append(policies, Policy{Name: fmt.Sprintf("policy-%d", i), Spec: v1alpha1.SovereigntyPolicySpec{
			AllowedNamespaces: everybody,
			Residency:         v1alpha1.Residency{Perimeter: []v1alpha1.Perimeter{"FR", "EU"}[i%2]},
			Copies: v1alpha1.CopyRules{
				Minimum: int32(2 + i%4), DistinctOperators: int32(1 + i%3), MinimumDistanceKm: []int32{0, 50, 100, 300}[i/5],
				OnPremise: []v1alpha1.Requirement{"", v1alpha1.Required, v1alpha1.Preferred}[i%3],
			},
			Protection: v1alpha1.Protection{Versioning: v1alpha1.Required},
			Prioritizers: []v1alpha1.Prioritizer{
				{Name: "Sovereignty", Weight: 3}, {Name: "Carbon", Weight: 1}, {Name: "Proximity", Weight: 1}, {Name: "Spread", Weight: 2},
			},
			Near: &v1alpha1.Point{Latitude: "48.11", Longitude: "-1.68"},
		}, SharePercents: map[string]int32{"operator-0": 40, "operator-1": 30}})
	}
	var requests []Request
	for i := range buckets {
		request := Request{
			Namespace: Namespace{Name: "etat-civil"}, Name: fmt.Sprintf("bucket-%d", i),
			Policies: policies[i%kinds : i%kinds+1], Candidates: candidates,
		}
		if i%2 == 1 {
			request.Placed = []Copy{{PlaceReference: candidates[(i*3)%10].PlaceReference, Role: v1alpha1.RolePrimary}}
		}
		requests = append(requests, request)
	}
	return requests
}

// greedy is what is compared with: the places in the order of their points, each of
// which is taken if it is far enough from those that are taken and leaves room for
// what is still missing. It never takes anything back.
func greedy(in Request) (copies []member, satisfied bool) {
	required := requiredSet(in)
	judged := judgeAll(in)
	d := Decision{Candidates: judged}
	copies, illegal := d.sortPlaced(in.Placed)
	if primaryOf(illegal) != nil {
		return nil, false
	}
	for i := range judged {
		candidate := &judged[i]
		m := member{Judged: candidate, role: v1alpha1.RoleReplica}
		if len(in.Placed) == 0 && len(copies) == 0 {
			m.role = v1alpha1.RolePrimary
		}
		isEnough := len(copies) >= required.copies.value && len(operatorsOf(copies)) >= required.operators.value && required.unmet(copies) == nil
		if isEnough {
			break
		}
		grown := append(slices.Clip(copies), m)
		left := required.copies.value - len(grown)
		lacking := required.operators.value - len(operatorsOf(grown))
		if candidate.EligibleAs(m.role) && !contains(copies, candidate.PlaceReference) && required.fits(copies, m) && lacking <= left &&
			(left > 0 || required.unmet(grown) == nil) {
			copies = grown
		}
	}
	return copies, len(copies) >= required.copies.value && len(operatorsOf(copies)) >= required.operators.value && required.unmet(copies) == nil
}

// BenchmarkThousandBuckets decides about 1 000 buckets, by search and greedily. It
// also reports how many of them found a place for every copy, and how many points a
// copy has.
func BenchmarkThousandBuckets(b *testing.B) {
	requests := thousandBuckets()
	b.Run("search", func(b *testing.B) {
		var placed, points, copies int
		for b.Loop() {
			placed, points, copies = 0, 0, 0
			for _, request := range requests {
				decision := Decide(request)
				if decision.Satisfied {
					placed++
					for _, c := range decision.Copies {
						points, copies = points+int(c.Score), copies+1
					}
				}
			}
		}
		b.ReportMetric(float64(placed), "placed")
		b.ReportMetric(float64(points)/float64(copies), "score/copy")
	})
	b.Run("greedy", func(b *testing.B) {
		var placed, points, copies int
		for b.Loop() {
			placed, points, copies = 0, 0, 0
			for _, request := range requests {
				if set, isPlaced := greedy(request); isPlaced {
					placed++
					for _, m := range set {
						points, copies = points+int(m.Score), copies+1
					}
				}
			}
		}
		b.ReportMetric(float64(placed), "placed")
		b.ReportMetric(float64(points)/float64(copies), "score/copy")
	})
}
