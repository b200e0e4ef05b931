package mover

import (
	"errors"
	"time"

	"github.com/rempart/rempart/internal/fault"
)

// Result is how a run ended.
type Result string

// Results. Complete: the target holds what the source listed. Partial: some
// objects could not be copied, or the run was stopped. Aborted: the run stopped
// itself, before it deleted anything if the guard or a suspicious listing was why.
const (
	Complete Result = "Complete"
	Partial  Result = "Partial"
	Aborted  Result = "Aborted"
)

// Report is what a run did. Its JSON form is the last line that the command
// prints.
type Report struct {
	Result Result `json:"result"`
	// Reason is empty for a complete run.
	Reason fault.Reason `json:"reason,omitempty"`
	// Message says the reason in a sentence.
	Message string `json:"message,omitempty"`
	// Scanned is how many objects the source listed.
	Scanned int64 `json:"scanned"`
	// Copied objects were written to the target, CopiedBytes their content.
	Copied      int64 `json:"copied"`
	CopiedBytes int64 `json:"copiedBytes"`
	// Verified objects were read, or bound to a hash that the target checked, in
	// this run: those that were copied, unless verification is None, and those that
	// were compared.
	Verified int64 `json:"verified"`
	// Skipped objects were at the target already.
	Skipped int64 `json:"skipped"`
	Deleted int64 `json:"deleted"`
	Failed  int64 `json:"failed"`
	// Guard is the set of deletions that the guard stopped, if it did.
	Guard *GuardReport `json:"guard,omitempty"`
	// Requests counts what was asked of each end.
	Requests Requests `json:"requests"`
	Seconds  float64  `json:"seconds"`
	// ListingSeconds is how long the slower of the two listings took, without what
	// it waited for objects to be copied: no change is seen sooner than that.
	ListingSeconds float64 `json:"listingSeconds"`
	// Failures names the first objects that failed.
	Failures []Failure `json:"failures,omitempty"`

	// AsOf is the time on the source's clock when the run began: the target is
	// known to hold what was there then, but for OldestMissing.
	AsOf time.Time `json:"asOf,omitzero"`
	// OldestMissing is the time on the source's clock of the oldest change that
	// the target lacks after the run, as far as that is known.
	OldestMissing time.Time `json:"oldestMissing,omitzero"`
	// Objects and Bytes are what the target holds of the run's range.
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

// Requests counts what was asked of each end, by operation.
type Requests struct {
	Source map[string]int64 `json:"source"`
	Target map[string]int64 `json:"target"`
}

// GuardReport is a set of deletions that waits for approval.
type GuardReport struct {
	// Planned is how many deletions and overwrites are in the set.
	Planned int64 `json:"planned"`
	// Digest names exactly that set.
	Digest string `json:"digest"`
}

// Failure is an object that could not be copied, removed or verified.
type Failure struct {
	Key       string       `json:"key"`
	Operation string       `json:"operation"`
	Reason    fault.Reason `json:"reason"`
	Error     string       `json:"error"`
}

// failureLimit bounds how many failures a report names.
const failureLimit = 100

func (r *Report) fail(key, operation string, err error) {
	r.Failed++
	if len(r.Failures) < failureLimit {
		r.Failures = append(r.Failures, Failure{
			Key: key, Operation: operation, Reason: fault.Of(err).Reason, Error: err.Error(),
		})
	}
}

// missing notes a change of the source that the target lacks.
func (r *Report) missing(since time.Time) {
	if since.IsZero() {
		return
	}
	if r.OldestMissing.IsZero() || since.Before(r.OldestMissing) {
		r.OldestMissing = since
	}
}

// isExpected tells whether a failure is a property of the key, known and named,
// rather than a sign that the pass cannot be trusted.
func isExpected(err error) bool {
	classified, ok := errors.AsType[*fault.Error](err)
	return ok && (classified.Reason == fault.KeysNotExact || classified.Reason == fault.ReservedKey)
}
