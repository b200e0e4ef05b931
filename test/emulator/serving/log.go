package serving

import "sync"

// Log remembers requests in the form R. The zero value remembers all of them.
type Log[R any] struct {
	mu sync.Mutex
	// limit bounds what is kept; 0 is no bound.
	limit  int
	oldest int
	kept   []*R
	number uint64
}

// NewLog gives a log that remembers the newest requests, one at the least.
func NewLog[R any](limit int) *Log[R] { return &Log[R]{limit: max(1, limit)} }

// Number gives 1, 2 and so on.
func (l *Log[R]) Number() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number++
	return l.number
}

// Add remembers a request from its beginning: a client that has its answer must find
// its request here, so nothing waits for a handler to return.
func (l *Log[R]) Add(r *R) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit == 0 || len(l.kept) < l.limit {
		l.kept = append(l.kept, r)
		return
	}
	l.kept[l.oldest] = r
	l.oldest = (l.oldest + 1) % l.limit
}

// Note carries out a change of a remembered request while nobody reads it.
func (l *Log[R]) Note(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// Requests gives copies of the remembered requests that want accepts, oldest first; a
// nil want accepts all. One still in progress is among them, with what is known of
// it. want must not ask the log.
func (l *Log[R]) Requests(want func(R) bool) []R {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []R
	for i := range l.kept {
		r := *l.kept[(l.oldest+i)%len(l.kept)]
		if want == nil || want(r) {
			all = append(all, r)
		}
	}
	return all
}

// Forget empties the memory. Numbers go on.
func (l *Log[R]) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept, l.oldest = nil, 0
}
