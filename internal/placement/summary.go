package placement

import (
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
)

// Bounds of what a status shows; a decision itself has no bounds.
const (
	maximumEntries    = 64
	maximumObjections = 32
	maximumMessage    = 512
)

// Summarise gives the candidates as a status shows them: refused locations of a
// provider with the same objections are one entry, the best come first. Where there
// are too many, those that hold no copy are left out first.
func Summarise(candidates []Judged) []v1alpha1.CandidateStatus {
	var entries []v1alpha1.CandidateStatus
	var holds []bool
	for _, candidate := range candidates {
		entry, isPlaced := entryFor(candidate), candidate.Placed != ""
		index := slices.IndexFunc(entries, func(e v1alpha1.CandidateStatus) bool {
			return !e.Eligible && !entry.Eligible && e.ProviderName == entry.ProviderName &&
				slices.Equal(e.Objections, entry.Objections)
		})
		if index >= 0 {
			entries[index].Locations = append(entries[index].Locations, entry.Locations...)
			holds[index] = holds[index] || isPlaced
			continue
		}
		entries, holds = append(entries, entry), append(holds, isPlaced)
	}
	for i := len(entries) - 1; i >= 0 && len(entries) > maximumEntries; i-- {
		if !holds[i] {
			entries = slices.Delete(entries, i, i+1)
		}
	}
	return entries[:min(len(entries), maximumEntries)]
}

func entryFor(candidate Judged) v1alpha1.CandidateStatus {
	entry := v1alpha1.CandidateStatus{
		ProviderName: candidate.ProviderName,
		Locations:    []string{candidate.Location},
		Eligible:     candidate.Eligible(),
	}
	if entry.Eligible {
		entry.Score = new(candidate.Score)
	}
	for _, objection := range candidate.Objections[:min(len(candidate.Objections), maximumObjections)] {
		entry.Objections = append(entry.Objections, v1alpha1.ObjectionStatus{
			Policy:  objection.Policy,
			Rule:    string(objection.Rule),
			Reason:  objection.Reason,
			Message: shorten(objection.Message.String()),
			Role:    objection.Role,
			Action:  objection.Action,
		})
	}
	return entry
}

// shorten cuts a message at a character, not inside one.
func shorten(message string) string {
	if len(message) <= maximumMessage {
		return message
	}
	end := maximumMessage - len("…")
	for end > 0 && message[end]&0xC0 == 0x80 {
		end--
	}
	return message[:end] + "…"
}
