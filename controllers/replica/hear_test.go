package replica

import (
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/notification"
)

// from makes the primary one at a store that tells of changes, or does not.
func from(events string) func(*scope) {
	return func(s *scope) {
		s.facts.Replicas = []v1alpha1.BucketReplica{{Spec: v1alpha1.BucketReplicaSpec{
			Role: v1alpha1.RolePrimary, PlaceReference: v1alpha1.PlaceReference{ProviderName: "onprem", Location: "dc1"},
		}}}
		s.facts.Providers = []v1alpha1.SovereignProvider{{
			ObjectMeta: metav1.ObjectMeta{Name: "onprem"},
			Spec:       v1alpha1.SovereignProviderSpec{Type: v1alpha1.ProviderTypeS3, S3: &v1alpha1.S3Endpoint{Events: events}},
		}}
	}
}

// listed is a pass that ended some time ago and whose listing took that long.
func listed(asOf, took time.Duration) func(*scope) {
	return func(s *scope) {
		report := complete(ago(asOf))
		report.ListingSeconds = took.Seconds()
		s.memory.report, s.memory.ranAt, s.memory.seenSince = &report, ago(asOf), ago(asOf)
	}
}

func heard(age time.Duration) func(*scope) {
	return func(s *scope) { s.memory.events.heard = ago(age) }
}

func waits(age time.Duration) func(*scope) {
	return func(s *scope) { s.told.Waiting, s.told.Since = 1, ago(age) }
}

func lost(age time.Duration) func(*scope) {
	return func(s *scope) { s.told.LostAt = ago(age) }
}

func left(age time.Duration) func(*scope) {
	return func(s *scope) { s.memory.events.heldSince = ago(age) }
}

func TestTheObjectiveIsJudgedByPassesAndEvents(t *testing.T) {
	const on, off = v1alpha1.EventsEnabled, "Disabled"
	scopeOf := func(change ...func(*scope)) []func(*scope) { return change }
	tests := map[string]struct {
		given   []func(*scope)
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"a pass in time":                         {scopeOf(from(off), listed(time.Minute, time.Second)), "True", "Succeeded", ""},
		"a pass in time, and events":             {scopeOf(from(on), listed(time.Minute, time.Second), heard(time.Minute)), "True", "Succeeded", ""},
		"a listing that takes too long":          {scopeOf(from(off), listed(time.Minute, 61*time.Minute)), "False", "RPOUnattainable", "spec.s3.events"},
		"a listing that takes just as long":      {scopeOf(from(off), listed(time.Minute, time.Hour)), "True", "Succeeded", ""},
		"and events that never came":             {scopeOf(from(on), listed(time.Minute, 2*time.Hour)), "False", "RPOUnattainable", "none has come"},
		"and events that serve it":               {scopeOf(from(on), listed(3*time.Hour, 2*time.Hour), heard(time.Minute)), "True", "Succeeded", ""},
		"and events that were turned off":        {scopeOf(from(off), listed(3*time.Hour, 2*time.Hour), heard(time.Minute)), "False", "RPOUnattainable", "spec.s3.events"},
		"and events of which some were lost":     {scopeOf(from(on), listed(3*time.Hour, 2*time.Hour), heard(time.Minute), lost(time.Hour)), "False", "RPOUnattainable", "some were lost"},
		"a loss that a pass made up for":         {scopeOf(from(on), listed(3*time.Hour, 2*time.Hour), heard(time.Minute), lost(4*time.Hour)), "True", "Succeeded", ""},
		"events that stopped":                    {scopeOf(from(on), listed(3*time.Hour, 2*time.Hour), heard(2*time.Hour)), "False", "LagExceeded", "neither a pass nor an event"},
		"events that stopped, and a pass since":  {scopeOf(from(on), listed(10*time.Minute, time.Second), heard(2*time.Hour)), "True", "Succeeded", ""},
		"no pass and no events":                  {scopeOf(from(off), listed(2*time.Hour, time.Second)), "False", "LagExceeded", "known to be complete"},
		"a change that waits for long":           {scopeOf(from(on), listed(time.Minute, time.Second), heard(time.Minute), waits(61*time.Minute)), "False", "LagExceeded", "a change is missing"},
		"a change that waits":                    {scopeOf(from(on), listed(time.Minute, time.Second), waits(time.Minute)), "True", "Succeeded", ""},
		"a deletion that is left to a late pass": {scopeOf(from(on), listed(time.Minute, time.Second), left(61*time.Minute)), "False", "LagExceeded", "a change is missing"},
		"before the first pass has ended":        {scopeOf(from(on), heard(time.Minute)), "Unknown", "Progressing", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := replicaScope(test.given...)
			s.takeUpEvents()
			got := s.withinRPO()
			if got.Status != test.status || got.Reason != test.reason || !strings.Contains(got.Message, test.message) {
				t.Errorf("got %s/%s: %s", got.Status, got.Reason, got.Message)
			}
		})
	}
}

