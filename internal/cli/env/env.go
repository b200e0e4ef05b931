// Package env is what every verb of the command line is given: streams, a clock
// and a way to the cluster. Nothing in internal/cli reaches for the standard
// output, the time of day or the environment by itself.
//
// exit.go lists the exit codes. Start reading at Environment.
package env

import (
	"fmt"
	"io"
	"time"

	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rempart/rempart/internal/cli/output"
)

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// Environment is what a verb works with.
type Environment struct {
	genericiooptions.IOStreams
	Clock   Clock
	Cluster *Cluster
	// Width gives the width of the terminal that Out is; false if it is none, and
	// then no control characters may go there.
	Width func() (int, bool)
}

// Note tells people something beside the answer.
func (e *Environment) Note(text string) {
	_, _ = fmt.Fprintln(e.ErrOut, "note:", output.Clean(text)) // who cannot be told cannot be told of that either
}

// TerminalWidth tells the width of the terminal behind a stream, or false if
// there is none. A terminal without a known width is taken for a narrow one.
func TerminalWidth(stream io.Writer) (int, bool) {
	file, isFile := stream.(interface{ Fd() uintptr })
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		return narrow, true
	}
	return width, true
}

const narrow = 80
