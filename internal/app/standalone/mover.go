// Package standalone puts together the programs that run without Kubernetes, so
// that they stay small: the rest of internal/app brings a cluster's client along.
//
// Start reading at RunMover.
package standalone

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/rempart/rempart/internal/mover/command"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/terminal"
)

// RunMover runs the mover's command line with the given arguments and gives its
// exit code. The first interrupt or SIGTERM ends the run in order, the second one
// ends the process.
func RunMover(args []string, version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	environment := command.Environment{
		In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr,
		LookupEnv: os.LookupEnv, Open: s3.Driver{}.Open,
		LimitMemory: limitMemory,
		Now:         time.Now, Tick: tick,
		Width: func() (int, bool) {
			if os.Getenv("TERM") == "dumb" {
				return 0, false
			}
			return terminal.Width(os.Stderr)
		},
	}
	return ExecuteMover(ctx, environment, version, args)
}

// ExecuteMover runs a command line of the mover, says what went wrong and gives
// the exit code.
func ExecuteMover(ctx context.Context, environment command.Environment, version string, args []string) int {
	root := command.New(environment, version)
	root.SetArgs(append([]string{}, args...)) // cobra takes none for those of the process
	code, message := command.Outcome(root.ExecuteContext(ctx))
	if message != "" {
		say(environment.ErrOut, message)
	}
	return int(code)
}

func say(w io.Writer, message string) {
	for line := range strings.SplitSeq(message, "\n") {
		fmt.Fprintln(w, "mover:", terminal.Clean(line))
	}
}

// limitMemory leaves a lower limit alone that GOMEMLIMIT has set.
func limitMemory(bytes int64) { debug.SetMemoryLimit(min(bytes, debug.SetMemoryLimit(-1))) }

func tick(interval time.Duration) (<-chan time.Time, func()) {
	ticker := time.NewTicker(interval)
	return ticker.C, ticker.Stop
}
