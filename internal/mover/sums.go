package mover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
)

// sumCheck knows whether the target refuses parts that do not match their announced
// CRC-32C. It tries once, when it is needed first.
type sumCheck struct {
	session provider.Session
	bucket  string

	mu    sync.Mutex
	known provider.Support
}

// sumsParts tells whether parts are bound by their CRC-32C, which costs next to
// nothing, instead of a second SHA-256. A sum finds damage and no malice, so it takes
// https, which keeps that away; and a trial, which there is none of where it would
// leave what cannot be removed. Whatever stands in the way, SHA-256 does it.
func (t *transfer) sumsParts(ctx context.Context) bool {
	if !strings.HasPrefix(t.target.Session.Place().Endpoint, "https://") {
		return false
	}
	if isLocked, err := t.lock.locks(ctx); err != nil || isLocked {
		return false
	}
	support, err := t.sums.support(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.observer.Observe(Event{Kind: EventWarned, Err: fmt.Errorf("find out whether the target checks sums of parts: %w", err)})
	}
	return support == provider.Supported
}

// doubtSums takes a refusal that no other try would change for one of the sums, as
// long as there were any: the object is begun anew without.
func (t *transfer) doubtSums(isSummed bool, err error) error {
	if !isSummed || fault.Of(err).Class != fault.Terminal {
		return err
	}
	t.sums.giveUp()
	return fault.New(fault.Transient, fault.Of(err).Reason, "with sums of parts: %w", err)
}

func (c *sumCheck) giveUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = provider.Unsupported
}

// support gives what a trial shows. One that comes to nothing is not made again.
func (c *sumCheck) support(ctx context.Context) (provider.Support, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known != "" {
		return c.known, nil
	}
	found, err := probe.PartCRC(ctx, c.session, c.bucket, probePrefix)
	c.known = found
	return found, err
}
