package mover

import (
	"context"
	"maps"
	"sync"

	"github.com/rempart/rempart/internal/provider"
)

// Event is something that happened in a run.
type Event struct {
	Kind EventKind
	// Key is relative to the prefixes; empty for events about the run.
	Key string
	// Bytes is the size of the object, or what moved for EventMoved.
	Bytes int64
	Err   error
}

// EventKind says what happened.
type EventKind string

// Kinds of events.
const (
	// EventScanned: the source listed an object.
	EventScanned EventKind = "scanned"
	// EventPlanned: an object is to be copied or compared.
	EventPlanned EventKind = "planned"
	// EventMoved: that many bytes were read.
	EventMoved EventKind = "moved"
	// EventCopied: an object was written and verified.
	EventCopied EventKind = "copied"
	// EventSkipped: an object was there already.
	EventSkipped EventKind = "skipped"
	// EventDeleted: an object was removed from the target.
	EventDeleted EventKind = "deleted"
	// EventFailed: an object could not be carried over.
	EventFailed EventKind = "failed"
	// EventRetried: an object is tried again.
	EventRetried EventKind = "retried"
	// EventWarned: something is odd and was worked around.
	EventWarned EventKind = "warned"
	// EventListed: the whole source was listed, so that totals are known.
	EventListed EventKind = "listed"
)

// Observer is told what happens, from many goroutines at once. It must not block.
type Observer interface {
	Observe(Event)
}

// ObserverFunc is a function that observes.
type ObserverFunc func(Event)

// Observe implements Observer.
func (f ObserverFunc) Observe(e Event) { f(e) }

type silent struct{}

func (silent) Observe(Event) {}

// Counter counts calls by operation. The zero value is ready.
type Counter struct {
	mu     sync.Mutex
	counts map[string]int64
}

// Intercept is a provider.Interceptor that counts each call before it is made.
func (c *Counter) Intercept(ctx context.Context, operation provider.Operation, call func(context.Context) error) error {
	c.mu.Lock()
	if c.counts == nil {
		c.counts = map[string]int64{}
	}
	c.counts[operation.Name]++
	c.mu.Unlock()
	return call(ctx)
}

// Counts gives the counts so far.
func (c *Counter) Counts() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counts)
}
