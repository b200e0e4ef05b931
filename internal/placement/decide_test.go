package placement_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/placement"
)

// decide runs a request in a namespace that everybody admits.
func decide(policies []placement.Policy, candidates []placement.Candidate, change ...func(*placement.Request)) placement.Decision {
	request := placement.Request{
		Namespace: placement.Namespace{Name: "etat-civil"}, Policies: policies, Candidates: candidates,
	}
	for _, f := range change {
		f(&request)
	}
	return placement.Decide(request)
}

func placed(copies ...string) func(*placement.Request) {
	return func(r *placement.Request) {
		for i, name := range copies {
			provider, location, _ := strings.Cut(name, "/")
			role := v1alpha1.RoleReplica
			if i == 0 {
				role = v1alpha1.RolePrimary
			}
			r.Placed = append(r.Placed, placement.Copy{
				PlaceReference: v1alpha1.PlaceReference{ProviderName: provider, Location: location}, Role: role,
			})
		}
	}
}

func primaryAt(provider, location string) func(*placement.Request) {
	return func(r *placement.Request) {
		r.Narrowing.Primary = &v1alpha1.PlaceReference{ProviderName: provider, Location: location}
	}
}

func TestDecide(t *testing.T) {
	sameGroup := func(c *placement.Candidate) { c.Operator = "group" }
	down := func(c *placement.Candidate) { c.Ready = false }
	holds := func(c *placement.Candidate) { c.Holds = true }
	accountWide := func(c *placement.Candidate) { c.Grant = v1alpha1.GrantAccountWide }
	scoped := func(s *v1alpha1.SovereigntyPolicySpec) { s.Access.MinimumGrant = v1alpha1.GrantScoped }

	for name, test := range map[string]struct {
		decision placement.Decision
		want     []string // primary first
		reason   string   // when not satisfied
		message  string   // a part of it
	}{
		"one copy goes to the first by name": {
			decision: decide([]placement.Policy{policy("p")}, []placement.Candidate{place("b", "x"), place("a", "y"), place("a", "x")}),
			want:     []string{"a/x"},
		},
		"a place that answers goes before one that does not": {
			decision: decide([]placement.Policy{policy("p")}, []placement.Candidate{place("a", "x", down), place("b", "x")}),
			want:     []string{"b/x"},
		},
		"a place that holds the dataset already goes before all others": {
			decision: decide([]placement.Policy{policy("p", copies(2, 2))}, []placement.Candidate{place("a", "x"), place("b", "x"), place("c", "x", down, holds)}, primaryAt("b", "x")),
			want:     []string{"b/x", "c/x"},
		},
		"and is refused like any other": {
			decision: decide([]placement.Policy{policy("p")}, []placement.Candidate{place("a", "x", in("CA"), holds), place("b", "x")}),
			want:     []string{"b/x"},
		},
		"own premises go first where they are preferred": {
			decision: decide([]placement.Policy{policy("p", premises("Preferred"))}, []placement.Candidate{place("a", "x"), place("b", "x", ownWalls)}),
			want:     []string{"b/x"},
		},
		"operators are counted by group": {
			decision: decide([]placement.Policy{policy("p", copies(2, 2))},
				[]placement.Candidate{place("a", "x", sameGroup), place("b", "x", sameGroup), place("c", "x")}),
			want: []string{"a/x", "c/x"},
		},
		"one operator too few": {
			decision: decide([]placement.Policy{policy("p", copies(2, 2))},
				[]placement.Candidate{place("a", "x", sameGroup), place("b", "x", sameGroup)}),
			reason: v1alpha1.ReasonNotEnoughOperators, message: "asks for 2 operators and the eligible places belong to 1",
		},
		"one place too few": {
			decision: decide([]placement.Policy{policy("p", copies(3, 1))}, []placement.Candidate{place("a", "x"), place("b", "x"), place("c", "x", in("CA"))}),
			reason:   v1alpha1.ReasonNotEnoughCopies, message: "asks for 3 copies and only 2 places are eligible",
		},
		"no provider at all": {
			decision: decide([]placement.Policy{policy("p")}, nil),
			reason:   v1alpha1.ReasonNotEnoughCopies, message: "there is no SovereignProvider",
		},
		"what everybody is refused for is the reason": {
			decision: decide([]placement.Policy{policy("p", func(s *v1alpha1.SovereigntyPolicySpec) { s.AllowedNamespaces = nil })},
				[]placement.Candidate{place("a", "x", in("CA")), place("b", "x")}),
			reason: v1alpha1.ReasonNamespaceNotAllowed, message: "policy p does not admit namespace etat-civil",
		},
		"a copy at home is brought in although it ranks last": {
			decision: decide([]placement.Policy{policy("p", copies(2, 1), premises("Required"))},
				[]placement.Candidate{place("a", "x"), place("b", "x"), place("z", "x", ownWalls, down)}),
			want: []string{"a/x", "z/x"},
		},
		"nobody has premises of their own": {
			decision: decide([]placement.Policy{policy("p", premises("Required"))}, []placement.Candidate{place("a", "x")}),
			reason:   v1alpha1.ReasonOnPremiseRequired,
		},
		"the primary goes where a key can be scoped": {
			decision: decide([]placement.Policy{policy("p", copies(2, 1), scoped)},
				[]placement.Candidate{place("a", "x", accountWide), place("b", "x")}),
			want: []string{"b/x", "a/x"},
		},
		"nowhere can a key be scoped": {
			decision: decide([]placement.Policy{policy("p", scoped)}, []placement.Candidate{place("a", "x", accountWide)}),
			reason:   v1alpha1.ReasonNotEnoughCopies, message: "no eligible place may hold the primary",
		},
		"the bucket chooses the primary": {
			decision: decide([]placement.Policy{policy("p", copies(2, 2))}, []placement.Candidate{place("a", "x"), place("b", "x")}, primaryAt("b", "x")),
			want:     []string{"b/x", "a/x"},
		},
		"the bucket chooses an illegal primary": {
			decision: decide([]placement.Policy{policy("p")}, []placement.Candidate{place("a", "x"), place("b", "x", in("CA"))}, primaryAt("b", "x")),
			reason:   v1alpha1.ReasonOutsidePerimeter, message: "placement.primary b/x is refused: CA is outside FR",
		},
		"the bucket chooses a primary that there is not": {
			decision: decide([]placement.Policy{policy("p")}, []placement.Candidate{place("a", "x")}, primaryAt("b", "x")),
			reason:   v1alpha1.ReasonProviderNotFound, message: "the bucket's placement.primary asks for b/x, which no SovereignProvider declares",
		},
		"what is placed stays although another would be better": {
			decision: decide([]placement.Policy{policy("p", copies(2, 1), premises("Preferred"))},
				[]placement.Candidate{place("a", "x"), place("b", "x"), place("c", "x", ownWalls)}, placed("b/x", "a/x")),
			want: []string{"b/x", "a/x"},
		},
		"what is placed stays although fewer are asked for": {
			decision: decide([]placement.Policy{policy("p", copies(1, 1))},
				[]placement.Candidate{place("a", "x"), place("b", "x")}, placed("b/x", "a/x")),
			want: []string{"b/x", "a/x"},
		},
		"a stricter policy adds a copy to those placed": {
			decision: decide([]placement.Policy{policy("p", copies(2, 2))},
				[]placement.Candidate{place("a", "x", sameGroup), place("b", "x", sameGroup), place("c", "x")}, placed("a/x", "b/x")),
			want: []string{"a/x", "b/x", "c/x"},
		},
		"an illegal replica is replaced": {
			decision: decide([]placement.Policy{policy("p", copies(2, 2))},
				[]placement.Candidate{place("a", "x"), place("b", "x", in("CA")), place("c", "x")}, placed("a/x", "b/x")),
			want: []string{"a/x", "c/x"},
		},
		"an illegal primary stays and is named": {
			decision: decide([]placement.Policy{policy("p", copies(2, 2))},
				[]placement.Candidate{place("a", "x", in("CA")), place("b", "x"), place("c", "x")}, placed("a/x", "b/x")),
			reason: v1alpha1.ReasonPrimaryRelocationRequired, message: "primary at a/x may not stay there and does not move by itself: CA is outside FR",
		},
		"a primary that no provider declares any more is named": {
			decision: decide([]placement.Policy{policy("p")}, []placement.Candidate{place("b", "x")}, placed("a/x")),
			reason:   v1alpha1.ReasonPrimaryRelocationRequired, message: "no SovereignProvider declares a/x any more",
		},
		"of two policies the strictest counts": {
			decision: decide([]placement.Policy{policy("p", perimeter("EU"), copies(2, 1)), policy("baseline", perimeter("EEA"), copies(1, 2))},
				[]placement.Candidate{place("a", "x", in("NO")), place("b", "x", in("DE")), place("c", "x", in("DE"))}),
			want: []string{"b/x", "c/x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.decision.Satisfied != (test.reason == "") || test.decision.Reason != test.reason ||
				!strings.Contains(test.decision.Message.String(), test.message) {
				t.Errorf("satisfied %v, reason %q, message %q; want reason %q, message %q", test.decision.Satisfied,
					test.decision.Reason, test.decision.Message, test.reason, test.message)
			}
			if test.reason != "" {
				return
			}
			if diff := cmp.Diff(test.want, placesOf(test.decision.Copies)); diff != "" {
				t.Errorf("copies (-want +got):\n%s", diff)
			}
			if test.decision.Copies[0].Role != v1alpha1.RolePrimary {
				t.Errorf("the first copy is a %s", test.decision.Copies[0].Role)
			}
		})
	}
}

