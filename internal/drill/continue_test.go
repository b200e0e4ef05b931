package drill_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/fault"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestADrillEndsWhenItMayNotGoOn(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte a")
	s.replicate()
	gate := make(chan struct{})
	defer close(gate)
	hold := s.copyStore.Faults().Add(emulator.Match{Operation: "GetObject", Key: "a"}, emulator.Hold(gate))
	s.goOn = func(context.Context) error {
		if hold.Hits() == 0 {
			return nil
		}
		return fault.New(fault.Terminal, fault.LocationUnknown, "GB is outside FR")
	}
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Inconclusive || !fault.HasReason(outcome.Err, fault.LocationUnknown) ||
		!strings.Contains(outcome.Err.Error(), "nothing more is written to the sandbox's place: GB is outside FR") {
		t.Errorf("the verdict is %s, because of %v", outcome.Verdict, outcome.Err)
	}
	if _, arrived := s.sandboxStore.Object(s.sandbox.Bucket, "a"); arrived {
		t.Error("the object arrived")
	}
}

func TestThatNobodyKnowsWhetherADrillMayGoOnEndsNone(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte a")
	s.replicate()
	gate := make(chan struct{})
	s.copyStore.Faults().Add(emulator.Match{Operation: "GetObject", Key: "a"}, emulator.Hold(gate))
	var asked atomic.Int64
	s.goOn = func(context.Context) error {
		if asked.Add(1) == 3 {
			close(gate)
		}
		return errors.New("the API server does not answer")
	}
	if outcome := s.run(t.Context()); outcome.Verdict != drill.Passed || asked.Load() < 3 {
		t.Errorf("the verdict is %s, because of %v", outcome.Verdict, outcome.Err)
	}
}
