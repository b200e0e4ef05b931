package toolbox

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress tells that something slow goes on: one line at the start and one at
// the end, and on a terminal the seconds so far in between, on the same line.
type progress struct {
	out     io.Writer
	what    string
	started time.Time
	stop    chan struct{}
	done    sync.WaitGroup
	live    bool
}

func startProgress(out io.Writer, what string) *progress {
	p := &progress{out: out, what: what, started: time.Now(), stop: make(chan struct{}), live: onTerminal(out)}
	if !p.live {
		fmt.Fprintf(out, "%s …\n", what)
		return p
	}
	fmt.Fprintf(out, "%s …", what)
	p.done.Go(p.tick)
	return p
}

func (p *progress) tick() {
	every := time.NewTicker(3 * time.Second)
	defer every.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-every.C:
			fmt.Fprintf(p.out, "\r%s … %s", p.what, p.elapsed())
		}
	}
}

// finish ends the progress; on an error it only ends the line, because the
// caller reports the error.
func (p *progress) finish(what string, err error) {
	close(p.stop)
	p.done.Wait()
	if p.live {
		// Clears the line, so that the shorter closing one leaves no rest.
		fmt.Fprint(p.out, "\r\x1b[2K")
	}
	if err == nil {
		fmt.Fprintf(p.out, "%s in %s\n", what, p.elapsed())
	}
}

func (p *progress) elapsed() time.Duration { return time.Since(p.started).Round(time.Second) }

func onTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