func TestTheOldestChangeThatIsMissingIsShown(t *testing.T) {
	failing := func(age time.Duration) func(*scope) {
		return func(s *scope) { s.memory.report.OldestMissing = ago(age) }
	}
	remembered := func(age time.Duration) func(*scope) {
		return func(s *scope) { s.replica.Status.UnreplicatedSince = timeOf(ago(age)) }
	}
	on := from(v1alpha1.EventsEnabled)
	tests := map[string]struct {
		given []func(*scope)
		want  time.Duration
	}{
		"none":                              {[]func(*scope){on, listed(time.Minute, 0)}, 0},
		"one that the pass could not copy":  {[]func(*scope){on, listed(time.Minute, 0), failing(5 * time.Minute)}, 5 * time.Minute},
		"one that is left to a pass":        {[]func(*scope){on, listed(time.Minute, 0), failing(5 * time.Minute), left(6 * time.Minute)}, 6 * time.Minute},
		"one that was told just now":        {[]func(*scope){on, listed(time.Minute, 0), waits(stuckAfter - 1)}, 0},
		"one that waits for longer":         {[]func(*scope){on, listed(time.Minute, 0), waits(stuckAfter)}, stuckAfter},
		"what was known before, and no run": {[]func(*scope){on, remembered(time.Hour)}, time.Hour},
		"what was known before a pass":      {[]func(*scope){on, remembered(time.Hour), listed(time.Minute, 0)}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := replicaScope(test.given...)
			s.takeUpEvents()
			got := s.replica.Status.UnreplicatedSince
			switch {
			case test.want == 0 && got != nil, test.want != 0 && (got == nil || !got.Time.Equal(ago(test.want))):
				t.Errorf("got %v, want %s ago", got, test.want)
			}
		})
	}
}

func hearingReconciler() *Reconciler {
	return NewReconciler(Config{Clock: clocktesting.NewFakePassiveClock(now), Notifications: notification.NewQueue()})
}

func TestWhatARunOverNamesLeavesIsRemembered(t *testing.T) {
	r := hearingReconciler()
	s := replicaScope(from(v1alpha1.EventsEnabled))
	r.Notifications.Add(s.key(), []string{"a", "b"}, ago(time.Minute))
	r.Notifications.Take(s.key())
	unnoted := []manifest.Change{{Key: "c"}}
	s.memory.events = r.takeUpHearing(s, hearing{report: mover.NamedReport{
		Newest: ago(time.Second), Held: 1, HeldSince: ago(3 * time.Second), Again: []string{"b"}, Unnoted: unnoted,
	}})
	m := s.memory.events
	if !m.heard.Equal(ago(time.Second)) || !m.heldSince.Equal(ago(3*time.Second)) || !m.heldAt.Equal(now) || len(m.unnoted) != 1 {
		t.Errorf("remembered %+v", m)
	}
	if !m.retryAt.Equal(now.Add(firstHearingPause)) {
		t.Errorf("it goes on at %s", m.retryAt)
	}
	if got := r.told(s); got.Waiting != 1 || !got.Since.Equal(ago(time.Minute)) {
		t.Errorf("what waits: %+v", got)
	}
	for _, want := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
		s.memory.events = r.takeUpHearing(s, hearing{err: errors.New("no answer")})
		if got := s.memory.events.retryAt.Sub(now); got != want {
			t.Errorf("after another failure it waits %s, want %s", got, want)
		}
	}
	s.memory.events = r.takeUpHearing(s, hearing{report: mover.NamedReport{Newest: ago(time.Hour), IsNoted: true, Objects: 7, Bytes: 9}})
	m = s.memory.events
	if m.failures != 0 || !m.retryAt.IsZero() || !m.heard.Equal(ago(time.Second)) || m.noted.Objects != 7 {
		t.Errorf("after a success %+v", m)
	}
	s.takeUpEvents()
	if *s.replica.Status.Objects != 7 || *s.replica.Status.Bytes != 9 {
		t.Errorf("status %+v", s.replica.Status)
	}
	for range 20 {
		s.memory.events = r.takeUpHearing(s, hearing{err: errors.New("no answer")})
	}
	if got := s.memory.events.retryAt.Sub(now); got != longestHearingPause {
		t.Errorf("after many failures it waits %s", got)
	}
}

