package replica

import (
	"context"
	"fmt"
	"slices"
	"strings"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/provider"
)

// inspect looks at what others may have set on the bucket, and sets it right or
// only shows it, as the policy says. A store that fails to answer stops nothing:
// what was known before stays known.
func (r *Reconciler) inspect(ctx context.Context, s *scope) error {
	isAsked := s.requested() != s.memory.inspectAnswered
	if s.now.Before(s.memory.inspectDue) && !isAsked {
		return nil
	}
	states, err := s.session.ObserveSettings(ctx, s.replica.Spec.BucketName)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("settings of the bucket were not looked at", "bucket", s.replica.Spec.BucketName, "cause", err.Error())
		s.memory.inspectDue = s.now.Add(driftInterval)
		if fault.HasReason(err, fault.BucketMissing) {
			s.memory.lookDue = s.now
		}
		r.memory.set(s.replica.UID, s.memory)
		return nil
	}
	r.judgeSettings(ctx, s, states)
	s.memory.inspectDue, s.memory.inspectAnswered = s.now.Add(jittered(settingsInterval)), s.requested()
	if len(s.foreign) > 0 {
		s.memory.inspectDue = s.now.Add(driftInterval)
	}
	r.memory.set(s.replica.UID, s.memory)
	if s.leaks() {
		r.pool.Cancel(s.key())
	}
	return nil
}

// judgeSettings sorts what the store told into what is left, what is not known
// and what was set right.
func (r *Reconciler) judgeSettings(ctx context.Context, s *scope, states []provider.SettingState) {
	s.inspected = true
	var all []v1alpha1.DriftStatus
	for _, state := range states {
		drift, isDrifted := state.Drift()
		if !state.Known {
			s.unknown = append(s.unknown, string(state.Setting))
			// What was seen before and cannot be seen now is not gone for that.
			s.foreign = append(s.foreign, s.driftOf(string(state.Setting))...)
		}
		if !isDrifted {
			continue
		}
		left := found([]provider.Drift{drift})
		all = append(all, left...)
		if s.correctsDrift() && !s.isSuspended() {
			err := s.session.CorrectSetting(ctx, s.replica.Spec.BucketName, state.Setting)
			if err == nil {
				continue
			}
			left = uncorrected(left, err)
		}
		s.foreign = append(s.foreign, left...)
	}
	s.tellDrift(all, s.foreign)
}

// Bounds of the texts in status.drift, in bytes.
const (
	maximumGot         = 256
	maximumUncorrected = 512
)

// found puts drift into the words of the status.
func found(drift []provider.Drift) []v1alpha1.DriftStatus {
	var all []v1alpha1.DriftStatus
	for _, d := range drift {
		all = append(all, v1alpha1.DriftStatus{Property: d.Property, Want: d.Want, Got: shorten(d.Got, maximumGot)})
	}
	return all
}

// uncorrected says of drift why it could not be set right.
func uncorrected(drift []v1alpha1.DriftStatus, why error) []v1alpha1.DriftStatus {
	for i := range drift {
		drift[i].Uncorrected = shorten(why.Error(), maximumUncorrected)
	}
	return drift
}

func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const ellipsis = "…"
	return strings.ToValidUTF8(text[:limit-len(ellipsis)], "") + ellipsis
}

// tellDrift makes an event of drift that the status does not have yet, with what
// was done about it.
func (s *scope) tellDrift(all, left []v1alpha1.DriftStatus) {
	for _, drift := range all {
		if slices.ContainsFunc(s.replica.Status.Drift, func(d v1alpha1.DriftStatus) bool { return d.Property == drift.Property && d.Got == drift.Got }) {
			continue
		}
		done, action := "it was set right", "Correct"
		if drift.Property == string(provider.SettingReplication) {
			done = "it was set right; what it copied before is still there, and is yours to remove"
		}
		if index := slices.IndexFunc(left, func(d v1alpha1.DriftStatus) bool { return d.Property == drift.Property }); index >= 0 {
			done, action = "it is left as it is, and shown", "Report"
			if why := left[index].Uncorrected; why != "" {
				done = "it could not be set right: " + why
			}
		}
		event := loop.Warning("DriftDetected", fmt.Sprintf("bucket %s at %s was changed: %s; %s",
			s.replica.Spec.BucketName, s.replica.Spec.PlaceReference, sentence(drift), done))
		event.Action = action + strings.ToUpper(drift.Property[:1]) + drift.Property[1:]
		s.events = append(s.events, event)
	}
}

// driftOf gives what the status has of one property.
func (s *scope) driftOf(property string) []v1alpha1.DriftStatus {
	return slices.DeleteFunc(slices.Clone(s.replica.Status.Drift), func(d v1alpha1.DriftStatus) bool { return d.Property != property })
}

// isSetting tells drift in what others set from drift in what we set up.
func isSetting(d v1alpha1.DriftStatus) bool {
	return slices.Contains(provider.AllSettings, provider.Setting(d.Property))
}

// driftNow joins what this look found with what earlier ones did.
func (s *scope) driftNow() []v1alpha1.DriftStatus {
	var now []v1alpha1.DriftStatus
	for _, d := range s.replica.Status.Drift {
		isOld := s.looked && !isSetting(d) || s.inspected && isSetting(d)
		if !isOld {
			now = append(now, d)
		}
	}
	now = slices.Concat(s.drift, now, s.foreign)
	slices.SortStableFunc(now, func(a, b v1alpha1.DriftStatus) int {
		return settingsRank(a) - settingsRank(b)
	})
	return now
}

// settingsRank puts drift in settings last, in their order.
func settingsRank(d v1alpha1.DriftStatus) int {
	return slices.Index(provider.AllSettings, provider.Setting(d.Property))
}

// leaks tells whether a rule of the store's own copies the bucket elsewhere.
func (s *scope) leaks() bool {
	return slices.ContainsFunc(s.driftNow(), func(d v1alpha1.DriftStatus) bool {
		return d.Property == string(provider.SettingReplication)
	})
}

// holdBack says why nothing is copied into a bucket that the store itself copies
// elsewhere, or nil: those bytes would leave the perimeter.
func (s *scope) holdBack() error {
	if !s.leaks() {
		return nil
	}
	return fault.New(fault.Waiting, fault.DriftDetected,
		"bucket %s at %s is copied elsewhere by a rule of the store: nothing is written to it until the rule is gone",
		s.replica.Spec.BucketName, s.replica.Spec.PlaceReference)
}

// sentence reads as provider.Drift does.
func sentence(d v1alpha1.DriftStatus) string {
	return provider.Drift{Property: d.Property, Want: d.Want, Got: d.Got}.String()
}

func describe(drift []v1alpha1.DriftStatus) string {
	sentences := make([]string, 0, len(drift))
	for _, d := range drift {
		text := sentence(d)
		if d.Uncorrected != "" {
			text += " (it could not be set right: " + d.Uncorrected + ")"
		}
		sentences = append(sentences, text)
	}
	return strings.Join(sentences, "; ")
}
