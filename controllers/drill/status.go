package drill

import (
	"context"
	"fmt"
	"math"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
)

var eventNames = map[string]loop.EventNames{
	v1alpha1.ConditionReady:     {True: "DrillPassed"},
	v1alpha1.ConditionCleanedUp: {True: "DrillCleanedUp"},
}

// report puts what was found into the status and gives the conditions.
func (s *scope) report(err error) loop.Report {
	status := &s.drill.Status
	if s.reached != "" {
		status.Progression = s.reached
	}
	if s.effective != nil {
		status.Effective = s.effective
		status.StartTime = timeOf(s.now)
	}
	if s.outcome != nil {
		s.takeUp(*s.outcome)
	}
	conditions := append(s.ready(err), s.isCleanedUp())
	return loop.Report{Conditions: conditions, Events: s.events, RequeueAfter: s.wait, Gone: s.gone, Written: s.written}
}

// takeUp puts the outcome into the status.
func (s *scope) takeUp(outcome drill.Outcome) {
	status := &s.drill.Status
	status.Verdict = v1alpha1.DrillVerdict(outcome.Verdict)
	status.CompletionTime = timeOf(s.now)
	status.NotTested = outcome.NotTested
	status.Checks = nil
	for _, check := range outcome.Checks {
		status.Checks = append(status.Checks, v1alpha1.DrillCheck{
			Name: check.Name, Result: v1alpha1.CheckResult(check.Result), Message: condition.Shorten(check.Message),
		})
	}
	measured := outcome.Measured
	if measured.RTO != nil || measured.RPO != nil {
		status.Measured = &v1alpha1.DrillMeasured{
			RTOSeconds: wholeSeconds(measured.RTO), RPOSeconds: wholeSeconds(measured.RPO),
			Objects: measured.Objects, Bytes: measured.Bytes, ThroughputBytesPerSecond: measured.Throughput(),
		}
		if measured.RTO != nil {
			// Everything was restored, so the full exit takes what the drill took.
			status.Measured.FullExitEstimateSeconds = wholeSeconds(measured.RTO)
		}
	}
	if len(outcome.EvidenceURIs) > 0 {
		status.Evidence = &v1alpha1.DrillEvidence{
			Digest: outcome.EvidenceDigest, URIs: outcome.EvidenceURIs, KeyID: outcome.EvidenceKeyID,
		}
	}
	if outcome.Verdict != drill.Passed {
		s.events = append(s.events, loop.Warning("Drill"+string(outcome.Verdict), s.why()))
	}
}

// wholeSeconds rounds up: what took half a second did not take none.
func wholeSeconds(d *time.Duration) *int64 {
	if d == nil {
		return nil
	}
	return new(int64(math.Ceil(d.Seconds())))
}

// why says in a sentence why the drill did not pass.
func (s *scope) why() string {
	if s.outcome != nil && s.outcome.Err != nil && s.outcome.Verdict != drill.Failed {
		return s.outcome.Err.Error()
	}
	for _, check := range s.drill.Status.Checks {
		if check.Result == v1alpha1.CheckFail {
			return fmt.Sprintf("%s: %s", check.Name, check.Message)
		}
	}
	return "the drill came to no result"
}

// ready is True once the drill passed. A drill that ended otherwise is stalled: it
// never changes any more.
func (s *scope) ready(err error) []metav1.Condition {
	const this = v1alpha1.ConditionReady
	reason, message := v1alpha1.ReasonProgressing, "the drill is at the step "+string(s.progression())
	if s.held != nil {
		message += ": " + s.held.Error()
	}
	if fault.HasReason(s.held, fault.SigningKeyInvalid) {
		reason = v1alpha1.ReasonSigningKeyInvalid // it goes on when somebody does something
	}
	switch s.drill.Status.Verdict {
	case v1alpha1.VerdictPassed:
		return []metav1.Condition{condition.True(this, v1alpha1.ReasonDrillPassed, "")}
	case v1alpha1.VerdictFailed:
		reason, message = v1alpha1.ReasonDrillFailed, s.whyAsBefore()
	case v1alpha1.VerdictInconclusive:
		reason, message = s.inconclusiveReason(), s.whyAsBefore()
	default:
		if err != nil {
			return nil // the error says it
		}
		return []metav1.Condition{condition.False(this, reason, message)}
	}
	return []metav1.Condition{
		condition.False(this, reason, message),
		condition.True(v1alpha1.ConditionStalled, reason, message),
	}
}

