package location

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/catalogue"
)

// maximumEvidence is the longest evidence that a status takes.
const maximumEvidence = 512

// attestationsAt gives what is attested of the services at a location: what the
// spec says, and what the catalogue knows of the schemes of which the spec says
// nothing there.
func attestationsAt(p *v1alpha1.SovereignProvider, name string) []v1alpha1.AttestationStatus {
	var found []v1alpha1.AttestationStatus
	for _, said := range p.Spec.Attestations {
		if slices.Contains(said.Locations, name) {
			found = append(found, v1alpha1.AttestationStatus{
				Scheme: said.Scheme, Version: said.Version, Service: said.Service, Locations: []string{name},
				ValidUntil: said.ValidUntil, Source: v1alpha1.SourceSpec, Evidence: said.Evidence,
			})
		}
	}
	told := len(found)
	for _, known := range catalogue.AttestationsOf(vendor(p), catalogue.ObjectStorage, name) {
		isTold := slices.ContainsFunc(found[:told], func(a v1alpha1.AttestationStatus) bool {
			return a.Service == catalogue.ObjectStorage && strings.EqualFold(a.Scheme, known.Scheme)
		})
		if isTold {
			continue
		}
		evidence := "as of " + known.AsOf + ": " + known.Source
		found = append(found, v1alpha1.AttestationStatus{
			Scheme: known.Scheme, Version: known.Version, Service: catalogue.ObjectStorage, Locations: []string{name},
			ValidUntil: known.ValidUntil, Condition: known.Condition, Source: v1alpha1.SourceCatalogue,
			Evidence: evidence[:min(len(evidence), maximumEvidence)],
		})
	}
	return found
}

// Attested gives the attestations of all locations of a provider, those that differ
// in the location only as one.
func Attested(locations []Location) []v1alpha1.AttestationStatus {
	var all []v1alpha1.AttestationStatus
	for _, location := range locations {
		for _, attestation := range location.Attestations {
			index := slices.IndexFunc(all, func(a v1alpha1.AttestationStatus) bool { return isSame(a, attestation) })
			if index < 0 {
				all = append(all, attestation)
				continue
			}
			all[index].Locations = append(slices.Clone(all[index].Locations), attestation.Locations...)
		}
	}
	slices.SortStableFunc(all, func(a, b v1alpha1.AttestationStatus) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Scheme, b.Scheme), cmp.Compare(a.Version, b.Version))
	})
	return all
}

// isSame tells whether two attestations differ in their locations only.
func isSame(a, b v1alpha1.AttestationStatus) bool {
	return a.Scheme == b.Scheme && a.Version == b.Version && a.Service == b.Service && a.ValidUntil == b.ValidUntil &&
		a.Condition == b.Condition && a.Source == b.Source && a.Evidence == b.Evidence
}
