package location

import (
	"slices"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/catalogue"
	"github.com/rempart/rempart/internal/seal"
)

// AnswersAt gives the answers to the EU Cloud Sovereignty Framework that the owner
// of a provider declares of its object storage at a location. None ships with
// Rempart, and what is said of another service, or by another version of the
// framework, does not count.
func AnswersAt(p *v1alpha1.SovereignProvider, name string) []seal.Answer {
	var answers []seal.Answer
	for _, said := range p.Spec.Sovereignty {
		if said.Framework != seal.Framework || said.Service != catalogue.ObjectStorage || !slices.Contains(said.Locations, name) {
			continue
		}
		from, until, isDated := days(said.Date, said.ValidUntil)
		if !isDated {
			continue
		}
		answers = append(answers, seal.Answer{
			Criterion: said.Criterion, Rung: int(said.Rung), Evidence: seal.Evidence(said.EvidenceType), From: from, Until: until,
		})
	}
	return answers
}

// days gives the time from the beginning of one day to the end of another, in UTC.
func days(first, last string) (from, until time.Time, ok bool) {
	from, err := time.Parse(time.DateOnly, first)
	if err != nil {
		return time.Time{}, time.Time{}, false
	}
	until, err = time.Parse(time.DateOnly, last)
	return from, until.AddDate(0, 0, 1), err == nil
}
