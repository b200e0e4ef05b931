package bucket

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
)

// ready is what an application waits for: its primary is there, complies, and
// the key is published. Copies and drills come later, and a copy that is missing
// takes nothing away from the application.
func (s *scope) ready(placed metav1.Condition) metav1.Condition {
	primary := s.facts.Primary()
	isPlaced := placed.Status == metav1.ConditionTrue
	if !isPlaced && (primary == nil || placed.Reason == v1alpha1.ReasonPrimaryRelocationRequired) {
		return rename(placed, v1alpha1.ConditionReady)
	}
	if primary == nil {
		return condition.False(v1alpha1.ConditionReady, v1alpha1.ReasonProgressing, "the primary is being made")
	}
	provisioned := meta.FindStatusCondition(primary.Status.Conditions, v1alpha1.ConditionProvisioned)
	switch {
	case s.bucket.Spec.Suspend:
		before := meta.FindStatusCondition(s.bucket.Status.Conditions, v1alpha1.ConditionReady)
		if before != nil && before.Status == metav1.ConditionTrue {
			return *before
		}
		return condition.False(v1alpha1.ConditionReady, v1alpha1.ReasonSuspended, "writing is suspended by spec.suspend")
	case provisioned == nil:
		return condition.False(v1alpha1.ConditionReady, v1alpha1.ReasonProgressing, "the primary is being made")
	case provisioned.Status != metav1.ConditionTrue:
		return rename(*provisioned, v1alpha1.ConditionReady)
	case leakOf(primary) != "":
		return condition.False(v1alpha1.ConditionReady, v1alpha1.ReasonDriftDetected, leakOf(primary))
	}
	return s.published()
}

// published tells whether the application has its key.
func (s *scope) published() metav1.Condition {
	if s.access == nil {
		return condition.False(v1alpha1.ConditionReady, v1alpha1.ReasonProgressing, "the key is being published")
	}
	ready := meta.FindStatusCondition(s.access.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil || ready.ObservedGeneration < s.access.Generation && ready.Status == metav1.ConditionTrue:
		return condition.False(v1alpha1.ConditionReady, v1alpha1.ReasonProgressing, "the key is being published")
	case ready.Status != metav1.ConditionTrue:
		return rename(*ready, v1alpha1.ConditionReady)
	}
	return condition.True(v1alpha1.ConditionReady, v1alpha1.ReasonSucceeded, "")
}

func rename(c metav1.Condition, conditionType string) metav1.Condition {
	return metav1.Condition{Type: conditionType, Status: c.Status, Reason: c.Reason, Message: c.Message}
}

// placementSatisfied tells whether the copies are where the policies want them.
func (s *scope) placementSatisfied(err error) metav1.Condition {
	const this = v1alpha1.ConditionPlacementSatisfied
	switch {
	case s.decision == nil && err != nil:
		classified := fault.Of(err)
		return condition.False(this, string(classified.Reason), err.Error())
	case s.decision == nil:
		return s.asBefore(this)
	case s.decision.Reason == v1alpha1.ReasonPrimaryRelocationRequired:
		return condition.False(this, s.decision.Reason, fmt.Sprintf("%s%s", s.decision.Message, relocation))
	case !s.decision.Satisfied:
		return condition.False(this, s.decision.Reason, s.decision.Message.String())
	}
	if lost := s.lostPrimary(); lost != nil {
		return condition.False(this, v1alpha1.ReasonPrimaryRelocationRequired, lost.Message)
	}
	if near := s.tooClose(); near != nil {
		return *near
	}
	if excuse := s.excuse(isAnything); excuse != "" {
		return condition.True(this, v1alpha1.ReasonExceptionActive, excuse)
	}
	return condition.True(this, v1alpha1.ReasonSucceeded, "")
}

// relocation ends a message about a primary that may not stay where it is with what can
// be done.
const relocation = ". Applications keep working there, and the other copies are kept up: have the place satisfy the policies again, " +
	"or move the dataset to a new SovereignBucket; docs/runbooks/PrimaryRelocationRequired.md says how"

// tooClose says which copy is to go because it is too close to another one, or nil.
// Others take its place already; it is kept up until somebody lets it go.
func (s *scope) tooClose() *metav1.Condition {
	for i := range s.facts.Replicas {
		replica := &s.facts.Replicas[i]
		for _, illegal := range s.decision.Illegal {
			index := slices.IndexFunc(illegal.Objections, func(o placement.Objection) bool { return o.Rule == placement.RuleDistance })
			if index < 0 || illegal.PlaceReference != replica.Spec.PlaceReference || illegal.Role != replica.Spec.Role {
				continue
			}
			objection := illegal.Objections[index]
			return new(condition.False(v1alpha1.ConditionPlacementSatisfied, objection.Reason, fmt.Sprintf(
				"the copy at %s is to be replaced: %s. It is kept up meanwhile; to have it erased once its replacement is verified, set the annotation %s to %s",
				replica.Spec.PlaceReference, objection.Message, v1alpha1.ConfirmDeleteAnnotation, replica.Spec.BucketName)))
		}
	}
	return nil
}

