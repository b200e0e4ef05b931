// Package mover copies the objects of one bucket to another and keeps the copy
// true: streaming, bounded in memory, verified, and never deleting by mistake.
//
// A run is a merge-join of three ordered streams: what the source lists, what
// the target lists, and what the manifest in the target says was copied. Workers
// carry out what the join plans; a ledger puts their results back in order for
// the manifest; deletions wait until the whole pass is known to be complete and
// the guard lets them through.
//
// It knows no Kubernetes. Start reading at Run; pass.go has the way of an object,
// plan.go the decisions, transfer.go the bytes, guard.go the deletions.
package mover

import (
	"time"

	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// End is one side of a run: a prefix of a bucket in an open session.
type End struct {
	Session provider.Session
	Bucket  string
	// Prefix is put before every key at this end; keys of a run are relative to it.
	Prefix string
	// Requests counts the calls of a run; give the same counter to the session's
	// innermost interceptor to count each try. Nil counts calls.
	Requests *Counter
}

func (e End) ref(key string) provider.Ref { return provider.Ref{Bucket: e.Bucket, Key: e.Prefix + key} }

// manifest gives the place of the manifest at this end.
func (e End) manifest() manifest.Store {
	return manifest.Store{Objects: e.Session, Bucket: e.Bucket, Prefix: e.Prefix}
}

// Job is one pass from a source to a target.
type Job struct {
	Source, Target End
	Options        Options
}

// Options say how a run goes. The zero value is a safe run of everything.
type Options struct {
	// Deletes says what happens at the target when the source lacks an object.
	Deletes Deletes
	// Guard bounds what a run may delete.
	Guard Guard
	// Verification says how each copied object is verified.
	Verification Verification
	// Range is the part of the key space that the run covers.
	Range manifest.Range
	// Workers is how many objects are in work at once; 0 is 32.
	Workers int
	// BytesInFlight bounds the memory for contents; 0 is 128 MiB.
	BytesInFlight int64
	// OwnsTarget tells that nobody else writes to the range at the target, so that
	// every open upload there is a left-over and is aborted.
	OwnsTarget bool
	// Admit tells why the target may not be written to, as the run finds it before it
	// writes anything; nil admits every bucket that exists.
	Admit func(provider.BucketState) error
	// TargetChecksContent tells whether the target refuses content that does not
	// match its announced hash. Unknown is found out by trying.
	TargetChecksContent provider.Support
	// Known is what was found out about the target's store elsewhere. It counts
	// where a trial would leave what cannot be removed: in a bucket whose default
	// retention puts everything under lock.
	Known Known
	// Resume continues an earlier run that was stopped. A checkpoint that does not
	// fit the job or the manifest is not used.
	Resume *Checkpoint
	// SaveCheckpoint is called now and then, and at the end of a stopped run; with
	// a zero one once there is nothing to go on from.
	SaveCheckpoint func(Checkpoint) error
	// Together lets this run and others of the process work on the target at a time;
	// nil is for a run that has it to itself.
	Together *Together
	// Observer is told what happens. Nil tells nobody.
	Observer Observer
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Known is what was found out about a store. The zero value knows nothing.
type Known struct {
	Capabilities provider.Capabilities
	// KeysNotKept are the traits of keys that the store does not keep, as package
	// probe names them. They are all of them, unless there is none.
	KeysNotKept []string
}

// Deletes says what happens at the target when the source lacks an object.
type Deletes string

// Ways to treat objects that the source lacks. The empty value propagates.
const (
	PropagateDeletes Deletes = "Propagate"
	IgnoreDeletes    Deletes = "Ignore"
)

// Verification says how each copied object is verified.
type Verification string

// Ways to verify. Transferred (and the empty value) binds every request to a
// hash that the store checks, and reads back where it does not; Full reads each
// copied object once more at both sides; None neither reads back nor looks
// whether the store checks.
const (
	VerifyTransferred Verification = "Transferred"
	VerifyFull        Verification = "Full"
	VerifyNone        Verification = "None"
)

// Defaults and bounds of a run.
const (
	defaultWorkers = 32
	// DefaultBytesInFlight bounds the memory for contents: eight parts of a large
	// object, more than a line needs to be full.
	DefaultBytesInFlight int64 = 128 << 20
	// pendingLimit bounds the deletions and overwrites that one run holds back
	// and carries out; the rest waits for the next run.
	pendingLimit = 100_000
	// checkpointInterval is how often the manifest and the checkpoint are saved.
	checkpointInterval = 30 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Deletes == "" {
		o.Deletes = PropagateDeletes
	}
	if o.Verification == "" {
		o.Verification = VerifyTransferred
	}
	if o.Workers <= 0 {
		o.Workers = defaultWorkers
	}
	if o.BytesInFlight <= 0 {
		o.BytesInFlight = DefaultBytesInFlight
	}
	if o.Observer == nil {
		o.Observer = silent{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
