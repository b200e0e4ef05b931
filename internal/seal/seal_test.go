package seal_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/seal"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// answer is one that counts now.
func answer(criterion string, rung int, change ...func(*seal.Answer)) seal.Answer {
	a := seal.Answer{
		Criterion: criterion, Rung: rung, Evidence: seal.SelfDeclared,
		From: now.AddDate(0, -1, 0), Until: now.AddDate(1, 0, 0),
	}
	for _, f := range change {
		f(&a)
	}
	return a
}

func audited(a *seal.Answer)    { a.Evidence = seal.Audited }
func thirdParty(a *seal.Answer) { a.Evidence = seal.ThirdParty }
func over(a *seal.Answer)       { a.Until = now }
func tomorrow(a *seal.Answer)   { a.From = now.AddDate(0, 0, 1) }

// sheet answers every criterion with a rung that is chosen for it.
func sheet(choose func(seal.Criterion) int, change ...func(*seal.Answer)) []seal.Answer {
	var answers []seal.Answer
	for _, criterion := range seal.Criteria() {
		answers = append(answers, answer(criterion.ID, choose(criterion), change...))
	}
	return answers
}

func top(c seal.Criterion) int           { return len(c.Rungs) }
func first(seal.Criterion) int           { return 1 }
func secondFromTop(c seal.Criterion) int { return len(c.Rungs) - 1 }

func lowestReaching(level seal.Level) func(seal.Criterion) int {
	return func(c seal.Criterion) int { return c.RungFor(level) }
}

func ids(standings []seal.Standing) []string {
	var ids []string
	for _, standing := range standings {
		ids = append(ids, standing.Criterion.ID)
	}
	return ids
}

// The scores by the weights of June 2026, the levels and the limiting criteria are
// the golden vectors of two independent transcriptions of the workbook. Those by the
// weights of 2025 were computed apart from this package.
func TestTheGoldenVectorsOfTheCalculator(t *testing.T) {
	for name, test := range map[string]struct {
		choose         func(seal.Criterion) int
		score, in2025  seal.Score // hundred-thousandths of a percent
		shown          string
		level          seal.Level
		limiting       []string
		limitingIsLong bool // the vector names none
	}{
		"the top answer everywhere": {
			choose: top, score: 100_07560, in2025: 100_08045, shown: "100.08", level: 4,
		},
		"the first answer everywhere": {
			choose: first, score: 0, in2025: 0, shown: "0.00", level: 0,
			limiting: []string{"1.8", "2.4", "3.1", "3.2", "3.3", "3.4", "4.5", "4.6", "5.4", "6.1", "6.2", "6.5", "7.4", "7.5", "8.2"},
		},
		"the second from the top everywhere": {
			choose: secondFromTop, score: 74_01235, in2025: 74_17395, shown: "74.01", level: 1,
			limiting: []string{"2.1", "2.3", "3.4", "7.7"},
		},
		"the lowest answers that reach SEAL-2": {
			choose: lowestReaching(2), score: 37_61805, in2025: 37_96135, shown: "37.62", level: 2, limitingIsLong: true,
		},
		"the lowest answers that reach SEAL-3": {
			choose: lowestReaching(3), score: 52_70610, in2025: 53_03520, shown: "52.71", level: 3, limitingIsLong: true,
		},
		"the lowest answers that reach SEAL-4": {
			choose: lowestReaching(4), score: 75_39790, in2025: 78_17030, shown: "75.40", level: 4,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := seal.Assess(sheet(test.choose), now).Claimed
			if score := got.Score(seal.Weights202606); score != test.score || score.String() != test.shown {
				t.Errorf("score %d (%s), want %d (%s)", score, score, test.score, test.shown)
			}
			if score := got.Score(seal.Weights121); score != test.in2025 {
				t.Errorf("score by the weights of 2025 %d, want %d", score, test.in2025)
			}
			if level, known := got.Level(); level != test.level || !known {
				t.Errorf("%s (known: %t), want %s", level, known, test.level)
			}
			if limiting := ids(got.Limiting()); !test.limitingIsLong && !cmp.Equal(limiting, test.limiting) {
				t.Errorf("limited by %v, want %v", limiting, test.limiting)
			}
			if got.Answered() != seal.CriterionCount || got.Decisive() != seal.DecisiveCount {
				t.Errorf("%d answered and %d decisive, want %d and %d", got.Answered(), got.Decisive(), seal.CriterionCount, seal.DecisiveCount)
			}
		})
	}
}

