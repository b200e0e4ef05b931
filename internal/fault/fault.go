// Package fault gives errors a consequence: what the caller should do next, and
// the one stable word a person sees for it.
//
// Drivers classify at the edge, in one errors.go each; the reconcile loop decides
// at the centre. An error nobody classified is Transient.
//
// Start reading at Error.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Class says what to do next about a failure. The zero value is the safe one.
type Class uint8

const (
	// Transient failures are tried again with backoff.
	Transient Class = iota
	// Throttled failures are tried again after the delay that the remote named.
	Throttled
	// Waiting means that nothing is broken: something else must happen first.
	Waiting
	// Terminal failures end only with a new spec, new credentials or more quota.
	Terminal
)

// String gives the name used in logs and metric labels.
func (c Class) String() string {
	switch c {
	case Throttled:
		return "throttled"
	case Waiting:
		return "waiting"
	case Terminal:
		return "terminal"
	default:
		return "transient"
	}
}

// Error is a failure that knows its consequence.
type Error struct {
	Class Class
	// Reason becomes the condition reason, the event reason and the metric label.
	Reason Reason
	// After is how long to wait before the next try; 0 lets the caller choose.
	After time.Duration
	// Err says what happened, to what. It never holds a credential.
	Err error
}

// Error implements error with the message of the cause alone: class and reason
// are shown beside it, not inside it.
func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Reason)
	}
	return e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes a classified error from a message.
func New(class Class, reason Reason, format string, args ...any) *Error {
	return &Error{Class: class, Reason: reason, Err: fmt.Errorf(format, args...)}
}

// Of finds the classification of err. An unclassified error is Transient with
// the reason Unclassified; nil stays nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	if classified, ok := errors.AsType[*Error](err); ok {
		return &Error{Class: classified.Class, Reason: classified.Reason, After: classified.After, Err: err}
	}
	return &Error{Class: Transient, Reason: Unclassified, Err: err}
}

// HasReason tells whether err carries the reason anywhere in its chain.
func HasReason(err error, reason Reason) bool {
	classified, ok := errors.AsType[*Error](err)
	return ok && classified.Reason == reason
}
