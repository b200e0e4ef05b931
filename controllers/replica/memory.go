package replica

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/throttle"
	"github.com/rempart/rempart/internal/work"
)

// memorised is what this process remembers of a copy. A new process knows
// nothing and looks again.
type memorised struct {
	// lookedAt is when the bucket was found as it should be.
	lookedAt time.Time
	// lookDue is when to look again, at the latest.
	lookDue time.Time
	// setUp is what the bucket was set up as.
	setUp provider.Bucket
	// inspectDue is when to look at the settings that others make.
	inspectDue time.Time
	// lookAnswered and inspectAnswered are the values of the annotation that asks
	// for a run, as of those looks.
	lookAnswered, inspectAnswered string
	// ranAt is when the last run of the mover ended, report what it came to.
	ranAt  time.Time
	report *mover.Report
	// seenSince is when the last pass began that saw all of the source.
	seenSince time.Time
	// events is what was heard of the source.
	events memorisedEvents
	// source is the primary's bucket that was copied last.
	source string
	// throttled is what a store answered that wants to be left alone until then.
	throttled      error
	throttledUntil time.Time
	// requested is the value of the annotation that the last run answered.
	requested string
	// audits is how many audits in a row ended without a clean result, auditedAt
	// when the last one ended and auditErr why it came to no result, if it did not.
	audits    int
	auditedAt time.Time
	auditErr  error
	// lock is what kept the bucket from being emptied, tryLockAt when that is tried
	// again.
	lock      *provider.LockedError
	tryLockAt time.Time
}

type memory struct {
	mu  sync.Mutex
	all map[types.UID]memorised
	// turns are those that runs to one copy take.
	turns map[types.UID]*mover.Together
	// lines bound the bandwidth of all runs to one copy.
	lines map[types.UID]*throttle.Account
}

func newMemory() *memory {
	return &memory{all: map[types.UID]memorised{}, turns: map[types.UID]*mover.Together{}, lines: map[types.UID]*throttle.Account{}}
}

// together gives what lets several runs to one copy work at a time.
func (m *memory) together(uid types.UID) *mover.Together {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.turns[uid] == nil {
		m.turns[uid] = mover.NewTogether()
	}
	return m.turns[uid]
}

// line gives what bounds the bandwidth of all runs to one copy.
func (m *memory) line(uid types.UID, bytesPerSecond int64) *throttle.Account {
	limits := throttle.Limits{BytesPerSecond: bytesPerSecond}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lines[uid] == nil {
		m.lines[uid] = throttle.NewAccount(limits)
	}
	m.lines[uid].SetLimits(limits)
	return m.lines[uid]
}

func (m *memory) of(uid types.UID) memorised {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[uid]
}

func (m *memory) set(uid types.UID, remembered memorised) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all[uid] = remembered
}

func (m *memory) forget(uid types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, uid)
	delete(m.turns, uid)
	delete(m.lines, uid)
}

// key is the replica's key in the pool.
func (s *scope) key() string {
	return work.Key(types.NamespacedName{Namespace: s.replica.Namespace, Name: s.replica.Name})
}
