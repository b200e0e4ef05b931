package placement

import (
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
)

// adoptable refuses the primary where the bucket that is to be adopted stands,
// unless the provider lists exactly that bucket for exactly this SovereignBucket.
// Whoever may write a SovereignBucket must not get at the buckets of others.
func adoptable(in Request, c Candidate) *Objection {
	if in.Existing == nil || in.Existing.PlaceReference != c.PlaceReference {
		return nil
	}
	wanted := v1alpha1.AdoptableBucket{
		Location: c.Location, BucketName: in.Existing.BucketName, Namespace: in.Namespace.Name, Name: in.Name,
	}
	if slices.Contains(c.Adoptable, wanted) {
		return nil
	}
	return object(RuleAdoption, v1alpha1.ReasonNotAdoptable,
		"provider %s does not list bucket %s at %s as adoptable by %s/%s: see its spec.adoptable",
		c.ProviderName, wanted.BucketName, wanted.Location, wanted.Namespace, wanted.Name).againstPrimary()
}
