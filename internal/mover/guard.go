package mover

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/rempart/rempart/internal/provider"
)

// Guard bounds what a run may delete. Overwrites count as deletions where the
// target keeps no versions.
type Guard struct {
	// MaximumObjects is how many deletions a run may make.
	MaximumObjects int64
	// MaximumPercent is the share of the target's objects that a run may delete,
	// once it is more than freeDeletions.
	MaximumPercent int64
	// Approved is the digest of a set of deletions that somebody let through.
	Approved string
}

// Defaults of a guard.
const (
	DefaultMaximumObjects = 1000
	DefaultMaximumPercent = 10
)

// freeDeletions is how many deletions the percentage does not look at: of a small
// bucket, one object can be a large share.
const freeDeletions = 10

// census is what a pass counted.
type census struct {
	SourceObjects int64 `json:"sourceObjects"`
	TargetObjects int64 `json:"targetObjects"`
	// Deletions that are planned, overwrites of a target without versions included.
	Deletions int64 `json:"deletions"`
	// Removals are those of them that remove an object.
	Removals int64 `json:"removals"`
}

// count takes the outcome of one key.
func (c *census) count(o outcome) {
	if o.atSource {
		c.SourceObjects++
	}
	if o.atTarget {
		c.TargetObjects++
	}
	if o.held != nil {
		c.Deletions++
		if o.held.Source == nil {
			c.Removals++
		}
	}
}

// objection says why the guard stops a set of deletions, or nothing.
func (g Guard) objection(c census) string {
	switch {
	case c.Deletions == 0:
		return ""
	case c.SourceObjects == 0 && c.TargetObjects > 0 && c.Removals > 0:
		return fmt.Sprintf("the source is empty and the copy holds %d objects", c.TargetObjects)
	case c.Deletions > g.MaximumObjects:
		return fmt.Sprintf("the run would delete or overwrite %d objects, the guard allows %d", c.Deletions, g.MaximumObjects)
	case c.Deletions > freeDeletions && c.Deletions*100 > g.MaximumPercent*c.TargetObjects:
		return fmt.Sprintf("the run would delete or overwrite %d of the %d objects of the copy, the guard allows %d %%",
			c.Deletions, c.TargetObjects, g.MaximumPercent)
	}
	return ""
}

// pending are the deletions and overwrites that a run holds back until the pass
// is complete: at most pendingLimit, and a digest that names exactly that set.
type pending struct {
	steps  []pendingStep
	digest hash.Hash
	// more tells that there was no room for all.
	more bool
}

// pendingStep is an object to be removed from the target (source is nil) or
// overwritten there.
type pendingStep struct {
	Key    string           `json:"key"`
	Source *provider.Object `json:"source,omitempty"`
	Target provider.Object  `json:"target"`
}

// add takes the next step, in order of the keys, and tells whether there was room
// for it.
func (p *pending) add(s pendingStep) bool {
	if len(p.steps) >= pendingLimit {
		p.more = true
		return false
	}
	if p.digest == nil {
		p.digest = sha256.New()
	}
	p.steps = append(p.steps, s)
	_, _ = fmt.Fprintf(p.digest, "%q %s", s.Key, state(s.Target))
	if s.Source != nil {
		_, _ = fmt.Fprintf(p.digest, " %s", state(*s.Source))
	}
	_, _ = fmt.Fprintln(p.digest)
	return true
}

// state names one state of an object. The time belongs to it: the same content
// written once more is another state, which an old approval says nothing about.
func state(o provider.Object) string {
	return fmt.Sprintf("%q %d", o.ETag, o.Modified.UnixNano())
}

// report names the set.
func (p *pending) report() *GuardReport {
	if len(p.steps) == 0 {
		return nil
	}
	return &GuardReport{
		Planned: int64(len(p.steps)),
		Digest:  "sha256:" + hex.EncodeToString(p.digest.Sum(nil)),
	}
}