func TestThePointsOfEachObjectiveAreThoseOfTheVector(t *testing.T) {
	got := map[string]seal.Points{}
	for _, criterion := range seal.Criteria() {
		got[criterion.Objective] = seal.Assess(sheet(secondFromTop), now).Claimed.Points(criterion.Objective)
	}
	want := map[string]seal.Points{
		"SOV-1": 71843, "SOV-2": 71025, "SOV-3": 75000, "SOV-4": 75150, "SOV-5": 75075, "SOV-6": 75000, "SOV-7": 75075, "SOV-8": 75000,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// summary is what the table below looks at of a result.
type summary struct {
	Level    string // empty when there is none
	Answered int
	Limiting []string
	Score    string
}

func summarise(r seal.Result) summary {
	s := summary{Answered: r.Answered(), Limiting: ids(r.Limiting()), Score: r.Score(seal.Weights202606).String()}
	if level, known := r.Level(); known {
		s.Level = level.String()
	}
	return s
}

func TestWhatAnswersComeTo(t *testing.T) {
	nothing := summary{Score: "0.00"}
	for name, test := range map[string]struct {
		answers            []seal.Answer
		claimed, evidenced summary
	}{
		"no answer is no level": {nil, nothing, nothing},
		"a claim is not evidenced": {
			[]seal.Answer{answer("3.1", 3)}, summary{"SEAL-2", 1, []string{"3.1"}, "1.00"}, nothing,
		},
		"nor is what a third party says": {
			[]seal.Answer{answer("3.1", 3, thirdParty)}, summary{"SEAL-2", 1, []string{"3.1"}, "1.00"}, nothing,
		},
		"what was audited is claimed as well": {
			[]seal.Answer{answer("3.1", 3, audited)},
			summary{"SEAL-2", 1, []string{"3.1"}, "1.00"},
			summary{"SEAL-2", 1, []string{"3.1"}, "1.00"},
		},
		"the two are kept apart": {
			[]seal.Answer{answer("3.1", 4, audited), answer("2.1", 1)},
			summary{"SEAL-1", 2, []string{"2.1"}, "1.50"},
			summary{"SEAL-3", 1, []string{"3.1"}, "1.50"},
		},
		"of two answers to a criterion the lower counts": {
			[]seal.Answer{answer("3.1", 5), answer("3.1", 2, audited)},
			summary{"SEAL-1", 1, []string{"3.1"}, "0.50"},
			summary{"SEAL-1", 1, []string{"3.1"}, "0.50"},
		},
		"in any order": {
			[]seal.Answer{answer("3.1", 2, audited), answer("3.1", 5)},
			summary{"SEAL-1", 1, []string{"3.1"}, "0.50"},
			summary{"SEAL-1", 1, []string{"3.1"}, "0.50"},
		},
		"an answer that is over covers nothing": {
			[]seal.Answer{answer("3.1", 5, over)}, nothing, nothing,
		},
		"nor does it make up for what is left": {
			[]seal.Answer{answer("3.1", 5, over), answer("2.1", 3)}, summary{"SEAL-4", 1, nil, "1.67"}, nothing,
		},
		"a low one does not become better by being over": {
			[]seal.Answer{answer("3.1", 2, over), answer("2.1", 3)}, summary{"SEAL-1", 1, []string{"3.1"}, "1.67"}, nothing,
		},
		"nor by a better claim beside it": {
			[]seal.Answer{answer("3.1", 2, over), answer("3.1", 5)}, summary{"SEAL-1", 1, []string{"3.1"}, "2.00"}, nothing,
		},
		"an answer of tomorrow does not count today": {
			[]seal.Answer{answer("3.1", 1, tomorrow), answer("2.1", 3)}, summary{"SEAL-4", 1, nil, "1.67"}, nothing,
		},
		"a criterion that only moves the score limits nothing": {
			[]seal.Answer{answer("8.4", 1), answer("1.2", 1)}, summary{"SEAL-4", 2, nil, "0.00"}, nothing,
		},
		"a criterion that there is not is none": {
			[]seal.Answer{answer("9.9", 1)}, nothing, nothing,
		},
		"nor is a rung that there is not": {
			[]seal.Answer{answer("2.1", 4), answer("2.1", 0), answer("2.1", -1)}, nothing, nothing,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := seal.Assess(test.answers, now)
			if diff := cmp.Diff(test.claimed, summarise(got.Claimed)); diff != "" {
				t.Errorf("claimed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.evidenced, summarise(got.Evidenced)); diff != "" {
				t.Errorf("evidenced (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheLevelOfAnObjectiveIsThatOfItsAnswers(t *testing.T) {
	result := seal.Assess([]seal.Answer{answer("3.1", 3), answer("2.1", 3), answer("4.1", 5, over)}, now).Claimed
	for objective, want := range map[string]string{"SOV-2": "SEAL-4", "SOV-3": "SEAL-2", "SOV-4": "", "SOV-5": ""} {
		got := ""
		if level, known := result.LevelOf(objective); known {
			got = level.String()
		}
		if got != want {
			t.Errorf("%s is at %q, want %q", objective, got, want)
		}
	}
}

func TestWhatIsBelowALevelComesLowestFirst(t *testing.T) {
	result := seal.Assess([]seal.Answer{answer("1.1", 1), answer("2.4", 1), answer("3.1", 3), answer("7.1", 5)}, now).Claimed
	got := ids(result.Below(3))
	if diff := cmp.Diff([]string{"2.4", "1.1", "3.1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if result.Below(0) != nil {
		t.Errorf("%v is below SEAL-0", ids(result.Below(0)))
	}
}

func TestTheNextChangeIsWhenAnAnswerBeginsOrEnds(t *testing.T) {
	soon, later := now.Add(time.Hour), now.Add(2*time.Hour)
	for name, test := range map[string]struct {
		answers []seal.Answer
		want    time.Time
	}{
		"no answer never changes": {nil, time.Time{}},
		"the first to end": {[]seal.Answer{
			{From: now, Until: later}, {From: now, Until: soon}, {From: now.Add(-1), Until: now},
		}, soon},
		"the first to begin": {[]seal.Answer{{From: soon, Until: later}}, soon},
		"all are over":       {[]seal.Answer{{Until: now}}, time.Time{}},
	} {
		if got := seal.NextChange(test.answers, now); !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// randomAnswers are some answers, of every kind.
func randomAnswers(random *rand.Rand) []seal.Answer {
	var answers []seal.Answer
	for _, criterion := range seal.Criteria() {
		for range random.IntN(3) {
			days := func() int { return random.IntN(400) - 100 }
			answers = append(answers, seal.Answer{
				Criterion: criterion.ID, Rung: 1 + random.IntN(len(criterion.Rungs)),
				Evidence: []seal.Evidence{seal.SelfDeclared, seal.ThirdParty, seal.Audited}[random.IntN(3)],
				From:     now.AddDate(0, 0, -100), Until: now.AddDate(0, 0, days()),
			})
		}
	}
	random.Shuffle(len(answers), func(i, j int) { answers[i], answers[j] = answers[j], answers[i] })
	return answers
}

// each hands on both results of random answers beside those of a change to them.
func each(t *testing.T, change func(random *rand.Rand, answers []seal.Answer) ([]seal.Answer, time.Time), check func(before, after seal.Result) string) {
	t.Helper()
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 5))
		answers := randomAnswers(random)
		changed, at := change(random, slices.Clone(answers))
		before, after := seal.Assess(answers, now), seal.Assess(changed, at)
		for name, pair := range map[string][2]seal.Result{
			"claimed": {before.Claimed, after.Claimed}, "evidenced": {before.Evidenced, after.Evidenced},
		} {
			if wrong := check(pair[0], pair[1]); wrong != "" {
				t.Fatalf("seed %d, what is %s: %s", seed, name, wrong)
			}
		}
	}
}

// isRaised tells whether the second result has the higher SEAL; both have one.
func isRaised(before, after seal.Result) bool {
	was, isKnown := before.Level()
	is, stillKnown := after.Level()
	return isKnown && stillKnown && is > was
}

func TestRaisingARungLowersNothing(t *testing.T) {
	each(t, func(random *rand.Rand, answers []seal.Answer) ([]seal.Answer, time.Time) {
		if len(answers) > 0 {
			raised := &answers[random.IntN(len(answers))]
			index := slices.IndexFunc(seal.Criteria(), func(c seal.Criterion) bool { return c.ID == raised.Criterion })
			raised.Rung = min(raised.Rung+1, len(seal.Criteria()[index].Rungs))
		}
		return answers, now
	}, func(before, after seal.Result) string {
		switch {
		case isRaised(after, before):
			return "the SEAL fell"
		case after.Score(seal.Weights202606) < before.Score(seal.Weights202606), after.Score(seal.Weights121) < before.Score(seal.Weights121):
			return "the score fell"
		case after.Answered() != before.Answered():
			return "the coverage changed"
		}
		return ""
	})
}

func TestAnswersInAnyOrderComeToTheSame(t *testing.T) {
	each(t, func(random *rand.Rand, answers []seal.Answer) ([]seal.Answer, time.Time) {
		random.Shuffle(len(answers), func(i, j int) { answers[i], answers[j] = answers[j], answers[i] })
		return answers, now
	}, func(before, after seal.Result) string {
		return cmp.Diff(summarise(before), summarise(after))
	})
}

func TestAnotherAnswerNeverRaisesTheSEAL(t *testing.T) {
	each(t, func(random *rand.Rand, answers []seal.Answer) ([]seal.Answer, time.Time) {
		return append(answers, answer("3.4", 1+random.IntN(5), audited)), now
	}, func(before, after seal.Result) string {
		if isRaised(before, after) {
			return "the SEAL rose"
		}
		if after.Answered() < before.Answered() {
			return "the coverage fell"
		}
		return ""
	})
}

func TestTimeThatPassesRaisesNothing(t *testing.T) {
	each(t, func(random *rand.Rand, answers []seal.Answer) ([]seal.Answer, time.Time) {
		return answers, now.AddDate(0, 0, random.IntN(400))
	}, func(before, after seal.Result) string {
		switch {
		case isRaised(before, after):
			return "the SEAL rose"
		case after.Answered() > before.Answered() || after.Decisive() > before.Decisive():
			return "the coverage rose"
		}
		return ""
	})
}

func TestNothingChangesBeforeTheNextChange(t *testing.T) {
	each(t, func(_ *rand.Rand, answers []seal.Answer) ([]seal.Answer, time.Time) {
		next := seal.NextChange(answers, now)
		if next.IsZero() {
			return answers, now.AddDate(10, 0, 0)
		}
		return answers, next.Add(-time.Nanosecond)
	}, func(before, after seal.Result) string { return cmp.Diff(summarise(before), summarise(after)) })
}

func TestWhatIsEvidencedIsPartOfWhatIsClaimed(t *testing.T) {
	for seed := range uint64(500) {
		got := seal.Assess(randomAnswers(rand.New(rand.NewPCG(seed, 7))), now)
		claimed, _ := got.Claimed.Level()
		evidenced, isEvidenced := got.Evidenced.Level()
		if got.Evidenced.Answered() > got.Claimed.Answered() || isEvidenced && evidenced < claimed {
			t.Fatalf("seed %d: %s on %d is evidenced, and %s on %d claimed", seed, evidenced, got.Evidenced.Answered(), claimed, got.Claimed.Answered())
		}
	}
}

func TestWhatIsHandedOutIsACopy(t *testing.T) {
	seal.Criteria()[0].Rungs[0].Level = seal.FullDigitalSovereignty
	if seal.Criteria()[0].Rungs[0].Level != seal.JurisdictionalSovereignty {
		t.Error("the calculator can be changed from outside")
	}
}

func BenchmarkAssess(b *testing.B) {
	answers := sheet(secondFromTop, audited)
	for b.Loop() {
		if level, _ := seal.Assess(answers, now).Claimed.Level(); level != 1 {
			b.Fatal(level)
		}
	}
}
