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
	var assessed Assessment
	for _, answer := range answers {
		index, known := built().index[answer.Criterion]
		if !known || answer.Rung < 1 || answer.Rung > len(built().criteria[index].Rungs) || now.Before(answer.From) {
			continue
		}
		isOver := !now.Before(answer.Until)
		assessed.Claimed.criteria[index].take(answer.Rung, isOver)
		if answer.Evidence == Audited {
			assessed.Evidenced.criteria[index].take(answer.Rung, isOver)
		}
	}
	return assessed
}

// Result is what some answers come to. The zero value rests on none.
type Result struct {
	// criteria are in the order of the framework.
	criteria [CriterionCount]lowest
}

// How many criteria there are, and how many of them can lower a SEAL.
const (
	CriterionCount = 48
	DecisiveCount  = 39
)

// lowest are the lowest rungs that a criterion was answered with; 0 is none.
type lowest struct {
	// ever counts answers that are over, now leaves them out.
	ever, now int
}

func (l *lowest) take(rung int, isOver bool) {
	if l.ever == 0 || rung < l.ever {
		l.ever = rung
	}
	if !isOver && (l.now == 0 || rung < l.now) {
		l.now = rung
	}
}

// Answered is how many of the 48 criteria are answered.
func (r Result) Answered() int {
	return r.count(func(Criterion) bool { return true })
}

// Decisive is how many of the 39 criteria are answered that can lower a SEAL.
func (r Result) Decisive() int { return r.count(Criterion.IsDecisive) }

func (r Result) count(counts func(Criterion) bool) int {
	count := 0
	for i, criterion := range built().criteria {
		if r.criteria[i].now > 0 && counts(criterion) {
			count++
		}
	}
	return count
}

// Standing is where a criterion stands by its answers.
type Standing struct {
	Criterion Criterion
	// Rung is that of the lowest answer, and Level that of the rung.
	Rung  int
	Level Level
	// IsOver tells that no answer to the criterion counts any more.
	IsOver bool
}

// Level gives the SEAL, which is the lowest of all answers, and whether there is
// one. On part of the criteria it is no more than an upper bound.
func (r Result) Level() (Level, bool) {
	return r.levelOf(func(Criterion) bool { return true })
}

// LevelOf gives the SEAL of one objective, and whether anything under it is
// answered.
func (r Result) LevelOf(objective string) (Level, bool) {
	return r.levelOf(func(c Criterion) bool { return c.Objective == objective })
}

func (r Result) levelOf(counts func(Criterion) bool) (Level, bool) {
	level, isAnswered := FullDigitalSovereignty, false
	for i, criterion := range built().criteria {
		if r.criteria[i].ever == 0 || !counts(criterion) {
			continue
		}
		level = min(level, criterion.Rungs[r.criteria[i].ever-1].Level)
		isAnswered = isAnswered || r.criteria[i].now > 0
	}
	if !isAnswered {
		return NoSovereignty, false
	}
	return level, true
}

// Below gives the criteria that stand below a level, the lowest first.
func (r Result) Below(level Level) []Standing {
	var below []Standing
	for i, criterion := range built().criteria {
		rung := r.criteria[i].ever
		if rung == 0 || criterion.Rungs[rung-1].Level >= level {
			continue
		}
		criterion.Rungs = slices.Clone(criterion.Rungs)
		below = append(below, Standing{
			Criterion: criterion, Rung: rung, Level: criterion.Rungs[rung-1].Level, IsOver: r.criteria[i].now == 0,
		})
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

// Points gives those of one objective. What is not answered has none.
func (r Result) Points(objective string) Points {
	var points Points
	for i, criterion := range built().criteria {
		if rung := r.criteria[i].now; rung > 0 && criterion.Objective == objective {
			points += criterion.Rungs[rung-1].Points
		}
	}
	return points
}

// Score weighs the points of all objectives.
func (r Result) Score(weights Weights) Score {
	var score Score
	for objective, percent := range built().weights[weights] {
		// Each objective counts as 1000 points, which are 100 000 hundredths; what is
		// left is percent in hundred-thousandths.
		score += Score(percent * int(r.Points(objective)))
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
