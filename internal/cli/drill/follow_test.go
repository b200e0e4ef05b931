package drill

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/clitest"
	"github.com/rempart/rempart/internal/cli/env"
)

// fakeClock is a clock on which waiting takes no time.
type fakeClock struct{ now time.Time }

func (c *fakeClock) Now() time.Time { return c.now }

func (c *fakeClock) After(d time.Duration) <-chan time.Time {
	c.now = c.now.Add(d)
	fired := make(chan time.Time, 1)
	fired <- c.now
	return fired
}

// stage is a command that follows a drill whose looks are scripted.
type stage struct {
	command
	clock *fakeClock
	out   *bytes.Buffer
}

func newStage(width int) *stage {
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	clock := &fakeClock{now: clitest.Now}
	return &stage{
		command: command{
			timeout: time.Hour,
			env: &env.Environment{
				IOStreams: streams, Clock: clock, Width: func() (int, bool) { return width, width > 0 },
			},
		},
		clock: clock, out: out,
	}
}

// look is what one look at a drill shows.
type look struct {
	drill *v1alpha1.ReversibilityDrill
	err   error
	// meanwhile happens during the look.
	meanwhile func()
}

// play follows a drill through looks; the last one stays.
func (s *stage) play(ctx context.Context, looks ...look) error {
	return s.follow(ctx, drilled(""), func(context.Context) (*v1alpha1.ReversibilityDrill, error) {
		next := looks[0]
		if len(looks) > 1 {
			looks = looks[1:]
		}
		if next.meanwhile != nil {
			next.meanwhile()
		}
		return next.drill, next.err
	})
}

// drilled makes a drill at a step.
func drilled(step v1alpha1.DrillProgression, change ...func(*v1alpha1.ReversibilityDrillStatus)) *v1alpha1.ReversibilityDrill {
	drill := &v1alpha1.ReversibilityDrill{
		ObjectMeta: metav1.ObjectMeta{Namespace: "etat-civil", Name: "actes-20261122-084300"},
		Spec:       v1alpha1.ReversibilityDrillSpec{BucketRef: v1alpha1.NameReference{Name: "actes"}},
		Status:     v1alpha1.ReversibilityDrillStatus{Progression: step},
	}
	if step != "" && step != v1alpha1.ProgressionPlanning {
		at := func(provider, location string) v1alpha1.DrillCopy {
			return v1alpha1.DrillCopy{PlaceReference: v1alpha1.PlaceReference{ProviderName: provider, Location: location}}
		}
		drill.Status.Effective = &v1alpha1.DrillEffective{
			From: at("ovh", "GRA"), To: at("outscale", "eu-west-2"),
			Objectives: v1alpha1.Objectives{
				RPO: &metav1.Duration{Duration: 15 * time.Minute}, RTO: &metav1.Duration{Duration: 2 * time.Hour},
			},
		}
	}
	for _, f := range change {
		f(&drill.Status)
	}
	return drill
}

func notReady(reason, message string) func(*v1alpha1.ReversibilityDrillStatus) {
	return func(status *v1alpha1.ReversibilityDrillStatus) {
		status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason, Message: message}}
	}
}

func passed(status *v1alpha1.ReversibilityDrillStatus) {
	status.Verdict = v1alpha1.VerdictPassed
	status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonDrillPassed}}
	status.Measured = &v1alpha1.DrillMeasured{
		RTOSeconds: new(int64(312)), RPOSeconds: new(int64(44)), Objects: 10000, Bytes: 1234567890,
		ThroughputBytesPerSecond: 3956948, FullExitEstimateSeconds: new(int64(312)),
	}
	status.Checks = []v1alpha1.DrillCheck{
		{Name: "Integrity", Result: v1alpha1.CheckPass, Message: "10000 of 10000 objects match the source's manifest"},
		{Name: "RTO", Result: v1alpha1.CheckPass, Message: "5m12s was measured, 2h0m0s is the objective"},
		{Name: "RPO", Result: v1alpha1.CheckWarn, Message: "44s was measured; this is a lower bound"},
	}
	status.NotTested = []string{"object ACLs, which are not copied", "older versions of objects: the current ones are restored"}
	status.Evidence = &v1alpha1.DrillEvidence{
		Digest: "sha256:0123abcd", KeyID: "4567cdef",
		URIs: []string{"s3://actes-9d1qx/.rempart/evidence/a/evidence.json", "s3://actes-7f3k2/.rempart/evidence/a/evidence.json"},
	}
}

