// Package drill plays through that a dataset leaves a provider, and measures it:
// a copy is restored into a sandbox bucket at another operator, every object is
// verified against the manifest of what was copied from the source, and the
// evidence, signed, is stored with two operators.
//
// A drill touches no bucket of the dataset but to read it and to store evidence
// under the reserved prefix. What it makes, it makes in its own sandbox, which
// Cleanup removes, also after a crash.
//
// It knows no Kubernetes. Start reading at Plan and Run.
package drill

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/provider"
)

// Step is where a drill has come to.
type Step string

// Steps in order.
const (
	Preflight Step = "Preflight"
	Restoring Step = "Restoring"
	Verifying Step = "Verifying"
	Reporting Step = "Reporting"
)

// What a drill comes to, in the words of its evidence.
type (
	// Verdict is what a drill came to.
	Verdict = evidence.Verdict
	// Check is one question and its answer.
	Check = evidence.Check
	// CheckResult is the answer of a check.
	CheckResult = evidence.CheckResult
	// Changes counts what the replication did during the drill.
	Changes = evidence.Changes
	// Names identify a drill.
	Names = evidence.Names
)

// Verdicts. Inconclusive drills prove nothing, neither way.
const (
	Passed       = evidence.Passed
	Failed       = evidence.Failed
	Inconclusive = evidence.Inconclusive
)

// Answers.
const (
	Pass = evidence.Pass
	Fail = evidence.Fail
	Skip = evidence.Skip
)

// Copy is a bucket that takes part in a drill.
type Copy struct {
	Session provider.Session
	Bucket  string
	// Operator identifies who runs the place, Country where it stands.
	Operator, Country string
}

func (c Copy) end() mover.End { return mover.End{Session: c.Session, Bucket: c.Bucket} }

func (c Copy) ref(key string) provider.Ref { return provider.Ref{Bucket: c.Bucket, Key: key} }

// Sandbox is where the copy is restored to.
type Sandbox struct {
	Copy
	Mark provider.Mark
	// Consumer is the name under which the sandbox's own key is issued.
	Consumer string
	// OpenWith opens a session with the sandbox's own key.
	OpenWith func(provider.Key) (provider.Session, error)
}

// Plan is what was decided before anything is done.
type Plan struct {
	// Names identify the drill in the evidence.
	Names Names
	// Source is the primary, from which only what is missing in the copy is told.
	Source Copy
	// From is the copy that is restored, To the sandbox.
	From Copy
	To   Sandbox
	// Permit tells why nothing may be written to the place of the sandbox, or nil.
	// It is asked right before the sandbox is made: since the plan, what is allowed
	// may have changed.
	Permit func(ctx context.Context) error
	// Continue tells why what has begun there must end, or nil. It is asked again and
	// again as long as the sandbox is used; an error that is Transient is no answer.
	Continue func(ctx context.Context) error
	// AskContinue is how soon it is asked again; 0 is a second.
	AskContinue time.Duration
	// Stores gives where the evidence may go, at best two places with different
	// operators, or why it may go nowhere. It is asked when there is evidence, and
	// again as long as it may go nowhere.
	Stores func(ctx context.Context) ([]Copy, error)
	// Signer gives the key that signs the evidence, or why there is none. It is asked
	// as Stores is.
	Signer func(ctx context.Context) (ed25519.PrivateKey, error)
	// Chain puts the evidence into the row of its bucket, and Known gives what of that
	// row is known besides what the stores hold. It is asked as Stores is.
	Chain *Chain
	Known func(ctx context.Context) ([]evidence.Link, error)
	// AskAgain is how soon, and how soon a key is asked for again that is being made;
	// 0 is 15 seconds.
	AskAgain time.Duration
	// Objectives to be met; 0 asks for nothing.
	Objectives Objectives
	// Policies and Facts are those in force by which it was decided what may be where.
	Policies, Facts []evidence.Document
	// Version of the software.
	Version string
	// Observer is told of the bytes that move.
	Observer mover.Observer
	// PartBytes is how long a part of the manifest may become; 0 is 8 MiB.
	PartBytes int
}

// Objectives are what a restore is held against.
type Objectives struct {
	RPO, RTO time.Duration
}

// Outcome is what a drill came to.
type Outcome struct {
	Verdict  Verdict
	Measured Measured
	// Changes are what the replication did meanwhile.
	Changes Changes
	Checks  []Check
	// NotTested says what the drill does not show.
	NotTested []string
	// EvidenceDigest is sha256:hex of the evidence file, URIs where it is stored, and
	// KeyID names the key that signed it.
	EvidenceDigest string
	EvidenceURIs   []string
	EvidenceKeyID  string
	// Err is why a drill is inconclusive, or why one that failed already was
	// stopped.
	Err error
}

// Measured is what a drill measured. Nil was not measured.
type Measured struct {
	RTO *time.Duration
	RPO *time.Duration
	// Objects and Bytes were restored and held against a manifest.
	Objects, Bytes int64
	// Restore and Verify are how long the two parts took.
	Restore, Verify time.Duration
	// Skew is how far the source's clock is ahead of the operator's.
	Skew time.Duration
}

// Throughput is in bytes per second, verification included.
func (m Measured) Throughput() int64 {
	seconds := (m.Restore + m.Verify).Seconds()
	if seconds <= 0 {
		return 0
	}
	return int64(float64(m.Bytes) / seconds)
}

// Cleanup removes what a drill made at the provider of its sandbox: the bucket
// with all it holds, and the key. It is idempotent, and leaves a bucket alone
// that does not carry the drill's mark.
func Cleanup(ctx context.Context, sandbox Sandbox) error {
	state, err := sandbox.Session.ObserveBucket(ctx, sandbox.Bucket)
	if err != nil {
		return err
	}
	if issuer, issues := sandbox.Session.Keys(); issues {
		if err := issuer.RevokeKey(ctx, sandbox.grant()); err != nil {
			return err
		}
	}
	if !state.Exists {
		return nil
	}
	isOurs, err := isSandbox(ctx, sandbox, state)
	if err != nil || !isOurs {
		return err
	}
	if _, err := provider.Empty(ctx, sandbox.Session, sandbox.Bucket); err != nil {
		return err
	}
	return sandbox.Session.DeleteBucket(ctx, sandbox.Bucket)
}

// isSandbox tells whether the bucket is the one that the drill made: it carries
// its mark, or none and nothing, as just after it was made.
func isSandbox(ctx context.Context, sandbox Sandbox, state provider.BucketState) (bool, error) {
	if state.Mark == nil {
		return provider.HoldsNothing(ctx, sandbox.Session, sandbox.Bucket)
	}
	return *state.Mark == sandbox.Mark, nil
}

func (s Sandbox) grant() provider.Grant {
	return provider.Grant{Consumer: s.Consumer, Bucket: s.Bucket, Mode: provider.FullControl}
}
