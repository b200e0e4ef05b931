package placement_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/placement"
)

// excepting is a request with an exception of an hour to rules of a policy.
func excepting(policy string, rules ...v1alpha1.ExceptableRule) func(*placement.Request) {
	return func(r *placement.Request) {
		r.Now = noon
		r.Exceptions = append(r.Exceptions, placement.Exception{Name: "e", Policy: policy, Rules: rules, NotAfter: noon.Add(time.Hour)})
	}
}

func TestAnExceptionKeepsARuleFromCounting(t *testing.T) {
	later := func(d time.Duration) func(*placement.Request) {
		return func(r *placement.Request) { r.Now = noon.Add(d) }
	}
	warns := does(v1alpha1.ActionWarn)
	for name, test := range map[string]struct {
		policies []placement.Policy
		change   []func(*placement.Request)
		want     []string
		eligible bool
	}{
		"without one it counts": {[]placement.Policy{policy("p")}, nil, []string{"p/residency/OutsidePerimeter"}, false},
		"the rule is shown and keeps nothing away": {
			[]placement.Policy{policy("p")},
			[]func(*placement.Request){excepting("p", "residency")},
			[]string{"p/residency/ExceptionActive"},
			true,
		},
		"at its end it counts again": {
			[]placement.Policy{policy("p")},
			[]func(*placement.Request){excepting("p", "residency"), later(time.Hour)},
			[]string{"p/residency/OutsidePerimeter"},
			false,
		},
		"until just before": {
			[]placement.Policy{policy("p")},
			[]func(*placement.Request){excepting("p", "residency"), later(time.Hour - 1)},
			[]string{"p/residency/ExceptionActive"},
			true,
		},
		"at no time that is known": {
			[]placement.Policy{policy("p")},
			[]func(*placement.Request){excepting("p", "residency"), func(r *placement.Request) { r.Now = time.Time{} }},
			[]string{"p/residency/OutsidePerimeter"},
			false,
		},
		"another rule counts": {
			[]placement.Policy{policy("p", func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.AllowedCountries = []string{"FR"} })},
			[]func(*placement.Request){excepting("p", "residency")},
			[]string{"p/residency/ExceptionActive", "p/country/CountryNotAllowed"},
			false,
		},
		"the same rule of another policy counts": {
			[]placement.Policy{policy("p"), baseline(policy("q"))},
			[]func(*placement.Request){excepting("p", "residency")},
			[]string{"p/residency/ExceptionActive", "q/residency/OutsidePerimeter"},
			false,
		},
		"an exception for each policy lets all of them go": {
			[]placement.Policy{policy("p"), baseline(policy("q"))},
			[]func(*placement.Request){excepting("p", "residency"), excepting("q", "country", "residency")},
			[]string{"p/residency/ExceptionActive", "q/residency/ExceptionActive"},
			true,
		},
		"what a provider objects is no policy's": {
			[]placement.Policy{policy("p")},
			[]func(*placement.Request){excepting("p", "residency"), excepting("", "grant", "namespace"), func(r *placement.Request) {
				r.Candidates[0].AllowedNamespaces = nil
			}},
			[]string{"/namespace/NamespaceNotAllowed", "p/residency/ExceptionActive"},
			false,
		},
		"a policy that warns is excepted as well": {
			[]placement.Policy{policy("p", warns)},
			[]func(*placement.Request){excepting("p", "residency")},
			[]string{"p/residency/ExceptionActive"},
			true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			decision := decide(test.policies, []placement.Candidate{place("a", "x", in("GB"))}, test.change...)
			if diff := cmp.Diff(test.want, named(decision.Candidates[0].Objections)); diff != "" {
				t.Errorf("objections (-want +got):\n%s", diff)
			}
			if got := decision.Candidates[0].Eligible(); got != test.eligible || decision.Satisfied != test.eligible {
				t.Errorf("eligible %t, satisfied %t, want %t", got, decision.Satisfied, test.eligible)
			}
		})
	}
}

