package drill

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/work"
)

// scope holds what one reconcile finds out.
type scope struct {
	drill *v1alpha1.ReversibilityDrill
	now   time.Time
	// effective is what was decided in this reconcile.
	effective *v1alpha1.DrillEffective
	// reached is the step that the drill has come to; empty if it did not move.
	reached v1alpha1.DrillProgression
	// outcome is what the drill came to in this reconcile.
	outcome *drill.Outcome
	// held is what a drill that is played waits for.
	held error
	// cleanedUp tells that nothing is left of it, cleanupErr why something is, and
	// abandoned that it was left there on somebody's word.
	cleanedUp  bool
	cleanupErr error
	abandoned  bool
	// written is called once the status is written.
	written func()
	// wait is when to look again.
	wait   time.Duration
	events []loop.Event
	gone   bool
}

const (
	defaultDeadline = 6 * time.Hour
	defaultTTL      = time.Hour
)

// deadline is when a drill ends that has come to no verdict.
func (s *scope) deadline() time.Time {
	deadline := defaultDeadline
	if s.drill.Spec.Deadline != nil {
		deadline = s.drill.Spec.Deadline.Duration
	}
	return s.drill.CreationTimestamp.Add(deadline)
}

// isTooLate tells whether the deadline has passed.
func (s *scope) isTooLate() bool { return !s.now.Before(s.deadline()) }

// progression is the step that the drill has come to, this reconcile included.
func (s *scope) progression() v1alpha1.DrillProgression {
	if s.reached != "" {
		return s.reached
	}
	return s.drill.Status.Progression
}

// ended tells whether the drill has come to a verdict in this reconcile.
func (s *scope) ended() bool { return s.outcome != nil }

// end brings the drill to a verdict.
func (s *scope) end(outcome drill.Outcome) {
	s.outcome = &outcome
	s.reached = v1alpha1.ProgressionCleaningUp
	s.wait = 1 // at once: the verdict is written first
}

// inconclusive brings the drill to an end that proves nothing.
func (s *scope) inconclusive(err error) {
	s.end(drill.Outcome{Verdict: drill.Inconclusive, Err: err})
}

// cleanupDue is when the sandbox is to be removed.
func (s *scope) cleanupDue() time.Time {
	status := s.drill.Status
	if !s.drill.DeletionTimestamp.IsZero() || status.CompletionTime == nil {
		return s.now
	}
	stays := false
	switch s.drill.Spec.Sandbox.CleanupPolicy {
	case v1alpha1.CleanupRetain:
		stays = true
	case v1alpha1.CleanupDeleteOnSuccess:
		stays = status.Verdict != v1alpha1.VerdictPassed
	case v1alpha1.CleanupDelete:
	}
	if !stays {
		return status.CompletionTime.Time
	}
	ttl := defaultTTL
	if s.drill.Spec.Sandbox.TTL != nil {
		ttl = s.drill.Spec.Sandbox.TTL.Duration
	}
	return status.CompletionTime.Add(ttl)
}

func (s *scope) key() string {
	return work.Key(types.NamespacedName{Namespace: s.drill.Namespace, Name: s.drill.Name})
}

func timeOf(t time.Time) *metav1.Time { return &metav1.Time{Time: t.UTC().Truncate(time.Second)} }
