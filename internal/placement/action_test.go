package placement_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

// does gives a policy its actions.
func does(actions ...v1alpha1.ValidationAction) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) { s.ValidationActions = actions }
}

// baseline makes a policy one that the bucket does not name.
func baseline(p placement.Policy) placement.Policy {
	p.IsBaseline = true
	return p
}

func TestPoliciesThatDoNotDenyExcludeNothing(t *testing.T) {
	abroad := place("a", "x", in("CA"))
	for name, test := range map[string]struct {
		actions []v1alpha1.ValidationAction
		action  v1alpha1.ValidationAction
	}{
		"nothing said":   {nil, ""},
		"deny":           {[]v1alpha1.ValidationAction{"Deny"}, ""},
		"warn":           {[]v1alpha1.ValidationAction{"Warn"}, "Warn"},
		"audit":          {[]v1alpha1.ValidationAction{"Audit"}, "Audit"},
		"both":           {[]v1alpha1.ValidationAction{"Audit", "Warn"}, "Warn"},
		"both, reversed": {[]v1alpha1.ValidationAction{"Warn", "Audit"}, "Warn"},
		"deny anyhow":    {[]v1alpha1.ValidationAction{"Audit", "Deny"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			policies := []placement.Policy{policy("p", copies(1, 1), does(test.actions...))}
			decision := decide(policies, []placement.Candidate{abroad})
			objections := decision.Candidates[0].Objections
			if len(objections) != 1 || objections[0].Action != test.action {
				t.Errorf("objections %+v, want one that does %q", objections, test.action)
			}
			denies := test.action == ""
			if decision.Satisfied == denies || decision.Candidates[0].Eligible() == denies {
				t.Errorf("satisfied %t, eligible %t", decision.Satisfied, decision.Candidates[0].Eligible())
			}
			if against := placement.Against(placement.Request{
				Policies: policies, Namespace: placement.Namespace{Name: "etat-civil"},
			}, abroad, v1alpha1.RolePrimary); (against != nil) != denies {
				t.Errorf("what is against it is %+v", against)
			}
			if reading := placement.JudgeProcessing(placement.Request{Policies: policies}, abroad); (len(reading) > 0) != denies {
				t.Errorf("against reading there is %+v", reading)
			}
			shown := placement.Summarise(decision.Candidates)[0]
			if shown.Eligible == denies || (shown.Score == nil) != denies || len(shown.Objections) != 1 || shown.Objections[0].Action != test.action {
				t.Errorf("the status shows %+v", shown)
			}
		})
	}
}

func TestAWarningIsNoReasonWhyNothingIsSatisfied(t *testing.T) {
	warns := baseline(policy("b", does(v1alpha1.ActionWarn), copies(5, 5), premises("Required"),
		asks(v1alpha1.AttestationRule{Scheme: "HDS", AppliesTo: "AnyCopy"})))
	decision := decide([]placement.Policy{policy("p", perimeter("EEA"), copies(2, 1)), warns}, []placement.Candidate{place("a", "x", in("NO"))})
	if decision.Reason != v1alpha1.ReasonNotEnoughCopies {
		t.Errorf("%s: %s", decision.Reason, decision.Message)
	}
	decision = decide([]placement.Policy{policy("p", perimeter("EEA"), copies(2, 1)), warns},
		[]placement.Candidate{place("a", "x", in("NO")), place("b", "x", in("CA"))}, primaryAt("a", "x"))
	if decision.Reason != v1alpha1.ReasonNotEnoughCopies {
		t.Errorf("what is only warned of refuses the primary: %s: %s", decision.Reason, decision.Message)
	}
	decision = decide([]placement.Policy{policy("p", perimeter("EEA"), copies(1, 1)), warns}, []placement.Candidate{place("a", "x", in("NO"))})
	if !decision.Satisfied {
		t.Errorf("a baseline that only warns asks for copies: %s", decision.Message)
	}
}

func TestAnIllegalCopyIsNamedByWhatDenies(t *testing.T) {
	policies := []placement.Policy{
		baseline(policy("audit", does(v1alpha1.ActionAudit))),
		policy("p", perimeter("EU"), func(s *v1alpha1.SovereigntyPolicySpec) { s.Access.MinimumGrant = v1alpha1.GrantScoped }),
	}
	accountWide := func(c *placement.Candidate) { c.Grant = v1alpha1.GrantAccountWide }
	decision := decide(policies, []placement.Candidate{place("a", "x", in("DE")), place("b", "x", in("CA"), accountWide)}, placed("a/x", "b/x"))
	if len(decision.Illegal) != 1 {
		t.Fatalf("illegal copies %+v", decision.Illegal)
	}
	// That a primary there would be refused says nothing about a replica.
	if diff := cmp.Diff([]string{"p/residency/OutsidePerimeter"}, named(decision.Illegal[0].Objections)); diff != "" {
		t.Errorf("objections (-want +got):\n%s", diff)
	}
}

