package placement_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/placement"
)

// standing puts a place somewhere.
func standing(point *geo.Point) func(*placement.Candidate) {
	return func(c *placement.Candidate) { c.Point = point }
}

var (
	lille      = new(geo.At(50.63, 3.07))
	roubaix    = new(geo.At(50.69, 3.17)) // 9 km from Lille
	paris      = new(geo.At(48.85, 2.35)) // 204 km from Lille, 211 from Roubaix
	between    = new(geo.At(49.74, 2.7))  // about 100 km from Lille and from Paris
	strasbourg = new(geo.At(48.58, 7.75)) // 406 km from Lille, 396 from Paris
)

func TestDistanceBetweenCopies(t *testing.T) {
	runBy := func(operator string) func(*placement.Candidate) {
		return func(c *placement.Candidate) { c.Operator = operator }
	}
	for name, test := range map[string]struct {
		decision placement.Decision
		want     []string
		illegal  []string
		reason   string
		message  string // the whole of it
	}{
		"places that are too close to each other are not taken together": {
			decision: decide([]placement.Policy{policy("p", apart(2, 1, 100))},
				[]placement.Candidate{place("a", "x", standing(lille)), place("b", "x", standing(roubaix)), place("c", "x", standing(paris))}),
			want: []string{"a/x", "c/x"},
		},
		"the best place is left out if no set has it": {
			decision: decide([]placement.Policy{policy("p", apart(3, 1, 150), premises("Preferred"))}, []placement.Candidate{
				place("a", "x", standing(new(geo.At(49.7, 2.7))), ownWalls), // between Lille and Paris
				place("b", "x", standing(lille)), place("c", "x", standing(paris)), place("d", "x", standing(strasbourg)),
			}),
			want: []string{"b/x", "c/x", "d/x"},
		},
		"of two policies the longer distance counts": {
			decision: decide([]placement.Policy{policy("p", apart(2, 1, 1)), policy("q", apart(2, 1, 300))},
				[]placement.Candidate{place("a", "x", standing(lille)), place("b", "x", standing(paris)), place("c", "x", standing(strasbourg))}),
			want: []string{"a/x", "c/x"},
		},
		"a policy that only warns chooses nothing": {
			decision: decide([]placement.Policy{policy("p", apart(2, 1, 300), func(s *v1alpha1.SovereigntyPolicySpec) {
				s.ValidationActions = []v1alpha1.ValidationAction{v1alpha1.ActionWarn}
			}), policy("q", copies(2, 1))},
				[]placement.Candidate{place("a", "x", standing(lille)), place("b", "x", standing(roubaix)), place("c", "x", standing(strasbourg))}),
			want: []string{"a/x", "b/x"},
		},
		"a replica that is too close to the primary is replaced": {
			decision: decide([]placement.Policy{policy("p", apart(2, 1, 100))},
				[]placement.Candidate{place("a", "x", standing(lille)), place("b", "x", standing(roubaix)), place("c", "x", standing(paris))},
				placed("a/x", "b/x")),
			want: []string{"a/x", "c/x"},
			illegal: []string{
				"b/x: it is 9 km from the copy at a/x, and policy p asks for 100 km between copies",
			},
		},
		"of two replicas the one that was placed first stays": {
			decision: decide([]placement.Policy{policy("p", apart(3, 1, 100))}, []placement.Candidate{
				place("a", "x", standing(strasbourg)), place("b", "x", standing(lille)), place("c", "x", standing(roubaix)), place("d", "x", standing(paris)),
			}, placed("a/x", "c/x", "b/x")),
			want:    []string{"a/x", "c/x", "d/x"},
			illegal: []string{"b/x: it is 9 km from the copy at c/x, and policy p asks for 100 km between copies"},
		},
		"as many as can stay": {
			decision: decide([]placement.Policy{policy("p", apart(3, 1, 110))}, []placement.Candidate{
				place("a", "x", standing(strasbourg)), place("b", "x", standing(between)), place("c", "x", standing(lille)), place("d", "x", standing(paris)),
			}, placed("a/x", "b/x", "c/x", "d/x")),
			want:    []string{"a/x", "c/x", "d/x"},
			illegal: []string{"b/x: it is 102 km from the copy at c/x, and policy p asks for 110 km between copies"},
		},
		"a replica of which nobody knows where it is is replaced": {
			decision: decide([]placement.Policy{policy("p", apart(2, 1, 100))},
				[]placement.Candidate{place("a", "x", standing(lille)), place("b", "x"), place("c", "x", standing(paris))}, placed("a/x", "b/x")),
			want: []string{"a/x", "c/x"},
			illegal: []string{
				"b/x: policy p asks for 100 km between copies, and the coordinates of this place are not known: " +
					"declare latitude and longitude of x in spec.locations of SovereignProvider b",
			},
		},
		"nothing leaves as long as nothing takes its place": {
			decision: decide([]placement.Policy{policy("p", apart(2, 1, 100))},
				[]placement.Candidate{place("a", "x", standing(lille)), place("b", "x", standing(roubaix))}, placed("a/x", "b/x")),
			want:   []string{"a/x", "b/x"},
			reason: v1alpha1.ReasonTooClose,
			message: "policy p asks for 100 km between copies, and no 2 eligible places are so far apart; 1 place would be: a/x; " +
				"b/x, for one, is 9 km from a/x; see status.candidates",
		},
		"the primary does not move for distance": {
			decision: decide([]placement.Policy{policy("p", apart(2, 1, 100))},
				[]placement.Candidate{place("a", "x"), place("b", "x", standing(roubaix)), place("c", "x", standing(paris))}, placed("a/x", "b/x")),
			want:   []string{"a/x", "b/x"},
			reason: v1alpha1.ReasonLocationUnknown,
			message: "policy p asks for 100 km between copies, and the coordinates of the primary's place a/x are not known: " +
				"declare latitude and longitude of x in spec.locations of SovereignProvider a",
		},
		"what is far enough apart belongs to one operator": {
			decision: decide([]placement.Policy{policy("p", apart(2, 2, 120))}, []placement.Candidate{
				place("a", "x", standing(lille), runBy("group")), place("b", "x", standing(between), runBy("other")), place("c", "x", standing(paris), runBy("group")),
			}),
			reason: v1alpha1.ReasonTooClose,
			message: "policy p asks for 120 km between copies; eligible places that are so far apart exist (a/x, c/x), " +
				"but none that belong to 2 operators (p) as well; see status.candidates",
		},
		"what is far enough apart is not at home": {
			decision: decide([]placement.Policy{policy("p", apart(2, 1, 120)), policy("q", premises("Required"))}, []placement.Candidate{
				place("a", "x", standing(lille)), place("b", "x", standing(between), ownWalls), place("c", "x", standing(paris)),
			}),
			reason: v1alpha1.ReasonTooClose,
			message: "policy p asks for 120 km between copies; eligible places that are so far apart exist (a/x, c/x), " +
				"but none that have one in the authority's own premises (q) as well; see status.candidates",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var illegal []string
			for _, copied := range test.decision.Illegal {
				illegal = append(illegal, copied.String()+": "+copied.Objections[0].Message.String())
			}
			if diff := cmp.Diff(test.illegal, illegal); diff != "" {
				t.Errorf("illegal (-want +got):\n%s", diff)
			}
			got := placesOf(test.decision.Copies)
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("copies (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{test.reason, test.message}, []string{test.decision.Reason, test.decision.Message.String()}); diff != "" {
				t.Errorf("reason and message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCandidatesAreToldThatTheyAreTooClose(t *testing.T) {
	decision := decide([]placement.Policy{policy("p", apart(2, 1, 100))},
		[]placement.Candidate{place("a", "x", standing(lille)), place("b", "x", standing(roubaix)), place("c", "x", standing(paris)), place("d", "x")},
		placed("a/x"))
	got := map[string][]string{}
	for _, candidate := range decision.Candidates {
		for _, objection := range candidate.Objections {
			got[candidate.String()] = append(got[candidate.String()], named([]placement.Objection{objection})[0]+": "+objection.Message.String())
		}
	}
	want := map[string][]string{
		"b/x": {"p/distance/TooClose/Replica: it is 9 km from the primary at a/x, and the policy asks for 100 km between copies"},
		"d/x": {"p/distance/LocationUnknown: the policy asks for 100 km between copies, and the coordinates of this place are not known: " +
			"declare latitude and longitude of x in spec.locations of SovereignProvider d"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objections (-want +got):\n%s", diff)
	}
}

func TestWhatLimitsASetIsSaid(t *testing.T) {
	called := func(operator, name string) func(*placement.Candidate) {
		return func(c *placement.Candidate) { c.Operator, c.RunBy.LegalEntity = operator, name }
	}
	scoped := func(s *v1alpha1.SovereigntyPolicySpec) { s.Access.MinimumGrant = v1alpha1.GrantScoped }
	accountWide := func(c *placement.Candidate) { c.Grant = v1alpha1.GrantAccountWide }
	attested := func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Attestations = []v1alpha1.AttestationRule{{Scheme: "SecNumCloud", MinimumVersion: "3.2", AppliesTo: v1alpha1.AttestAnyCopy}}
	}
	for name, test := range map[string]struct {
		policies   []placement.Policy
		candidates []placement.Candidate
		reason     string
		message    string
	}{
		"too few places": {
			[]placement.Policy{policy("p"), policy("q", copies(3, 1))},
			[]placement.Candidate{
				place("a", "x"), place("b", "x", in("CA")), place("c", "x", in("")), place("d", "x", func(c *placement.Candidate) { c.Suspended = true }), place("e", "x"),
			},
			v1alpha1.ReasonNotEnoughCopies,
			"policy q asks for 3 copies and only 2 places are eligible: a/x, e/x; 3 places are refused: 2 by rule residency, 1 by rule suspended; see status.candidates",
		},
		"one place too few": {
			[]placement.Policy{policy("p", copies(2, 1))},
			[]placement.Candidate{place("a", "x")},
			v1alpha1.ReasonNotEnoughCopies, "policy p asks for 2 copies and only 1 place is eligible: a/x; see status.candidates",
		},
		"no place at all": {
			[]placement.Policy{policy("p")},
			[]placement.Candidate{place("a", "x", in("CA")), place("b", "x", in("GB"))},
			v1alpha1.ReasonNotEnoughCopies,
			"policy p asks for 1 copy and no place is eligible; 2 places are refused: 2 by rule residency; see status.candidates",
		},
		"too few operators, who are called by their names": {
			[]placement.Policy{policy("p", copies(3, 3))},
			[]placement.Candidate{place("a", "x", called("1", "OVH SA")), place("b", "x", called("2", "")), place("c", "x", called("1", "OVH SA"))},
			v1alpha1.ReasonNotEnoughOperators,
			"policy p asks for 3 operators and the eligible places belong to 2: OVH SA (a/x, c/x), 2 (b/x); see status.candidates",
		},
		"nothing at home": {
			[]placement.Policy{policy("p", premises("Required"))},
			[]placement.Candidate{place("a", "x")},
			v1alpha1.ReasonOnPremiseRequired,
			"policy p asks for a copy in the authority's own premises, and none of the eligible places will do: a/x; see status.candidates",
		},
		"nothing attested": {
			[]placement.Policy{policy("p", attested)},
			[]placement.Candidate{place("a", "x")},
			v1alpha1.ReasonAttestationMissing,
			"policy p asks for a copy with an attestation of SecNumCloud 3.2, and none of the eligible places will do: a/x; see status.candidates",
		},
		"nowhere a primary": {
			[]placement.Policy{policy("p", scoped)},
			[]placement.Candidate{place("a", "x", accountWide), place("b", "x", accountWide)},
			v1alpha1.ReasonNotEnoughCopies,
			"no eligible place may hold the primary, only copies: a/x, b/x; of a/x: keys of provider a reach its whole account, " +
				"and the policy asks for keys to one bucket; see status.candidates",
		},
		"the policy forbids what it requires": {
			[]placement.Policy{policy("p", premises("Required")), policy("q", premises("Forbidden"))},
			[]placement.Candidate{place("a", "x", ownWalls), place("b", "x")},
			v1alpha1.ReasonOnPremiseRequired,
			"policy p asks for a copy in the authority's own premises, and none of the eligible places will do: b/x; 1 place is refused: 1 by rule onPremise; see status.candidates",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := decide(test.policies, test.candidates)
			if diff := cmp.Diff([]string{test.reason, test.message}, []string{got.Reason, got.Message.String()}); diff != "" {
				t.Errorf("reason and message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMessagesNameOnlySomePlaces(t *testing.T) {
	var candidates []placement.Candidate
	for i := range 8 {
		candidates = append(candidates, place(string(rune('a'+i)), "x"))
	}
	const want = "policy p asks for 9 copies and only 8 places are eligible: a/x, b/x, c/x, d/x, e/x and 3 more; see status.candidates"
	if got := decide([]placement.Policy{policy("p", copies(9, 1))}, candidates).Message.String(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := decide(nil, nil).Message.String(); got != "there is no SovereignProvider with a location" {
		t.Error(got)
	}
}

func TestPoliciesThatNothingSatisfies(t *testing.T) {
	for name, test := range map[string]struct {
		policy     placement.Policy
		candidates []placement.Candidate
		want       string
	}{
		"one that is satisfied": {policy("p", copies(2, 2)), []placement.Candidate{place("a", "x"), place("b", "x")}, ""},
		"three copies in a country that has one place": {
			policy("p", copies(3, 1), perimeter("EU"), func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.AllowedCountries = []string{"BE"} }),
			[]placement.Candidate{place("a", "x", in("BE")), place("b", "x"), place("c", "x")},
			v1alpha1.ReasonNotEnoughCopies,
		},
		"more operators than there are": {
			policy("p", copies(2, 2)), []placement.Candidate{place("a", "x"), place("a", "y")}, v1alpha1.ReasonNotEnoughOperators,
		},
		"more distance than there is": {
			policy("p", apart(2, 1, 100)), []placement.Candidate{place("a", "x", standing(lille)), place("b", "x", standing(roubaix))}, v1alpha1.ReasonTooClose,
		},
		"whom it admits and who takes no copies for a while is another matter": {
			policy("p", copies(4, 1), func(s *v1alpha1.SovereigntyPolicySpec) { s.AllowedNamespaces = nil }),
			[]placement.Candidate{
				place("a", "x", func(c *placement.Candidate) { c.AllowedNamespaces = nil }),
				place("b", "x", func(c *placement.Candidate) { c.Suspended = true }),
				place("c", "x", offered(v1alpha1.LocationMaintenance)),
				place("d", "x", tainted("NoSchedule", "maintenance")),
			},
			"",
		},
		"one that only warns is judged as if it denied": {
			policy("p", copies(2, 1), func(s *v1alpha1.SovereigntyPolicySpec) {
				s.ValidationActions = []v1alpha1.ValidationAction{v1alpha1.ActionWarn}
			}), []placement.Candidate{place("a", "x")}, v1alpha1.ReasonNotEnoughCopies,
		},
	} {
		t.Run(name, func(t *testing.T) {
			reason, said := placement.Unsatisfiable(test.policy, test.candidates, time.Time{})
			if reason != test.want || said.IsZero() != (reason == "") {
				t.Errorf("reason %q, message %q; want reason %q", reason, said, test.want)
			}
		})
	}
}
