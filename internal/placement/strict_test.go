package placement_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/placement"
)

// losses take a fact away that rules ask for.
var losses = map[string]func(*placement.Candidate){
	"country":        func(c *placement.Candidate) { c.Territory = geo.Territory{Perimeter: geo.None} },
	"seat":           func(c *placement.Candidate) { c.RunBy.SeatCountry = "" },
	"control":        func(c *placement.Candidate) { c.RunBy.ControlCountry = "" },
	"largest holder": func(c *placement.Candidate) { c.RunBy.NonEUHolderPercent = "" },
	"all holders":    func(c *placement.Candidate) { c.RunBy.NonEUTotalPercent = "" },
	"law":            func(c *placement.Candidate) { c.RunBy.ExtraterritorialLaw = "" },
	"operator":       func(c *placement.Candidate) { c.RunBy = v1alpha1.Operator{} },
	"PUE":            func(c *placement.Candidate) { c.Facts.PUE = "" },
	"grid":           func(c *placement.Candidate) { c.Facts.GridIntensity = nil },
	"attestations":   func(c *placement.Candidate) { c.Attestations = nil },
	"whom it admits": func(c *placement.Candidate) { c.AllowedNamespaces = nil },
	"keys":           func(c *placement.Candidate) { c.Grant = "" },
	"how sure its place is": func(c *placement.Candidate) {
		if c.Verification != v1alpha1.VerificationContradicted { // which is another fact
			c.Verification = ""
		}
	},
	"end of an attestation": func(c *placement.Candidate) {
		c.Attestations = slices.Clone(c.Attestations)
		for i := range c.Attestations {
			c.Attestations[i].ValidUntil = ""
		}
	},
	"version of an attestation": func(c *placement.Candidate) {
		c.Attestations = slices.Clone(c.Attestations)
		for i := range c.Attestations {
			c.Attestations[i].Version = ""
		}
	},
}

// someExceptions are to some rules of some of the policies; several may be to one.
func someExceptions(r *rand.Rand, policies []placement.Policy) func(*placement.Request) {
	rules := []v1alpha1.ExceptableRule{"residency", "country", "verification", "jurisdiction", "attestation", "onPremise", "grid", "pue", "grant", "copies", "operators"}
	var exceptions []placement.Exception
	for range r.IntN(4) {
		exceptions = append(exceptions, placement.Exception{
			Name: string(rune('a' + r.IntN(3))), Policy: policies[r.IntN(len(policies))].Name, NotAfter: noon.Add(time.Duration(r.IntN(3)) * time.Hour),
			Rules: []v1alpha1.ExceptableRule{rules[r.IntN(len(rules))], rules[r.IntN(len(rules))]},
		})
	}
	return func(in *placement.Request) { in.Now, in.Exceptions = noon, exceptions }
}

// randomly gives a random world, in which some rules may be excepted.
func randomly(seed uint64) (r *rand.Rand, policies []placement.Policy, candidates []placement.Candidate, exceptions func(*placement.Request)) {
	r = rand.New(rand.NewPCG(seed, 9))
	policies, candidates = random(r)
	if r.IntN(3) == 0 {
		policies[0].Spec.Residency.AllowedCountries = []string{"FR", "DE"}
	}
	return r, policies, candidates, someExceptions(r, policies)
}

func TestALostFactLetsNothingInWhateverIsExcepted(t *testing.T) {
	lost := map[string]int{}
	for seed := range uint64(1500) {
		r, policies, candidates, exceptions := randomly(seed)
		request := placement.Request{Namespace: placement.Namespace{Name: "etat-civil"}, Policies: policies, Candidates: candidates}
		exceptions(&request)
		if r.IntN(3) == 0 {
			request.Placed = []placement.Copy{{PlaceReference: candidates[0].PlaceReference, Role: v1alpha1.RolePrimary}}
		}
		for _, candidate := range candidates {
			before := rolesAt(request, candidate)
			for name, lose := range losses {
				less := candidate
				lose(&less)
				after := rolesAt(request, less)
				if slices.ContainsFunc(after, func(role v1alpha1.CopyRole) bool { return !slices.Contains(before, role) }) {
					t.Fatalf("seed %d: without its %s, %s may be %v, and with it %v", seed, name, candidate, after, before)
				}
				lost[name] += len(before) - len(after)
			}
		}
	}
	for name := range losses {
		if lost[name] == 0 {
			t.Errorf("losing its %s never kept a place away, which tries nothing", name)
		}
	}
}

func TestAnotherPolicyLetsNothingInWhateverIsExcepted(t *testing.T) {
	refused := 0
	for seed := range uint64(1500) {
		r, policies, candidates, exceptions := randomly(seed)
		more, _ := random(r)
		for i := range more {
			more[i].Name += "'" // which nothing is an exception to
		}
		without := decide(policies, candidates, exceptions)
		with := decide(append(slices.Clone(policies), more...), candidates, exceptions)
		for _, candidate := range with.Candidates {
			before := without.Candidates[slices.IndexFunc(without.Candidates, func(j placement.Judged) bool {
				return j.PlaceReference == candidate.PlaceReference
			})]
			if candidate.Eligible() && !before.Eligible() {
				t.Fatalf("seed %d: another policy made %s eligible", seed, candidate)
			}
		}
		if with.Satisfied && !without.Satisfied {
			t.Fatalf("seed %d: another policy made the placement satisfied", seed)
		}
		if without.Satisfied && !with.Satisfied {
			refused++
		}
	}
	if refused < 50 {
		t.Errorf("another policy kept only %d datasets from being placed", refused)
	}
}

// rolesAt are the roles that a copy at a place may have.
func rolesAt(request placement.Request, candidate placement.Candidate) []v1alpha1.CopyRole {
	var roles []v1alpha1.CopyRole
	for _, role := range []v1alpha1.CopyRole{v1alpha1.RolePrimary, v1alpha1.RoleReplica} {
		if placement.Against(request, candidate, role) == nil {
			roles = append(roles, role)
		}
	}
	return roles
}
