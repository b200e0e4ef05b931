package access

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
)

// When an access is looked at although nothing changed, and when again if keys
// could not be issued or revoked.
const (
	lookAgain  = 10 * time.Minute
	retryAgain = time.Minute
)

// report puts what was found into the status and gives the conditions.
func (s *scope) report(err error) loop.Report {
	s.describeKeys()
	s.tellTrouble()
	conditions := []metav1.Condition{s.credentialsValid(err)}
	if err == nil {
		conditions = append(conditions, s.ready())
	}
	return loop.Report{Conditions: conditions, Events: s.events, RequeueAfter: s.lookAgain(), Gone: s.gone}
}

// describeKeys puts the keys into the status.
func (s *scope) describeKeys() {
	if !s.remembered {
		return
	}
	status := &s.access.Status
	status.ActiveKeys = nil
	active := s.keys.active()
	for _, key := range s.keys {
		if !key.isIssued() {
			continue
		}
		state := v1alpha1.KeyActive
		if active != nil && key.generation < active.generation {
			state = v1alpha1.KeyRetiring
		}
		status.ActiveKeys = append(status.ActiveKeys, v1alpha1.KeyStatus{KeyID: key.key.AccessKey, State: state})
	}
	if active != nil {
		status.LastRotationTime = &metav1.Time{Time: active.issuedAt.UTC().Truncate(time.Second)}
	}
	switch {
	case s.withdrawn:
		status.Grant, status.LastRotationTime = "", nil
	case s.isPublished && s.account != nil:
		status.Grant, status.LastRotationTime = v1alpha1.GrantAccountWide, nil
	case s.isPublished:
		status.Grant = v1alpha1.GrantScoped
	}
}

// tellTrouble emits an event when the keys stop being those that they should be.
// What keeps a key from being published is told by Ready.
func (s *scope) tellTrouble() {
	if s.trouble == nil {
		return
	}
	before := meta.FindStatusCondition(s.access.Status.Conditions, v1alpha1.ConditionCredentialsValid)
	if before == nil || before.Status != metav1.ConditionFalse || before.Reason != string(fault.Of(s.trouble).Reason) {
		s.events = append(s.events, loop.Warning("CredentialsNotValid", s.trouble.Error()))
	}
}

// ready is what consumers wait for: their key is published.
func (s *scope) ready() metav1.Condition {
	if !s.isPublished {
		return condition.False(v1alpha1.ConditionReady, v1alpha1.ReasonProgressing, "the key is being published")
	}
	return condition.True(v1alpha1.ConditionReady, v1alpha1.ReasonSucceeded, "")
}

// credentialsValid tells whether the keys that work are those that should.
func (s *scope) credentialsValid(err error) metav1.Condition {
	const this = v1alpha1.ConditionCredentialsValid
	if s.trouble != nil {
		return condition.False(this, string(fault.Of(s.trouble).Reason), s.trouble.Error())
	}
	switch {
	case s.account != nil:
		return condition.True(this, v1alpha1.ReasonSucceeded,
			"the key is the account's own: it is replaced when the provider's Secret changes, and never by spec.rotation")
	case fault.HasReason(err, fault.Progressing):
		return condition.Unknown(this, v1alpha1.ReasonProgressing, err.Error())
	case err != nil && (s.withdrawn || s.keys.active() == nil || s.bucket == nil || s.target() == nil):
		return condition.False(this, string(fault.Of(err).Reason), err.Error())
	case s.current() == nil:
		return condition.Unknown(this, v1alpha1.ReasonProgressing, "the key is being issued")
	case s.isCrowded:
		return condition.True(this, v1alpha1.ReasonSucceeded, "a new key is due, and waits until the one before is revoked")
	}
	return condition.True(this, v1alpha1.ReasonSucceeded, "")
}

// lookAgain is soon enough for whatever becomes due next.
func (s *scope) lookAgain() time.Duration {
	if s.trouble != nil {
		return retryAgain
	}
	next := lookAgain
	sooner := func(at time.Time) { next = min(next, max(at.Sub(s.now), time.Millisecond)) }
	if len(s.keys.retiring()) > 0 {
		sooner(s.keys.retireAt(s.overlap()))
	}
	for _, end := range s.formerEnd {
		sooner(end)
	}
	interval := s.access.Spec.Rotation.Interval
	if active := s.keys.active(); active != nil && interval != nil {
		if due := active.issuedAt.Add(interval.Duration); due.After(s.now) {
			sooner(due)
		}
	}
	return next
}
