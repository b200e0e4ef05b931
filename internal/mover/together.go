package mover

import (
	"context"
	"sync"
)

// Together lets several runs of one process work on one target at a time: each
// object belongs to one of them while it is copied, so that what was read later is
// written later, and the manifest to one of them while it is changed. It is used by
// pointer, and a nil one lets everybody through.
type Together struct {
	mu sync.Mutex
	// held are the keys that some run is at; the channel is closed when it is done.
	held map[string]chan struct{}
	// manifest is the turn to write the manifest: whoever puts something in has it.
	manifest chan struct{}
	// passes counts the passes that had that turn.
	passes int
}

// NewTogether makes one for the runs to one target.
func NewTogether() *Together {
	return &Together{held: map[string]chan struct{}{}, manifest: make(chan struct{}, 1)}
}

// hold waits until nobody is at the key, and gives the function that ends the hold.
func (t *Together) hold(ctx context.Context, key string) (release func(), err error) {
	if t == nil {
		return func() {}, nil
	}
	for {
		done := make(chan struct{})
		t.mu.Lock()
		busy, isHeld := t.held[key]
		if !isHeld {
			t.held[key] = done
		}
		t.mu.Unlock()
		if !isHeld {
			return func() { t.let(key, done) }, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (t *Together) let(key string, done chan struct{}) {
	t.mu.Lock()
	delete(t.held, key)
	t.mu.Unlock()
	close(done)
}

// isHeld tells whether some run is at the key.
func (t *Together) isHeld(key string) bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, isHeld := t.held[key]
	return isHeld
}

// haveManifest waits for a pass's turn to write the manifest, and gives the function
// that ends it.
func (t *Together) haveManifest(ctx context.Context) (release func(), err error) {
	if t == nil {
		return func() {}, nil
	}
	select {
	case t.manifest <- struct{}{}:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.passes++
		return func() { <-t.manifest }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// era names a time in which no pass was at the manifest; isQuiet is false while one is.
func (t *Together) era() (passes int, isQuiet bool) {
	release, isFree := t.tryManifest()
	if !isFree {
		return 0, false
	}
	defer release()
	if t == nil {
		return 0, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.passes, true
}

// isStill tells whether no pass had the manifest since the era began. Whoever asks has
// the turn.
func (t *Together) isStill(era int) bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.passes == era
}

// tryManifest takes the turn if nobody has it.
func (t *Together) tryManifest() (release func(), isOurs bool) {
	if t == nil {
		return func() {}, true
	}
	select {
	case t.manifest <- struct{}{}:
		return func() { <-t.manifest }, true
	default:
		return nil, false
	}
}