func failed(status *v1alpha1.ReversibilityDrillStatus) {
	passed(status)
	notReady(v1alpha1.ReasonDrillFailed, `Integrity: 1 of 10000 objects are not what the source had: "a.pdf"`)(status)
	status.Verdict = v1alpha1.VerdictFailed
	status.Checks[0] = v1alpha1.DrillCheck{Name: "Integrity", Result: v1alpha1.CheckFail, Message: "1 of 10000 objects are not what the source had"}
	status.Measured.RPOSeconds, status.Effective.Objectives.RPO = nil, nil
	status.Evidence.URIs = status.Evidence.URIs[:1]
}

func inconclusive(status *v1alpha1.ReversibilityDrillStatus) {
	notReady(v1alpha1.ReasonDrillInconclusive, "the operator was restarted during the drill, so its clock is lost")(status)
	status.Verdict = v1alpha1.VerdictInconclusive
}

var errRefused = errors.New("connection refused")

// course is a drill from its creation to its verdict, with what can happen.
func course() []look {
	times := func(n int, l look) []look { return slices.Repeat([]look{l}, n) }
	return slices.Concat(
		times(2, look{drill: drilled("")}),
		times(3, look{drill: drilled(v1alpha1.ProgressionPlanning, notReady(v1alpha1.ReasonPreflightFailed, "no copy is complete yet"))}),
		times(1, look{drill: drilled(v1alpha1.ProgressionPreflight)}),
		times(2, look{err: errRefused}),
		times(65, look{drill: drilled(v1alpha1.ProgressionRestoring, notReady(v1alpha1.ReasonProgressing, "the drill is at the step Restoring"))}),
		// Verifying is over before the next look.
		times(1, look{drill: drilled(v1alpha1.ProgressionReporting)}),
		times(1, look{drill: drilled(v1alpha1.ProgressionCleaningUp, passed)}),
	)
}

func TestFollowsADrillInPlainLines(t *testing.T) {
	s := newStage(0)
	if err := s.play(t.Context(), course()...); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(s.out.String(), "\x1b\r\b") {
		t.Error("there are control characters, and nobody has a terminal")
	}
	clitest.Golden(t, "lines.txt", s.out.String())
}

func TestFollowsADrillOnATerminal(t *testing.T) {
	s := newStage(60)
	if err := s.play(t.Context(), course()...); err != nil {
		t.Fatal(err)
	}
	// What is seen: the last drawing and what follows it, and one of the middle.
	drawings := strings.Split(s.out.String(), "\x1b[6A\x1b[J")
	if len(drawings) != len(course()) {
		t.Fatalf("%d drawings, want one for each of %d looks", len(drawings), len(course()))
	}
	for i, drawing := range drawings[:len(drawings)-1] {
		if lines := strings.Count(drawing, "\n"); lines != 6 {
			t.Fatalf("drawing %d has %d lines, and the next one goes up 6", i, lines)
		}
	}
	clitest.Golden(t, "block.txt", "--- waiting\n"+drawings[3]+"--- lost\n"+drawings[7]+"--- restoring\n"+drawings[40]+"--- the end\n"+drawings[len(drawings)-1])
}

func TestAStepThatWasNeverReachedIsNotTickedOff(t *testing.T) {
	s := newStage(60)
	err := s.play(t.Context(),
		look{drill: drilled(v1alpha1.ProgressionRestoring)}, look{drill: drilled(v1alpha1.ProgressionCleaningUp, inconclusive)})
	if env.CodeOf(err) != env.ExitInconclusive {
		t.Fatal(err)
	}
	drawings := strings.Split(s.out.String(), "\x1b[6A\x1b[J")
	clitest.Golden(t, "broken.txt", drawings[len(drawings)-1])
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	s := newStage(20)
	if err := s.play(t.Context(), course()...); err != nil {
		t.Fatal(err)
	}
	live, _, _ := strings.Cut(s.out.String(), "PASSED")
	for line := range strings.SplitSeq(strings.ReplaceAll(live, "\x1b[6A\x1b[J", ""), "\n") {
		if width := len([]rune(line)); width > 19 {
			t.Fatalf("%q is %d wide", line, width)
		}
	}
}

