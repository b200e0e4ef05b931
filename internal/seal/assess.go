package seal

import (
	"cmp"
	"slices"
	"time"
)

// Evidence says what an answer rests on.
type Evidence string

// Kinds of evidence. Only what an independent body audited is evidenced; the others
// are claims.
const (
	SelfDeclared Evidence = "SelfDeclared"
	ThirdParty   Evidence = "ThirdParty"
	Audited      Evidence = "Audited"
)

// Answer chooses a rung of a criterion.
type Answer struct {
	Criterion string
	// Rung counts from 1, the worst.
	Rung     int
	Evidence Evidence
	// From is when the answer begins to count, Until when it does not any more.
	From, Until time.Time
}

// countsAt tells whether the answer counts at a moment.
func (a Answer) countsAt(now time.Time) bool {
	return !now.Before(a.From) && now.Before(a.Until)
}

// Assessment is what the answers about a service come to: what is claimed of it,
// which are all answers, and what of that is evidenced.
type Assessment struct {
	Claimed, Evidenced Result
}

// Assess computes what the answers come to at a moment. Answers that the framework
// does not offer are left out.
//
// Of several answers to a criterion the lowest counts. An answer that is over gives
// no coverage and no points, and if it was a low one it still holds down the SEAL
// of what is left: that time passes never raises a SEAL, only a better answer in
// its place does.
func Assess(answers []Answer, now time.Time) Assessment {
	return Assessment{
		Claimed:   resultOf(answers, now),
		Evidenced: resultOf(evidenced(answers), now),
	}
}

func evidenced(answers []Answer) []Answer {
	var kept []Answer
	for _, answer := range answers {
		if answer.Evidence == Audited {
			kept = append(kept, answer)
		}
	}
	return kept
}

// Standing is where a criterion stands by its answers.
type Standing struct {
	Criterion Criterion
	// Rung is that of the lowest answer.
	Rung int
	// Level is that of the rung.
	Level Level
	// IsOver tells that no answer to the criterion counts any more.
	IsOver bool
}

// Result is what some answers come to. The zero value rests on none.
type Result struct {
	// Answered is how many of the criteria are answered, and Decisive how many of
	// those can lower a SEAL: see CriterionCount and DecisiveCount.
	Answered, Decisive int
	standings          []Standing
	points             map[string]Points
}

// How many criteria there are, and how many of them can lower a SEAL.
const (
	CriterionCount = 48
	DecisiveCount  = 39
)

func resultOf(answers []Answer, now time.Time) Result {
	result := Result{points: map[string]Points{}}
	for _, criterion := range built().criteria {
		standing, points, found := stand(criterion, answers, now)
		if !found {
			continue
		}
		result.standings = append(result.standings, standing)
		if standing.IsOver {
			continue
		}
		result.Answered++
		if criterion.IsDecisive() {
			result.Decisive++
		}
		result.points[criterion.Objective] += points
	}
	return result
}

// stand finds where a criterion stands, and the points that it gives.
func stand(criterion Criterion, answers []Answer, now time.Time) (standing Standing, points Points, found bool) {
	standing = Standing{Criterion: criterion, IsOver: true}
	lowestNow := 0
	for _, answer := range answers {
		isOver := !now.Before(answer.Until)
		if answer.Criterion != criterion.ID || answer.Rung < 1 || answer.Rung > len(criterion.Rungs) ||
			!isOver && !answer.countsAt(now) {
			continue
		}
		if standing.Rung == 0 || answer.Rung < standing.Rung {
			standing.Rung = answer.Rung
		}
		if !isOver && (lowestNow == 0 || answer.Rung < lowestNow) {
			lowestNow = answer.Rung
		}
	}
	if standing.Rung == 0 {
		return Standing{}, 0, false
	}
	standing.Level = criterion.Rungs[standing.Rung-1].Level
	if lowestNow > 0 {
		standing.IsOver, points = false, criterion.Rungs[lowestNow-1].Points
	}
	return standing, points, true
}

// Level gives the SEAL, which is the lowest of all answers, and whether there is
// one. On part of the criteria it is no more than an upper bound.
func (r Result) Level() (Level, bool) {
	if r.Answered == 0 {
		return NoSovereignty, false
	}
	lowest := slices.MinFunc(r.standings, func(a, b Standing) int { return cmp.Compare(a.Level, b.Level) })
	return lowest.Level, true
}

// Below gives the criteria that stand below a level, the lowest first.
func (r Result) Below(level Level) []Standing {
	var below []Standing
	for _, standing := range r.standings {
		if standing.Level < level {
			below = append(below, standing)
		}
	}
	slices.SortStableFunc(below, func(a, b Standing) int { return cmp.Compare(a.Level, b.Level) })
	return below
}

// Limiting gives the criteria that keep the SEAL from being higher. A result at the
// highest SEAL has none.
func (r Result) Limiting() []Standing {
	level, known := r.Level()
	if !known || level == FullDigitalSovereignty {
		return nil
	}
	return r.Below(level + 1)
}

// LevelOf gives the SEAL of one objective, and whether anything under it is
// answered.
func (r Result) LevelOf(objective string) (Level, bool) {
	part := Result{}
	for _, standing := range r.standings {
		if standing.Criterion.Objective != objective {
			continue
		}
		part.standings = append(part.standings, standing)
		if !standing.IsOver {
			part.Answered++
		}
	}
	return part.Level()
}

// Points gives those of one objective.
func (r Result) Points(objective string) Points { return r.points[objective] }

// Score weighs the points. What is not answered adds nothing.
func (r Result) Score(weights Weights) Score {
	var score Score
	for objective, points := range r.points {
		// Each objective counts as 1000 points, which are 100 000 hundredths; what is
		// left is percent in hundred-thousandths.
		score += Score(WeightOf(weights, objective) * int(points))
	}
	return score
}

// NextChange gives the first moment after now at which an answer ceases to count,
// or begins to; the zero time when there is none.
func NextChange(answers []Answer, now time.Time) time.Time {
	var next time.Time
	for _, answer := range answers {
		for _, moment := range []time.Time{answer.From, answer.Until} {
			if moment.After(now) && (next.IsZero() || moment.Before(next)) {
				next = moment
			}
		}
	}
	return next
}