func (s *scope) inconclusiveReason() string {
	if s.outcome == nil {
		if before := s.before(v1alpha1.ConditionReady); before != nil {
			return before.Reason
		}
	}
	if s.outcome != nil && fault.Of(s.outcome.Err) != nil {
		if classified := fault.Of(s.outcome.Err); classified.Reason != fault.Unclassified {
			return string(classified.Reason)
		}
	}
	return v1alpha1.ReasonDrillInconclusive
}

// whyAsBefore keeps the sentence that was said when the drill ended.
func (s *scope) whyAsBefore() string {
	if s.outcome == nil {
		if before := s.before(v1alpha1.ConditionReady); before != nil {
			return before.Message
		}
	}
	return s.why()
}

func (s *scope) before(conditionType string) *metav1.Condition {
	for i := range s.drill.Status.Conditions {
		if s.drill.Status.Conditions[i].Type == conditionType {
			return &s.drill.Status.Conditions[i]
		}
	}
	return nil
}

// isCleanedUp tells whether nothing of the drill is left at a provider.
func (s *scope) isCleanedUp() metav1.Condition {
	const this = v1alpha1.ConditionCleanedUp
	switch before := s.before(this); {
	case s.abandoned:
		to := s.drill.Status.Effective.To
		return condition.False(this, v1alpha1.ReasonSandboxAbandoned,
			fmt.Sprintf("bucket %s at %s was left behind, as the annotation %s asked", to.BucketName, to.PlaceReference, v1alpha1.AbandonSandboxAnnotation))
	case s.drill.Status.Progression == v1alpha1.ProgressionDone && before != nil && before.Reason == v1alpha1.ReasonSandboxAbandoned:
		return *before
	case s.cleanedUp, s.drill.Status.Progression == v1alpha1.ProgressionDone:
		return condition.True(this, v1alpha1.ReasonSucceeded, "")
	case s.cleanupErr != nil:
		return condition.False(this, v1alpha1.ReasonCleanupPending, s.howToGoOn())
	case s.drill.Status.Progression == v1alpha1.ProgressionCleaningUp:
		return condition.False(this, v1alpha1.ReasonCleanupPending, "the sandbox is removed when its time has come")
	}
	return condition.False(this, v1alpha1.ReasonProgressing, "the drill has not ended")
}

// howToGoOn says why the sandbox is not removed, and the way out when it never
// will be.
func (s *scope) howToGoOn() string {
	to := s.drill.Status.Effective.To
	return fmt.Sprintf("the sandbox, bucket %s at %s, is not removed yet, and it is tried again: %v; if the provider or its "+
		"credentials are gone for good, set the annotation %s to %s, which leaves the bucket behind",
		to.BucketName, to.PlaceReference, s.cleanupErr, v1alpha1.AbandonSandboxAnnotation, to.BucketName)
}

// provider reads a provider by its name.
func (r *Reconciler) provider(ctx context.Context, name string) (*v1alpha1.SovereignProvider, error) {
	var found v1alpha1.SovereignProvider
	err := r.Client.Get(ctx, types.NamespacedName{Name: name}, &found)
	switch {
	case apierrors.IsNotFound(err):
		return nil, fault.New(fault.Waiting, fault.LocationUnknown, "SovereignProvider %s does not exist", name)
	case err != nil:
		return nil, fmt.Errorf("read SovereignProvider %s: %w", name, err)
	}
	return &found, nil
}
