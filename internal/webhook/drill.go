package webhook

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/placement"
)

// drills judges ReversibilityDrills.
type drills struct {
	reader   client.Reader
	gatherer gather.Gatherer
}

// ValidateCreate refuses a drill whose sandbox would be where nothing of the dataset
// may be, or at the operator of the copy that is restored.
func (d drills) ValidateCreate(ctx context.Context, drill *v1alpha1.ReversibilityDrill) (admission.Warnings, error) {
	if drill.Spec.To == nil && drill.Spec.From == nil {
		return nil, nil
	}
	var bucket v1alpha1.SovereignBucket
	name := types.NamespacedName{Namespace: drill.Namespace, Name: drill.Spec.BucketRef.Name}
	if err := d.reader.Get(ctx, name, &bucket); err != nil {
		return letIn(fmt.Errorf("read the bucket: %w", err))
	}
	facts, err := d.gatherer.Bucket(ctx, &bucket)
	if err != nil {
		return letIn(err)
	}
	return judgeDrill(facts.Request(), drill.Spec)
}

// ValidateUpdate lets everything in: the spec of a drill never changes.
func (d drills) ValidateUpdate(context.Context, *v1alpha1.ReversibilityDrill, *v1alpha1.ReversibilityDrill) (admission.Warnings, error) {
	return nil, nil
}

// ValidateDelete lets everything go.
func (d drills) ValidateDelete(context.Context, *v1alpha1.ReversibilityDrill) (admission.Warnings, error) {
	return nil, nil
}

// judgeDrill judges the places that a drill names.
func judgeDrill(request placement.Request, spec v1alpha1.ReversibilityDrillSpec) (warnings admission.Warnings, refusal error) {
	from, to := named("from", spec.From), named("to", spec.To)
	if from != nil && !from.HoldsCopy(request) {
		warnings = append(warnings, fmt.Sprintf("the drill's from names %s, which holds no copy yet", from))
	}
	if to == nil {
		return warnings, nil
	}
	more, refusal := verdicts(request, "the drill's ", []placement.Named{*to})
	warnings = append(warnings, more...)
	if refusal == nil && from != nil {
		if operator := placement.SharedOperator(request, *from, *to); operator != "" {
			refusal = fmt.Errorf("the drill's to %s is refused: it has the operator of from %s, %s, and restoring there shows nothing about leaving it",
				to, from, operator)
		}
	}
	return warnings, refusal
}

func named(field string, place *v1alpha1.DrillPlace) *placement.Named {
	if place == nil {
		return nil
	}
	return &placement.Named{Field: field, Place: v1alpha1.PlaceReference{ProviderName: place.ProviderName, Location: place.Location}}
}
