package provider

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/seal"
)

// sovereigntyOf shows what the answers to the framework come to at each location:
// one entry for those where they come to the same, none where nothing was ever
// answered.
func sovereigntyOf(candidates []placement.Candidate, now time.Time) []v1alpha1.SovereigntyStatus {
	var shown []v1alpha1.SovereigntyStatus
	for _, candidate := range candidates {
		if len(candidate.Sovereignty) == 0 {
			continue
		}
		assessed := seal.Assess(candidate.Sovereignty, now)
		entry := v1alpha1.SovereigntyStatus{
			Framework: seal.Framework, Locations: []string{candidate.Location},
			Claimed: sealStatus(assessed.Claimed), Evidenced: sealStatus(assessed.Evidenced),
		}
		index := slices.IndexFunc(shown, func(other v1alpha1.SovereigntyStatus) bool {
			return equality.Semantic.DeepEqual(other.Claimed, entry.Claimed) && equality.Semantic.DeepEqual(other.Evidenced, entry.Evidenced)
		})
		if index >= 0 {
			shown[index].Locations = append(shown[index].Locations, candidate.Location)
			continue
		}
		shown = append(shown, entry)
	}
	return shown
}

func sealStatus(result seal.Result) v1alpha1.SealStatus {
	level, known := result.Level()
	if !known {
		return v1alpha1.SealStatus{}
	}
	status := v1alpha1.SealStatus{
		Level: new(int32(level)), Answered: int32(result.Answered()), Decisive: int32(result.Decisive()), //nolint:gosec // at most 48
	}
	for _, standing := range result.Limiting() {
		status.Limiting = append(status.Limiting, standing.Criterion.ID)
	}
	for _, weights := range seal.WeightSets() {
		status.Scores = append(status.Scores, v1alpha1.SovereigntyScore{
			Weights: v1alpha1.SovereigntyWeights(weights), Percent: result.Score(weights).String(),
		})
	}
	return status
}