// A pass does what was left to it, if that was there when it began.
func TestAPassDoesWhatWasLeftToIt(t *testing.T) {
	before := memorisedEvents{heldSince: ago(time.Hour), heldAt: ago(time.Minute), noted: &manifest.Totals{}, heard: ago(time.Second)}
	stopped := mover.Report{Result: mover.Partial, Reason: fault.Interrupted}
	for name, test := range map[string]struct {
		pass        activity
		isLeft      bool
		isForgotten bool
	}{
		"one that began later":            {activity{report: complete(now), beganAt: ago(time.Second)}, false, true},
		"one that had begun":              {activity{report: complete(now), beganAt: ago(time.Hour)}, true, true},
		"one that was stopped":            {activity{report: stopped, beganAt: ago(time.Second)}, true, false},
		"one in which some objects fail":  {activity{report: mover.Report{Result: mover.Partial, Reason: fault.ObjectsFailed}, beganAt: ago(time.Second)}, false, true},
		"one that began at the same time": {activity{report: complete(now), beganAt: ago(time.Minute)}, false, true},
	} {
		after := before.after(test.pass)
		if after.heldSince.IsZero() == test.isLeft || (after.noted == nil) != test.isForgotten || !after.heard.Equal(before.heard) {
			t.Errorf("%s: %+v", name, after)
		}
	}
}

func TestNamedObjectsAreCopiedBesideAPassAndNothingElse(t *testing.T) {
	unnoted := []manifest.Change{{Key: "a"}}
	for name, test := range map[string]struct {
		waiting   int
		unnoted   []manifest.Change
		isRunning bool
		runs      activityKind
		want      bool
	}{
		"nothing":                 {},
		"something":               {waiting: 1, want: true},
		"something beside a pass": {waiting: 1, isRunning: true, runs: syncing, want: true},
		"something while an audit reads the copy":  {waiting: 1, isRunning: true, runs: auditing},
		"something while the copy is emptied":      {waiting: 1, isRunning: true, runs: emptying},
		"what is to be written down":               {unnoted: unnoted, want: true},
		"what is to be written down once it ended": {unnoted: unnoted, isRunning: true, runs: syncing},
	} {
		s := replicaScope()
		s.told.Waiting, s.memory.events.unnoted, s.isRunning, s.runs = test.waiting, test.unnoted, test.isRunning, test.runs
		if got := s.hasWorkNamed(); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhatWaitsIsLookedAtAgain(t *testing.T) {
	for name, test := range map[string]struct {
		given []func(*scope)
		want  time.Duration
	}{
		"nothing":                   {nil, 0},
		"something new":             {[]func(*scope){waits(time.Second)}, stuckAfter - time.Second},
		"something that is shown":   {[]func(*scope){waits(time.Minute)}, 0},
		"something that is at work": {[]func(*scope){waits(time.Second), func(s *scope) { s.isHearing = true }}, 0},
		"something that failed": {[]func(*scope){waits(time.Minute), func(s *scope) {
			s.memory.events.retryAt = now.Add(4 * time.Second)
		}}, 4 * time.Second},
		"something new that failed": {[]func(*scope){waits(time.Second), func(s *scope) {
			s.memory.events.retryAt = now.Add(2 * time.Second)
		}}, 2 * time.Second},
	} {
		s := replicaScope(test.given...)
		if got := s.untilHeard(); got != test.want {
			t.Errorf("%s: after %s, want %s", name, got, test.want)
		}
		if s.memory.ranAt = now; test.want > 0 && s.lookAgain() > test.want {
			t.Errorf("%s: the copy is looked at after %s", name, s.lookAgain())
		}
	}
}

// All runs to one copy share what its policies let pass.
func TestRunsBesideEachOtherShareTheBandwidth(t *testing.T) {
	m := newMemory()
	first := m.line("a", 100)
	turns := m.together("a")
	if m.line("a", 200) != first || m.line("b", 100) == first || m.together("a") != turns || m.together("b") == turns {
		t.Error("runs to one copy do not share it, or those to several do")
	}
	m.forget("a")
	if m.line("a", 100) == first {
		t.Error("it is kept after the copy is gone")
	}
}
