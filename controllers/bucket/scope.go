package bucket

import (
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/placement"
)

// scope holds what one reconcile finds out.
type scope struct {
	bucket *v1alpha1.SovereignBucket
	now    time.Time
	facts  gather.Facts
	// drills of the bucket.
	drills []v1alpha1.ReversibilityDrill
	// held are the places where the dataset was before, when no copy is known.
	held []v1alpha1.PlaceReference
	// decision is nil as long as it could not be made.
	decision *placement.Decision
	// access is the application's, nil as long as there is none.
	access *v1alpha1.SovereignBucketAccess
	events []loop.Event
	gone   bool
}
