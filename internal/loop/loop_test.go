package loop_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/condition/conditiontest"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// recorder notes events as type, reason and note.
type recorder struct{ events []string }

func (r *recorder) Eventf(_, _ runtime.Object, eventType, reason, _, note string, args ...any) {
	r.events = append(r.events, eventType+" "+reason+": "+args[0].(string))
}

// stage is an object in a cluster, and everything around a reconcile of it.
type stage struct {
	t        *testing.T
	policy   *v1alpha1.SovereigntyPolicy
	recorder *recorder
	writes   int
	writeErr error
	finisher loop.Finisher
}

func newStage(t *testing.T, before ...metav1.Condition) *stage {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, recorder: &recorder{}}
	s.policy = &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "p", Generation: 3}}
	for _, c := range before {
		condition.Set(&s.policy.Status.Conditions, c, 3, metav1.NewTime(now.Add(-time.Hour)))
	}
	s.policy.Status.ObservedGeneration = 3
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(s.policy).WithStatusSubresource(s.policy).
		WithInterceptorFuncs(interceptor.Funcs{
			SubResourceUpdate: func(ctx context.Context, c client.Client, name string, o client.Object, options ...client.SubResourceUpdateOption) error {
				s.writes++
				if s.writeErr != nil {
					return s.writeErr
				}
				return c.SubResource(name).Update(ctx, o, options...)
			},
		}).Build()
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(s.policy), s.policy); err != nil {
		t.Fatal(err)
	}
	s.policy.Generation = 3
	s.finisher = loop.Finisher{
		Client: c, Recorder: s.recorder, Clock: clocktesting.NewFakePassiveClock(now),
		Names: map[string]loop.EventNames{"Fine": {True: "BecameFine", False: "NotFine"}},
	}
	return s
}

// finish plays a reconcile that found the report and ended with err.
func (s *stage) finish(report loop.Report, err error) (ctrl.Result, error) {
	s.t.Helper()
	pass := s.finisher.Begin(s.policy)
	return pass.Finish(s.t.Context(), report, err)
}

// conditions are those of the object as type, status and reason.
func (s *stage) conditions() map[string]string {
	conditiontest.Check(s.t, s.policy, s.policy.Status.Conditions)
	got := map[string]string{}
	for _, c := range s.policy.Status.Conditions {
		got[c.Type] = string(c.Status) + "/" + c.Reason
	}
	return got
}

func ready() loop.Report {
	return loop.Report{
		Conditions:   []metav1.Condition{condition.True("Ready", "Succeeded", ""), condition.True("Fine", "Succeeded", "")},
		RequeueAfter: time.Minute,
	}
}

// found is what is found when the error says that it is not ready.
func decaying(after time.Duration) loop.Report {
	report := found()
	report.Decay = after
	return report
}

func found() loop.Report {
	return loop.Report{Conditions: []metav1.Condition{condition.True("Fine", "Succeeded", "")}}
}

func TestWhatMayDecayIsLookedAtThen(t *testing.T) {
	for name, test := range map[string]struct {
		requeue, decay, atLeast, atMost time.Duration
	}{
		"nothing asks":          {0, 0, 0, 0},
		"only the usual look":   {time.Minute, 0, time.Minute, 66 * time.Second},
		"only decay":            {0, time.Minute, time.Minute, time.Minute},
		"decay comes first":     {time.Hour, time.Minute, time.Minute, time.Minute},
		"decay comes last":      {time.Minute, time.Hour, time.Minute, 66 * time.Second},
		"decay comes too early": {time.Minute, time.Nanosecond, time.Nanosecond, time.Nanosecond},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			report := found()
			report.RequeueAfter, report.Decay = test.requeue, test.decay
			result, err := s.finish(report, nil)
			if err != nil || result.RequeueAfter < test.atLeast || result.RequeueAfter > test.atMost {
				t.Errorf("looked at after %s (%v), want %s to %s", result.RequeueAfter, err, test.atLeast, test.atMost)
			}
		})
	}
}

