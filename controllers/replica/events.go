package replica

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
)

var eventNames = map[string]loop.EventNames{
	v1alpha1.ConditionInitialSyncComplete: {True: "InitialSyncCompleted"},
	v1alpha1.ConditionWithinRPO:           {True: "ReplicationReplicatedAfterThreshold", False: "ReplicationThresholdMissed"},
	v1alpha1.ConditionVerified:            {False: "VerificationMismatch"},
}

// syncEvents gives the events about a run that ended.
func syncEvents(replica *v1alpha1.BucketReplica, ended activity) []loop.Event {
	report := ended.report
	guard := replica.Status.Guard
	switch {
	case report.Guard != nil && (guard == nil || guard.Digest != report.Guard.Digest):
		return []loop.Event{loop.Warning("DeletionGuardTripped",
			fmt.Sprintf("%s; to let exactly these %d through, set the annotation %s of the SovereignBucket to %s",
				report.Message, report.Guard.Planned, v1alpha1.ApprovedDeletionsAnnotation, report.Guard.Digest))}
	case report.Reason == fault.SourceListingSuspicious || report.Reason == fault.UnsortedListing:
		return []loop.Event{loop.Warning(string(report.Reason), report.Message+"; nothing was deleted")}
	case guard != nil && report.Guard == nil && report.Deleted > 0:
		return []loop.Event{loop.Normal("DeletionsApproved", fmt.Sprintf("%d objects were deleted from the copy as approved", report.Deleted))}
	}
	return nil
}

// auditEvents gives the events about an audit that came to no result. What one
// found is told by the condition's.
func auditEvents(replica *v1alpha1.BucketReplica, ended activity) []loop.Event {
	if ended.err == nil || errors.Is(ended.err, context.Canceled) {
		return nil
	}
	return []loop.Event{loop.Warning("VerificationFailed",
		fmt.Sprintf("the content at %s could not be verified: %s", replica.Spec.PlaceReference, condition.Shorten(ended.err.Error())))}
}

// concernsSiblings lets the copies of a dataset know when one becomes provisioned,
// or one that can be relied on, or stops being so, or gets an owner, as after a
// restore.
func concernsSiblings(e event.UpdateEvent) bool {
	before, isReplica := e.ObjectOld.(*v1alpha1.BucketReplica)
	after, _ := e.ObjectNew.(*v1alpha1.BucketReplica)
	return isReplica && (statusOf(before) != statusOf(after) || isReliable(before) != isReliable(after) || ownerOf(before) != ownerOf(after))
}

func ownerOf(replica *v1alpha1.BucketReplica) types.UID {
	if owner := metav1.GetControllerOf(replica); owner != nil {
		return owner.UID
	}
	return ""
}

func statusOf(replica *v1alpha1.BucketReplica) metav1.ConditionStatus {
	if c := meta.FindStatusCondition(replica.Status.Conditions, v1alpha1.ConditionProvisioned); c != nil {
		return c.Status
	}
	return ""
}

// name is the replica's name, for what is kept per replica.
func (s *scope) name() types.NamespacedName {
	return types.NamespacedName{Namespace: s.replica.Namespace, Name: s.replica.Name}
}
