package dataplane

import (
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/serving"
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

// Faults is a server's set of armed faults.
type Faults = serving.Faults[Match, Effect]

// Fault is an armed effect.
type Fault = serving.Fault[Match, Effect]

// Bounds implements serving.Match.
func (m Match) Bounds() (skip, times int) { return m.Skip, m.Times }

// strike returns the effects that hit a request, by their kind, and counts the
// hits.
func strike(f *Faults, operation, bucket, key, identity string) map[kind]Effect {
	struck := map[kind]Effect{}
	f.Strike(func(m Match, e Effect) bool {
		_, taken := struck[e.kind]
		return !taken && m.hits(operation, bucket, key, identity)
	}, func(_ Match, e Effect) { struck[e.kind] = e })
	return struck
}

func (m Match) hits(operation, bucket, key, identity string) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return same(m.Operation, operation) && same(m.Bucket, bucket) && same(m.Identity, identity) &&
		strings.HasPrefix(key, m.KeyPrefix)
}
