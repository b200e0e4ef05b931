package command

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/terminal"
)

// progressMode says how progress is shown.
type progressMode string

const (
	progressAuto progressMode = "auto"
	progressBar  progressMode = "bar"
	progressJSON progressMode = "json"
	progressNone progressMode = "none"
)

// String implements pflag.Value.
func (m *progressMode) String() string { return string(*m) }

// Type implements pflag.Value.
func (m *progressMode) Type() string { return "MODE" }

// Set implements pflag.Value.
func (m *progressMode) Set(value string) error {
	mode := progressMode(value)
	if !slices.Contains([]progressMode{progressAuto, progressBar, progressJSON, progressNone}, mode) {
		return fmt.Errorf("%q is not one of auto, bar, json and none", value)
	}
	*m = mode
	return nil
}

// How often progress is shown. A bar appears only once a run takes long enough
// for somebody to wonder.
const (
	barInterval  = 200 * time.Millisecond
	barPatience  = 2 * time.Second
	jsonInterval = 5 * time.Second
)

// Progress is how far a run is. Its JSON form is a line of --progress json.
type Progress struct {
	Event   string  `json:"event"` // progress
	Seconds float64 `json:"seconds"`
	// Scanned objects were listed at the source; once IsListed, these are all.
	Scanned  int64 `json:"scanned"`
	IsListed bool  `json:"isListed"`
	// Settled objects need no more work: they were copied, were there already, or
	// failed.
	Settled int64 `json:"settled"`
	Copied  int64 `json:"copied"`
	Skipped int64 `json:"skipped"`
	Deleted int64 `json:"deleted"`
	Failed  int64 `json:"failed"`
	Retried int64 `json:"retried"`
	// MovedBytes were read so far, of PlannedBytes that are to be.
	MovedBytes   int64 `json:"movedBytes"`
	PlannedBytes int64 `json:"plannedBytes"`
	// BytesPerSecond is the average so far, SecondsLeft what is left at that rate;
	// absent as long as nobody knows.
	BytesPerSecond int64  `json:"bytesPerSecond"`
	SecondsLeft    *int64 `json:"secondsLeft,omitempty"`
}

// count takes in an event.
func (p *Progress) count(e mover.Event) {
	switch e.Kind {
	case mover.EventScanned:
		p.Scanned++
	case mover.EventPlanned:
		p.PlannedBytes += e.Bytes
	case mover.EventMoved:
		p.MovedBytes += e.Bytes
	case mover.EventCopied:
		p.Copied++
	case mover.EventSkipped:
		p.Skipped++
	case mover.EventDeleted:
		p.Deleted++
	case mover.EventFailed:
		p.Failed++
	case mover.EventRetried:
		p.Retried++
	case mover.EventListed:
		p.IsListed = true
	case mover.EventWarned: // it is shown, not counted
	}
}

// at gives the progress with what depends on the time.
func (p Progress) at(elapsed time.Duration) Progress {
	p.Event, p.Seconds = "progress", elapsed.Seconds()
	p.Settled = p.Copied + p.Skipped + p.Failed
	if elapsed < time.Second || p.MovedBytes == 0 {
		return p
	}
	p.BytesPerSecond = int64(float64(p.MovedBytes) / elapsed.Seconds())
	if p.IsListed && p.BytesPerSecond > 0 {
		// Objects that are read more than once move more than was planned.
		p.SecondsLeft = new(max(p.PlannedBytes-p.MovedBytes, 0) / p.BytesPerSecond)
	}
	return p
}

