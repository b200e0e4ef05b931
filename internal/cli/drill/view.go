package drill

import (
	"fmt"
	"io"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/output"
	"github.com/rempart/rempart/internal/terminal"
)

// steps are those up to the verdict, in order. What comes after it is cleaning up.
func steps() []v1alpha1.DrillProgression {
	return []v1alpha1.DrillProgression{
		v1alpha1.ProgressionPlanning, v1alpha1.ProgressionPreflight, v1alpha1.ProgressionRestoring,
		v1alpha1.ProgressionVerifying, v1alpha1.ProgressionReporting,
	}
}

// progress is how far a drill was seen to be, and when. A step between two looks
// may never be seen: then it is done, and how long it took is not known.
type progress struct {
	began time.Time
	// current is the index of the step that it is at; -1 before the first,
	// len(steps()) after the last. A drill that ended before its time stays at the
	// step where it was last seen.
	current int
	// hasVerdict and isBroken tell that it ended, and that it did before its time.
	hasVerdict, isBroken bool
	entered              map[int]time.Time
	left                 map[int]time.Time
	// places says what is restored where, once it is decided.
	places string
	// obstacle is why the drill, or the look at it, does not get on.
	obstacle string
}

func newProgress(now time.Time) *progress {
	return &progress{began: now, current: -1, entered: map[int]time.Time{}, left: map[int]time.Time{}}
}

// take takes up what a look at the drill showed.
func (p *progress) take(drill *v1alpha1.ReversibilityDrill, now time.Time) {
	status := drill.Status
	p.hasVerdict = status.Verdict != ""
	p.isBroken = status.Verdict == v1alpha1.VerdictInconclusive
	if at := indexOf(status.Progression); at != p.current && !p.isBroken {
		p.left[p.current] = now
		p.current = at
		p.entered[at] = now
	}
	if effective := status.Effective; effective != nil {
		p.places = fmt.Sprintf("the copy at %s is restored to %s", effective.From.PlaceReference, effective.To.PlaceReference)
	}
	p.obstacle = ""
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	if ready != nil && ready.Status != metav1.ConditionTrue && ready.Reason != v1alpha1.ReasonProgressing && status.Verdict == "" {
		p.obstacle = ready.Message
	}
}

// lose records that the drill could not be looked at.
func (p *progress) lose(err error) { p.obstacle = err.Error() + "; trying again" }

func indexOf(step v1alpha1.DrillProgression) int {
	if step == "" {
		return -1
	}
	for i, known := range steps() {
		if step == known {
			return i
		}
	}
	return len(steps())
}

// elapsed tells how long a step took, or takes until now; nothing if it was not
// seen.
func (p *progress) elapsed(step int, now time.Time) string {
	entered, wasSeen := p.entered[step]
	if !wasSeen {
		return ""
	}
	end, isOver := p.left[step]
	if !isOver {
		end = now
	}
	return end.Sub(entered).Round(time.Second).String()
}

// view shows how far a drill is.
type view interface {
	show(p *progress, now time.Time)
}

// view gives one that redraws a block on a terminal, and otherwise one that writes
// a line whenever something has changed.
func (c *command) view() view {
	if width, isTerminal := c.env.Width(); isTerminal {
		return &block{out: c.env.Out, width: width}
	}
	return &lines{out: c.env.Out}
}

// lines writes plain lines.
type lines struct {
	out io.Writer
	// step and places are what was said last.
	step, places string
}

func (l *lines) show(p *progress, now time.Time) {
	after := now.Sub(p.began).Round(time.Second)
	if p.places != l.places {
		l.places = p.places
		l.line(after, p.places)
	}
	step := "waiting for the operator to begin"
	switch {
	case p.hasVerdict:
		step = "the verdict is there"
	case p.current >= 0:
		step = string(steps()[p.current])
	}
	if p.obstacle != "" {
		step += ": " + p.obstacle
	}
	if step != l.step {
		l.step = step
		l.line(after, step)
	}
}

func (l *lines) line(after time.Duration, text string) {
	_, _ = fmt.Fprintf(l.out, "%6s  %s\n", after, terminal.Clean(text))
}

// block draws all steps, over what it drew before.
type block struct {
	out   io.Writer
	width int
	// drawn is how many lines the last drawing had.
	drawn int
}

func (b *block) show(p *progress, now time.Time) {
	drawing := b.drawing(p, now)
	var text strings.Builder
	if b.drawn > 0 {
		// Up to the first line, and clear from there on.
		fmt.Fprintf(&text, "\x1b[%dA\x1b[J", b.drawn)
	}
	for _, line := range drawing {
		// A line that the terminal breaks would be two, and the next drawing
		// would begin too low.
		text.WriteString(output.Shorten(terminal.Clean(line), b.width-1) + "\n")
	}
	b.drawn = len(drawing)
	_, _ = io.WriteString(b.out, text.String())
}

func (b *block) drawing(p *progress, now time.Time) []string {
	var drawing []string
	for i, step := range steps() {
		mark := " "
		switch {
		case i < p.current:
			mark = "✓"
		case i == p.current && p.isBroken:
			mark = "✗"
		case i == p.current:
			mark = "▸"
		}
		drawing = append(drawing, strings.TrimRight(fmt.Sprintf("  %s %-10s %8s", mark, step, p.elapsed(i, now)), " "))
	}
	total := now.Sub(p.began).Round(time.Second).String()
	switch {
	case p.obstacle != "":
		drawing = append(drawing, "  "+total+", "+p.obstacle)
	case p.places != "":
		drawing = append(drawing, "  "+total+", "+p.places)
	case p.current < 0:
		drawing = append(drawing, "  "+total+", waiting for the operator to begin")
	default:
		drawing = append(drawing, "  "+total)
	}
	return drawing
}
