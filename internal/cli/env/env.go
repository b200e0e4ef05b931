// Package env is what every verb of the command line is given: streams, a clock
// and a way to the cluster. Nothing in internal/cli reaches for the standard
// output, the time of day or the environment by itself.
//
// exit.go lists the exit codes. Start reading at Environment.
package env

import (
	"fmt"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/terminal"
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
	// Language is that of messages which are in the catalogue: what the environment says,
	// until a flag says otherwise.
	Language message.Language
}

// Note tells people something beside the answer, in English.
func (e *Environment) Note(text string) {
	_, _ = fmt.Fprintln(e.ErrOut, "note:", terminal.Clean(text)) // who cannot be told cannot be told of that either
}

// Tell tells people something beside the answer, in their language.
func (e *Environment) Tell(text message.Text) {
	_, _ = fmt.Fprintln(e.ErrOut, terminal.Clean(e.Say(message.Of("note: %s", text))))
}
