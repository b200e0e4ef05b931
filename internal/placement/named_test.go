package placement_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/placement"
)

func suspended(c *placement.Candidate) { c.Suspended = true }

func untried(c *placement.Candidate) {
	c.Capabilities = v1alpha1.Capabilities{Versioning: v1alpha1.CapabilityUnknown}
}

func at(provider, location string) v1alpha1.PlaceReference {
	return v1alpha1.PlaceReference{ProviderName: provider, Location: location}
}

func TestNamedPlacesAreJudged(t *testing.T) {
	versioned := func(s *v1alpha1.SovereigntyPolicySpec) { s.Protection.Versioning = v1alpha1.Required }
	locked := func(s *v1alpha1.SovereigntyPolicySpec) { s.Protection.ObjectLock = &v1alpha1.ObjectLock{} }
	fr := []placement.Policy{policy("p")}
	for name, test := range map[string]struct {
		named      placement.Named
		policies   []placement.Policy
		candidates []placement.Candidate
		// refusals and hindrances are policy/rule/reason[/role].
		refusals, hindrances []string
		isUndeclared         bool
	}{
		"one that will do": {named: placement.Named{Place: at("a", "x")}, policies: fr, candidates: []placement.Candidate{place("a", "x")}},
		"one that nobody declares": {
			named: placement.Named{Place: at("a", "y")}, policies: fr, candidates: []placement.Candidate{place("a", "x"), place("b", "y")}, isUndeclared: true,
		},
		"one outside the perimeter, by every policy": {
			named: placement.Named{Place: at("a", "x")}, policies: []placement.Policy{policy("p"), policy("q", perimeter("EU"))},
			candidates: []placement.Candidate{place("a", "x", in("CA")), place("a", "y")},
			refusals:   []string{"p/residency/OutsidePerimeter", "q/residency/OutsidePerimeter"},
		},
		"a policy that only warns refuses nothing": {
			named: placement.Named{Place: at("a", "x")}, policies: []placement.Policy{policy("p", does(v1alpha1.ActionWarn))},
			candidates: []placement.Candidate{place("a", "x", in("CA"))},
		},
		"a provider with one place that will do": {
			named: placement.Named{Place: at("a", "")}, policies: fr, candidates: []placement.Candidate{place("a", "x", in("CA")), place("a", "y"), place("a", "z", in("GB"))},
		},
		"a provider with none: each objection is said once": {
			named: placement.Named{Place: at("a", "")}, policies: fr,
			candidates: []placement.Candidate{place("a", "x", in("CA")), place("a", "y", in("CA")), place("a", "z", in("GB")), place("b", "x")},
			refusals:   []string{"p/residency/OutsidePerimeter", "p/residency/OutsidePerimeter"},
		},
		"an objection against the primary is none against a provider": {
			named: placement.Named{Place: at("a", "")}, policies: fr, candidates: []placement.Candidate{place("a", "x", noKeys)},
		},
		"and is one against the place of the primary": {
			named: placement.Named{Place: at("a", "x"), Role: v1alpha1.RolePrimary}, policies: fr, candidates: []placement.Candidate{place("a", "x", noKeys)},
			refusals: []string{"/grant/GrantTooWide/Primary"},
		},
		"what passes by itself hinders": {
			named: placement.Named{Place: at("a", "")}, policies: fr,
			candidates: []placement.Candidate{
				place("a", "w", in("CA")), place("a", "x", suspended), place("a", "y", tainted(v1alpha1.TaintNoSchedule, "moving")),
				place("a", "z", offered(v1alpha1.LocationMaintenance)),
			},
			hindrances: []string{"/suspended/Suspended", "/taint/Tainted", "/availability/ProviderMaintenance"},
		},
		"what passes by itself does not count where something else lasts": {
			named: placement.Named{Place: at("a", "x")}, policies: fr, candidates: []placement.Candidate{place("a", "x", suspended, in("CA"))},
			refusals: []string{"p/residency/OutsidePerimeter"},
		},
		"what nobody tried yet does not speak against it": {
			named: placement.Named{Place: at("a", "x")}, policies: []placement.Policy{policy("p", versioned, locked)}, candidates: []placement.Candidate{place("a", "x", untried)},
		},
		"what was tried does": {
			named: placement.Named{Place: at("a", "x")}, policies: []placement.Policy{policy("p", versioned, locked)}, candidates: []placement.Candidate{place("a", "x")},
			refusals: []string{"p/capability/CapabilityMissing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			request := placement.Request{Namespace: placement.Namespace{Name: "ns"}, Policies: test.policies, Candidates: test.candidates, Now: noon}
			got := placement.JudgeNamed(request, test.named)
			if diff := cmp.Diff(test.refusals, named(got.Refusals)); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.hindrances, named(got.Hindrances)); diff != "" {
				t.Errorf("hindrances (-want +got):\n%s", diff)
			}
			if got.IsDeclared == test.isUndeclared {
				t.Errorf("it is declared: %t", got.IsDeclared)
			}
		})
	}
}

