package s3

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/serving"
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

// Bounds implements serving.Match.
func (m Match) Bounds() (skip, times int) { return m.Skip, m.Times }

// Fault is an armed effect.
type Fault = serving.Fault[Match, Effect]

// Faults is a server's set of armed faults. Alter effects, and those that choose among
// a request's keys, add up; of every other kind only the one armed first does.
type Faults = serving.Faults[Match, Effect]

// effects are the faults that hit one request.
type effects []armedEffect

type armedEffect struct {
	Effect
	match Match
	// within tells that the match's key chooses among the request's keys.
	within bool
}

// strike returns the effects of a request and counts the hits.
func strike(f *Faults, op *operation, bucket, key string) effects {
	var struck effects
	taken := map[kind]bool{}
	f.Strike(func(m Match, e Effect) bool {
		return m.hits(e, op, bucket, key) && !taken[e.kind]
	}, func(m Match, e Effect) {
		within := m.within(e, op)
		taken[e.kind] = taken[e.kind] || !within && e.kind != kindAlter
		struck = append(struck, armedEffect{e, m, within})
	})
	return struck
}

// hits tells whether the match is one for an effect on a request.
func (m Match) hits(e Effect, op *operation, bucket, key string) bool {
	if m.Operation != "" && m.Operation != op.Name || m.Bucket != "" && m.Bucket != bucket {
		return false
	}
	return e.scope.covers(op.Name) && (m.within(e, op) || m.wantsKey(key))
}

// within tells that the match chooses among the keys of one request.
func (m Match) within(e Effect, op *operation) bool {
	switch e.kind {
	case kindAlter, kindLate:
		return slices.Contains(listOperations, op.Name)
	case kindFail:
		return op.Name == "DeleteObjects" && m.namesKey()
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
		if e.kind == kindFail && e.within == (key != "") && e.match.wantsKey(cmp.Or(key, c.key)) {
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
