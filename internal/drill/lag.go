package drill

import (
	"context"
	"fmt"
	"time"

	"github.com/rempart/rempart/internal/mover"
)

// lag is what the copy lacked at the moment of loss.
type lag struct {
	// missing changes were made at the source before the loss and are not in the
	// copy; oldest is the time of the first of them.
	missing int64
	oldest  time.Time
	// surplus objects are in the copy and were deleted at the source. When, a
	// source without versions does not tell.
	surplus int64
}

// rpo is the time from the oldest missing change to the loss.
func (l lag) rpo(lost time.Time) time.Duration {
	if l.missing == 0 {
		return 0
	}
	return max(lost.Sub(l.oldest), 0)
}

// measureLag holds what the source lists against what the copy held. Both times
// are on the source's clock.
func (r *run) measureLag(ctx context.Context) error {
	for difference, err := range mover.Differences(ctx, r.Source.end(), r.From.entries(ctx, r.snapshot)) {
		if err != nil {
			return fmt.Errorf("compare the copy with the source: %w", err)
		}
		switch {
		case difference.Source == nil:
			r.lag.surplus++
		case difference.Source.Modified.After(r.lost):
			// It changed after the loss: what it was before is not known.
		default:
			r.lag.missing++
			if r.lag.oldest.IsZero() || difference.Source.Modified.Before(r.lag.oldest) {
				r.lag.oldest = difference.Source.Modified
			}
		}
	}
	rpo := r.lag.rpo(r.lost)
	r.outcome.Measured.RPO = &rpo
	return nil
}
