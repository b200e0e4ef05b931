// Package command is the command line of the mover: one run of a job that a file
// describes, without Kubernetes. What it reads, prints and exits with is a
// contract, described in docs/mover.md.
//
// Start reading at New and run.do.
package command

import (
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rempart/rempart/internal/provider"
)

// Environment is what the command works with. It reaches for nothing else but the
// files that the spec names.
type Environment struct {
	In          io.Reader
	Out, ErrOut io.Writer
	// LookupEnv reads a variable of the environment, and tells whether it is set.
	LookupEnv func(name string) (string, bool)
	// Open makes a session; it is that of a driver.
	Open func(provider.Place, provider.Credentials) (provider.Session, error)
	// LimitMemory keeps the memory of the process near a number of bytes.
	LimitMemory func(bytes int64)
	// Now is the clock, and Tick one that strikes at an interval until it is
	// stopped.
	Now  func() time.Time
	Tick func(time.Duration) (ticks <-chan time.Time, stop func())
	// Width gives the width of the terminal that ErrOut is; false if it is none.
	Width func() (int, bool)
}

// ExitCode is what the process tells the one that started it.
type ExitCode int

// Exit codes.
const (
	// ExitComplete: the target holds what the source listed.
	ExitComplete ExitCode = 0
	// ExitFailed: the run could not be carried out, or its results not be kept.
	ExitFailed ExitCode = 1
	// ExitUsage: the spec or the command line makes no sense.
	ExitUsage ExitCode = 2
	// ExitPartial: some objects could not be copied, or the run was stopped.
	ExitPartial ExitCode = 3
	// ExitGuarded: the run stopped itself before it deleted anything.
	ExitGuarded ExitCode = 4
)

// ended is how a run ended, as an error for cobra. A nil err has nothing to say:
// the report was printed.
type ended struct {
	code ExitCode
	err  error
}

// Error implements error.
func (e *ended) Error() string {
	if e.err == nil {
		return "the run did not complete"
	}
	return e.err.Error()
}

// Unwrap gives the cause.
func (e *ended) Unwrap() error { return e.err }

func misuse(err error) error { return &ended{code: ExitUsage, err: err} }

// Outcome gives the exit code of what the command gave, and what is to be said
// about it; nothing if it was said already.
func Outcome(err error) (ExitCode, string) {
	if err == nil {
		return ExitComplete, ""
	}
	if end, isEnded := errors.AsType[*ended](err); isEnded {
		if end.err == nil {
			return end.code, ""
		}
		return end.code, err.Error()
	}
	return ExitUsage, err.Error() // cobra objects to the command line
}

// New makes the command line.
func New(environment Environment, version string) *cobra.Command {
	root := &cobra.Command{
		Use:   "mover",
		Short: "Copy the objects of a bucket to another, and keep the copy true",
		Long: `Copy the objects of one bucket to another: streaming, verified, bounded in memory,
and never deleting by mistake.`,
		Version: version,
		// Errors are printed once, by whoever runs the command, without the usage.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(environment.In)
	root.SetOut(environment.Out)
	root.SetErr(environment.ErrOut)
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(newRun(environment))
	return root
}
