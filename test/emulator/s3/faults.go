package s3

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rempart/rempart/test/emulator/s3error"
)

// Match says which requests a fault hits. Empty fields match everything.
type Match struct {
	Operation string
	Bucket    string
	// Key is exact, KeyPrefix is not; at most one need be set. In listings they
	// choose the objects that Alter and Late change, in DeleteObjects the keys
	// that Fail refuses; other faults with a key hit no operation without one.
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
// Times. Alter effects, and those that choose among a request's keys, add up.
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
	// within tells that the match's key chooses among the request's keys.
	within bool
}

// strike returns the effects of a request and counts the hits.
func (f *Faults) strike(op *operation, bucket, key string) effects {
	f.mu.Lock()
	defer f.mu.Unlock()
	var struck effects
	taken := map[kind]bool{}
	for _, fault := range f.armed {
		k, within := fault.effect.kind, fault.within(op)
		exclusive := !within && k != kindAlter
		if !fault.hit(op, bucket, key) || exclusive && taken[k] {
			continue
		}
		if fault.passed < fault.match.Skip {
			fault.passed++
			continue
		}
		fault.hits++
		taken[k] = taken[k] || exclusive
		struck = append(struck, armedEffect{fault.effect, fault.match, within})
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
	return fault.within(op) || m.wantsKey(key)
}

// within tells that the fault chooses among the keys of one request.
func (fault *Fault) within(op *operation) bool {
	switch fault.effect.kind {
	case kindAlter, kindLate:
		return slices.Contains(listOperations, op.name)
	case kindFail:
		return op.name == "DeleteObjects" && fault.match.namesKey()
	default:
		return false
	}
}

func (m Match) namesKey() bool { return m.Key != "" || m.KeyPrefix != "" }

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

// injected returns the error a Fail effect has for the request, or for one key
// of a multi-delete; nil when there is none.
func (c *call) injected(key string) error {
	for _, e := range c.effects {
		if e.kind == kindFail && e.within == (key != "") && e.match.wantsKey(orDefault(key, c.key)) {
			injected := &s3error.Error{Status: e.status, Code: e.code, Message: "Injected fault."}
			if e.delay > 0 {
				injected.Header = map[string]string{"Retry-After": strconv.Itoa(int(e.delay / time.Second))}
			}
			return injected
		}
	}
	return nil
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