func TestTheExitCodeIsTheVerdict(t *testing.T) {
	tests := map[string]struct {
		end  func(*v1alpha1.ReversibilityDrillStatus)
		code env.ExitCode
	}{
		"passed":       {passed, env.ExitOK},
		"failed":       {failed, env.ExitNo},
		"inconclusive": {inconclusive, env.ExitInconclusive},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStage(0)
			err := s.play(t.Context(), look{drill: drilled(v1alpha1.ProgressionCleaningUp, test.end)})
			if env.CodeOf(err) != test.code || env.MessageOf(err) != "" {
				t.Errorf("exit code %d, message %q; want code %d and nothing left to say", env.CodeOf(err), env.MessageOf(err), test.code)
			}
			clitest.Golden(t, name+".txt", report(drilled(v1alpha1.ProgressionCleaningUp, test.end)))
			if !strings.Contains(s.out.String(), report(drilled(v1alpha1.ProgressionCleaningUp, test.end))) {
				t.Error("the report is not written")
			}
		})
	}
}

// codeOfAction is the exit code of a verb that returns the error.
func codeOfAction(err error) env.ExitCode {
	return env.CodeOf(env.Run(func(*cobra.Command, []string) error { return err })(nil, nil))
}

func TestWhoIsNotWaitedForGoesOn(t *testing.T) {
	tests := map[string]struct {
		looks func(cancel func()) []look
		want  string
	}{
		"no verdict in time": {
			func(func()) []look { return []look{{drill: drilled(v1alpha1.ProgressionRestoring)}} },
			"after 1h0m0s: no verdict in time; the drill goes on: kubectl get reversibilitydrill actes-20261122-084300 -n etat-civil --watch",
		},
		"no cluster in time": {
			func(func()) []look { return []look{{err: errRefused}} },
			"after 1h0m0s: no verdict in time; the drill goes on:",
		},
		"an interrupt during a look": {
			func(cancel func()) []look {
				return []look{{drill: drilled(v1alpha1.ProgressionRestoring)}, {err: context.Canceled, meanwhile: cancel}}
			},
			"the waiting was stopped; the drill goes on: kubectl get reversibilitydrill",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := newStage(0).play(ctx, test.looks(cancel)...)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || codeOfAction(err) != env.ExitFailure {
				t.Errorf("exit code %d, %v; want %q", codeOfAction(err), err, test.want)
			}
		})
	}
}

// stoppedClock lets nobody wait to the end.
type stoppedClock struct{ interrupt func() }

func (c stoppedClock) Now() time.Time { return clitest.Now }

func (c stoppedClock) After(time.Duration) <-chan time.Time {
	c.interrupt()
	return nil
}

func TestAnInterruptBetweenLooksIsNoticedAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newStage(0)
	s.env.Clock = stoppedClock{cancel}
	if err := s.play(ctx, look{drill: drilled("")}); !errors.Is(err, errInterrupted) {
		t.Errorf("the error is %v", err)
	}
}

func TestWhatDoesNotPassEndsTheWaiting(t *testing.T) {
	resource := schema.GroupResource{Group: "rempart.dev", Resource: "reversibilitydrills"}
	for _, err := range []error{
		apierrors.NewNotFound(resource, "x"), apierrors.NewForbidden(resource, "x", nil), apierrors.NewUnauthorized("expired"),
	} {
		got := newStage(0).play(t.Context(), look{err: err})
		if !errors.Is(got, err) || codeOfAction(got) != env.ExitFailure {
			t.Errorf("%v: the error is %v", err, got)
		}
	}
}