func TestIllegalCopiesAreReportedWithTheirObjections(t *testing.T) {
	got := decide([]placement.Policy{policy("p", copies(2, 2))},
		[]placement.Candidate{place("a", "x"), place("b", "x", in("CA")), place("c", "x")}, placed("a/x", "b/x")).Illegal
	if len(got) != 1 || got[0].String() != "b/x" || got[0].Objections[0].Reason != v1alpha1.ReasonOutsidePerimeter {
		t.Errorf("illegal copies: %+v", got)
	}
}

func placesOf(copies []placement.Copy) []string {
	var places []string
	for _, c := range copies {
		places = append(places, c.String())
	}
	return places
}

func TestSummaryJoinsRefusedLocationsOfAProvider(t *testing.T) {
	decision := decide([]placement.Policy{policy("p")}, []placement.Candidate{
		place("ovh", "GRA"), place("ovh", "SBG"), place("ovh", "BHS", in("CA")), place("ovh", "TOR", in("CA")), place("ovh", "UK", in("GB")),
	})
	var got []string
	for _, entry := range placement.Summarise(decision.Candidates) {
		line := entry.ProviderName + " " + strings.Join(entry.Locations, ",")
		for _, objection := range entry.Objections {
			line += ": " + objection.Message
		}
		got = append(got, line)
	}
	want := []string{"ovh GRA", "ovh SBG", "ovh BHS,TOR: CA is outside FR", "ovh UK: GB is outside FR"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestSummaryKeepsWithinItsBounds(t *testing.T) {
	var candidates []placement.Candidate
	for i := range 100 {
		candidates = append(candidates, place("p"+strings.Repeat("é", 300), string(rune('a'+i%26))+strings.Repeat("x", i/26), in("CA"),
			func(c *placement.Candidate) { c.AllowedNamespaces = nil; c.ProviderName += string(rune('a' + i%26)) }))
	}
	entries := placement.Summarise(decide([]placement.Policy{policy("p")}, candidates).Candidates)
	if len(entries) > 64 {
		t.Errorf("%d entries", len(entries))
	}
	for _, entry := range entries {
		message := entry.Objections[0].Message
		if len(message) > 512 || !strings.HasSuffix(message, "é…") || !utf8.ValidString(message) {
			t.Errorf("message of %d bytes: %s", len(message), message)
		}
	}
}

func TestSummaryKeepsThePlacesOfCopies(t *testing.T) {
	var candidates []placement.Candidate
	for i := range 100 {
		candidates = append(candidates, place("p", string(rune('a'+i/26))+string(rune('a'+i%26))))
	}
	candidates = append(candidates, place("zz", "x", in("CA")))
	entries := placement.Summarise(decide([]placement.Policy{policy("p")}, candidates, placed("p/aa", "zz/x")).Candidates)
	if len(entries) != 64 || entries[63].ProviderName != "zz" || entries[0].Locations[0] != "aa" {
		t.Errorf("%d entries, the last %+v", len(entries), entries[len(entries)-1])
	}
}

// random makes a small world in which everything can be wrong.
func random(r *rand.Rand) ([]placement.Policy, []placement.Candidate) {
	countries := []string{"FR", "FR", "DE", "NO", "CA", ""}
	perimeters := []v1alpha1.Perimeter{"FR", "EU", "EEA"}
	requirements := []v1alpha1.Requirement{"", "Required", "Preferred", "Forbidden", "Only"}
	var candidates []placement.Candidate
	for i := range 1 + r.IntN(7) {
		candidates = append(candidates, place(string(rune('a'+i)), "x", in(countries[r.IntN(len(countries))]), func(c *placement.Candidate) {
			c.Operator = string(rune('a' + r.IntN(3)))
			c.OnPremise, c.Ready, c.Suspended = r.IntN(3) == 0, r.IntN(4) > 0, r.IntN(6) == 0
			if r.IntN(4) == 0 {
				c.Grant = v1alpha1.GrantAccountWide
			}
			randomFacts(r, c)
		}))
	}
	var policies []placement.Policy
	for i := range 1 + r.IntN(2) {
		policies = append(policies, policy(string(rune('p'+i)), perimeter(perimeters[r.IntN(3)]), copies(1+r.Int32N(3), 1+r.Int32N(2)),
			premises(requirements[r.IntN(len(requirements))]), func(s *v1alpha1.SovereigntyPolicySpec) {
				if r.IntN(3) == 0 {
					s.Access.MinimumGrant = v1alpha1.GrantScoped
				}
				randomRules(r, s)
			}))
		policies[i].IsBaseline = i > 0
	}
	return policies, candidates
}

// randomFacts are such that most places have most of what policies may ask for.
func randomFacts(r *rand.Rand, c *placement.Candidate) {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	c.Verification = v1alpha1.LocationVerification(pick("Confirmed", "Confirmed", "Declared", "Contradicted"))
	c.RunBy = v1alpha1.Operator{
		SeatCountry: pick("FR", "FR", "DE", "US", ""), ControlCountry: pick("FR", "FR", "NO", "US", ""),
		NonEUHolderPercent: pick("0", "10", "24", "30", ""), NonEUTotalPercent: pick("0", "39", "50", ""),
		ExtraterritorialLaw: v1alpha1.LawExposure(pick("None", "None", "Exposed", "")),
	}
	c.Facts.PUE = pick("1.1", "1.3", "1.8", "")
	if r.IntN(3) > 0 {
		c.Facts.GridIntensity = new(r.Int32N(400))
	}
	for _, scheme := range []string{"HDS", "SecNumCloud"} {
		if r.IntN(2) == 0 {
			attested(scheme + " " + pick("1", "3.2", "-") + " " + pick("2027-01-01", "2027-01-01", "2020-01-01", "-"))(c)
		}
	}
	if r.IntN(5) == 0 {
		tainted(v1alpha1.TaintEffect(pick("NoSchedule", "PreferNoSchedule")), "t")(c)
	}
}

// randomRules asks for little at a time, so that something is eligible now and then.
func randomRules(r *rand.Rand, s *v1alpha1.SovereigntyPolicySpec) {
	switch r.IntN(10) {
	case 0:
		s.Residency.Location = v1alpha1.AssuranceConfirmed
	case 1:
		s.Jurisdiction.Perimeter = []v1alpha1.Perimeter{"FR", "EU", "EEA"}[r.IntN(3)]
	case 2:
		s.Jurisdiction.MaxNonEUHolderPercent, s.Jurisdiction.MaxNonEUTotalPercent = "24", "39"
	case 3:
		s.Jurisdiction.ExtraterritorialLaw = v1alpha1.Forbidden
	case 4:
		s.Environment = v1alpha1.Environment{MaximumGridIntensity: new(int32(300)), MaximumPUE: "1.5"}
	case 5, 6, 7:
		applies := []v1alpha1.AttestedCopies{"", "AllCopies", "CloudCopies", "AnyCopy", "Primary"}
		s.Attestations = []v1alpha1.AttestationRule{{
			Scheme: []string{"HDS", "SecNumCloud"}[r.IntN(2)], MinimumVersion: []string{"", "3"}[r.IntN(2)],
			AppliesTo: applies[r.IntN(len(applies))], Requirement: []v1alpha1.Requirement{"", "Required", "Preferred"}[r.IntN(3)],
		}}
	}
	s.ValidationActions = [][]v1alpha1.ValidationAction{nil, {"Deny"}, {"Warn"}, {"Audit"}, {"Warn", "Audit"}}[r.IntN(5)]
}

func TestDecisionHasTheseProperties(t *testing.T) {
	satisfied := 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		policies, candidates := random(r)
		now := func(r *placement.Request) { r.Now = noon }
		decision := decide(policies, candidates, now)

		shuffled := slices.Clone(candidates)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := cmp.Diff(decision, decide(policies, shuffled, now)); diff != "" {
			t.Fatalf("seed %d: the order of candidates changes the decision:\n%s", seed, diff)
		}

		extra, _ := random(r)
		stricter := decide(append(slices.Clone(policies), extra...), candidates, now)
		for _, candidate := range stricter.Candidates {
			before := decision.Candidates[slices.IndexFunc(decision.Candidates, func(j placement.Judged) bool {
				return j.PlaceReference == candidate.PlaceReference
			})]
			for _, role := range []v1alpha1.CopyRole{v1alpha1.RolePrimary, v1alpha1.RoleReplica} {
				if candidate.EligibleAs(role) && !before.EligibleAs(role) {
					t.Fatalf("seed %d: another policy made %s eligible as %s", seed, candidate, role)
				}
			}
			for _, objection := range before.Objections {
				// What is against a set goes with the set.
				isOfTheSet := strings.Contains(objection.Message.String(), "and policy "+objection.Policy+" asks for")
				if !isOfTheSet && !slices.ContainsFunc(candidate.Objections, objection.Equal) {
					t.Fatalf("seed %d: another policy took the objection %+v away from %s", seed, objection, candidate)
				}
			}
		}
		if stricter.Satisfied && !decision.Satisfied {
			t.Fatalf("seed %d: another policy made the placement satisfied", seed)
		}

		if satisfiable := existsSatisfyingSet(policies, decision.Candidates); satisfiable != decision.Satisfied {
			t.Fatalf("seed %d: satisfied is %v, trying all sets says %v", seed, decision.Satisfied, satisfiable)
		}
		if !decision.Satisfied {
			continue
		}
		satisfied++
		again := decide(policies, candidates, now, func(r *placement.Request) { r.Placed = decision.Copies })
		if diff := cmp.Diff(placesOf(decision.Copies), placesOf(again.Copies)); diff != "" {
			t.Fatalf("seed %d: deciding again moves copies:\n%s", seed, diff)
		}
	}
	if satisfied < 500 || satisfied > 2500 {
		t.Errorf("%d of 3000 worlds are satisfied, which tries little", satisfied)
	}
}

// existsSatisfyingSet tries every subset and every primary in it.
func existsSatisfyingSet(policies []placement.Policy, candidates []placement.Judged) bool {
	for set := 1; set < 1<<len(candidates); set++ {
		if satisfies(policies, candidates, set) {
			return true
		}
	}
	return false
}

func satisfies(policies []placement.Policy, candidates []placement.Judged, set int) bool {
	count, operators, atHome, primaries := 0, map[string]bool{}, false, 0
	for i, candidate := range candidates {
		if set&(1<<i) == 0 {
			continue
		}
		if !candidate.EligibleAs(v1alpha1.RoleReplica) {
			return false
		}
		if candidate.EligibleAs(v1alpha1.RolePrimary) {
			primaries++
		}
		count++
		operators[candidate.Operator] = true
		atHome = atHome || candidate.OnPremise
	}
	for _, p := range policies {
		if !p.Denies() {
			continue
		}
		for _, asked := range p.Spec.Attestations {
			if asked.AppliesTo == v1alpha1.AttestAnyCopy && asked.Requirement != v1alpha1.Preferred && !anyAttested(asked, candidates, set) {
				return false
			}
		}
		rules := p.Spec.Copies
		if count < int(rules.Minimum) || len(operators) < int(rules.DistinctOperators) ||
			rules.OnPremise == v1alpha1.Required && !atHome {
			return false
		}
	}
	return primaries > 0
}

// anyAttested asks the rule about all copies of each candidate alone.
func anyAttested(asked v1alpha1.AttestationRule, candidates []placement.Judged, set int) bool {
	asked.AppliesTo = v1alpha1.AttestAllCopies
	alone := placement.Request{Now: noon, Policies: []placement.Policy{baseline(policy("alone", perimeter("EEA"), asks(asked)))}}
	for i, candidate := range candidates {
		lacks := func(o placement.Objection) bool { return o.Rule == placement.RuleAttestation }
		if set&(1<<i) != 0 && !slices.ContainsFunc(placement.Judge(alone, candidate.Candidate), lacks) {
			return true
		}
	}
	return false
}

func TestCandidatesComeFromAProvider(t *testing.T) {
	provider := &v1alpha1.SovereignProvider{}
	provider.Name = "ovh"
	provider.Spec = v1alpha1.SovereignProviderSpec{
		Operator: v1alpha1.Operator{LegalEntity: " OVH Groupe SA "},
		S3:       &v1alpha1.S3Endpoint{CredentialAPI: "None"},
		Locations: []v1alpha1.Location{
			{Name: "GRA", Country: "FR", Subdivision: "FR-HDF"}, {Name: "UK", Country: "UK"}, {Name: "?"},
		},
	}
	provider.Status.Locations = []v1alpha1.LocationStatus{{Name: "GRA", Capabilities: v1alpha1.Capabilities{Versioning: "Supported"}}}
	got := placement.FromProvider(provider)
	if got[0].Territory.Perimeter != geo.FR || got[1].Territory.Country != "GB" || got[2].Territory.Known() {
		t.Errorf("territories: %+v", got)
	}
	if got[0].Operator != "ovh groupe sa" || got[0].Grant != v1alpha1.GrantAccountWide || got[0].Ready {
		t.Errorf("candidate: %+v", got[0])
	}
	if got[0].Capabilities.Versioning != v1alpha1.CapabilitySupported || got[1].Capabilities.Versioning != "" {
		t.Errorf("capabilities: %+v, %+v", got[0].Capabilities, got[1].Capabilities)
	}
	provider.Spec.Operator.Group = "537407926"
	provider.Spec.S3.CredentialAPI = "Versity"
	scoped := placement.FromProvider(provider)[0]
	if scoped.Operator != "537407926" || scoped.Grant != v1alpha1.GrantScoped {
		t.Errorf("candidate: %+v", scoped)
	}
	if assumed := placement.Assume(got[1]); len(assumed.Assumed) != 2 || assumed.Capabilities.Versioning != v1alpha1.CapabilitySupported {
		t.Errorf("assumed: %+v", assumed)
	}
}
