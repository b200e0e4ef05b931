// Package work runs what takes long beside the reconcile loop: one run for each
// key, results kept until they are forgotten, the loop woken when something is new.
//
// Nothing in it is durable. After a restart there is no run, and the loop, which
// knows from the object's status what was under way, decides what to do.
//
// Start reading at Pool.
package work

import (
	"context"
	"sync"
)

// Pool runs work of one kind. V is what a run publishes while it goes on and
// when it ends.
type Pool[V any] struct {
	// wake is called with the key when a run published something or ended.
	wake func(key string)
	// slots bounds how many runs work at once; the others wait.
	slots chan struct{}

	mu      sync.Mutex
	runs    map[string]*run[V]
	stopped bool
	ended   sync.WaitGroup
	// base is the context of all runs.
	base   context.Context //nolint:containedctx // runs outlive whoever begins them
	cancel context.CancelFunc
}

type run[V any] struct {
	latest V
	done   bool
	cancel context.CancelFunc
}

// NewPool makes a pool that runs at most limit runs at once.
func NewPool[V any](limit int, wake func(key string)) *Pool[V] {
	base, cancel := context.WithCancel(context.Background()) //nolint:gosec // Start calls it
	return &Pool[V]{
		wake: wake, slots: make(chan struct{}, limit), runs: map[string]*run[V]{}, base: base, cancel: cancel,
	}
}

// Begin starts a run unless one with the key is under way or was not forgotten
// yet, and tells whether it did. First is what Look gives until the
// function publishes progress with its second argument; it publishes the result
// by returning it.
func (p *Pool[V]) Begin(key string, first V, function func(ctx context.Context, publish func(V)) V) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, exists := p.runs[key]; exists || p.stopped {
		return false
	}
	ctx, cancel := context.WithCancel(p.base)
	started := &run[V]{latest: first, cancel: cancel}
	p.runs[key] = started
	p.ended.Go(func() {
		defer cancel()
		if p.wait(ctx) {
			defer func() { <-p.slots }()
		}
		result := function(ctx, func(v V) { p.publish(key, started, v, false) })
		p.publish(key, started, result, true)
	})
	return true
}

// wait takes a slot and tells whether it did. A run whose context ends first
// goes on without one, to say that it was stopped.
func (p *Pool[V]) wait(ctx context.Context) bool {
	select {
	case p.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *Pool[V]) publish(key string, r *run[V], v V, done bool) {
	p.mu.Lock()
	r.latest, r.done = v, done
	p.mu.Unlock()
	p.wake(key)
}

// Look gives what the run with the key published last, and whether it is still
// under way. Known is false when there is no such run.
func (p *Pool[V]) Look(key string) (latest V, underWay, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, known := p.runs[key]
	if !known {
		return latest, false, false
	}
	return r.latest, !r.done, true
}

// Forget drops a run that has ended, so that another one with its key may begin.
// It is called once the result is safe.
func (p *Pool[V]) Forget(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, exists := p.runs[key]; exists && r.done {
		delete(p.runs, key)
	}
}

// Cancel stops the run with the key. Its result is published when it has
// stopped.
func (p *Pool[V]) Cancel(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, exists := p.runs[key]; exists {
		r.cancel()
	}
}

// Start keeps the pool open until the context ends, then stops all runs and waits
// for them. It implements manager.Runnable.
func (p *Pool[V]) Start(ctx context.Context) error {
	<-ctx.Done()
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.cancel()
	p.ended.Wait()
	return nil
}
