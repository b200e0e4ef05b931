package notification

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Bounds of a queue.
const (
	// copyLimit is how many keys wait for one copy, totalLimit for all of them: about
	// 100 MiB if every key is as long as can be.
	copyLimit  = 20_000
	totalLimit = 100_000
	// batchLimit is how many keys are taken at a time.
	batchLimit = 1000
	// tryLimit is how often a key is taken before it is left to a pass.
	tryLimit = 6
)

// Queue keeps for each copy the keys that are said to have changed at its source, each
// once. It is safe for concurrent use.
type Queue struct {
	mu    sync.Mutex
	lines map[string]*line
	total int
	// lost is when a provider told last what nobody could take.
	lost map[string]time.Time
}

// line is what waits for one copy.
type line struct {
	waiting map[string]item
	// work is what was taken and is not done yet.
	work map[string]item
	// lostAt is when something was told last that there was no room for.
	lostAt time.Time
}

type item struct {
	// since is when it was told first.
	since time.Time
	tries int
}

// State is what a queue has for a copy.
type State struct {
	// Waiting is how many keys wait to be taken.
	Waiting int
	// Since is when the oldest was told that waits or is in work; zero if none is.
	Since time.Time
	// LostAt is when something was lost last.
	LostAt time.Time
}

// NewQueue makes an empty queue.
func NewQueue() *Queue { return &Queue{lines: map[string]*line{}, lost: map[string]time.Time{}} }

func (q *Queue) line(of string) *line {
	l := q.lines[of]
	if l == nil {
		l = &line{waiting: map[string]item{}, work: map[string]item{}}
		q.lines[of] = l
	}
	return l
}

// Add has keys wait for a copy, and tells how many there was no room for. A key that
// waits already keeps its time; one that is in work waits again, for what was told may
// have happened after it was read.
func (q *Queue) Add(of string, keys []string, now time.Time) (lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.line(of)
	for _, key := range keys {
		if _, isWaiting := l.waiting[key]; isWaiting {
			continue
		}
		if len(l.waiting) >= copyLimit || q.total >= totalLimit {
			lost++
			continue
		}
		l.waiting[key] = item{since: now}
		q.total++
	}
	if lost > 0 {
		l.lostAt = now
	}
	return lost
}

// Lose records that a provider told something and nobody knows what.
func (q *Queue) Lose(provider string, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lost[provider] = now
}

// Look tells what there is for a copy whose source is at a provider.
func (q *Queue) Look(of, provider string) State {
	q.mu.Lock()
	defer q.mu.Unlock()
	state := State{LostAt: q.lost[provider]}
	l, isKnown := q.lines[of]
	if !isKnown {
		return state
	}
	state.Waiting = len(l.waiting)
	if l.lostAt.After(state.LostAt) {
		state.LostAt = l.lostAt
	}
	for _, items := range []map[string]item{l.waiting, l.work} {
		for _, i := range items {
			if state.Since.IsZero() || i.since.Before(state.Since) {
				state.Since = i.since
			}
		}
	}
	return state
}

// Take gives the keys that wait longest for a copy, in order of the keys, and has them
// in work until Done. What was taken before and is not done is given again.
func (q *Queue) Take(of string) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.line(of)
	longest := slices.SortedFunc(maps.Keys(l.waiting), func(a, b string) int {
		return cmp.Or(l.waiting[a].since.Compare(l.waiting[b].since), cmp.Compare(a, b))
	})
	for _, key := range longest[:min(len(longest), max(batchLimit-len(l.work), 0))] {
		taken := l.waiting[key]
		delete(l.waiting, key)
		if before, isInWork := l.work[key]; isInWork {
			q.total--
			taken.since = before.since
		}
		l.work[key] = taken
	}
	return slices.Sorted(maps.Keys(l.work))
}

// Done ends what was taken for a copy: the keys that are named wait again, and those
// that did so often enough are given up. It tells how many those are, and since when the
// oldest of them was told.
func (q *Queue) Done(of string, again []string) (given int, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.line(of)
	for _, key := range again {
		i, isInWork := l.work[key]
		if !isInWork {
			continue
		}
		i.tries++
		if i.tries >= tryLimit {
			given++
			if since.IsZero() || i.since.Before(since) {
				since = i.since
			}
			continue
		}
		if _, isWaiting := l.waiting[key]; !isWaiting {
			q.total++
		}
		l.waiting[key] = i
	}
	q.total -= len(l.work)
	clear(l.work)
	return given, since
}

// Forget drops everything about a copy.
func (q *Queue) Forget(of string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l, isKnown := q.lines[of]; isKnown {
		q.total -= len(l.waiting) + len(l.work)
		delete(q.lines, of)
	}
}