func TestABaselineBindsWhoDoesNotNameIt(t *testing.T) {
	unnamed := policy("b", func(s *v1alpha1.SovereigntyPolicySpec) { s.AllowedNamespaces = nil })
	holds(t, map[string]ruling{
		"whoever names it must be allowed to": {candidate: place("a", "x"), policy: unnamed, want: []string{"b/namespace/NamespaceNotAllowed"}},
		"whom it binds need not be":           {candidate: place("a", "x"), policy: baseline(unnamed)},
		"and its rules hold":                  {candidate: place("a", "x", in("CA")), policy: baseline(unnamed), want: []string{"b/residency/OutsidePerimeter"}},
	})
	for name, test := range map[string]struct {
		policy placement.Policy
		want   bool
	}{
		"one that is named and denies":     {policy("p"), false},
		"one that is named and warns":      {policy("p", does(v1alpha1.ActionWarn)), false},
		"a baseline that denies":           {baseline(policy("p")), false},
		"a baseline that warns":            {baseline(policy("p", does(v1alpha1.ActionWarn))), true},
		"a baseline that is only recorded": {baseline(policy("p", does(v1alpha1.ActionAudit))), true},
	} {
		if got := test.policy.IsAdvice(); got != test.want {
			t.Errorf("%s: it is advice: %t", name, got)
		}
	}
}

func TestTheNextExpiryIsThatOfWhatIsAskedFor(t *testing.T) {
	hds := policy("p", asks(v1alpha1.AttestationRule{Scheme: "HDS"}))
	other := func(c *placement.Candidate) { c.Attestations[0].Service = "compute" }
	for name, test := range map[string]struct {
		policies   []placement.Policy
		candidates []placement.Candidate
		want       string // a day, at its first moment; empty is none
	}{
		"nothing is asked":               {[]placement.Policy{policy("p")}, []placement.Candidate{place("a", "x", attested("HDS 2.0 2027-06-30"))}, ""},
		"the day after the last":         {[]placement.Policy{hds}, []placement.Candidate{place("a", "x", attested("HDS 2.0 2027-06-30"))}, "2027-07-01"},
		"today is still to end":          {[]placement.Policy{hds}, []placement.Candidate{place("a", "x", attested("HDS 2.0 2026-11-24"))}, "2026-11-25"},
		"what is over does not end":      {[]placement.Policy{hds}, []placement.Candidate{place("a", "x", attested("HDS 2.0 2026-11-23"))}, ""},
		"the first of several":           {[]placement.Policy{hds}, []placement.Candidate{place("a", "x", attested("HDS 2.0 2027-06-30")), place("b", "x", attested("HDS 2.0 2027-01-31", "hds 2.0 2028-01-31"))}, "2027-02-01"},
		"in whatever case it is written": {[]placement.Policy{hds}, []placement.Candidate{place("a", "x", attested("hds 2.0 2027-06-30"))}, "2027-07-01"},
		"of other schemes nothing":       {[]placement.Policy{hds}, []placement.Candidate{place("a", "x", attested("ISO27001 2022 2027-06-30"))}, ""},
		"of other services nothing":      {[]placement.Policy{hds}, []placement.Candidate{place("a", "x", attested("HDS 2.0 2027-06-30"), other)}, ""},
		"what nobody knows does not end": {[]placement.Policy{hds}, []placement.Candidate{place("a", "x", attested("HDS 2.0 -"))}, ""},
		"of any policy":                  {[]placement.Policy{policy("q"), hds}, []placement.Candidate{place("a", "x", attested("HDS 2.0 2027-06-30"))}, "2027-07-01"},
	} {
		t.Run(name, func(t *testing.T) {
			next, isAny := placement.NextExpiry(placement.Request{Policies: test.policies, Candidates: test.candidates, Now: noon})
			got := ""
			if isAny {
				got = next.Format("2006-01-02")
				if !next.Equal(next.Truncate(24 * 60 * 60 * 1e9)) {
					t.Errorf("it is not at the first moment of a day: %s", next)
				}
			}
			if got != test.want {
				t.Errorf("the next end is on %q, want %q", got, test.want)
			}
		})
	}
}

func TestFactsComeFromAProvider(t *testing.T) {
	provider := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "onprem"}}
	provider.Spec = v1alpha1.SovereignProviderSpec{
		Type: v1alpha1.ProviderTypeS3, S3: &v1alpha1.S3Endpoint{},
		Operator:     v1alpha1.Operator{LegalEntity: "Commune", SeatCountry: "FR", NonEUTotalPercent: "0", ExtraterritorialLaw: v1alpha1.LawNone},
		Locations:    []v1alpha1.Location{{Name: "dc1", Country: "FR", PUE: "1.6"}},
		Attestations: []v1alpha1.Attestation{{Scheme: "HDS", Service: "object-storage", Locations: []string{"dc1"}, ValidUntil: "2027-06-30"}},
		Taints:       []v1alpha1.Taint{{Key: "move", Effect: v1alpha1.TaintNoSchedule}},
	}
	got := placement.FromProvider(provider)[0]
	if got.RunBy.SeatCountry != "FR" || got.RunBy.NonEUTotalPercent != "0" || got.Facts.PUE != "1.6" || got.Facts.GridIntensity == nil ||
		len(got.Attestations) != 1 || len(got.Taints) != 1 {
		t.Errorf("candidate: %+v", got)
	}
}
