package dataplane

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Match says which requests a fault hits. Empty fields match everything.
type Match struct {
	// Operation is the name of S3's API: GetObject, ListObjectsV2 …
	Operation string
	Bucket    string
	KeyPrefix string
	// Identity is who asks, by the key that the request names, right or wrong.
	Identity string
	// Skip lets that many matching requests pass first.
	Skip int
	// Times is how many requests are hit; 0 means until cleared.
	Times int
}

// Effect is one way to misbehave; make it with the functions of this file.
type Effect struct {
	kind   kind
	status int
	code   string
	delay  time.Duration
	gate   <-chan struct{}
}

type kind int

const (
	kindLatency kind = iota
	kindHold
	kindFail
	kindResetBefore
	kindResetAfter
)

// Latency delays the answer in real time.
func Latency(d time.Duration) Effect { return Effect{kind: kindLatency, delay: d} }

// Hold keeps requests waiting until gate is closed, the client leaves or the
// server closes.
func Hold(gate <-chan struct{}) Effect { return Effect{kind: kindHold, gate: gate} }

// Fail answers with an S3 error and does nothing else.
func Fail(status int, code string) Effect {
	return Effect{kind: kindFail, status: status, code: code}
}

// SlowDown is Fail with S3's throttling answer, which names how long to stay away
// in whole seconds unless that is zero.
func SlowDown(after time.Duration) Effect {
	return Effect{kind: kindFail, status: 503, code: "SlowDown", delay: after}
}

// ResetBefore resets the connection before anything is carried out.
func ResetBefore() Effect { return Effect{kind: kindResetBefore} }

// ResetAfter carries the operation out and resets the connection instead of
// answering: the client cannot know that it happened.
func ResetAfter() Effect { return Effect{kind: kindResetAfter} }

// Faults is a server's set of armed faults. The zero value has none.
type Faults struct {
	mu    sync.Mutex
	armed []*Fault
	down  bool
}

// Fault is an armed effect.
type Fault struct {
	faults *Faults
	match  Match
	effect Effect
	passed int
	hits   int
}

// Add arms an effect. Several may hit one request; of the same kind only the one
// armed first does, so a sequence is written by adding in order with Times.
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
	f.armed, f.down = nil, false
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

// strike returns the effects that hit a request, by their kind, and counts the
// hits.
func (f *Faults) strike(operation, bucket, key, identity string) map[kind]Effect {
	f.mu.Lock()
	defer f.mu.Unlock()
	struck := map[kind]Effect{}
	for _, fault := range f.armed {
		_, taken := struck[fault.effect.kind]
		if taken || fault.match.Times > 0 && fault.hits >= fault.match.Times || !fault.match.hits(operation, bucket, key, identity) {
			continue
		}
		if fault.passed < fault.match.Skip {
			fault.passed++
			continue
		}
		fault.hits++
		struck[fault.effect.kind] = fault.effect
	}
	return struck
}

func (m Match) hits(operation, bucket, key, identity string) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return same(m.Operation, operation) && same(m.Bucket, bucket) && same(m.Identity, identity) &&
		strings.HasPrefix(key, m.KeyPrefix)
}
