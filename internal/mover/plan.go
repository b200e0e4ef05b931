package mover

import (
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// action is what the plan wants done with a key.
type action uint8

const (
	// skip: the target holds the object as the manifest says.
	skip action = iota
	// create: the target lacks the object.
	create
	// overwrite: the target holds another state of the object.
	overwrite
	// compare: nothing is known of the target's object but its size; reading both
	// sides tells.
	compare
	// confirm: the manifest knows the object, but for what happened within a second;
	// asking the source about it tells.
	confirm
	// remove: the source lacks an object that the target holds.
	remove
	// keep: the source lacks it, and deletes are not propagated.
	keep
	// forget: neither side holds what the manifest lists.
	forget
	// refuse: the key is reserved for Rempart, at one end or the other.
	refuse
)

// step is one key of the join, with what each stream says of it.
type step struct {
	key            string
	source, target *provider.Object
	known          *manifest.Entry
}

// holds gives the manifest's entry as far as it is still about what the target
// lists, or nil.
func (s step) holds() *manifest.Entry {
	if s.known == nil || s.target == nil || s.known.TargetETag != s.target.ETag || s.known.Size != s.target.Size {
		return nil
	}
	return s.known
}

// outcome is what comes of the step as long as nothing is done.
func (s step) outcome() outcome {
	return outcome{key: s.key, entry: s.holds(), atSource: s.source != nil, atTarget: s.target != nil}
}

// policy is what decisions depend on besides the step itself.
type policy struct {
	deletes                    Deletes
	sourcePrefix, targetPrefix string
}

// decide is the whole policy of a pass. It looks at one key alone.
func (p policy) decide(s step) action {
	switch {
	case s.source != nil && (s.key == "" || isReserved(p.sourcePrefix+s.key) || isReserved(p.targetPrefix+s.key)):
		return refuse
	case s.source == nil && s.target == nil:
		return forget
	case s.source == nil && p.deletes == IgnoreDeletes:
		return keep
	case s.source == nil:
		return remove
	case s.target == nil:
		return create
	case s.target.Size != s.source.Size || s.known != nil && !s.known.Describes(*s.source):
		return overwrite
	case s.holds() == nil:
		// Also where the manifest knows the object and the target tells another ETag
		// than when it was written: it was written again, or the store tells another
		// one in listings. Overwriting would never end at such a store.
		return compare
	case s.known.Coarse:
		return confirm
	default:
		return skip
	}
}
