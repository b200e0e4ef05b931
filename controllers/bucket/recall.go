package bucket

import (
	"context"
	"slices"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/rollcall"
)

// recallAge is how old a list of buckets may be that tells where a dataset was.
const recallAge = 10 * time.Minute

// recall finds out where buckets of the dataset are already, when no copy of it is
// known: the cluster may have been restored, and the copies should be where they
// were, not beside it. A place that does not answer is passed over, for a dataset
// must not wait for a store that is gone.
func (r *Reconciler) recall(ctx context.Context, s *scope) error {
	if len(s.facts.Replicas) > 0 || s.bucket.Spec.Suspend {
		return nil
	}
	request := s.facts.Request()
	for _, candidate := range request.Candidates {
		objections := placement.Judge(request, candidate)
		if !mayAsk(objections) || !r.holds(ctx, s, candidate.PlaceReference) {
			continue
		}
		if s.isUntried(candidate.PlaceReference) {
			return fault.New(fault.Waiting, fault.Progressing,
				"a bucket of this dataset is at %s already: waiting until it is known what the store there can do", candidate.PlaceReference)
		}
		s.held = append(s.held, candidate.PlaceReference)
	}
	return nil
}

// mayAsk tells whether nothing speaks against a place but what its store can do,
// which may not be known yet, and which role it may have.
func mayAsk(objections []placement.Objection) bool {
	return !slices.ContainsFunc(objections, func(o placement.Objection) bool {
		return o.Role == "" && o.Denies() && o.Rule != placement.RuleCapability
	})
}

// holds tells whether the account has a bucket that an attempt at a copy would
// have made.
func (r *Reconciler) holds(ctx context.Context, s *scope, place v1alpha1.PlaceReference) bool {
	session, err := r.Sessions.Open(ctx, s.facts.Provider(place.ProviderName), place.Location)
	if err != nil {
		return false
	}
	for attempt := range maximumAttempts {
		answer, err := r.Register.Look(ctx, session, r.bucketName(s.bucket, place, attempt), recallAge)
		if err != nil {
			ctrl.LoggerFrom(ctx).V(1).Info("it is not known whether the dataset was there before", "place", place.String(), "cause", err.Error())
			return false
		}
		if answer.Standing == rollcall.Listed {
			return true
		}
	}
	return false
}

// isUntried tells whether it is not known yet what the store of a place can do.
func (s *scope) isUntried(place v1alpha1.PlaceReference) bool {
	for _, location := range s.facts.Provider(place.ProviderName).Status.Locations {
		if location.Name == place.Location {
			return location.CapabilitiesTriedAt == nil
		}
	}
	return true
}