// line draws the progress in at most so many characters.
func (p Progress) line(width int) string {
	var parts []string
	if p.IsListed && p.Scanned > 0 {
		parts = append(parts, bar(p.Settled, p.Scanned), fmt.Sprintf("%d of %d objects", p.Settled, p.Scanned))
	} else {
		parts = append(parts, fmt.Sprintf("%d of more than %d objects", p.Settled, p.Scanned))
	}
	parts = append(parts, humanize.IBytes(uint64(p.MovedBytes))) //nolint:gosec // a sum of sizes is never negative
	if p.BytesPerSecond > 0 {
		parts = append(parts, humanize.IBytes(uint64(p.BytesPerSecond))+"/s")
	}
	if p.SecondsLeft != nil {
		parts = append(parts, (time.Duration(*p.SecondsLeft)*time.Second).String()+" left")
	}
	if p.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", p.Failed))
	}
	runes := []rune(strings.Join(parts, "  "))
	return string(runes[:min(len(runes), max(width-1, 0))]) // in the last column a terminal breaks the line
}

const barWidth = 24

func bar(done, of int64) string {
	full := int(min(done, of) * barWidth / of)
	return "[" + strings.Repeat("█", full) + strings.Repeat("░", barWidth-full) + "]"
}

// display counts what happens and shows it now and then. Warnings are told at once.
type display struct {
	out, errOut io.Writer
	mode        progressMode
	width       int
	now         func() time.Time
	started     time.Time

	mu       sync.Mutex
	progress Progress
	isDrawn  bool

	stop  func()
	ended sync.WaitGroup
}

// show begins to show progress.
func (r *run) show() *display {
	d := &display{out: r.Out, errOut: r.ErrOut, mode: r.progress, now: r.Now, started: r.Now(), stop: func() {}}
	width, isTerminal := r.Width()
	if d.mode == progressAuto {
		d.mode = progressNone
		if isTerminal {
			d.mode = progressBar
		}
	}
	if d.width = width; !isTerminal {
		d.width = 80
	}
	switch d.mode {
	case progressBar:
		d.follow(r.Tick, barInterval, d.draw)
	case progressJSON:
		d.follow(r.Tick, jsonInterval, d.write)
	case progressAuto, progressNone:
	}
	return d
}

// follow shows the progress at each tick, until stop.
func (d *display) follow(tick func(time.Duration) (<-chan time.Time, func()), interval time.Duration, show func()) {
	ticks, stopTicks := tick(interval)
	stopped := make(chan struct{})
	d.stop = func() { close(stopped) }
	d.ended.Go(func() {
		defer stopTicks()
		for {
			select {
			case <-ticks:
				show()
			case <-stopped:
				return
			}
		}
	})
}

// close ends the showing, and takes a bar away.
func (d *display) close() {
	d.stop()
	d.ended.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
	if d.mode == progressJSON {
		d.encode(d.progress.at(d.now().Sub(d.started)))
	}
}

// Observe implements mover.Observer.
func (d *display) Observe(e mover.Event) {
	d.mu.Lock()
	d.progress.count(e)
	d.mu.Unlock()
	if e.Kind == mover.EventWarned {
		d.warn(e.Err)
	}
}

// warn tells something that was worked around.
func (d *display) warn(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mode == progressJSON {
		d.encode(struct {
			Event   string `json:"event"`
			Message string `json:"message"`
		}{"warning", err.Error()})
		return
	}
	d.erase()
	fmt.Fprintln(d.errOut, "warning:", terminal.Clean(err.Error()))
}

func (d *display) write() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.encode(d.progress.at(d.now().Sub(d.started)))
}

// encode writes a line of JSON. Who cannot be told cannot be told of that either.
func (d *display) encode(line any) {
	encoder := json.NewEncoder(d.out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(line)
}

func (d *display) draw() {
	d.mu.Lock()
	defer d.mu.Unlock()
	elapsed := d.now().Sub(d.started)
	if elapsed < barPatience {
		return
	}
	fmt.Fprint(d.errOut, "\r\x1b[K", d.progress.at(elapsed).line(d.width))
	d.isDrawn = true
}

func (d *display) erase() {
	if d.isDrawn {
		fmt.Fprint(d.errOut, "\r\x1b[K")
		d.isDrawn = false
	}
}
