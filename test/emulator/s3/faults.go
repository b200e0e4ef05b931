package s3

import (
	"slices"
	"strings"
	"sync"
)

// Match says which requests a fault hits. Empty fields match everything.
type Match struct {
	Operation string
	Bucket    string
	// Key is exact, KeyPrefix is not; at most one need be set. For listings
	// they choose the listed objects that Alter and Late change, and faults of
	// other kinds do not hit operations without a key.
	Key       string
	KeyPrefix string
	// Skip lets that many matching requests pass first.
	Skip int
	// Times is how many requests are hit; 0 means until cleared.
	Times int
}

// Fault is an armed effect.
type Fault struct {
	faults *Faults
	match  Match
	effect Effect
	passed int
	hits   int
}

// Faults is a server's set of armed faults. The zero value has none.
type Faults struct {
	mu    sync.Mutex
	armed []*Fault
	down  bool
}

// Add arms an effect. Several faults may hit one request; of the same kind only
// the one armed first does, so a sequence is written by adding in order with
// Times. Alter effects are the exception and add up.
func (f *Faults) Add(m Match, e Effect) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault := &Fault{faults: f, match: m, effect: e}
	f.armed = append(f.armed, fault)
	return fault
}

// Clear disarms all faults and brings the server up.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = nil
	f.down = false
}

// Down resets every connection, new and old, until Up.
func (f *Faults) Down() { f.setDown(true) }

// Up ends Down.
func (f *Faults) Up() { f.setDown(false) }

func (f *Faults) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *Faults) isDown() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down
}

// Clear disarms this fault only.
func (fault *Fault) Clear() {
	f := fault.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = slices.DeleteFunc(f.armed, func(other *Fault) bool { return other == fault })
}

// Hits returns how many requests were hit so far.
func (fault *Fault) Hits() int {
	fault.faults.mu.Lock()
	defer fault.faults.mu.Unlock()
	return fault.hits
}

// effects are the faults that hit one request.
type effects []armedEffect

type armedEffect struct {
	Effect
	match Match
}

// strike returns the effects of a request and counts the hits.
func (f *Faults) strike(op *operation, bucket, key string) effects {
	f.mu.Lock()
	defer f.mu.Unlock()
	var struck effects
	for _, fault := range f.armed {
		if !fault.hit(op, bucket, key) {
			continue
		}
		if fault.effect.kind != kindAlter && struck.has(fault.effect.kind) {
			continue
		}
		if fault.passed < fault.match.Skip {
			fault.passed++
			continue
		}
		fault.hits++
		struck = append(struck, armedEffect{fault.effect, fault.match})
	}
	return struck
}

// hit tells whether a live fault matches.
func (fault *Fault) hit(op *operation, bucket, key string) bool {
	m := fault.match
	if m.Times > 0 && fault.hits >= m.Times {
		return false
	}
	if m.Operation != "" && m.Operation != op.name || m.Bucket != "" && m.Bucket != bucket {
		return false
	}
	if !fault.effect.scope.covers(op.name) {
		return false
	}
	perEntry := fault.effect.kind == kindAlter || fault.effect.kind == kindLate
	if perEntry && slices.Contains(listOperations, op.name) {
		return true
	}
	return m.wantsKey(key)
}

func (m Match) wantsKey(key string) bool {
	if m.Key != "" && m.Key != key {
		return false
	}
	return strings.HasPrefix(key, m.KeyPrefix)
}

func (es effects) find(k kind) (Effect, bool) {
	i := slices.IndexFunc(es, func(e armedEffect) bool { return e.kind == k })
	if i < 0 {
		return Effect{}, false
	}
	return es[i].Effect, true
}

func (es effects) has(k kind) bool {
	_, ok := es.find(k)
	return ok
}

// altered returns o as the Alter effects of the request show it; o itself stays.
func (c *call) altered(o *Object) *Object {
	changed := o
	for _, e := range c.effects {
		if e.kind != kindAlter || !e.match.wantsKey(o.Key) {
			continue
		}
		if changed == o {
			changed = o.clone()
		}
		e.alter(changed)
	}
	return changed
}

// hidden tells whether a Late effect keeps the key out of this listing.
func (c *call) hidden(e *entry) bool {
	for _, late := range c.effects {
		if late.kind == kindLate && late.match.wantsKey(e.key) &&
			c.now.Sub(e.current().LastModified) < late.delay {
			return true
		}
	}
	return false
}
