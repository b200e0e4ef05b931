package provider

import (
	"fmt"
	"strings"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
)

// scope holds what one reconcile finds out.
type scope struct {
	provider *v1alpha1.SovereignProvider
	now      time.Time
	// candidates are the locations with their facts.
	candidates []placement.Candidate
	// copies are the replicas placed at the provider.
	copies []v1alpha1.BucketReplica
	// drills are those whose sandbox may be at the provider.
	drills []v1alpha1.ReversibilityDrill
	// worthTrying are the locations that hold a copy or that some policy allows.
	worthTrying map[string]bool
	// probed is what the probe of each location found.
	probed []probed
	// trials are what is known of the stores, by location, newer than the status.
	trials map[string]trial
	// rejected is the fingerprint of the credentials that the provider refuses.
	rejected string
	// credentialsKnown tells that the Secret could be read.
	credentialsKnown bool
	// servesEvents tells whether the operator has an endpoint for notifications.
	servesEvents bool
	gone         bool
}

// probed is what the probe of one location found; that of the vendor's own API has
// no location, comes first, and is there only when it failed.
type probed struct {
	location string
	// buckets is how many the account has there, limits what the vendor states.
	buckets int
	limits  provider.StoreLimits
	skew    time.Duration
	// hasSkew tells that the provider told its time.
	hasSkew bool
	err     error
}

// deletionBlocked says which copies and which drills keep the provider, or nil.
// Without it they could not be removed.
func (s *scope) deletionBlocked() error {
	var reasons []string
	if len(s.copies) > 0 {
		var buckets []string
		for _, replica := range s.copies {
			buckets = append(buckets, replica.Namespace+"/"+replica.Spec.BucketRef.Name)
		}
		reasons = append(reasons, fmt.Sprintf("copies of these buckets are still there: %s; delete the buckets, or let placement move the copies, first",
			strings.Join(firstOf(buckets, 10), ", ")))
	}
	if len(s.drills) > 0 {
		var drills []string
		for _, d := range s.drills {
			drills = append(drills, d.Namespace+"/"+d.Name)
		}
		reasons = append(reasons, fmt.Sprintf("the sandboxes of these drills are not known to be removed: %s; they go when the drills have ended, "+
			"or delete the drills; one that does not go is let go of with the annotation %s on its drill",
			strings.Join(firstOf(drills, 10), ", "), v1alpha1.AbandonSandboxAnnotation))
	}
	if len(reasons) == 0 {
		return nil
	}
	return fault.New(fault.Waiting, fault.DeletionBlocked, "%s", strings.Join(reasons, "; "))
}

func firstOf(names []string, limit int) []string {
	if len(names) <= limit {
		return names
	}
	return append(names[:limit:limit], fmt.Sprintf("and %d more", len(names)-limit))
}
