package mover

import (
	"context"
	"sync"

	"github.com/rempart/rempart/internal/mover/manifest"
)

// ledger puts results, which come in any order, back into the order of the keys,
// and hands them to one recorder. It is bounded: a planner that is too far ahead
// of the slowest object waits.
type ledger struct {
	mu    sync.Mutex
	moved sync.Cond
	// slots is a ring; the result with number n is at n modulo its length.
	slots []outcome
	// next is the number of the first result not yet recorded, issued that of the
	// next one to be planned.
	next, issued int64
	closed       bool
}

// outcome is what came of one key.
type outcome struct {
	done bool
	key  string
	// entry is what the manifest is to say of the key; nil when it says nothing.
	entry *manifest.Entry
	// held is a deletion or overwrite to be decided about after the pass.
	held *pendingStep
	// failure is why the object could not be carried over, if it could not.
	failure *failure
	// atSource and atTarget tell which listing had the key.
	atSource, atTarget bool
}

// ledgerWindow is how far the planner may be ahead of the slowest object.
const ledgerWindow = 1 << 16

func newLedger() *ledger {
	return newLedgerOf(ledgerWindow)
}

func newLedgerOf(window int) *ledger {
	l := &ledger{slots: make([]outcome, window)}
	l.moved.L = &l.mu
	return l
}

// issue gives the number for the next key, once there is room for it. Whoever
// ends the context calls wake.
func (l *ledger) issue(ctx context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.issued-l.next >= int64(len(l.slots)) && ctx.Err() == nil {
		l.moved.Wait()
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	number := l.issued
	l.issued++
	return number, nil
}

// settle records the outcome of a key.
func (l *ledger) settle(number int64, o outcome) {
	o.done = true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slots[number%int64(len(l.slots))] = o
	if number == l.next {
		l.moved.Broadcast()
	}
}

// close tells that nothing more will be issued or settled.
func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.moved.Broadcast()
}

// isEmpty tells whether everything that was issued was taken.
func (l *ledger) isEmpty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next == l.issued
}

func (l *ledger) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moved.Broadcast()
}

// take gives outcomes in order as soon as they are there, many at once, and
// nothing once the ledger is closed and empty. It stops early at a gap that will
// never be filled.
func (l *ledger) take(batch []outcome) []outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch = batch[:0]
	for {
		for len(batch) < cap(batch) {
			slot := &l.slots[l.next%int64(len(l.slots))]
			if !slot.done || l.next >= l.issued {
				break
			}
			batch = append(batch, *slot)
			*slot = outcome{}
			l.next++
		}
		if len(batch) > 0 || l.closed {
			l.moved.Broadcast()
			return batch
		}
		l.moved.Wait()
	}
}
