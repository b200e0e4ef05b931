package placement

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/location"
)

// FromProvider gives a candidate for each location of a provider, with the facts
// of its spec and what its status says was found out.
func FromProvider(provider *v1alpha1.SovereignProvider) []Candidate {
	found := make(map[string]v1alpha1.LocationStatus, len(provider.Status.Locations))
	for _, location := range provider.Status.Locations {
		found[location.Name] = location
	}
	locations, runBy, grant := location.Of(provider), location.OperatorOf(provider), GrantOf(provider)
	operator := identityOf(runBy)
	candidates := make([]Candidate, 0, len(locations))
	for _, l := range locations {
		candidates = append(candidates, Candidate{
			PlaceReference:    v1alpha1.PlaceReference{ProviderName: provider.Name, Location: l.Name},
			Operator:          operator,
			RunBy:             runBy,
			Point:             geo.ParsePoint(l.Latitude, l.Longitude),
			Territory:         l.Territory,
			Verification:      l.Verification,
			Contradiction:     l.Contradiction,
			Availability:      l.Availability,
			OnPremise:         l.OnPremise,
			Facts:             l.Facts,
			Attestations:      l.Attestations,
			Taints:            provider.Spec.Taints,
			Sovereignty:       location.AnswersAt(provider, l.Name),
			Grant:             grant,
			Capabilities:      found[l.Name].Capabilities,
			KeysNotKept:       found[l.Name].KeysNotKept,
			AllowedNamespaces: provider.Spec.AllowedNamespaces,
			Adoptable:         provider.Spec.Adoptable,
			Suspended:         provider.Spec.Suspend,
			Ready:             meta.IsStatusConditionTrue(provider.Status.Conditions, v1alpha1.ConditionReady),
		})
	}
	return candidates
}

// Assume fills what only trying can tell, and rules ask for, with the best case,
// and says so. It is
// for decisions about manifests that no cluster has seen.
func Assume(candidate Candidate) Candidate {
	if candidate.Capabilities == (v1alpha1.Capabilities{}) {
		candidate.Capabilities = v1alpha1.Capabilities{
			Versioning:  v1alpha1.CapabilitySupported,
			Tagging:     v1alpha1.CapabilitySupported,
			ExactKeys:   v1alpha1.CapabilitySupported,
			ContentHash: v1alpha1.CapabilitySupported,
			ObjectLock:  v1alpha1.CapabilitySupported,
			Encryption:  v1alpha1.CapabilitySupported,
		}
		candidate.Assumed = append(slices.Clone(candidate.Assumed), "capabilities")
	}
	if !candidate.Ready {
		candidate.Ready = true
		candidate.Assumed = append(slices.Clone(candidate.Assumed), "reachable")
	}
	return candidate
}

// OperatorOf identifies who runs a provider: the group, or the legal entity that
// belongs to none, without regard to case and space around it.
func OperatorOf(provider *v1alpha1.SovereignProvider) string {
	return identityOf(location.OperatorOf(provider))
}

func identityOf(operator v1alpha1.Operator) string {
	return strings.ToLower(cmp.Or(strings.TrimSpace(operator.Group), strings.TrimSpace(operator.LegalEntity)))
}

// GrantOf tells how far the key of an application would reach at a provider; empty
// when applications get none there.
func GrantOf(provider *v1alpha1.SovereignProvider) v1alpha1.GrantLevel {
	spec := provider.Spec
	switch {
	case spec.OVHcloud != nil:
		return v1alpha1.GrantScoped
	case spec.Outscale != nil && spec.Outscale.ApplicationKeys != v1alpha1.ApplicationKeysAccountWide:
		return ""
	case spec.S3 != nil && spec.S3.CredentialAPI != "" && spec.S3.CredentialAPI != "None":
		return v1alpha1.GrantScoped
	}
	return v1alpha1.GrantAccountWide
}
