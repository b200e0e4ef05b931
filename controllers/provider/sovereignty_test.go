package provider

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/seal"
)

func TestTheStatusShowsWhatTheAnswersComeTo(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	at := func(location string, answers ...seal.Answer) placement.Candidate {
		for i := range answers {
			answers[i].From, answers[i].Until = now.AddDate(0, -1, 0), now.AddDate(0, 1, 0)
		}
		return placement.Candidate{PlaceReference: v1alpha1.PlaceReference{Location: location}, Sovereignty: answers}
	}
	audited := func(criterion string, rung int) seal.Answer {
		return seal.Answer{Criterion: criterion, Rung: rung, Evidence: seal.Audited}
	}
	declared := func(criterion string, rung int) seal.Answer {
		return seal.Answer{Criterion: criterion, Rung: rung, Evidence: seal.SelfDeclared}
	}
	status := func(level, answered, decisive int32, limiting []string, of2025, of2026 string) v1alpha1.SealStatus {
		return v1alpha1.SealStatus{
			Level: &level, Answered: answered, Decisive: decisive, Limiting: limiting,
			Scores: []v1alpha1.SovereigntyScore{{Weights: "csf-1.2.1", Percent: of2025}, {Weights: "csf-2026-06", Percent: of2026}},
		}
	}
	for name, test := range map[string]struct {
		candidates []placement.Candidate
		now        time.Time
		want       []v1alpha1.SovereigntyStatus
	}{
		"nothing is answered": {candidates: []placement.Candidate{at("GRA"), at("SBG")}, now: now},
		"the same everywhere is one entry, and what is different another": {
			candidates: []placement.Candidate{
				at("BHS", declared("3.4", 1)), at("GRA", audited("3.4", 5), declared("1.1", 3)),
				at("SBG", declared("1.1", 3), audited("3.4", 5)), at("WAW"),
			},
			now: now,
			want: []v1alpha1.SovereigntyStatus{
				{Framework: "csf-2026-06", Locations: []string{"BHS"}, Claimed: status(0, 1, 1, []string{"3.4"}, "0.00", "0.00")},
				{
					Framework: "csf-2026-06", Locations: []string{"GRA", "SBG"},
					Claimed: status(3, 2, 2, []string{"1.1"}, "3.25", "3.67"), Evidenced: status(4, 1, 1, nil, "2.00", "2.00"),
				},
			},
		},
		"the same claims on other evidence are not the same": {
			candidates: []placement.Candidate{at("GRA", audited("3.4", 5)), at("SBG", declared("3.4", 5))}, now: now,
			want: []v1alpha1.SovereigntyStatus{
				{Framework: "csf-2026-06", Locations: []string{"GRA"}, Claimed: status(4, 1, 1, nil, "2.00", "2.00"), Evidenced: status(4, 1, 1, nil, "2.00", "2.00")},
				{Framework: "csf-2026-06", Locations: []string{"SBG"}, Claimed: status(4, 1, 1, nil, "2.00", "2.00")},
			},
		},
		"what only moves the score is answered, and decides nothing": {
			candidates: []placement.Candidate{at("GRA", declared("8.4", 1))}, now: now,
			want: []v1alpha1.SovereigntyStatus{
				{Framework: "csf-2026-06", Locations: []string{"GRA"}, Claimed: status(4, 1, 0, nil, "0.00", "0.00")},
			},
		},
		"what has ended is a SEAL no more": {
			candidates: []placement.Candidate{at("GRA", audited("3.4", 5))}, now: now.AddDate(0, 1, 0),
			want: []v1alpha1.SovereigntyStatus{{Framework: "csf-2026-06", Locations: []string{"GRA"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, sovereigntyOf(test.candidates, test.now)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
