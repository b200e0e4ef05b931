package serving

import (
	"slices"
	"sync"
)

// Match says which requests a fault hits.
type Match interface {
	// Bounds tell how many matching requests pass first, and how many are hit then;
	// 0 times means until cleared.
	Bounds() (skip, times int)
}

// Faults is a server's set of armed faults: an effect E for what matches M. The zero
// value has none.
type Faults[M Match, E any] struct {
	mu    sync.Mutex
	armed []*Fault[M, E]
	down  bool
}

// Fault is an armed effect.
type Fault[M Match, E any] struct {
	faults *Faults[M, E]
	match  M
	effect E
	passed int
	hits   int
}

// Add arms an effect. Several faults may hit one request; of the same kind only the
// one armed first does, so a sequence is written by adding in order with a bound.
func (f *Faults[M, E]) Add(m M, e E) *Fault[M, E] {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault := &Fault[M, E]{faults: f, match: m, effect: e}
	f.armed = append(f.armed, fault)
	return fault
}

// Clear disarms all faults and brings the server up.
func (f *Faults[M, E]) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.down = nil, false
}

// Down resets every connection, new and old, until Up.
func (f *Faults[M, E]) Down() { f.setDown(true) }

// Up ends Down.
func (f *Faults[M, E]) Up() { f.setDown(false) }

func (f *Faults[M, E]) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

// IsDown tells whether the server is down.
func (f *Faults[M, E]) IsDown() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down
}

// Clear disarms this fault only.
func (fault *Fault[M, E]) Clear() {
	f := fault.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = slices.DeleteFunc(f.armed, func(other *Fault[M, E]) bool { return other == fault })
}

// Hits returns how many requests were hit so far.
func (fault *Fault[M, E]) Hits() int {
	fault.faults.mu.Lock()
	defer fault.faults.mu.Unlock()
	return fault.hits
}

// Strike goes through the armed faults for one request, in the order in which they
// were armed: hit is called for each that wants accepts and that is within its
// bounds. Neither may call the faults.
func (f *Faults[M, E]) Strike(wants func(M, E) bool, hit func(M, E)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.armed {
		skip, times := fault.match.Bounds()
		if times > 0 && fault.hits >= times || !wants(fault.match, fault.effect) {
			continue
		}
		if fault.passed < skip {
			fault.passed++
			continue
		}
		fault.hits++
		hit(fault.match, fault.effect)
	}
}
