package drill

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/placement"
)

// known gives the evidence of the bucket that drills in the cluster remember.
func (r *Reconciler) known(ctx context.Context, d *v1alpha1.ReversibilityDrill) ([]evidence.Link, error) {
	var drills v1alpha1.ReversibilityDrillList
	if err := r.Client.List(ctx, &drills, client.InNamespace(d.Namespace),
		client.MatchingFields{gather.DrillBucketField: d.Spec.BucketRef.Name}); err != nil {
		return nil, fmt.Errorf("list the drills of the bucket: %w", err)
	}
	var known []evidence.Link
	for _, other := range drills.Items {
		if left := other.Status.Evidence; left != nil && len(left.URIs) > 0 {
			if link, isOne := drill.LinkTo(left.URIs[0], left.Digest); isOne {
				known = append(known, link)
			}
		}
	}
	return known, nil
}

// documents gives the policies and the facts by which it was decided what may be
// where. Of providers, it is who runs the places that take part, and what is known of
// those: nothing of accounts.
func documents(d *v1alpha1.ReversibilityDrill, facts gather.Facts) (policies, inForce []evidence.Document, err error) {
	for _, policy := range facts.Policies {
		document, err := evidence.NewDocument("SovereigntyPolicy", policy.Name, policy.Spec)
		if err != nil {
			return nil, nil, err
		}
		policies = append(policies, document)
	}
	for _, place := range partakers(d, facts) {
		candidate, isDeclared := facts.Candidate(place)
		if !isDeclared {
			continue
		}
		document, err := evidence.NewDocument("Place", place.String(), placeFacts(candidate))
		if err != nil {
			return nil, nil, err
		}
		inForce = append(inForce, document)
	}
	for _, exception := range facts.Exceptions {
		document, err := evidence.NewDocument("SovereigntyException", exception.Name, exceptionFacts{
			Policy: exception.Policy, Rules: exception.Rules, NotAfter: exception.NotAfter.UTC(),
		})
		if err != nil {
			return nil, nil, err
		}
		inForce = append(inForce, document)
	}
	return policies, inForce, nil
}

// partakers are the places of the primary, the copy and the sandbox.
func partakers(d *v1alpha1.ReversibilityDrill, facts gather.Facts) []v1alpha1.PlaceReference {
	places := []v1alpha1.PlaceReference{d.Status.Effective.From.PlaceReference, d.Status.Effective.To.PlaceReference}
	if primary := facts.Primary(); primary != nil && primary.Spec.PlaceReference != places[0] && primary.Spec.PlaceReference != places[1] {
		places = append(places, primary.Spec.PlaceReference)
	}
	return places
}

// factsOfPlace are what is known of a place, as evidence has it.
type factsOfPlace struct {
	Operator      v1alpha1.Operator             `json:"operator"`
	Country       string                        `json:"country,omitempty"`
	Perimeter     v1alpha1.Perimeter            `json:"perimeter,omitempty"`
	Verification  v1alpha1.LocationVerification `json:"verification,omitempty"`
	Contradiction string                        `json:"contradiction,omitempty"`
	OnPremise     bool                          `json:"onPremise"`
	City          string                        `json:"city,omitempty"`
	PUE           string                        `json:"pue,omitempty"`
	GridIntensity *int32                        `json:"gridIntensity,omitempty"`
	Attestations  []v1alpha1.AttestationStatus  `json:"attestations,omitempty"`
}

func placeFacts(c placement.Candidate) factsOfPlace {
	return factsOfPlace{
		Operator: c.RunBy, Country: c.Territory.Country, Perimeter: v1alpha1.Perimeter(c.Territory.Perimeter), Verification: c.Verification,
		Contradiction: c.Contradiction.String(), OnPremise: c.OnPremise, City: c.Facts.City, PUE: c.Facts.PUE, GridIntensity: c.Facts.GridIntensity,
		Attestations: c.Attestations,
	}
}

// exceptionFacts are those of an exception that counted.
type exceptionFacts struct {
	Policy   string                    `json:"policy"`
	Rules    []v1alpha1.ExceptableRule `json:"rules"`
	NotAfter time.Time                 `json:"notAfter"`
}
