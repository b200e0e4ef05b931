package provider

import (
	"fmt"
	"strings"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/placement"
)

// scope holds what one reconcile finds out.
type scope struct {
	provider *v1alpha1.SovereignProvider
	now      time.Time
	// candidates are the locations with their facts.
	candidates []placement.Candidate
	// copies are the replicas placed at the provider.
	copies []v1alpha1.BucketReplica
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
	gone             bool
}

// probed is what the probe of one location found.
type probed struct {
	location string
	skew     time.Duration
	// hasSkew tells that the provider told its time.
	hasSkew bool
	err     error
}

// deletionBlocked says which copies keep the provider.
func (s *scope) deletionBlocked() error {
	var buckets []string
	for _, replica := range s.copies {
		buckets = append(buckets, replica.Namespace+"/"+replica.Spec.BucketRef.Name)
	}
	return fault.New(fault.Waiting, fault.DeletionBlocked,
		"copies of these buckets are still there: %s; delete the buckets, or let placement move the copies, first",
		strings.Join(firstOf(buckets, 10), ", "))
}

func firstOf(names []string, limit int) []string {
	if len(names) <= limit {
		return names
	}
	return append(names[:limit:limit], fmt.Sprintf("and %d more", len(names)-limit))
}