func TestTheClassOfAnErrorDecidesStatusAndAnswer(t *testing.T) {
	cause := errors.New("cause")
	classified := func(class fault.Class, reason fault.Reason, after time.Duration) error {
		return &fault.Error{Class: class, Reason: reason, After: after, Err: cause}
	}
	for name, test := range map[string]struct {
		report     loop.Report
		err        error
		before     []metav1.Condition
		conditions map[string]string
		after      time.Duration // the least; a tenth may be added
		returned   bool
		terminal   bool
	}{
		"no error": {
			report: ready(), conditions: map[string]string{"Ready": "True/Succeeded", "Fine": "True/Succeeded"}, after: time.Minute,
		},
		"unclassified is transient": {
			report: found(), err: cause,
			conditions: map[string]string{"Ready": "False/Failed", "Reconciling": "True/Failed", "Fine": "True/Succeeded"}, returned: true,
		},
		"transient": {
			report: found(), err: classified(fault.Transient, fault.ProviderUnreachable, 0),
			conditions: map[string]string{"Ready": "False/ProviderUnreachable", "Reconciling": "True/ProviderUnreachable", "Fine": "True/Succeeded"},
			returned:   true,
		},
		"throttled leaves Ready as it was": {
			report: found(), err: classified(fault.Throttled, fault.Throttling, 90*time.Second),
			before:     []metav1.Condition{condition.True("Ready", "Succeeded", "")},
			conditions: map[string]string{"Ready": "True/Succeeded", "Fine": "True/Succeeded"}, after: 90 * time.Second,
		},
		"throttled for longer than conditions stand": {
			report: decaying(20 * time.Second), err: classified(fault.Throttled, fault.Throttling, 90*time.Second),
			before:     []metav1.Condition{condition.True("Ready", "Succeeded", "")},
			conditions: map[string]string{"Ready": "True/Succeeded", "Fine": "True/Succeeded"}, after: 20 * time.Second,
		},
		"waiting for longer than conditions stand": {
			report: decaying(20 * time.Second), err: classified(fault.Waiting, fault.CredentialsMissing, 0),
			conditions: map[string]string{"Ready": "False/CredentialsMissing", "Fine": "True/Succeeded"}, after: 20 * time.Second,
		},
		"conditions that stand for longer": {
			report: decaying(time.Hour), err: classified(fault.Waiting, fault.CredentialsMissing, 0),
			conditions: map[string]string{"Ready": "False/CredentialsMissing", "Fine": "True/Succeeded"}, after: 5 * time.Minute,
		},
		"throttled before anything is known": {
			report: found(), err: classified(fault.Throttled, fault.Throttling, 0),
			conditions: map[string]string{"Ready": "Unknown/Throttled", "Fine": "True/Succeeded"}, after: 30 * time.Second,
		},
		"waiting": {
			report: found(), err: classified(fault.Waiting, fault.CredentialsMissing, 0),
			conditions: map[string]string{"Ready": "False/CredentialsMissing", "Fine": "True/Succeeded"}, after: 5 * time.Minute,
		},
		"terminal, and the cure may come from outside": {
			report: found(), err: classified(fault.Terminal, fault.QuotaExceeded, 0),
			conditions: map[string]string{"Ready": "False/QuotaExceeded", "Stalled": "True/QuotaExceeded", "Fine": "True/Succeeded"},
			after:      10 * time.Minute,
		},
		"terminal, and only a new spec helps": {
			report: found(), err: classified(fault.Terminal, fault.InvalidConfiguration, 0),
			conditions: map[string]string{"Ready": "False/InvalidConfiguration", "Stalled": "True/InvalidConfiguration", "Fine": "True/Succeeded"},
			returned:   true, terminal: true,
		},
		"what stood only while True goes": {
			report: ready(), before: []metav1.Condition{condition.False("Ready", "Failed", "x"), condition.True("Stalled", "Failed", "x")},
			conditions: map[string]string{"Ready": "True/Succeeded", "Fine": "True/Succeeded"}, after: time.Minute,
		},
		"terminal, and only a new spec helps, but conditions do not stand for ever": {
			report: decaying(20 * time.Second), err: classified(fault.Terminal, fault.InvalidConfiguration, 0),
			conditions: map[string]string{"Ready": "False/InvalidConfiguration", "Stalled": "True/InvalidConfiguration", "Fine": "True/Succeeded"},
			after:      20 * time.Second,
		},
		"a report may stall by itself": {
			report: loop.Report{Conditions: []metav1.Condition{
				condition.False("Ready", "DrillFailed", "x"), condition.True("Stalled", "DrillFailed", "x"),
			}},
			conditions: map[string]string{"Ready": "False/DrillFailed", "Stalled": "True/DrillFailed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, test.before...)
			result, err := s.finish(test.report, test.err)
			if diff := cmp.Diff(test.conditions, s.conditions()); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			if result.RequeueAfter < test.after || result.RequeueAfter > test.after+test.after/10 {
				t.Errorf("looked at again after %s, want %s and a little", result.RequeueAfter, test.after)
			}
			if (err != nil) != test.returned || errors.Is(err, reconcile.TerminalError(nil)) != test.terminal {
				t.Errorf("the queue is answered %v", err)
			}
		})
	}
}