// The rule of residency speaks for others of what is unknown. Where it is excepted,
// they speak for themselves.
func TestAnExceptionToResidencyMakesNoUnknownCountryAListedOne(t *testing.T) {
	france := policy("p", func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.AllowedCountries = []string{"FR"} })
	decision := decide([]placement.Policy{france}, []placement.Candidate{place("a", "x", in(""))}, excepting("p", "residency"))
	want := []string{"p/residency/ExceptionActive", "p/country/CountryNotAllowed"}
	if diff := cmp.Diff(want, named(decision.Candidates[0].Objections)); diff != "" {
		t.Errorf("objections (-want +got):\n%s", diff)
	}
}

func TestAnExceptionSaysWhatItIsAndUntilWhen(t *testing.T) {
	longer := func(r *placement.Request) {
		for _, name := range []string{"b", "a", "c"} {
			r.Exceptions = append(r.Exceptions, placement.Exception{
				Name: name, Policy: "p", Rules: []v1alpha1.ExceptableRule{"residency"}, NotAfter: noon.Add(2 * time.Hour),
			})
		}
	}
	decision := decide([]placement.Policy{policy("p")}, []placement.Candidate{place("a", "x", in("GB"))}, excepting("p", "residency"), longer)
	got := decision.Candidates[0].Objections[0]
	want := "SovereigntyException a lets it not count until 2026-11-24 14:00 UTC: GB is outside FR"
	if got.Message.String() != want || got.Exception != "a" {
		t.Errorf("%s says %q, want %q of the one that lasts longest", got.Exception, got.Message, want)
	}
	shown := placement.Summarise(decision.Candidates)
	if objection := shown[0].Objections[0]; !shown[0].Eligible || objection.Reason != v1alpha1.ReasonExceptionActive {
		t.Errorf("the status shows %+v", shown[0])
	}
	if got := decision.ObjectionsAt(v1alpha1.PlaceReference{ProviderName: "a", Location: "y"}); got != nil {
		t.Errorf("objections at a place that is none: %v", got)
	}
}

func TestExceptionsToWhatIsAskedOfAllCopies(t *testing.T) {
	paris, lille := geo.At(48.85, 2.35), geo.At(50.63, 3.06)
	at := func(p geo.Point) func(*placement.Candidate) { return func(c *placement.Candidate) { c.Point = &p } }
	two := []placement.Candidate{place("a", "x", at(paris)), place("a", "y", at(lille))}
	any27001 := asks(v1alpha1.AttestationRule{Scheme: "ISO27001", AppliesTo: v1alpha1.AttestAnyCopy})
	for name, test := range map[string]struct {
		policy   placement.Policy
		rules    []v1alpha1.ExceptableRule
		excepted []string // rule: message after the exception's
		copies   int
	}{
		"copies: as many as there can be": {
			policy("p", copies(4, 1)), []v1alpha1.ExceptableRule{"copies"}, []string{"2 copies in all, and policy p asks for 4"}, 2,
		},
		"operators": {
			policy("p", copies(2, 2)), []v1alpha1.ExceptableRule{"operators"}, []string{"the copies belong to 1 operator, and policy p asks for 2"}, 2,
		},
		"both": {
			policy("p", copies(3, 2)),
			[]v1alpha1.ExceptableRule{"operators", "copies"},
			[]string{"2 copies in all, and policy p asks for 3", "the copies belong to 1 operator, and policy p asks for 2"},
			2,
		},
		"distance": {
			policy("p", apart(2, 1, 500)),
			[]v1alpha1.ExceptableRule{"distance"},
			[]string{"the copies at a/x and a/y are less than 500 km apart, or it is not known how far, and policy p asks for that"},
			2,
		},
		"premises": {
			policy("p", copies(2, 1), premises(v1alpha1.Required)),
			[]v1alpha1.ExceptableRule{"onPremise"},
			[]string{"there is no copy in the authority's own premises, and policy p asks for one"},
			2,
		},
		"an attestation of one copy": {
			policy("p", copies(2, 1), any27001),
			[]v1alpha1.ExceptableRule{"attestation"},
			[]string{"there is no copy with an attestation of ISO27001, and policy p asks for one"},
			2,
		},
		"one that is not needed changes and says nothing": {policy("p", copies(2, 1)), []v1alpha1.ExceptableRule{"copies", "operators"}, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			isNeeded := test.excepted != nil
			if decide([]placement.Policy{test.policy}, two).Satisfied == isNeeded {
				t.Fatal("it is not as the test says without the exception")
			}
			decision := decide([]placement.Policy{test.policy}, two, excepting("p", test.rules...))
			if !decision.Satisfied || len(decision.Copies) != test.copies {
				t.Fatalf("satisfied %t (%s) with %v", decision.Satisfied, decision.Message, decision.Copies)
			}
			var got []string
			for _, objection := range decision.Excepted {
				if objection.Reason != v1alpha1.ReasonExceptionActive || !slices.Contains(test.rules, v1alpha1.ExceptableRule(objection.Rule)) {
					t.Errorf("excepted is %+v", objection)
				}
				got = append(got, objection.Message.String()[len("SovereigntyException e lets it not count until 2026-11-24 13:00 UTC: "):])
			}
			if diff := cmp.Diff(test.excepted, got); diff != "" {
				t.Errorf("excepted (-want +got):\n%s", diff)
			}
			// A policy that does not deny has nothing that needs an exception.
			test.policy.Spec.ValidationActions = []v1alpha1.ValidationAction{v1alpha1.ActionAudit}
			if audited := decide([]placement.Policy{test.policy}, two, excepting("p", test.rules...)); audited.Excepted != nil {
				t.Errorf("excepted of a policy that audits: %v", audited.Excepted)
			}
		})
	}
}

