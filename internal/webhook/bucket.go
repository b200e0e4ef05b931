package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/placement"
)

// buckets judges SovereignBuckets.
type buckets struct{ gatherer gather.Gatherer }

// ValidateCreate refuses a bucket that names an ineligible place.
func (b buckets) ValidateCreate(ctx context.Context, bucket *v1alpha1.SovereignBucket) (admission.Warnings, error) {
	return b.judge(ctx, bucket, placement.NamedBy(bucket.Spec))
}

// ValidateUpdate refuses a change that names an ineligible place, or puts the bucket
// under a policy that forbids one it names. What was named before and is judged no
// differently by the change stays. It warns of the copies that another policy makes
// illegal.
func (b buckets) ValidateUpdate(ctx context.Context, before, bucket *v1alpha1.SovereignBucket) (admission.Warnings, error) {
	if !bucket.DeletionTimestamp.IsZero() {
		return nil, nil
	}
	named := placement.NamedBy(bucket.Spec)
	if bucket.Spec.PolicyRef == before.Spec.PolicyRef {
		known := placement.NamedBy(before.Spec)
		named = slices.DeleteFunc(named, func(n placement.Named) bool { return slices.Contains(known, n) })
		return b.judge(ctx, bucket, named)
	}
	warnings, refusal := b.judge(ctx, bucket, named)
	if refusal != nil {
		return warnings, refusal
	}
	if lost := fate(ctx, b.gatherer, b.gatherer, before, bucket); lost != "" {
		warnings = append(warnings, lost)
	}
	return warnings, nil
}

// ValidateDelete lets everything go.
func (b buckets) ValidateDelete(context.Context, *v1alpha1.SovereignBucket) (admission.Warnings, error) {
	return nil, nil
}

func (b buckets) judge(ctx context.Context, bucket *v1alpha1.SovereignBucket, named []placement.Named) (admission.Warnings, error) {
	if len(named) == 0 {
		return nil, nil
	}
	facts, err := b.gatherer.Bucket(ctx, bucket)
	if err != nil {
		return letIn(err)
	}
	return verdicts(facts.Request(), "the bucket's ", named)
}

// verdicts refuses what is named and ineligible, and warns of what is named and does
// not exist, or will not do at present.
func verdicts(request placement.Request, whose string, named []placement.Named) (warnings admission.Warnings, refusal error) {
	var refused []string
	for _, n := range named {
		verdict := placement.JudgeNamed(request, n)
		switch {
		case !verdict.IsDeclared:
			warnings = append(warnings, fmt.Sprintf("%s%s names %s, which no SovereignProvider declares yet", whose, n.Field, n))
		case len(verdict.Refusals) > 0:
			refused = append(refused, fmt.Sprintf("%s%s %s is refused: %s", whose, n.Field, n, inWords(verdict.Refusals)))
		case len(verdict.Hindrances) > 0:
			warnings = append(warnings, fmt.Sprintf("%s%s %s will not do at present: %s", whose, n.Field, n, inWords(verdict.Hindrances)))
		}
	}
	if len(refused) > 0 {
		refusal = errors.New(strings.Join(refused, "; "))
	}
	return bounded(warnings), refusal
}

// inWords says objections as explain does, as many as anybody reads.
func inWords(objections []placement.Objection) string {
	shown := objections[:min(len(objections), maximumObjections)]
	words := make([]string, 0, len(shown)+1)
	for _, objection := range shown {
		words = append(words, objection.String())
	}
	if more := len(objections) - len(shown); more > 0 {
		words = append(words, fmt.Sprintf("and %d more: see kubectl rempart explain", more))
	}
	return strings.Join(words, "; ")
}

// bounded says as many warnings as anybody reads, and counts the rest.
func bounded(warnings admission.Warnings) admission.Warnings {
	if len(warnings) <= maximumWarnings {
		return warnings
	}
	return append(slices.Clone(warnings[:maximumWarnings]), fmt.Sprintf("and %d more", len(warnings)-maximumWarnings))
}