func TestStatusIsWrittenOnlyWhenItChanged(t *testing.T) {
	s := newStage(t)
	if _, err := s.finish(ready(), nil); err != nil || s.writes != 1 {
		t.Fatalf("%d writes, %v", s.writes, err)
	}
	before := s.policy.DeepCopy()
	s.policy.Annotations = map[string]string{"somebody": "else"}
	if _, err := s.finish(ready(), nil); err != nil || s.writes != 1 {
		t.Errorf("%d writes after nothing changed, %v", s.writes, err)
	}
	if diff := cmp.Diff(before.Status, s.policy.Status); diff != "" {
		t.Errorf("the status changed:\n%s", diff)
	}
}

// A failure that goes on says the same at a later time, and is written once.
func TestAFailureThatGoesOnIsWrittenOnce(t *testing.T) {
	for _, class := range []fault.Class{fault.Transient, fault.Throttled, fault.Waiting, fault.Terminal} {
		s := newStage(t)
		failure := fault.New(class, fault.QuotaExceeded, "full")
		for try := range 3 {
			s.finisher.Clock = clocktesting.NewFakePassiveClock(now.Add(time.Duration(try) * time.Minute))
			_, _ = s.finish(ready(), failure) // what the queue is answered is another test
		}
		if s.writes != 1 {
			t.Errorf("%s: %d writes for one failure", class, s.writes)
		}
		if _, err := s.finish(ready(), nil); err != nil || s.writes != 2 {
			t.Errorf("%s: %d writes once it is over, %v", class, s.writes, err)
		}
		if diff := cmp.Diff(map[string]string{"Ready": "True/Succeeded", "Fine": "True/Succeeded"}, s.conditions()); diff != "" {
			t.Errorf("%s, once it is over: %s", class, diff)
		}
	}
}

func TestEventsComeOnceAndOnlyAfterTheWrite(t *testing.T) {
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "x"}, "p", errors.New("changed"))
	for name, test := range map[string]struct {
		report   loop.Report
		err      error
		before   []metav1.Condition
		writeErr error
		want     []string
	}{
		"a condition that becomes True": {report: ready(), want: []string{"Normal Ready: Ready is True", "Normal BecameFine: Fine is True"}},
		"nothing changed":               {report: ready(), before: ready().Conditions},
		"a condition that becomes False, and why not ready": {
			report: loop.Report{Conditions: []metav1.Condition{condition.False("Fine", "Sad", "it rains")}},
			err:    fault.New(fault.Terminal, fault.QuotaExceeded, "no more buckets"), before: ready().Conditions,
			want: []string{"Warning QuotaExceeded: no more buckets", "Warning NotFine: it rains"},
		},
		"work under way is no news": {
			report: loop.Report{Conditions: []metav1.Condition{condition.False("Ready", "Progressing", "soon")}},
		},
		"what happened comes first, and is not told twice": {
			report: loop.Report{
				Conditions: []metav1.Condition{condition.False("Fine", "Sad", "it rains")},
				Events:     []loop.Event{loop.Warning("NotFine", "it began to rain"), loop.Normal("Made", "a bucket")},
			},
			want: []string{"Warning NotFine: it began to rain", "Normal Made: a bucket"},
		},
		"a status that could not be written": {report: ready(), writeErr: errors.New("etcd is full")},
		"a status that somebody else wrote":  {report: ready(), writeErr: conflict},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, test.before...)
			s.writeErr = test.writeErr
			written := false
			test.report.Written = func() { written = true }
			result, err := s.finish(test.report, test.err)
			if diff := cmp.Diff(test.want, s.recorder.events, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if written != (test.writeErr == nil) {
				t.Errorf("told that it was written: %v", written)
			}
			isConflict := errors.Is(test.writeErr, conflict)
			if isConflict && (err != nil || result.RequeueAfter == 0) || test.writeErr != nil && !isConflict && err == nil {
				t.Errorf("the queue is answered %v, %v", result, err)
			}
		})
	}
}