// Of three operators that are asked for, two are nearer than one, even where the other
// place of the first one is better.
func TestAnExceptionToOperatorsKeepsAsManyAsThereAre(t *testing.T) {
	weak := func(c *placement.Candidate) { c.Ready = false }
	candidates := []placement.Candidate{place("a", "x"), place("a", "y"), place("b", "x", weak)}
	decision := decide([]placement.Policy{policy("p", copies(2, 3))}, candidates, excepting("p", "operators"))
	if diff := cmp.Diff([]string{"Primary a/x", "Replica b/x"}, rolesOf(decision.Copies)); diff != "" {
		t.Errorf("copies (-want +got):\n%s", diff)
	}
}

// What an exception lets be is taken last, and stays when it is there.
func TestAPlaceThatNeedsAnExceptionComesAfterOneThatDoesNot(t *testing.T) {
	weak := func(c *placement.Candidate) { c.Ready = false }
	candidates := []placement.Candidate{place("a", "x"), place("b", "abroad", in("GB")), place("c", "y", weak)}
	exception := excepting("p", "residency")
	decision := decide([]placement.Policy{policy("p", copies(2, 1))}, candidates, exception)
	if diff := cmp.Diff([]string{"Primary a/x", "Replica c/y"}, rolesOf(decision.Copies)); diff != "" {
		t.Errorf("new copies (-want +got):\n%s", diff)
	}
	if last := decision.Candidates[2]; last.ProviderName != "b" || !last.IsExcepted() {
		t.Errorf("the last candidate is %s", last.PlaceReference)
	}
	decision = decide([]placement.Policy{policy("p", copies(2, 1))}, candidates, exception, placed("a/x", "b/abroad"))
	if diff := cmp.Diff([]string{"Primary a/x", "Replica b/abroad"}, rolesOf(decision.Copies)); diff != "" || len(decision.Illegal) > 0 {
		t.Errorf("copies that are there, without %v (-want +got):\n%s", decision.Illegal, diff)
	}
	// Two that are too close to each other stay as well.
	here, far := geo.At(48.85, 2.35), geo.At(43.3, 5.37)
	for i := range candidates {
		candidates[i].Point = &here
	}
	candidates = append(candidates, place("d", "far", func(c *placement.Candidate) { c.Point = &far }))
	decision = decide([]placement.Policy{policy("p", apart(2, 1, 100))}, candidates, excepting("p", "distance"), placed("a/x", "c/y"))
	if diff := cmp.Diff([]string{"Primary a/x", "Replica c/y"}, rolesOf(decision.Copies)); diff != "" || len(decision.Illegal) > 0 {
		t.Errorf("copies that are close, without %v (-want +got):\n%s", decision.Illegal, diff)
	}
}

