package placement

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
)

// FromProvider gives a candidate for each location of a provider, with the facts
// of its spec and what its status says was found out.
func FromProvider(provider *v1alpha1.SovereignProvider) []Candidate {
	found := make(map[string]v1alpha1.LocationStatus, len(provider.Status.Locations))
	for _, location := range provider.Status.Locations {
		found[location.Name] = location
	}
	candidates := make([]Candidate, 0, len(provider.Spec.Locations))
	for _, location := range provider.Spec.Locations {
		candidates = append(candidates, Candidate{
			PlaceReference:    v1alpha1.PlaceReference{ProviderName: provider.Name, Location: location.Name},
			Operator:          OperatorOf(provider),
			Territory:         geo.Classify(location.Country, location.Subdivision),
			OnPremise:         location.OnPremise,
			Grant:             GrantOf(provider),
			Capabilities:      found[location.Name].Capabilities,
			AllowedNamespaces: provider.Spec.AllowedNamespaces,
			Adoptable:         provider.Spec.Adoptable,
			Suspended:         provider.Spec.Suspend,
			Ready:             meta.IsStatusConditionTrue(provider.Status.Conditions, v1alpha1.ConditionReady),
		})
	}
	return candidates
}

// Assume fills what only trying can tell with the best case, and says so. It is
// for decisions about manifests that no cluster has seen.
func Assume(candidate Candidate) Candidate {
	if candidate.Capabilities == (v1alpha1.Capabilities{}) {
		candidate.Capabilities = v1alpha1.Capabilities{
			Versioning:  v1alpha1.CapabilitySupported,
			Tagging:     v1alpha1.CapabilitySupported,
			ExactKeys:   v1alpha1.CapabilitySupported,
			ContentHash: v1alpha1.CapabilitySupported,
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
	operator := strings.TrimSpace(provider.Spec.Operator.Group)
	if operator == "" {
		operator = strings.TrimSpace(provider.Spec.Operator.LegalEntity)
	}
	return strings.ToLower(operator)
}

// GrantOf tells how far the key of an application would reach at a provider.
func GrantOf(provider *v1alpha1.SovereignProvider) v1alpha1.GrantLevel {
	if s3 := provider.Spec.S3; s3 != nil && s3.CredentialAPI != "" && s3.CredentialAPI != "None" {
		return v1alpha1.GrantScoped
	}
	return v1alpha1.GrantAccountWide
}
