package drill

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/fault"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// scopeAt is a drill that was created an hour ago and is at a step.
func scopeAt(step v1alpha1.DrillProgression, change ...func(*scope)) *scope {
	s := &scope{now: now, drill: &v1alpha1.ReversibilityDrill{
		ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(now.Add(-time.Hour))},
		Status: v1alpha1.ReversibilityDrillStatus{Progression: step, Effective: &v1alpha1.DrillEffective{
			To: v1alpha1.DrillCopy{PlaceReference: placeAt("third"), BucketName: "drill-d-1234567890123"},
		}},
	}}
	for _, f := range change {
		f(s)
	}
	return s
}

// ends has the drill come to an outcome in this reconcile.
func ends(outcome drill.Outcome) func(*scope) { return func(s *scope) { s.end(outcome) } }

func TestConditionsOfADrill(t *testing.T) {
	failed := drill.Outcome{Verdict: drill.Failed, Checks: []drill.Check{
		{Name: "Objects", Result: drill.Pass}, {Name: "Content", Result: drill.Fail, Message: "2 objects differ"},
	}}
	for name, test := range map[string]struct {
		scope  *scope
		err    error
		want   map[string]string // condition: status/reason
		events []string
	}{
		"before it begins": {
			scope: scopeAt(v1alpha1.ProgressionPlanning),
			want:  map[string]string{"Ready": "False/Progressing", "CleanedUp": "False/Progressing"},
		},
		"held up, which the error says": {
			scope: scopeAt(v1alpha1.ProgressionPlanning), err: errors.New("x"),
			want: map[string]string{"CleanedUp": "False/Progressing"},
		},
		"passed": {
			scope: scopeAt(v1alpha1.ProgressionReporting, ends(drill.Outcome{Verdict: drill.Passed})),
			want:  map[string]string{"Ready": "True/DrillPassed", "CleanedUp": "False/CleanupPending"},
		},
		"failed": {
			scope:  scopeAt(v1alpha1.ProgressionVerifying, ends(failed)),
			want:   map[string]string{"Ready": "False/DrillFailed", "Stalled": "True/DrillFailed", "CleanedUp": "False/CleanupPending"},
			events: []string{"DrillFailed"},
		},
		"inconclusive, for a reason that has a name": {
			scope: scopeAt(v1alpha1.ProgressionPreflight, func(s *scope) {
				s.inconclusive(fault.New(fault.Terminal, fault.DeadlineExceeded, "too late"))
			}),
			want:   map[string]string{"Ready": "False/DeadlineExceeded", "Stalled": "True/DeadlineExceeded", "CleanedUp": "False/CleanupPending"},
			events: []string{"DrillInconclusive"},
		},
		"inconclusive, for one that has none": {
			scope: scopeAt(v1alpha1.ProgressionRestoring, func(s *scope) { s.inconclusive(errors.New("restarted")) }),
			want: map[string]string{
				"Ready": "False/DrillInconclusive", "Stalled": "True/DrillInconclusive", "CleanedUp": "False/CleanupPending",
			},
			events: []string{"DrillInconclusive"},
		},
		"the sandbox does not go": {
			scope: scopeAt(v1alpha1.ProgressionCleaningUp, func(s *scope) {
				s.drill.Status.Verdict, s.cleanupErr = v1alpha1.VerdictPassed, errors.New("x")
			}),
			want: map[string]string{"Ready": "True/DrillPassed", "CleanedUp": "False/CleanupPending"},
		},
		"the sandbox is left behind": {
			scope: scopeAt(v1alpha1.ProgressionCleaningUp, func(s *scope) {
				s.drill.Status.Verdict = v1alpha1.VerdictPassed
				s.abandon(errors.New("x"))
			}),
			want:   map[string]string{"Ready": "True/DrillPassed", "CleanedUp": "False/SandboxAbandoned"},
			events: []string{"SandboxAbandoned"},
		},
		"the sandbox was left behind": {
			scope: scopeAt(v1alpha1.ProgressionDone, func(s *scope) {
				s.drill.Status.Verdict = v1alpha1.VerdictPassed
				s.drill.Status.Conditions = []metav1.Condition{condition.False(v1alpha1.ConditionCleanedUp, v1alpha1.ReasonSandboxAbandoned, "x")}
			}),
			want: map[string]string{"Ready": "True/DrillPassed", "CleanedUp": "False/SandboxAbandoned"},
		},
		"the sandbox is gone": {
			scope: scopeAt(v1alpha1.ProgressionCleaningUp, func(s *scope) {
				s.drill.Status.Verdict, s.cleanedUp, s.reached = v1alpha1.VerdictPassed, true, v1alpha1.ProgressionDone
			}),
			want: map[string]string{"Ready": "True/DrillPassed", "CleanedUp": "True/Succeeded"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			report := test.scope.report(test.err)
			got := map[string]string{}
			for _, c := range report.Conditions {
				got[c.Type] = string(c.Status) + "/" + c.Reason
				if c.Status != metav1.ConditionTrue && c.Message == "" {
					t.Errorf("%s is %s and says nothing", c.Type, c.Status)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			var events []string
			for _, event := range report.Events {
				events = append(events, event.Reason)
			}
			if diff := cmp.Diff(test.events, events); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Only the name of the very bucket lets a sandbox be left behind.
func TestWhoeverGivesASandboxUpNamesIt(t *testing.T) {
	for annotation, want := range map[string]bool{"": false, "true": false, "drill-d-1234567890123": true} {
		s := scopeAt(v1alpha1.ProgressionCleaningUp, func(s *scope) {
			s.drill.Annotations = map[string]string{v1alpha1.AbandonSandboxAnnotation: annotation}
			s.cleanupErr = errors.New("the provider is gone")
		})
		if got := s.isGivenUp(); got != want {
			t.Errorf("%q gives up: %t", annotation, got)
		}
		says := meta.FindStatusCondition(s.report(nil).Conditions, v1alpha1.ConditionCleanedUp).Message
		for _, part := range []string{"the provider is gone", v1alpha1.AbandonSandboxAnnotation + " to drill-d-1234567890123"} {
			if !strings.Contains(says, part) {
				t.Errorf("does not say %q: %s", part, says)
			}
		}
	}
}

func TestADrillSaysWhatItIsHeldUpBy(t *testing.T) {
	s := scopeAt(v1alpha1.ProgressionReporting, func(s *scope) { s.held = errors.New("no copy may take the evidence") })
	if ready := meta.FindStatusCondition(s.report(nil).Conditions, v1alpha1.ConditionReady); !strings.Contains(ready.Message, s.held.Error()) {
		t.Errorf("says %q", ready.Message)
	}
	s.held = fault.New(fault.Waiting, fault.SigningKeyInvalid, "the Secret holds no key")
	if ready := meta.FindStatusCondition(s.report(nil).Conditions, v1alpha1.ConditionReady); ready.Reason != v1alpha1.ReasonSigningKeyInvalid {
		t.Errorf("the reason is %s", ready.Reason)
	}
}

// A drill is looked at again after its end, to clean up. What was said about the
// end then stays as it was.
func TestWhyADrillEndedIsKept(t *testing.T) {
	first := scopeAt(v1alpha1.ProgressionPreflight, func(s *scope) {
		s.inconclusive(fault.New(fault.Terminal, fault.DeadlineExceeded, "too late"))
	})
	said := first.report(nil).Conditions
	later := scopeAt(v1alpha1.ProgressionCleaningUp, func(s *scope) {
		s.drill.Status = first.drill.Status
		s.drill.Status.Conditions = said
	})
	again := later.report(nil).Conditions
	for _, conditionType := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionStalled} {
		before, after := meta.FindStatusCondition(said, conditionType), meta.FindStatusCondition(again, conditionType)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Error(diff)
		}
	}
	if ready := meta.FindStatusCondition(again, v1alpha1.ConditionReady); !strings.Contains(ready.Message, "too late") {
		t.Errorf("the reason was lost: %q", ready.Message)
	}
}

// What was found wrong says more than what stopped the drill afterwards.
func TestADrillThatFailedSaysWhatItFound(t *testing.T) {
	s := scopeAt(v1alpha1.ProgressionVerifying, ends(drill.Outcome{
		Verdict: drill.Failed, Err: errors.New("the store went away"),
		Checks: []drill.Check{{Name: "Integrity", Result: drill.Fail, Message: "2 objects differ"}},
	}))
	ready := meta.FindStatusCondition(s.report(nil).Conditions, v1alpha1.ConditionReady)
	if ready.Reason != v1alpha1.ReasonDrillFailed || !strings.Contains(ready.Message, "2 objects differ") {
		t.Errorf("says %s: %s", ready.Reason, ready.Message)
	}
}

func TestMeasurementsAreRoundedUp(t *testing.T) {
	s := scopeAt(v1alpha1.ProgressionReporting, ends(drill.Outcome{Verdict: drill.Passed, Measured: drill.Measured{
		RTO: new(1200 * time.Millisecond), RPO: new(time.Duration(0)), Objects: 3, Bytes: 1000,
	}}))
	s.report(nil)
	measured := s.drill.Status.Measured
	if measured == nil || *measured.RTOSeconds != 2 || *measured.RPOSeconds != 0 || *measured.FullExitEstimateSeconds != 2 {
		t.Errorf("measured %+v, want an RTO of 2 s and an RPO of 0 s", measured)
	}
}

// What was not measured is absent: a zero would be the best of results.
func TestWhatWasNotMeasuredIsAbsent(t *testing.T) {
	s := scopeAt(v1alpha1.ProgressionPreflight, ends(drill.Outcome{Verdict: drill.Inconclusive, Err: errors.New("x")}))
	s.report(nil)
	if s.drill.Status.Measured != nil || s.drill.Status.Evidence != nil {
		t.Errorf("a drill that measured nothing shows %+v and %+v", s.drill.Status.Measured, s.drill.Status.Evidence)
	}
}

func TestWhenASandboxIsRemoved(t *testing.T) {
	ended := now.Add(-10 * time.Minute)
	for name, test := range map[string]struct {
		policy  v1alpha1.CleanupPolicy
		verdict v1alpha1.DrillVerdict
		ttl     *metav1.Duration
		deleted bool
		want    time.Time
	}{
		"at once":                           {policy: v1alpha1.CleanupDelete, verdict: v1alpha1.VerdictFailed, want: ended},
		"at once as it passed":              {policy: v1alpha1.CleanupDeleteOnSuccess, verdict: v1alpha1.VerdictPassed, want: ended},
		"later as it failed":                {policy: v1alpha1.CleanupDeleteOnSuccess, verdict: v1alpha1.VerdictFailed, want: ended.Add(time.Hour)},
		"later as asked":                    {policy: v1alpha1.CleanupRetain, verdict: v1alpha1.VerdictPassed, ttl: &metav1.Duration{Duration: time.Minute}, want: ended.Add(time.Minute)},
		"at once when the drill is deleted": {policy: v1alpha1.CleanupRetain, verdict: v1alpha1.VerdictPassed, deleted: true, want: now},
	} {
		t.Run(name, func(t *testing.T) {
			s := scopeAt(v1alpha1.ProgressionCleaningUp)
			s.drill.Spec.Sandbox = v1alpha1.Sandbox{CleanupPolicy: test.policy, TTL: test.ttl}
			s.drill.Status.Verdict, s.drill.Status.CompletionTime = test.verdict, &metav1.Time{Time: ended}
			if test.deleted {
				s.drill.DeletionTimestamp = &metav1.Time{Time: now}
			}
			if got := s.cleanupDue(); !got.Equal(test.want) {
				t.Errorf("removed at %s, want %s", got, test.want)
			}
		})
	}
}
