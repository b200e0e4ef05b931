package mover

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Checkpoint is where a stopped run can go on. What was copied before it is in
// the target's manifest; here is the rest of what the run has to remember.
type Checkpoint struct {
	// Job identifies source, target and range; a checkpoint of another job is not
	// used.
	Job string `json:"job"`
	// After is the key up to which everything is settled.
	After string `json:"after"`
	// Pending are deletions and overwrites held back until the pass is complete.
	Pending []pendingStep `json:"pending,omitempty"`
	// More tells that there were more than a run holds back.
	More bool `json:"more,omitempty"`
	// Census is what was counted up to After.
	Census census `json:"census"`
}

// ID identifies what a job does, for its checkpoint.
func (j Job) ID() string {
	hash := sha256.New()
	for _, part := range []string{
		j.Source.Session.Place().Endpoint, j.Source.Bucket, j.Source.Prefix,
		j.Target.Session.Place().Endpoint, j.Target.Bucket, j.Target.Prefix,
		j.Options.Range.After, j.Options.Range.Until, string(j.Options.Deletes),
	} {
		_, _ = fmt.Fprintf(hash, "%q\n", part)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}