func rolesOf(copies []placement.Copy) []string {
	var roles []string
	for _, c := range copies {
		roles = append(roles, string(c.Role)+" "+c.String())
	}
	return roles
}

func TestDataMayBeReadWhereAnExceptionLetsItBe(t *testing.T) {
	request := placement.Request{Policies: []placement.Policy{policy("p")}}
	excepting("p", "residency")(&request)
	if against := placement.JudgeProcessing(request, place("a", "x", in("GB"))); len(against) != 0 {
		t.Errorf("against reading there is %+v", against)
	}
	request.Now = noon.Add(time.Hour)
	if against := placement.JudgeProcessing(request, place("a", "x", in("GB"))); len(against) != 1 {
		t.Errorf("after its end there is %+v", against)
	}
}

func TestTheEndOfAnExceptionIsAMomentToLookAgain(t *testing.T) {
	request := placement.Request{}
	excepting("p", "residency")(&request)
	if next, isAny := placement.NextExpiry(request); !isAny || !next.Equal(noon.Add(time.Hour)) {
		t.Errorf("the next is %s, %t", next, isAny)
	}
	request.Now = noon.Add(time.Hour)
	if next, isAny := placement.NextExpiry(request); isAny {
		t.Errorf("after it there is %s", next)
	}
}

// Exceptions only ever allow, and once they are over it is as if there were none.
func TestExceptionsNeverTakeAwayACandidate(t *testing.T) {
	everything := []v1alpha1.ExceptableRule{
		"residency", "country", "verification", "jurisdiction", "attestation", "copies", "operators", "distance",
		"onPremise", "grid", "pue", "capability", "grant", "namespace",
	}
	r, needed := rand.New(rand.NewPCG(5, 5)), 0
	for range 1500 {
		policies, candidates := random(r)
		rules := slices.DeleteFunc(slices.Clone(everything), func(v1alpha1.ExceptableRule) bool { return r.IntN(2) == 0 })
		at := func(in *placement.Request) { in.Now = noon }
		exception := excepting(policies[r.IntN(len(policies))].Name, rules...)
		without, with := decide(policies, candidates, at), decide(policies, candidates, exception)
		over := decide(policies, candidates, exception, func(in *placement.Request) { in.Exceptions[0].NotAfter = noon })
		if diff := cmp.Diff(without, over); diff != "" {
			t.Fatalf("an exception that is over makes a difference:\n%s", diff)
		}
		if without.Satisfied && !with.Satisfied {
			t.Fatalf("with an exception to %v: %s", rules, with.Message)
		}
		for _, j := range without.Candidates {
			for _, role := range []v1alpha1.CopyRole{v1alpha1.RolePrimary, v1alpha1.RoleReplica} {
				if index := slices.IndexFunc(with.Candidates, func(o placement.Judged) bool { return o.PlaceReference == j.PlaceReference }); j.EligibleAs(role) && !with.Candidates[index].EligibleAs(role) {
					t.Fatalf("an exception to %v refuses %s as %s", rules, j.PlaceReference, role)
				}
			}
		}
		if with.Satisfied && !without.Satisfied {
			needed++
			isExcused := len(with.Excepted) > 0
			for _, copied := range with.Copies {
				isExcused = isExcused || slices.ContainsFunc(with.ObjectionsAt(copied.PlaceReference), placement.Objection.IsExcused)
			}
			if !isExcused {
				t.Fatalf("an exception to %v was needed and nothing says so: %v", rules, with.Copies)
			}
		}
	}
	if needed < 50 {
		t.Errorf("only %d exceptions were needed", needed)
	}
}
