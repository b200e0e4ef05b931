package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/rempart/rempart/test/harness"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// bench is one run of all works.
type bench struct {
	out      io.Writer
	rounds   int
	document string
	quick    bool
	// onlyPlacement leaves the mover out.
	onlyPlacement bool

	dir            string
	mover, self    string
	source, target *harness.S3Server
	undo           []func()
}

// work is something that every contestant does.
type work struct {
	name    string
	objects int
	size    int64
	workers int
}

func (b *bench) works() []work {
	works := []work{
		{name: "10 000 × 4 KiB, first copy", objects: 10_000, size: 4 << 10, workers: 32},
		{name: "4 × 256 MiB, first copy", objects: 4, size: 256 << 20, workers: 4},
	}
	if b.quick {
		works[0].name, works[0].objects = "1 000 × 4 KiB, first copy", 1_000
		works[1].name, works[1].size = "4 × 32 MiB, first copy", 32<<20
	}
	return works
}

// run measures placement, prepares everything else once, then lets the contestants
// take turns.
func (b *bench) run(ctx context.Context) error {
	decided, err := b.decide(ctx)
	if err != nil || b.onlyPlacement {
		return err
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	var results []result
	for _, w := range b.works() {
		bucket, err := b.fill(ctx, w)
		if err != nil {
			return err
		}
		contestants := []contestant{{"bare loop", b.runBare}, {"mover", b.runMover}}
		measured := make([][]measure, len(contestants))
		for round := range b.rounds {
			for i, c := range contestants {
				m, err := b.turn(ctx, c, w, bucket)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", w.name, c.name, err)
				}
				measured[i] = append(measured[i], m)
				fmt.Fprintf(b.out, "%s, round %d, %-9s  %s\n", w.name, round+1, c.name, m)
			}
		}
		for i, c := range contestants {
			results = append(results, result{work: w, contestant: c.name, median: median(measured[i])})
		}
	}
	return b.report(results, decided)
}

// contestant does a work from the source's bucket to an empty bucket.
type contestant struct {
	name string
	run  func(ctx context.Context, w work, from, to string) (measure, error)
}

// turn lets a contestant do its work once, into a bucket of its own that is
// removed again.
func (b *bench) turn(ctx context.Context, c contestant, w work, from string) (measure, error) {
	to := harness.BucketName()
	if err := makeBucket(ctx, b.target, to); err != nil {
		return measure{}, err
	}
	m, err := c.run(ctx, w, from, to)
	if err == nil {
		err = checkCount(ctx, b.target, to, w)
	}
	if removeErr := removeBucket(ctx, b.target, to); err == nil {
		err = removeErr
	}
	return m, err
}

func (b *bench) prepare(ctx context.Context) error {
	root, err := toolbox.Root()
	if err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "rempart-bench-"); err != nil {
		return err
	}
	b.undo = append(b.undo, func() { _ = os.RemoveAll(b.dir) })
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	b.mover = filepath.Join(b.dir, "mover")
	build := exec.CommandContext(ctx, "go", "build", "-o", b.mover, "./cmd/mover")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the mover: %w\n%s", err, output)
	}
	for _, server := range []**harness.S3Server{&b.source, &b.target} {
		if *server, err = harness.StartVersity(ctx, harness.VersityOptions{Versioning: true, Output: b.out}); err != nil {
			return err
		}
		b.undo = append(b.undo, (*server).Stop)
	}
	return nil
}

func (b *bench) cleanUp() {
	for _, undo := range slices.Backward(b.undo) {
		undo()
	}
}
