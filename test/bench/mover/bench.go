package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/rempart/rempart/test/bench/document"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// bench is one run of all works.
type bench struct {
	out      io.Writer
	rounds   int
	page     string
	quick    bool
	only     *regexp.Regexp
	profiles string
	// within is how long it all may take. On a slow machine there are fewer rounds, and
	// one at least.
	within time.Duration

	dir      string
	programs programs
	stores   stores
	undo     []func()
}

// programs are the paths of what is measured.
type programs struct{ self, mover, rclone, mc string }

// result is what came of a work.
type result struct {
	work   work
	rounds int
	// medians are those of each contestant, by its name.
	medians map[string]measure
}

// run prepares everything once, then lets the contestants take turns.
func (b *bench) run(ctx context.Context) error {
	began := time.Now()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	todo := slices.DeleteFunc(works(b.quick), func(w work) bool { return !b.only.MatchString(w.name) })
	var results []result
	for i, w := range todo {
		r, err := b.measure(ctx, w, began.Add(until(todo, i, b.within)))
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		results = append(results, r)
	}
	section := b.section(ctx, results, time.Since(began))
	fmt.Fprintf(b.out, "\n%s", section)
	if b.page == "" {
		return nil
	}
	return document.Write(b.page, "## The mover", section)
}

// until gives when a work has to be done so that all are done within a time.
func until(todo []work, last int, within time.Duration) time.Duration {
	var all, so int
	for i, w := range todo {
		all += w.minutes
		if i <= last {
			so += w.minutes
		}
	}
	return within * time.Duration(so) / time.Duration(all)
}

// measure has every contestant do a work in turn. It begins no other round that would
// not end before its time is over.
func (b *bench) measure(ctx context.Context, w work, end time.Time) (result, error) {
	r := result{work: w, rounds: cmp.Or(w.rounds, b.rounds), medians: map[string]measure{}}
	if b.quick {
		r.rounds = 1
	}
	stage, err := w.stage(ctx, b, w)
	if err != nil {
		return r, err
	}
	defer stage.end()
	measured := map[string][]measure{}
	for round := range r.rounds {
		began := time.Now()
		for _, c := range w.contestants {
			m, err := stage.turn(ctx, c)
			if err != nil {
				return r, fmt.Errorf("%s: %w", c.name, err)
			}
			measured[c.name] = append(measured[c.name], m)
			fmt.Fprintf(b.out, "%s, round %d, %-22s %s\n", w.name, round+1, c.name, m)
		}
		if time.Now().Add(time.Since(began)).After(end) {
			r.rounds = round + 1
			break
		}
	}
	for name, measures := range measured {
		r.medians[name] = median(measures)
	}
	return r, b.count(ctx, stage, r)
}

// prepare makes the programs and starts the stores.
func (b *bench) prepare(ctx context.Context) error {
	root, err := toolbox.Root()
	if err != nil {
		return err
	}
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o750); err != nil {
			return err
		}
	}
	if b.dir, err = os.MkdirTemp("", "rempart-bench-"); err != nil {
		return err
	}
	b.undo = append(b.undo, func() { _ = os.RemoveAll(b.dir) })
	if b.programs.self, err = os.Executable(); err != nil {
		return err
	}
	if b.programs.rclone, err = toolbox.Find(ctx, b.out, toolbox.Rclone); err != nil {
		return err
	}
	if b.programs.mc, err = toolbox.Find(ctx, b.out, toolbox.MC); err != nil {
		return err
	}
	b.programs.mover = filepath.Join(b.dir, "mover")
	// As `make build` does.
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.programs.mover, "./cmd/mover")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the mover: %w\n%s", err, output)
	}
	return b.startStores(ctx)
}

func (b *bench) cleanUp() {
	for _, undo := range slices.Backward(b.undo) {
		undo()
	}
}