// asBefore keeps a condition that this look could not judge.
func (s *scope) asBefore(conditionType string) metav1.Condition {
	if before := meta.FindStatusCondition(s.bucket.Status.Conditions, conditionType); before != nil {
		return *before
	}
	return condition.Unknown(conditionType, v1alpha1.ReasonNotObserved, "it was not looked yet")
}

// lostPrimary gives what the primary says of itself when its bucket is gone.
func (s *scope) lostPrimary() *metav1.Condition {
	primary := s.facts.Primary()
	if primary == nil {
		return nil
	}
	provisioned := meta.FindStatusCondition(primary.Status.Conditions, v1alpha1.ConditionProvisioned)
	if provisioned == nil || provisioned.Reason != v1alpha1.ReasonPrimaryRelocationRequired {
		return nil
	}
	return provisioned
}

// residencyRules are the rules about where data stands and under whose law, as
// opposed to who may use a place and what its store can do.
var residencyRules = []placement.Rule{
	placement.RuleResidency, placement.RuleVerification, placement.RuleCountry, placement.RuleJurisdiction,
	placement.RuleAttestation, placement.RuleSeal, placement.RuleOnPremise, placement.RuleGrid, placement.RulePUE,
}

// residencyCompliant tells whether every copy stands where the policies allow.
func (s *scope) residencyCompliant() metav1.Condition {
	const this = v1alpha1.ConditionResidencyCompliant
	switch {
	case s.decision == nil && len(s.facts.Policies) == 0:
		return condition.Unknown(this, v1alpha1.ReasonPolicyNotFound, "without its policy it is not known what would comply")
	case s.decision == nil:
		return s.asBefore(this)
	}
	for i := range s.facts.Replicas {
		replica := &s.facts.Replicas[i]
		if objection := s.misplaced(replica); objection != nil {
			return condition.False(this, objection.Reason, misplacedMessage(replica, objection))
		}
	}
	for _, replica := range s.current() {
		if leak := leakOf(&replica); leak != "" {
			return condition.False(this, v1alpha1.ReasonDriftDetected, leak)
		}
	}
	if len(s.facts.Placed()) == 0 {
		return condition.Unknown(this, v1alpha1.ReasonProgressing, "nothing is placed yet")
	}
	if excuse := s.excuse(isAboutResidency); excuse != "" {
		return condition.True(this, v1alpha1.ReasonExceptionActive, excuse)
	}
	return condition.True(this, v1alpha1.ReasonSucceeded, s.warning())
}

// warning says what a policy that warns has against the place of a copy, or nothing.
func (s *scope) warning() string {
	for _, replica := range s.current() {
		for _, candidate := range s.decision.Candidates {
			index := slices.IndexFunc(candidate.Objections, func(o placement.Objection) bool {
				return o.Action == v1alpha1.ActionWarn && o.Exception == "" && o.Concerns(replica.Spec.Role)
			})
			if candidate.PlaceReference == replica.Spec.PlaceReference && index >= 0 {
				return "the copy at " + candidate.PlaceReference.String() + " is warned of by " + rulingOf(&candidate.Objections[index])
			}
		}
	}
	return ""
}

// rulingOf says which rule objects, and why.
func rulingOf(objection *placement.Objection) string {
	ruling := "rule " + string(objection.Rule)
	if objection.Policy != "" {
		ruling += " of policy " + objection.Policy
	}
	return ruling + ": " + objection.Message.String()
}

// misplaced tells why a copy may not stand where it stands, or nil. One that is
// on its way out counts until it is gone: as long as it is there, so is the data.
func (s *scope) misplaced(replica *v1alpha1.BucketReplica) *placement.Objection {
	place := replica.Spec.PlaceReference
	for _, candidate := range s.decision.Candidates {
		if candidate.PlaceReference != place {
			continue
		}
		index := slices.IndexFunc(candidate.Objections, func(o placement.Objection) bool {
			return slices.Contains(residencyRules, o.Rule) && o.Excludes(replica.Spec.Role)
		})
		if index < 0 {
			return nil
		}
		return &candidate.Objections[index]
	}
	return &placement.Objection{
		Rule: placement.RuleResidency, Reason: v1alpha1.ReasonLocationUnknown,
		Message: message.Of("no SovereignProvider declares %s any more", place),
	}
}

func misplacedMessage(replica *v1alpha1.BucketReplica, objection *placement.Objection) string {
	said := "the copy at " + replica.Spec.PlaceReference.String() + " may not be there by " + rulingOf(objection)
	switch replica.Spec.Role {
	case v1alpha1.RolePrimary:
		said += ". It is the primary, which does not move by itself" + relocation
	case v1alpha1.RoleReplica:
		said += ". Nothing is written to it any more; to have it erased, set the annotation " +
			v1alpha1.ConfirmDeleteAnnotation + " to " + replica.Spec.BucketName
	}
	return said
}