func TestABucketNamesPlacesInThreeFields(t *testing.T) {
	onprem, existing := at("onprem", "dc1"), v1alpha1.ExistingBucket{PlaceReference: at("ovh", "GRA"), BucketName: "archive"}
	want := []placement.Named{
		{Field: "placement.primary", Place: onprem, Role: v1alpha1.RolePrimary},
		{Field: "existingBucket", Place: existing.PlaceReference, Role: v1alpha1.RolePrimary},
		{Field: "placement.providerNames", Place: at("ovh", "")},
	}
	got := placement.NamedBy(v1alpha1.SovereignBucketSpec{
		Placement: v1alpha1.PlacementSpec{Primary: &onprem, ProviderNames: []string{"ovh"}}, ExistingBucket: &existing,
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("named (-want +got):\n%s", diff)
	}
	if written := want[0].String() + " " + want[2].String(); written != "onprem/dc1 ovh" {
		t.Errorf("they are written %q", written)
	}
	if got := placement.NamedBy(v1alpha1.SovereignBucketSpec{}); len(got) > 0 {
		t.Errorf("nothing names %v", got)
	}
}

func TestOperatorsAreSharedWherePlacesHaveOneOnly(t *testing.T) {
	run := func(operator string) func(*placement.Candidate) {
		return func(c *placement.Candidate) { c.Operator = operator }
	}
	request := placement.Request{
		Candidates: []placement.Candidate{
			place("a", "x", run("one")), place("b", "x", run("one")), place("c", "x", run("two")), place("d", "x", run("one")), place("d", "y", run("two")),
		},
		Placed: []placement.Copy{{PlaceReference: at("a", "x")}},
	}
	for want, pairs := range map[string][][2]v1alpha1.PlaceReference{
		"one": {{at("a", ""), at("b", "")}, {at("a", "x"), at("d", "x")}},
		"":    {{at("a", ""), at("c", "")}, {at("a", ""), at("d", "")}, {at("a", ""), at("nobody", "")}, {at("nobody", ""), at("a", "")}, {at("nobody", ""), at("none", "")}},
	} {
		for _, pair := range pairs {
			if got := placement.SharedOperator(request, placement.Named{Place: pair[0]}, placement.Named{Place: pair[1]}); got != want {
				t.Errorf("%v share %q, want %q", pair, got, want)
			}
		}
	}
	for place, want := range map[v1alpha1.PlaceReference]bool{at("a", ""): true, at("a", "x"): true, at("a", "y"): false, at("b", ""): false} {
		if got := (placement.Named{Place: place}).HoldsCopy(request); got != want {
			t.Errorf("%s holds a copy: %t", place, got)
		}
	}
}

func TestWhatFallsOutIsWhatTheChangeMadeIllegal(t *testing.T) {
	before := decide([]placement.Policy{policy("p")}, []placement.Candidate{place("a", "x"), place("b", "x"), place("c", "x", in("GB"))}, placed("a/x", "b/x", "c/x"))
	after := decide([]placement.Policy{policy("p")}, []placement.Candidate{place("a", "x"), place("b", "x", in("CA")), place("c", "x", in("GB"))}, placed("a/x", "b/x", "c/x"))
	got := placement.FallsOut(before, after)
	if len(got) != 1 || got[0].PlaceReference != at("b", "x") || got[0].Objections[0].Message.String() != "CA is outside FR" {
		t.Errorf("what falls out is %+v", got)
	}
	if got := placement.FallsOut(after, before); len(got) > 0 {
		t.Errorf("nothing falls out of a change for the better: %+v", got)
	}
}

func TestAnObjectionIsSaidInALine(t *testing.T) {
	for want, objection := range map[string]placement.Objection{
		"policy p, residency: CA is outside FR (OutsidePerimeter)": {Policy: "p", Rule: placement.RuleResidency, Reason: "OutsidePerimeter", Message: message.Verbatim("CA is outside FR")},
		"grant, not as primary: no key (GrantTooWide)": {
			Rule: placement.RuleGrant, Reason: "GrantTooWide", Message: message.Verbatim("no key"), Role: v1alpha1.RolePrimary,
		},
		"policy p, pue, only a warning: unknown (PUETooHigh)": {Policy: "p", Rule: placement.RulePUE, Reason: "PUETooHigh", Message: message.Verbatim("unknown"), Action: v1alpha1.ActionWarn},
		"policy p, pue, only recorded: unknown (PUETooHigh)":  {Policy: "p", Rule: placement.RulePUE, Reason: "PUETooHigh", Message: message.Verbatim("unknown"), Action: v1alpha1.ActionAudit},
	} {
		if got := objection.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
