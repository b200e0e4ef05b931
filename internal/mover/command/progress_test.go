package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/mover"
)

func TestProgressAsALine(t *testing.T) {
	tests := map[string]struct {
		progress Progress
		elapsed  time.Duration
		width    int
		want     string
	}{
		"nothing yet": {Progress{}, 0, 80, "0 of more than 0 objects  0 B"},
		"as long as the source is listed": {
			Progress{Scanned: 1200, Copied: 100, Skipped: 50, MovedBytes: 10 << 20, PlannedBytes: 90 << 20},
			5 * time.Second, 80,
			"150 of more than 1200 objects  10 MiB  2.0 MiB/s",
		},
		"once it is known how much there is": {
			Progress{Scanned: 200, IsListed: true, Copied: 100, MovedBytes: 10 << 20, PlannedBytes: 20 << 20},
			5 * time.Second, 120,
			"[████████████░░░░░░░░░░░░]  100 of 200 objects  10 MiB  2.0 MiB/s  5s left",
		},
		"with failures": {
			Progress{Scanned: 2, IsListed: true, Copied: 1, Failed: 1, MovedBytes: 10, PlannedBytes: 5},
			5 * time.Second, 120,
			"[████████████████████████]  2 of 2 objects  10 B  2 B/s  0s left  1 failed",
		},
		"on a narrow terminal": {Progress{Scanned: 200, IsListed: true, Copied: 100}, 5 * time.Second, 20, "[████████████░░░░░░"},
		"of an empty source":   {Progress{IsListed: true}, 5 * time.Second, 80, "0 of more than 0 objects  0 B"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.progress.at(test.elapsed).line(test.width)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// shown is a display on buffers, with a clock and ticks that the test moves.
type shown struct {
	*display
	out, errOut bytes.Buffer
	ticks       chan time.Time
	now         time.Time
}

func show(t *testing.T, mode progressMode, width int) *shown {
	t.Helper()
	s := &shown{ticks: make(chan time.Time), now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	s.display = (&run{progress: mode, Environment: Environment{
		Out: &s.out, ErrOut: &s.errOut, Now: func() time.Time { return s.now },
		Tick:  func(time.Duration) (<-chan time.Time, func()) { return s.ticks, func() {} },
		Width: func() (int, bool) { return width, width > 0 },
	}}).show()
	return s
}

func (s *shown) play() {
	s.Observe(mover.Event{Kind: mover.EventScanned})
	s.Observe(mover.Event{Kind: mover.EventPlanned, Bytes: 100})
	s.Observe(mover.Event{Kind: mover.EventMoved, Bytes: 50})
	s.Observe(mover.Event{Kind: mover.EventListed})
}

func TestABarIsDrawnOverItselfAndTakenAway(t *testing.T) {
	s := show(t, progressAuto, 80)
	s.play()
	s.ticks <- s.now
	s.ticks <- s.now // the one before was shown
	if s.errOut.Len() > 0 {
		t.Errorf("drawn at once: %q", s.errOut.String())
	}
	s.close()
	s = show(t, progressAuto, 80)
	s.now = s.now.Add(5 * time.Second)
	s.play()
	s.ticks <- s.now
	s.ticks <- s.now
	s.Observe(mover.Event{Kind: mover.EventWarned, Err: errors.New("odd\x1b[2J")})
	s.close()
	parts := strings.Split(s.errOut.String(), "\r\x1b[K")
	line := "[░░░░░░░░░░░░░░░░░░░░░░░░]  0 of 1 objects  50 B  10 B/s  5s left"
	if len(parts) < 3 || parts[1] != line || !strings.Contains(s.errOut.String(), "\r\x1b[Kwarning: odd [2J\n") {
		t.Errorf("drawn %q", s.errOut.String())
	}
	if last := parts[len(parts)-1]; strings.Contains(last, "objects") {
		t.Errorf("the bar stays: %q", last)
	}
	if s.out.Len() > 0 {
		t.Errorf("on the standard output: %q", s.out.String())
	}
}

func TestProgressAsJSON(t *testing.T) {
	s := show(t, progressJSON, 80)
	s.play()
	s.now = s.now.Add(5 * time.Second)
	s.ticks <- s.now
	s.Observe(mover.Event{Kind: mover.EventWarned, Err: errors.New("odd <key>")})
	s.Observe(mover.Event{Kind: mover.EventCopied})
	s.close()
	want := []string{
		`{"event":"progress","seconds":5,"scanned":1,"isListed":true,"settled":0,"copied":0,"skipped":0,"deleted":0,"failed":0,"retried":0,"movedBytes":50,"plannedBytes":100,"bytesPerSecond":10,"secondsLeft":5}`,
		`{"event":"warning","message":"odd <key>"}`,
		`{"event":"progress","seconds":5,"scanned":1,"isListed":true,"settled":1,"copied":1,"skipped":0,"deleted":0,"failed":0,"retried":0,"movedBytes":50,"plannedBytes":100,"bytesPerSecond":10,"secondsLeft":5}`,
	}
	if got := strings.Split(strings.TrimSpace(s.out.String()), "\n"); len(got) != 3 {
		t.Fatalf("%d lines: %q", len(got), got)
	} else {
		// The tick and the warning may come in either order.
		if strings.Contains(got[0], "warning") {
			got[0], got[1] = got[1], got[0]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for _, line := range got {
			if !json.Valid([]byte(line)) {
				t.Errorf("no JSON: %s", line)
			}
		}
	}
	if s.errOut.Len() > 0 {
		t.Errorf("on the standard error: %q", s.errOut.String())
	}
}

func TestWhereNobodyLooksNothingIsShown(t *testing.T) {
	for name, s := range map[string]*shown{"none": show(t, progressNone, 80), "no terminal": show(t, progressAuto, 0)} {
		s.play()
		s.close()
		if s.out.Len()+s.errOut.Len() > 0 {
			t.Errorf("%s: %q %q", name, s.out.String(), s.errOut.String())
		}
	}
}
