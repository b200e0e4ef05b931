// Package seal computes what the EU Cloud Sovereignty Framework makes of the
// answers about a service: its SEAL, from 0 to 4, and a score in percent.
//
// The framework has 48 criteria under eight objectives. An answer chooses a rung
// of one criterion, and a rung has points and a SEAL. The SEAL of a service is the
// lowest of all its answers and never follows from the score; the score weighs the
// points and only ranks. What is not answered is a gap and no zero, so a result
// says always how many criteria it rests on.
//
// The package is pure: the figures are built in (data/README.md says where they
// are from), and the time is passed in. Start reading at Assess.
package seal

import (
	"fmt"
	"slices"
)

// Level is a SEAL: how far a service is under the control and the law of the Union.
type Level int

// Levels of the framework.
const (
	NoSovereignty             Level = 0
	JurisdictionalSovereignty Level = 1
	DataSovereignty           Level = 2
	TechnologicalSovereignty  Level = 3
	FullDigitalSovereignty    Level = 4
)

// String writes a level as the framework does.
func (l Level) String() string { return fmt.Sprintf("SEAL-%d", int(l)) }

// Framework names the calculator whose criteria and rungs answers are about.
const Framework = "csf-2026-06"

// Weights names a set of weights of the objectives.
type Weights string

// Sets of weights: those that the framework was published with in October 2025,
// and those of the calculator of June 2026. Both weigh the points of the same
// calculator.
const (
	Weights121    Weights = "csf-1.2.1"
	Weights202606 Weights = "csf-2026-06"
)

// WeightSets gives every set, the newest last.
func WeightSets() []Weights { return []Weights{Weights121, Weights202606} }

// Points are hundredths of a point of the calculator.
type Points int

// Rung is an answer that a criterion offers.
type Rung struct {
	Points Points
	Level  Level
}

// Criterion is a question of the framework.
type Criterion struct {
	// ID is its number, such as 3.4: the fourth of the third objective.
	ID string
	// Objective is that of the criterion, such as SOV-3.
	Objective string
	// Name says in a few words what it is about; Lowest and Highest what its first
	// and its last rung stand for.
	Name, Lowest, Highest string
	// Rungs are the answers that it offers, the worst first. The first one is rung 1.
	Rungs []Rung
}

// IsDecisive tells whether any answer to the criterion can lower a SEAL. The others
// only move the score.
func (c Criterion) IsDecisive() bool {
	return slices.ContainsFunc(c.Rungs, func(r Rung) bool { return r.Level < FullDigitalSovereignty })
}

// RungFor gives the lowest rung that reaches a level.
func (c Criterion) RungFor(level Level) int {
	return 1 + slices.IndexFunc(c.Rungs, func(r Rung) bool { return r.Level >= level })
}

// Criteria gives all of them, in the order of the framework.
func Criteria() []Criterion {
	criteria := slices.Clone(built().criteria)
	for i := range criteria {
		criteria[i].Rungs = slices.Clone(criteria[i].Rungs)
	}
	return criteria
}

// WeightOf gives the weight of an objective in percent; a set that does not exist
// weighs nothing.
func WeightOf(weights Weights, objective string) int {
	return built().weights[weights][objective]
}

// Score is a share in hundred-thousandths of a percent, which is exact. It may be
// a little more than 100 %, because the points of the calculator are rounded.
type Score int

const scorePerPercent = 100_000

// String writes a score in percent with two decimals, such as 74.01.
func (s Score) String() string {
	hundredths := (int(s) + scorePerPercent/200) / (scorePerPercent / 100)
	return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}
