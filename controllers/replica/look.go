package replica

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/rollcall"
)

// How often a bucket is looked at although nothing is done with it. One list of
// all buckets of the account tells within driftInterval that one is gone; how a
// bucket is set up changes seldom and costs a request for each property, so that
// is looked at in longer intervals, which are jittered by a quarter.
const (
	// driftInterval is how old the list may be; how often a bucket is looked at
	// that is known to be changed; and how often all are where the key may not list.
	driftInterval = 10 * time.Minute
	// detailInterval is how often versioning and mark are looked at.
	detailInterval = 6 * time.Hour
	// settingsInterval is how often the settings are looked at that others make: a
	// public bucket, or one that is copied elsewhere, should not stay so for long.
	settingsInterval = time.Hour
)

// lookInterval is how long to wait before the next look at how a bucket is set up.
func lookInterval(drift []v1alpha1.DriftStatus) time.Duration {
	if len(drift) > 0 {
		return driftInterval
	}
	return jittered(detailInterval)
}

// jittered gives a duration between three and five quarters of d, so that buckets
// which were all looked at after a restart spread.
func jittered(d time.Duration) time.Duration {
	return d*3/4 + time.Duration(rand.Int64N(int64(d/2))) //nolint:gosec // nobody gains by guessing it
}

// isLookDue tells whether the bucket has to be looked at now. Most looks are saved
// by the list that all buckets of the account share. A store that fails is asked
// for that list only, however many buckets wait for it.
func (r *Reconciler) isLookDue(ctx context.Context, s *scope) (bool, error) {
	answer, err := r.Register.Look(ctx, s.session, s.replica.Spec.BucketName, driftInterval)
	if err != nil {
		return false, err
	}
	return s.mustLook(r.Installation) || s.isLookDueBy(answer), nil
}

// mustLook tells whether the bucket has to be looked at whatever a list says.
func (s *scope) mustLook(installation ownership.Installation) bool {
	return !s.wasProvisioned() || s.memory.lookedAt.IsZero() || s.memory.setUp != s.want(installation) ||
		!s.now.Before(s.memory.lookDue) || s.isLookRequested() || s.isDriftToCorrect()
}

// isDriftToCorrect tells whether drift was left only because nothing might be
// written, or because a policy did not want it set right, and now it is to be.
func (s *scope) isDriftToCorrect() bool {
	if s.isSuspended() || !s.correctsDrift() || s.lacksProtection() {
		return false
	}
	return slices.ContainsFunc(s.replica.Status.Drift, func(d v1alpha1.DriftStatus) bool { return !isSetting(d) && d.Uncorrected == "" })
}

// isLookRequested tells whether somebody asks for a look and has not got it yet.
func (s *scope) isLookRequested() bool { return s.requested() != s.memory.lookAnswered }

// isLookDueBy tells what follows from a roll call.
func (s *scope) isLookDueBy(answer rollcall.Answer) bool {
	switch answer.Standing {
	case rollcall.Missing:
		// A list from before the last look knows less than that look.
		return answer.At.After(s.memory.lookedAt)
	case rollcall.NotKnown:
		return s.now.Sub(s.memory.lookedAt) >= driftInterval
	default:
		return false
	}
}
