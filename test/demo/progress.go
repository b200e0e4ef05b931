package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"
)

// isTerminal tells whether a person is watching.
var isTerminal = sync.OnceValue(func() bool { return term.IsTerminal(int(os.Stdout.Fd())) })

// plainInterval is how often a plain line says how far it is.
const plainInterval = 10 * time.Second

// progress shows that something goes on once it takes longer than two seconds: on
// a terminal a line that is drawn again, otherwise a plain line now and then.
type progress struct {
	demo  *demo
	what  string
	total int64

	mu      sync.Mutex
	moved   int64
	started time.Time
	shown   bool
	// said is when the last plain line was written.
	said  time.Time
	stop  chan struct{}
	once  sync.Once
	ended sync.WaitGroup
}

// busy shows something of which nobody knows how long it takes.
func (d *demo) busy(what string) *progress { return d.bar(what, 0) }

// bar shows something that moves towards a total of bytes.
func (d *demo) bar(what string, total int64) *progress {
	p := &progress{demo: d, what: what, total: total, started: time.Now(), stop: make(chan struct{})}
	p.ended.Go(func() {
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-ticker.C:
				p.show()
			}
		}
	})
	return p
}

func (p *progress) add(moved int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved += moved
}

// set tells how far it is.
func (p *progress) set(moved int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved = max(p.moved, min(moved, p.total))
}

// done takes the line away. It may be called again.
func (p *progress) done() {
	p.once.Do(func() { close(p.stop) })
	p.ended.Wait()
	if p.shown && isTerminal() {
		fmt.Fprint(p.demo.out, "\r\033[K")
		p.shown = false
	}
}

func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	elapsed := time.Since(p.started)
	if elapsed < 2*time.Second {
		return
	}
	switch {
	case isTerminal():
		fmt.Fprintf(p.demo.out, "\r\033[K   %s %s %s", p.what, p.picture(), elapsed.Round(time.Second))
	case !p.shown:
		p.demo.say("%s …", p.what)
		p.said = time.Now()
	case time.Since(p.said) >= plainInterval:
		p.demo.say("%s %s %s", p.what, p.picture(), elapsed.Round(time.Second))
		p.said = time.Now()
	}
	p.shown = true
}

// picture is a bar where there is a total, else nothing.
func (p *progress) picture() string {
	const width = 30
	if p.total <= 0 {
		return "…"
	}
	full := int(p.moved * width / p.total)
	return fmt.Sprintf("[%s%s] %s of %s", strings.Repeat("█", full), strings.Repeat("░", width-full),
		humanBytes(p.moved), humanBytes(p.total))
}

func humanBytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
