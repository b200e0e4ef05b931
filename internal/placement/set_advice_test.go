package placement_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/placement"
)

func of(operator string) func(*placement.Candidate) {
	return func(c *placement.Candidate) { c.Operator, c.RunBy.LegalEntity = operator, operator }
}

func standingAt(latitude, longitude string) func(*placement.Candidate) {
	return func(c *placement.Candidate) { c.Point = geo.ParsePoint(latitude, longitude) }
}

func farApart(kilometres int32) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) { s.Copies.MinimumDistanceKm = kilometres }
}

func TestAdviceAboutAllCopies(t *testing.T) {
	paris, lille := standingAt("48.86", "2.35"), standingAt("50.63", "3.06")
	nearLille := standingAt("50.65", "3.07")
	warns := does(v1alpha1.ActionWarn)
	named := policy("p", copies(2, 1))
	// Places come in the order of their names, so that a is the primary and b the copy.
	two := []placement.Candidate{place("a", "x", of("o"), paris), place("b", "x", of("o"), lille)}
	type advice map[string][]string // by place: what is only shown there
	for name, test := range map[string]struct {
		policies   []placement.Policy
		candidates []placement.Candidate
		change     func(*placement.Request)
		want       advice
	}{
		"operators, of each copy": {[]placement.Policy{named, baseline(policy("b", warns, copies(2, 2)))}, two, nil, advice{
			"a/x": {"policy b, operators, only a warning: the copies belong to 1 operator, and policy b asks for 2 (NotEnoughOperators)"},
			"b/x": {"policy b, operators, only a warning: the copies belong to 1 operator, and policy b asks for 2 (NotEnoughOperators)"},
		}},
		"and of no place that holds none": {
			[]placement.Policy{named, baseline(policy("b", warns, copies(2, 2)))}, append(two, place("c", "x", of("o"))), placed("a/x", "b/x"), advice{
				"a/x": {"policy b, operators, only a warning: the copies belong to 1 operator, and policy b asks for 2 (NotEnoughOperators)"},
				"b/x": {"policy b, operators, only a warning: the copies belong to 1 operator, and policy b asks for 2 (NotEnoughOperators)"},
			},
		},
		"copies, by a policy that is named": {[]placement.Policy{policy("p", does(v1alpha1.ActionAudit), copies(3, 1))}, two[:1], nil, advice{
			"a/x": {"policy p, copies, only recorded: 1 copy in all, and policy p asks for 3 (NotEnoughCopies)"},
		}},
		"own premises, and an attestation": {
			[]placement.Policy{policy("p"), baseline(policy("b", warns, premises("Required"), asks(v1alpha1.AttestationRule{Scheme: "HDS", AppliesTo: "AnyCopy"})))}, two[:1], nil, advice{
				"a/x": {
					"policy b, onPremise, only a warning: there is no copy in the authority's own premises, and policy b asks for one (OnPremiseRequired)",
					"policy b, attestation, only a warning: there is no copy with an attestation of HDS, and policy b asks for one (AttestationMissing)",
				},
			},
		},
		"a distance, of the replica": {[]placement.Policy{named, baseline(policy("b", warns, farApart(500)))}, two, placed("a/x", "b/x"), advice{
			"b/x": {"policy b, distance, not as replica, only a warning: it is 203 km from the copy at a/x, and policy b asks for 500 km between copies (TooClose)"},
		}},
		"of a replica that is new, once": {[]placement.Policy{named, baseline(policy("b", warns, farApart(500)))}, two, placed("a/x"), advice{
			"b/x": {"policy b, distance, not as replica, only a warning: it is 203 km from the primary at a/x, and the policy asks for 500 km between copies (TooClose)"},
		}},
		"of each of two replicas": {
			[]placement.Policy{policy("p", copies(3, 1)), baseline(policy("b", warns, farApart(100)))}, append(two, place("c", "x", of("o"), nearLille)), placed("a/x", "b/x", "c/x"), advice{
				"b/x": {"policy b, distance, not as replica, only a warning: it is 2 km from the copy at c/x, and policy b asks for 100 km between copies (TooClose)"},
				"c/x": {"policy b, distance, not as replica, only a warning: it is 2 km from the copy at b/x, and policy b asks for 100 km between copies (TooClose)"},
			},
		},
		"of a primary that nobody knows where it is": {
			[]placement.Policy{named, baseline(policy("b", warns, farApart(100)))}, []placement.Candidate{place("a", "x", of("o")), two[1]}, placed("a/x", "b/x"), advice{
				"a/x": {"policy b, distance, not as primary, only a warning: policy b asks for 100 km between copies, and the coordinates of this place are not known: " +
					"declare latitude and longitude of x in spec.locations of SovereignProvider a (LocationUnknown)"},
			},
		},
		"one copy is near to none":            {[]placement.Policy{policy("p"), baseline(policy("b", warns, farApart(100)))}, two[:1], placed("a/x"), advice{}},
		"also where nobody knows where it is": {[]placement.Policy{policy("p"), baseline(policy("b", warns, farApart(100)))}, []placement.Candidate{place("a", "x")}, placed("a/x"), advice{}},
		"far enough":                          {[]placement.Policy{named, baseline(policy("b", warns, farApart(200)))}, two, placed("a/x", "b/x"), advice{}},
		"what is excepted": {
			[]placement.Policy{named, baseline(policy("b", warns, copies(2, 2)))}, two[:1], func(in *placement.Request) {
				in.Policies[0].Spec.Copies.Minimum, in.Now = 1, noon
				in.Exceptions = []placement.Exception{{Name: "e", Policy: "b", Rules: []v1alpha1.ExceptableRule{"copies", "operators"}, NotAfter: noon.AddDate(0, 0, 1)}}
			}, advice{"a/x": {
				"policy b, copies, excepted: SovereigntyException e lets it not count until 2026-11-25 12:00 UTC: 1 copy in all, and policy b asks for 2 (ExceptionActive)",
				"policy b, operators, excepted: SovereigntyException e lets it not count until 2026-11-25 12:00 UTC: the copies belong to 1 operator, and policy b asks for 2 (ExceptionActive)",
			}},
		},
		"a primary that may not stay": {
			[]placement.Policy{policy("p", perimeter("EU")), baseline(policy("b", warns, perimeter("EEA"), copies(2, 1)))}, []placement.Candidate{place("a", "x", of("o"), in("NO"))}, placed("a/x"), advice{
				"a/x": {"policy b, copies, only a warning: 1 copy in all, and policy b asks for 2 (NotEnoughCopies)"},
			},
		},
		"no place at all":           {[]placement.Policy{policy("p", warns, copies(2, 2))}, nil, nil, advice{}},
		"a policy that denies asks": {[]placement.Policy{policy("p", copies(2, 2))}, two[:1], placed("a/x"), advice{}},
	} {
		t.Run(name, func(t *testing.T) {
			var changes []func(*placement.Request)
			if test.change != nil {
				changes = append(changes, test.change)
			}
			decision := decide(test.policies, test.candidates, changes...)
			got := advice{}
			for _, candidate := range decision.Candidates {
				for _, objection := range candidate.Objections {
					if objection.Denies() && (objection.Rule == placement.RuleCopies || objection.Rule == placement.RuleOperators) {
						t.Errorf("%s is kept away: %s", candidate, objection)
					}
					if objection.Action != "" {
						got[candidate.String()] = append(got[candidate.String()], objection.String())
					}
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("what is shown (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAdviceIsInTheStatus(t *testing.T) {
	policies := []placement.Policy{policy("p", copies(2, 1)), baseline(policy("b", does(v1alpha1.ActionAudit), copies(2, 2)))}
	decision := decide(policies, []placement.Candidate{place("a", "x", of("o")), place("a", "y", of("o"))})
	if !decision.Satisfied {
		t.Fatalf("it keeps copies away: %s", decision.Message)
	}
	want := v1alpha1.ObjectionStatus{
		Policy: "b", Rule: "operators", Reason: v1alpha1.ReasonNotEnoughOperators, Action: v1alpha1.ActionAudit,
		Message: "the copies belong to 1 operator, and policy b asks for 2",
	}
	for _, shown := range placement.Summarise(decision.Candidates) {
		if diff := cmp.Diff([]v1alpha1.ObjectionStatus{want}, shown.Objections); diff != "" || !shown.Eligible || shown.Score == nil {
			t.Errorf("%v is eligible: %t (-want +got):\n%s", shown.Locations, shown.Eligible, diff)
		}
	}
}

// Advice is about what was decided, and decides nothing.
func TestAdviceChangesNoDecision(t *testing.T) {
	advised := 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 13))
		policies, candidates := random(r)
		for i := range candidates {
			if r.IntN(3) > 0 {
				candidates[i].Point = new(geo.At(42+8*r.Float64(), 7*r.Float64()))
			}
		}
		more, _ := random(r)
		more[0].Spec.ValidationActions, more[0].IsBaseline, more[0].Name = []v1alpha1.ValidationAction{v1alpha1.ActionWarn}, true, "advice"
		more[0].Spec.Copies.MinimumDistanceKm = 1 + r.Int32N(600)
		now := func(in *placement.Request) { in.Now = noon }
		without, with := decide(policies, candidates, now), decide(append(policies, more[0]), candidates, now)
		if without.Satisfied && r.IntN(2) == 0 {
			stay := func(in *placement.Request) { in.Placed = without.Copies }
			without, with = decide(policies, candidates, now, stay), decide(append(policies, more[0]), candidates, now, stay)
		}
		for i := range with.Candidates {
			isAdvice := func(o placement.Objection) bool { return o.Policy == "advice" }
			if slices.ContainsFunc(with.Candidates[i].Objections, isAdvice) {
				advised++
			}
			without.Candidates[i].Objections = withoutAdvice(without.Candidates[i].Objections)
			with.Candidates[i].Objections = withoutAdvice(with.Candidates[i].Objections)
		}
		if diff := cmp.Diff(without, with); diff != "" {
			t.Fatalf("seed %d: advice changes the decision (-without +with):\n%s", seed, diff)
		}
	}
	if advised < 500 {
		t.Errorf("there was advice at %d places only", advised)
	}
}

// withoutAdvice leaves the objections that keep something away.
func withoutAdvice(objections []placement.Objection) []placement.Objection {
	var denying []placement.Objection
	for _, objection := range objections {
		if objection.Denies() {
			denying = append(denying, objection)
		}
	}
	return denying
}
