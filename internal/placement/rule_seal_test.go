package placement_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/seal"
)

var sealTime = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// answers gives a candidate answers to the first criteria of the framework, each
// with its best rung.
func answers(count int, change ...func(*seal.Answer)) func(*placement.Candidate) {
	return func(c *placement.Candidate) {
		for _, criterion := range seal.Criteria()[:count] {
			answer(criterion.ID, len(criterion.Rungs), change...)(c)
		}
	}
}

// answer gives a candidate one answer more.
func answer(criterion string, rung int, change ...func(*seal.Answer)) func(*placement.Candidate) {
	return func(c *placement.Candidate) {
		given := seal.Answer{
			Criterion: criterion, Rung: rung, Evidence: seal.SelfDeclared,
			From: sealTime.AddDate(0, -1, 0), Until: sealTime.AddDate(0, 1, 0),
		}
		for _, f := range change {
			f(&given)
		}
		c.Sovereignty = append(c.Sovereignty, given)
	}
}

func audited(a *seal.Answer) { a.Evidence = seal.Audited }
func ended(a *seal.Answer)   { a.Until = sealTime }

func asksForSeal(rules v1alpha1.SealRules) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) { s.Seal = rules }
}

func TestTheRuleSeal(t *testing.T) {
	type changes = []func(*placement.Candidate)
	const all = seal.CriterionCount
	for name, test := range map[string]struct {
		rules   v1alpha1.SealRules
		answers changes
		now     time.Time // default sealTime
		want    []string  // messages
	}{
		"nothing is asked for": {rules: v1alpha1.SealRules{}},
		"nothing is known": {
			rules: v1alpha1.SealRules{Minimum: 1, MinimumCoverage: 1},
			want:  []string{"0 of the 48 criteria of the EU Cloud Sovereignty Framework are answered for its object storage, and the policy asks for 1"},
		},
		"all is well": {rules: v1alpha1.SealRules{Minimum: 4}, answers: changes{answers(all)}},
		"one answer too few": {
			rules: v1alpha1.SealRules{Minimum: 2, MinimumCoverage: 30}, answers: changes{answers(29)},
			want: []string{"29 of the 48 criteria of the EU Cloud Sovereignty Framework are answered for its object storage, and the policy asks for 30"},
		},
		"just enough answers": {rules: v1alpha1.SealRules{Minimum: 2, MinimumCoverage: 30}, answers: changes{answers(30)}},
		"all criteria are asked for unless the policy says otherwise": {
			rules: v1alpha1.SealRules{Minimum: 2}, answers: changes{answers(all - 1)},
			want: []string{"47 of the 48 criteria of the EU Cloud Sovereignty Framework are answered for its object storage, and the policy asks for 48"},
		},
		"the criterion that limits it is named": {
			rules: v1alpha1.SealRules{Minimum: 2}, answers: changes{answers(all), answer("7.7", 4)},
			want: []string{"SEAL-1 (score 99.54 % by csf-2026-06) on 48 of 48 criteria, and the policy asks for SEAL-2: " +
				"7.7 access for auditors is at rung 4 and reaches that at 5"},
		},
		"the score is by the weights that are asked for": {
			rules:   v1alpha1.SealRules{Minimum: 2, Weights: v1alpha1.WeightsCSF121, MinimumCoverage: 1},
			answers: changes{answer("3.4", 4), answer("1.1", 4)},
			want: []string{"SEAL-1 (score 3.38 % by csf-1.2.1) on 2 of 48 criteria, and the policy asks for SEAL-2: " +
				"3.4 location of data is at rung 4 and reaches that at 5"},
		},
		"just the level": {rules: v1alpha1.SealRules{Minimum: 2}, answers: changes{answers(all), answer("1.8", 4)}},
		"just below the level": {
			rules: v1alpha1.SealRules{Minimum: 3}, answers: changes{answers(all), answer("1.8", 4)},
			want: []string{"SEAL-2 (score 99.45 % by csf-2026-06) on 48 of 48 criteria, and the policy asks for SEAL-3: " +
				"1.8 going on after being cut off is at rung 4 and reaches that at 5"},
		},
		"both objections are kept, and a long list is cut": {
			rules:   v1alpha1.SealRules{Minimum: 3, MinimumCoverage: 6},
			answers: changes{answer("1.1", 1), answer("3.1", 1), answer("2.1", 1), answer("7.7", 1), answer("2.3", 5)},
			want: []string{
				"5 of the 48 criteria of the EU Cloud Sovereignty Framework are answered for its object storage, and the policy asks for 6",
				"SEAL-0 (score 1.67 % by csf-2026-06) on 5 of 48 criteria, and the policy asks for SEAL-3: " +
					"3.1 who holds the encryption keys is at rung 1 and reaches that at 4; " +
					"1.1 control of the legal entity is at rung 1 and reaches that at 3; " +
					"2.1 governing law is at rung 1 and reaches that at 3; 1 more",
			},
		},
		"a claim is not evidence": {
			rules: v1alpha1.SealRules{Minimum: 2, Evidence: v1alpha1.SealEvidenced, MinimumCoverage: 2}, answers: changes{answers(all), answer("1.1", 4, audited)},
			want: []string{"1 of the 48 criteria of the EU Cloud Sovereignty Framework have an audited answer for its object storage, and the policy asks for 2"},
		},
		"what was audited is": {
			rules: v1alpha1.SealRules{Minimum: 2, Evidence: v1alpha1.SealEvidenced, MinimumCoverage: 12}, answers: changes{answers(12, audited)},
		},
		"an audited answer that is low": {
			rules:   v1alpha1.SealRules{Minimum: 2, Evidence: v1alpha1.SealEvidenced, MinimumCoverage: 1},
			answers: changes{answer("3.4", 4, audited)},
			want: []string{"SEAL-1 (score 1.50 % by csf-2026-06) on 1 of 48 criteria, and the policy asks for SEAL-2: " +
				"3.4 location of data is at rung 4 and reaches that at 5"},
		},
		"a claim below the minimum is taken at its word beside good evidence": {
			rules:   v1alpha1.SealRules{Minimum: 2, Evidence: v1alpha1.SealEvidenced, MinimumCoverage: 1},
			answers: changes{answer("1.1", 4, audited), answer("3.4", 4)},
			want: []string{"SEAL-1 (score 4.00 % by csf-2026-06) on 2 of 48 criteria, and the policy asks for SEAL-2: " +
				"3.4 location of data is at rung 4 and reaches that at 5"},
		},
		"what has ended does not count": {
			rules: v1alpha1.SealRules{Minimum: 2, MinimumCoverage: 30}, answers: changes{answers(30, ended)},
			want: []string{"0 of the 48 criteria of the EU Cloud Sovereignty Framework are answered for its object storage, and the policy asks for 30"},
		},
		"and counted until then": {
			rules: v1alpha1.SealRules{Minimum: 2, MinimumCoverage: 30}, answers: changes{answers(30, ended)}, now: sealTime.Add(-1),
		},
		"what ended low still holds the rest down": {
			rules: v1alpha1.SealRules{Minimum: 2, MinimumCoverage: 1}, answers: changes{answer("3.4", 4, ended), answer("1.1", 4)},
			want: []string{"SEAL-1 (score 2.50 % by csf-2026-06) on 1 of 48 criteria, and the policy asks for SEAL-2: " +
				"3.4 location of data is at rung 4 and reaches that at 5, by an answer that has ended"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := test.now
			if now.IsZero() {
				now = sealTime
			}
			var got []string
			for _, o := range placement.Judge(placement.Request{
				Policies: []placement.Policy{policy("p", asksForSeal(test.rules))}, Now: now,
			}, place("a", "x", test.answers...)) {
				if o.Policy != "p" || o.Rule != placement.RuleSeal || o.Reason != v1alpha1.ReasonSealTooLow || o.Role != "" {
					t.Errorf("objection %+v", o)
				}
				got = append(got, o.Message.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAtNoTimeNoAnswerCounts(t *testing.T) {
	request := placement.Request{Policies: []placement.Policy{policy("p", asksForSeal(v1alpha1.SealRules{Minimum: 1, MinimumCoverage: 1}))}}
	if got := placement.Judge(request, place("a", "x", answers(seal.CriterionCount))); len(got) != 1 {
		t.Errorf("without a time there are the objections %v", got)
	}
}

func TestADecisionIsDueAgainWhenAnAnswerBeginsOrEnds(t *testing.T) {
	soon, later := sealTime.Add(time.Hour), sealTime.Add(2*time.Hour)
	request := placement.Request{
		Now: sealTime, Policies: []placement.Policy{policy("p", asksForSeal(v1alpha1.SealRules{Minimum: 1}))},
		Candidates: []placement.Candidate{
			place("a", "x"), place("a", "y", answer("3.4", 5, func(a *seal.Answer) { a.Until = later })),
			place("b", "x", answer("3.4", 5, func(a *seal.Answer) { a.From, a.Until = soon, later })),
		},
	}
	if next, isAny := placement.NextExpiry(request); !isAny || !next.Equal(soon) {
		t.Errorf("due at %s (%t), want %s", next, isAny, soon)
	}
	request.Policies = append(request.Policies, policy("q"))
	request.Policies[0].Spec.Seal.Minimum = 0
	if next, isAny := placement.NextExpiry(request); isAny {
		t.Errorf("due at %s, and no policy asks for a SEAL", next)
	}
}

func TestTheLongestMessageOfTheRuleSealIsShownWhole(t *testing.T) {
	lowest := func(c *placement.Candidate) {
		for _, criterion := range seal.Criteria() {
			answer(criterion.ID, 1, func(a *seal.Answer) { a.Until = sealTime })(c)
		}
		answer("1.2", 1)(c)
	}
	request := placement.Request{Policies: []placement.Policy{policy("p", asksForSeal(v1alpha1.SealRules{Minimum: 4}))}, Now: sealTime}
	candidate := place("a", "x", lowest)
	for _, entry := range placement.Summarise([]placement.Judged{{Candidate: candidate, Objections: placement.Judge(request, candidate)}}) {
		for _, o := range entry.Objections {
			if strings.HasSuffix(o.Message, "…") || len(entry.Objections) != 2 {
				t.Errorf("%d objections, one is %q", len(entry.Objections), o.Message)
			}
		}
	}
}

// A stricter policy never lets in more, whatever the answers are.
func TestAskingForMoreNeverLetsMoreIn(t *testing.T) {
	admits := func(rules v1alpha1.SealRules, c placement.Candidate) bool {
		return len(placement.Judge(placement.Request{Policies: []placement.Policy{policy("p", asksForSeal(rules))}, Now: sealTime}, c)) == 0
	}
	admitted := 0
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 3))
		candidate := place("a", "x")
		for _, criterion := range seal.Criteria() {
			if random.IntN(8) == 0 {
				continue
			}
			rung := len(criterion.Rungs) - min(random.IntN(2)*random.IntN(2)*random.IntN(2), len(criterion.Rungs)-1)
			answer(criterion.ID, rung, func(a *seal.Answer) {
				a.Until = sealTime.AddDate(0, 0, random.IntN(30)-1)
				a.Evidence = []seal.Evidence{seal.SelfDeclared, seal.Audited}[min(random.IntN(4), 1)]
			})(&candidate)
		}
		rules := v1alpha1.SealRules{Minimum: 1 + random.Int32N(3), MinimumCoverage: 1 + random.Int32N(44)}
		for name, stricter := range map[string]v1alpha1.SealRules{
			"a higher SEAL": {Minimum: rules.Minimum + 1, MinimumCoverage: rules.MinimumCoverage},
			"more answers":  {Minimum: rules.Minimum, MinimumCoverage: rules.MinimumCoverage + 4},
			"evidence":      {Minimum: rules.Minimum, MinimumCoverage: rules.MinimumCoverage, Evidence: v1alpha1.SealEvidenced},
		} {
			if admits(stricter, candidate) {
				admitted++
				if !admits(rules, candidate) {
					t.Fatalf("seed %d: asking for %s let it in", seed, name)
				}
			}
		}
	}
	if admitted < 100 {
		t.Errorf("only %d were admitted: the property was hardly tried", admitted)
	}
}
