package env

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// ExitCode is what the process tells the one that started it. This is the only
// list of them.
type ExitCode int

// Exit codes.
const (
	// ExitOK: it was done, and the answer is yes if there was a question.
	ExitOK ExitCode = 0
	// ExitNo: the answer is no: a bucket is not satisfied or not protected, a
	// drill failed, evidence is not valid.
	ExitNo ExitCode = 1
	// ExitUsage: the command line makes no sense, or a file cannot be read.
	ExitUsage ExitCode = 2
	// ExitInconclusive: a drill came to an end that proves nothing, or evidence is
	// signed by somebody whom nobody trusts.
	ExitInconclusive ExitCode = 3
	// ExitFailure: anything else, such as no cluster or no time left.
	ExitFailure ExitCode = 4
)

// exitError is an error that knows its exit code. A nil err has nothing to say:
// the answer was printed already.
type exitError struct {
	code ExitCode
	err  error
	// isInput tells that not the command line is at fault but what it names.
	isInput bool
}

// Error implements error.
func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

// Unwrap gives the cause.
func (e *exitError) Unwrap() error { return e.err }

// Usage is an error about the command line.
func Usage(err error) error { return &exitError{code: ExitUsage, err: err} }

// Input is an error about a file that the command line names.
func Input(err error) error { return &exitError{code: ExitUsage, err: err, isInput: true} }

// Answer ends a command whose answer was printed already.
func Answer(code ExitCode) error {
	if code == ExitOK {
		return nil
	}
	return &exitError{code: code}
}

// Run makes an action the RunE of a command: whatever goes wrong in it and has no
// code of its own is a failure, while what cobra itself objects to is a matter of
// usage.
func Run(action func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := action(cmd, args)
		var coded *exitError
		if err == nil || errors.As(err, &coded) {
			return err
		}
		return &exitError{code: ExitFailure, err: err}
	}
}

// CodeOf gives the exit code for what a command returned.
func CodeOf(err error) ExitCode {
	var coded *exitError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &coded):
		return coded.code
	default:
		return ExitUsage // cobra's own: an unknown command, flag or argument
	}
}

// IsMisuse tells whether the help of the command would help.
func IsMisuse(err error) bool {
	var coded *exitError
	return CodeOf(err) == ExitUsage && (!errors.As(err, &coded) || !coded.isInput)
}

// MessageOf gives what is left to say about an error; nothing if the answer was
// printed already.
func MessageOf(err error) string {
	var coded *exitError
	if err == nil || errors.As(err, &coded) && coded.err == nil {
		return ""
	}
	return err.Error()
}
