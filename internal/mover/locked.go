package mover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
)

// lockCheck knows whether the target puts all that is written under object lock.
// There nothing is tried, for a trial would leave what cannot be removed; what is
// known of the store otherwise counts. It asks once, when it is needed first.
type lockCheck struct {
	session provider.Session
	bucket  string

	mu                sync.Mutex
	isKnown, isLocked bool
}

func (l *lockCheck) locks(ctx context.Context) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isKnown {
		return l.isLocked, nil
	}
	protection, err := l.session.ObserveProtection(ctx, l.bucket)
	if err != nil && !errors.Is(err, provider.ErrDenied) { // a scoped key may not look
		return false, fmt.Errorf("find out whether the target is under object lock: %w", err)
	}
	l.isKnown, l.isLocked = true, !protection.Retention.IsZero()
	return l.isLocked, nil
}

// exact tells why the target would not keep the key as it is, or nil. Such a key
// is never sent: some stores would silently write another object.
func (t *transfer) exact(ctx context.Context, key string, size int64) error {
	isEmpty := size == 0
	traits := probe.Traits(key, isEmpty)
	if len(traits) == 0 {
		return nil
	}
	isLocked, err := t.lock.locks(ctx)
	switch {
	case err != nil:
		return err
	case isLocked:
		return t.known.exact(key, traits, t.target.Bucket)
	case isEmpty:
		return t.keys.ExactEmpty(ctx, key)
	}
	return t.keys.Exact(ctx, key)
}

// exact judges a key by what is known of the store.
func (k Known) exact(key string, traits []string, bucket string) error {
	support := k.Capabilities.Of(provider.CapabilityExactKeys)
	if support == provider.Supported {
		return nil
	}
	isTold := support != provider.Unknown && len(k.KeysNotKept) > 0
	for _, trait := range traits {
		switch {
		case !isTold:
			return fault.New(fault.Terminal, fault.KeysNotExact,
				"key %q in bucket %q: %w: it is not known whether the store keeps %s, and in a bucket under object lock that is not tried",
				key, bucket, provider.ErrInvalidKey, trait)
		case slices.Contains(k.KeysNotKept, trait):
			return fault.New(fault.Terminal, fault.KeysNotExact,
				"key %q in bucket %q: %w: the store does not keep %s", key, bucket, provider.ErrInvalidKey, trait)
		}
	}
	return nil
}

// checksContent tells whether what is sent is bound to its hash.
func (t *transfer) checksContent(ctx context.Context) (bool, error) {
	if t.checks.isKnown() {
		return t.checks.isBound(ctx)
	}
	isLocked, err := t.lock.locks(ctx)
	if err != nil || isLocked {
		return err == nil && t.known.Capabilities.Of(provider.CapabilityContentHash) == provider.Supported, err
	}
	return t.checks.isBound(ctx)
}