// A cache may show a moment before our last write. That the status there is as it
// should be says nothing about the one that is stored.
func TestAStatusThatOnlyAnOldReadShowsIsLookedAtAgain(t *testing.T) {
	s := newStage(t)
	s.finisher.Writes = loop.NewWrites()
	if _, err := s.finish(ready(), nil); err != nil || s.writes != 1 {
		t.Fatalf("%d writes, %v", s.writes, err)
	}
	written := s.policy.DeepCopy()
	if result, err := s.finish(ready(), nil); err != nil || s.writes != 1 || result.RequeueAfter < time.Minute {
		t.Fatalf("what was written is looked at again after %s, %d writes, %v", result.RequeueAfter, s.writes, err)
	}
	other := ready()
	other.Conditions[0] = condition.False("Ready", "Failed", "x")
	if _, err := s.finish(other, nil); err != nil || s.writes != 2 {
		t.Fatalf("%d writes, %v", s.writes, err)
	}
	current := s.policy.DeepCopy()
	s.policy = written // as a cache that is behind shows it
	other = ready()
	other.Events = []loop.Event{loop.Normal("Happened", "once")}
	told := len(s.recorder.events)
	if result, err := s.finish(other, nil); err != nil || s.writes != 2 || result.RequeueAfter > time.Second || result.RequeueAfter == 0 {
		t.Errorf("it is looked at again after %s, %d writes, %v", result.RequeueAfter, s.writes, err)
	}
	if len(s.recorder.events) != told {
		t.Errorf("events %q", s.recorder.events[told:])
	}
	s.policy = current
	if _, err := s.finish(ready(), nil); err != nil || s.writes != 3 {
		t.Errorf("%d writes, %v", s.writes, err)
	}
}

func TestAnObjectThatWasLetGoHasNoStatus(t *testing.T) {
	s := newStage(t)
	report := ready()
	report.Gone = true
	report.Events = []loop.Event{loop.Normal("BucketDeleted", "it was deleted")}
	if result, err := s.finish(report, nil); err != nil || result != (ctrl.Result{}) || s.writes != 0 {
		t.Errorf("%v, %v, %d writes", result, err, s.writes)
	}
	if diff := cmp.Diff([]string{"Normal BucketDeleted: it was deleted"}, s.recorder.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestRunStopsAtTheFirstPhaseThatFails(t *testing.T) {
	var ran []string
	phase := func(name string, err error) loop.Phase[int] {
		return func(context.Context, int) error { ran = append(ran, name); return err }
	}
	stop := errors.New("stop")
	err := loop.Run(t.Context(), 1, phase("a", nil), phase("b", stop), phase("c", nil))
	if !errors.Is(err, stop) || len(ran) != 2 {
		t.Errorf("ran %v, ended with %v", ran, err)
	}
}

func TestFinalizersComeAndGo(t *testing.T) {
	s := newStage(t)
	c := s.finisher.Client
	if err := loop.EnsureFinalizer(t.Context(), c, s.policy); err != nil || len(s.policy.Finalizers) != 1 {
		t.Fatalf("finalizers %v, %v", s.policy.Finalizers, err)
	}
	version := s.policy.ResourceVersion
	if err := loop.EnsureFinalizer(t.Context(), c, s.policy); err != nil || s.policy.ResourceVersion != version {
		t.Errorf("a finalizer that is there was written again: %v", err)
	}
	stale := s.policy.DeepCopy()
	stale.ResourceVersion, stale.Finalizers = "1", nil
	if err := loop.EnsureFinalizer(t.Context(), c, stale); !apierrors.IsConflict(err) {
		t.Errorf("a stale object was patched: %v", err)
	}
	if err := c.Delete(t.Context(), s.policy.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(s.policy), s.policy); err != nil {
		t.Fatal(err)
	}
	if err := loop.RemoveFinalizer(t.Context(), c, s.policy); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(s.policy), s.policy); !apierrors.IsNotFound(err) {
		t.Errorf("the object is still there: %v", err)
	}
	if err := loop.RemoveFinalizer(t.Context(), c, s.policy); err != nil {
		t.Errorf("an object without the finalizer: %v", err)
	}
}
