package bucket

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/session"
)

var eventNames = map[string]loop.EventNames{
	v1alpha1.ConditionResidencyCompliant: {True: "ResidencyCompliant", False: "ResidencyViolation"},
	v1alpha1.ConditionReplicated:         {True: "Replicated", False: "NotReplicated"},
	v1alpha1.ConditionDrillCurrent:       {True: "DrillCurrent", False: "DrillMissed"},
	v1alpha1.ConditionProtected:          {True: "Protected", False: "NotProtected"},
}

// lookAgain is when a bucket is looked at although nothing changed.
const lookAgain = 10 * time.Minute

// report puts what was found into the status and gives the conditions.
func (s *scope) report(err error) loop.Report {
	s.describeCopies()
	if s.decision != nil {
		s.bucket.Status.Candidates = placement.Summarise(s.decision.Candidates)
	}
	s.bucket.Status.LastDrill = lastDrill(s.drills)
	placed, resident := s.placementSatisfied(err), s.residencyCompliant()
	replicated, verified, drilled := s.replicated(), s.verified(), s.drillCurrent()
	conditions := []metav1.Condition{
		placed, resident, replicated, verified, drilled,
		condition.Join(v1alpha1.ConditionProtected, replicated, verified, drilled),
	}
	if err == nil {
		conditions = append(conditions, s.ready(placed))
	}
	return loop.Report{Conditions: conditions, Events: s.events, RequeueAfter: s.lookAgain(), Decay: s.untilExpiry(), Gone: s.gone}
}

// describeCopies puts the copies into the status.
func (s *scope) describeCopies() {
	status := &s.bucket.Status
	replicas := s.current()
	status.Copies, status.UnreplicatedSince = nil, nil
	ready := 0
	for _, replica := range replicas {
		status.Copies = append(status.Copies, v1alpha1.CopyStatus{
			PlaceReference: replica.Spec.PlaceReference, Role: replica.Spec.Role, ReplicaName: replica.Name,
		})
		if meta.IsStatusConditionTrue(replica.Status.Conditions, v1alpha1.ConditionReady) {
			ready++
		}
		status.UnreplicatedSince = earlier(status.UnreplicatedSince, replica.Status.UnreplicatedSince)
	}
	status.CopiesReady = fmt.Sprintf("%d/%d", ready, s.wanted(len(replicas)))
	primary := s.facts.Primary()
	if primary == nil {
		return
	}
	status.PrimaryName = primary.Spec.PlaceReference.String()
	if !meta.IsStatusConditionTrue(primary.Status.Conditions, v1alpha1.ConditionProvisioned) {
		return
	}
	before := status.Primary
	status.Primary = &v1alpha1.PrimaryStatus{
		PlaceReference: primary.Spec.PlaceReference, BucketName: primary.Spec.BucketName, Endpoint: s.endpoint(primary),
	}
	switch {
	case s.access != nil:
		status.Primary.Grant = s.access.Status.Grant
	case before != nil:
		status.Primary.Grant = before.Grant
	}
}

// current are the replicas that count: not on their way out, the primary first.
func (s *scope) current() []v1alpha1.BucketReplica {
	replicas := slices.DeleteFunc(slices.Clone(s.facts.Replicas), func(b v1alpha1.BucketReplica) bool {
		return !b.DeletionTimestamp.IsZero() || isNameConflict(&b)
	})
	slices.SortFunc(replicas, func(a, b v1alpha1.BucketReplica) int {
		return cmp.Or(cmp.Compare(a.Spec.Role, b.Spec.Role), cmp.Compare(a.Name, b.Name))
	})
	return replicas
}

// wanted is how many copies there are to be.
func (s *scope) wanted(existing int) int {
	if s.decision == nil {
		return existing
	}
	return max(existing, len(s.decision.Copies))
}

func (s *scope) endpoint(replica *v1alpha1.BucketReplica) string {
	at := s.facts.Provider(replica.Spec.ProviderName)
	if at == nil {
		return ""
	}
	return session.EndpointOf(at, replica.Spec.Location)
}

func earlier(a, b *metav1.Time) *metav1.Time {
	if a == nil || b != nil && b.Before(a) {
		return b
	}
	return a
}

// untilExpiry is how long the facts hold that the decision was made from.
func (s *scope) untilExpiry() time.Duration {
	if s.decision == nil {
		return 0
	}
	return s.facts.UntilExpiry()
}

// lookAgain is soon enough to notice that a drill gets too old.
func (s *scope) lookAgain() time.Duration {
	maximumAge, asked := s.maximumDrillAge()
	last := lastPassed(s.drills)
	if !asked || last == nil {
		return lookAgain
	}
	left := maximumAge - s.now.Sub(last.Status.CompletionTime.Time)
	if left <= 0 || left > lookAgain {
		return lookAgain
	}
	return left + time.Second
}
