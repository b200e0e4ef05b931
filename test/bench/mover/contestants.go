package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
)

// turn is what a contestant gets to do its work once.
type turn struct {
	source, target   end
	objects, workers int
	// bundle has the authorities of both ends; empty without TLS.
	bundle string
	// profile is where a profile is written; empty for none.
	profile string
}

// contestant does works.
type contestant struct {
	name string
	// command gives the program and its arguments; what it needs beside those of
	// credentials it puts into the environment.
	command func(b *bench, t turn) (args, environment []string, err error)
	// read looks into what it printed: whether the work was done, and how many
	// requests it took. Nil for one that does not tell.
	read func(output []byte, m *measure, objects int) error
}

// Who does what. The bare ones come first: the others are measured by them.
var (
	bareCopy     = contestant{"bare loop", bareTask("copy"), readBareCounts}
	bareList     = contestant{"bare listings", bareTask("list"), readBareCounts}
	bareRead     = contestant{"bare reads", bareTask("read"), readBareCounts}
	rcloneSync   = contestant{"rclone sync", rclone("sync", "--fast-list"), nil}
	rcloneSums   = contestant{"rclone sync --checksum", rclone("sync", "--fast-list", "--checksum"), nil}
	rcloneCheck  = contestant{"rclone check", rclone("check", "--fast-list", "--download"), nil}
	mcMirror     = contestant{"mc mirror", mc, nil}
	moverCopies  = contestant{ours, moverRun, readMover(copiedAll)}
	moverSkips   = contestant{ours, moverRun, readMover(skippedAll)}
	moverVerifes = contestant{ours, moverRun, readMover(verifiedAll)}
)

// ours is what the mover is called among them.
const ours = "mover"

func bareTask(task string) func(*bench, turn) ([]string, []string, error) {
	return func(b *bench, t turn) ([]string, []string, error) {
		return append([]string{b.programs.self}, bareArgs(task, t)...), nil, nil
	}
}

// do lets a contestant do its work and measures it.
func (b *bench) do(ctx context.Context, c contestant, t turn) (measure, error) {
	args, environment, err := c.command(b, t)
	if err != nil {
		return measure{}, err
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	// Not as arguments, which every user of the machine can list.
	command.Env = append(append(os.Environ(), environment...),
		"SOURCE_KEY="+t.source.accessKey, "SOURCE_SECRET="+t.source.secretKey,
		"TARGET_KEY="+t.target.accessKey, "TARGET_SECRET="+t.target.secretKey,
	)
	var output bytes.Buffer
	command.Stdout = &output
	m, err := timed(command)
	if err != nil {
		return m, fmt.Errorf("%w\n%s", err, output.String())
	}
	if c.read == nil {
		return m, nil
	}
	return m, c.read(output.Bytes(), &m, t.objects)
}