// leakOf says that the store itself copies a bucket elsewhere, by a rule that is
// not ours, or nothing. Where those bytes go no policy was asked.
func leakOf(replica *v1alpha1.BucketReplica) string {
	for _, drift := range replica.Status.Drift {
		if drift.Property == string(provider.SettingReplication) {
			return "bucket " + replica.Spec.BucketName + " at " + replica.Spec.PlaceReference.String() +
				" is copied elsewhere by a rule of the store: replication is " + drift.Got
		}
	}
	return ""
}

// replicated tells whether every replica is complete and within its objective.
func (s *scope) replicated() metav1.Condition {
	return s.ofReplicas(v1alpha1.ConditionReplicated, v1alpha1.ConditionInitialSyncComplete, v1alpha1.ConditionWithinRPO)
}

// verified tells whether the content of every replica was verified.
func (s *scope) verified() metav1.Condition {
	return s.ofReplicas(v1alpha1.ConditionVerified, v1alpha1.ConditionVerified)
}

// ofReplicas joins conditions of all replicas. What a replica does not say yet is
// not known.
func (s *scope) ofReplicas(this string, conditionTypes ...string) metav1.Condition {
	var parts []metav1.Condition
	for _, replica := range s.current() {
		if replica.Spec.Role != v1alpha1.RoleReplica {
			continue
		}
		for _, conditionType := range conditionTypes {
			part := meta.FindStatusCondition(replica.Status.Conditions, conditionType)
			if part == nil {
				part = &metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonNotObserved, Message: "it was not looked yet"}
			}
			parts = append(parts, condition.Prefixed(*part, "copy at "+replica.Spec.PlaceReference.String()))
		}
	}
	if len(parts) == 0 {
		return condition.False(this, v1alpha1.ReasonNotEnoughCopies, "there is no copy but the primary")
	}
	return condition.Join(this, parts...)
}

// drillCurrent tells whether a drill passed no longer ago than the policy allows.
// It looks at the age of the evidence, whatever the reason that it got old.
func (s *scope) drillCurrent() metav1.Condition {
	const this = v1alpha1.ConditionDrillCurrent
	maximumAge, asked := s.maximumDrillAge()
	last := lastPassed(s.drills)
	switch {
	case len(s.facts.Policies) == 0:
		return condition.Unknown(this, v1alpha1.ReasonPolicyNotFound, "without its policy it is not known how old a drill may be")
	case !asked:
		return condition.True(this, v1alpha1.ReasonNotRequired, "the policy asks for no drill")
	case last == nil:
		return condition.False(this, v1alpha1.ReasonDrillOverdue, "no drill has passed yet")
	case s.now.Sub(last.Status.CompletionTime.Time) > maximumAge:
		return condition.False(this, v1alpha1.ReasonDrillOverdue,
			"the last drill that passed, "+last.Name+", is older than the "+maximumAge.String()+" that the policy allows")
	}
	return condition.True(this, v1alpha1.ReasonSucceeded, "")
}

// maximumDrillAge is the strictest of the policies'.
func (s *scope) maximumDrillAge() (time.Duration, bool) {
	var strictest time.Duration
	for _, policy := range s.facts.Policies {
		if age := policy.Spec.Drills.MaximumAge; age != nil && (strictest == 0 || age.Duration < strictest) {
			strictest = age.Duration
		}
	}
	return strictest, strictest > 0
}

func lastPassed(drills []v1alpha1.ReversibilityDrill) *v1alpha1.ReversibilityDrill {
	return latest(drills, func(d *v1alpha1.ReversibilityDrill) bool { return d.Status.Verdict == v1alpha1.VerdictPassed })
}

// lastDrill is the last drill that came to an end, however it did.
func lastDrill(drills []v1alpha1.ReversibilityDrill) *v1alpha1.LastDrillStatus {
	last := latest(drills, func(d *v1alpha1.ReversibilityDrill) bool { return d.Status.Verdict != "" })
	if last == nil {
		return nil
	}
	return &v1alpha1.LastDrillStatus{Name: last.Name, Verdict: last.Status.Verdict, Time: *last.Status.CompletionTime}
}

func latest(drills []v1alpha1.ReversibilityDrill, counts func(*v1alpha1.ReversibilityDrill) bool) *v1alpha1.ReversibilityDrill {
	var found *v1alpha1.ReversibilityDrill
	for i := range drills {
		drill := &drills[i]
		if !counts(drill) || drill.Status.CompletionTime == nil {
			continue
		}
		if found == nil || found.Status.CompletionTime.Before(drill.Status.CompletionTime) {
			found = drill
		}
	}
	return found
}
