package drill

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/provider"
)

// lag is what the copy lacked at the moment of loss.
type lag struct {
	// missing changes were made at the source before the loss and are not in the
	// copy; oldest is the time of the first of them.
	missing int64
	oldest  time.Time
	// undated objects are in the copy and were deleted at the source, which does not
	// tell when.
	undated int64
	// later objects changed after the loss. Whether the copy lacked an earlier
	// change of them, nobody can tell any more.
	later int64
	// asked counts the deletions whose time was asked for.
	asked int64
}

// lack takes in a change that the copy lacks.
func (l *lag) lack(at time.Time) {
	l.missing++
	if l.oldest.IsZero() || at.Before(l.oldest) {
		l.oldest = at
	}
}

// rpo is the time from the oldest missing change to the loss.
func (l *lag) rpo(lost time.Time) time.Duration {
	if l.missing == 0 {
		return 0
	}
	return max(lost.Sub(l.oldest), 0)
}

// note says why the measured RPO may be less than the true one, or nothing.
func (l *lag) note() string {
	var reasons []string
	if l.undated > 0 {
		reasons = append(reasons, fmt.Sprintf("%d objects deleted at the source are still in the copy, and when they were is not known", l.undated))
	}
	if l.later > 0 {
		reasons = append(reasons, fmt.Sprintf("%d objects changed at the source while the drill looked, and what of them was missing before is not known", l.later))
	}
	if len(reasons) == 0 {
		return ""
	}
	return "; " + strings.Join(reasons, "; ") + ": so this is a lower bound"
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
			err = r.takeInDeletion(ctx, difference.Key)
		case difference.Source.Modified.After(r.lost):
			r.lag.later++
		default:
			r.lag.lack(difference.Source.Modified)
		}
		if err != nil {
			return err
		}
	}
	rpo := r.lag.rpo(r.lost)
	r.outcome.Measured.RPO = &rpo
	return nil
}

// takeInDeletion takes in an object that the copy holds and the source does not.
func (r *run) takeInDeletion(ctx context.Context, key string) error {
	at, err := r.deletedAt(ctx, key)
	switch {
	case err != nil:
		return fmt.Errorf("ask the source when %q was deleted: %w", key, err)
	case at.IsZero():
		r.lag.undated++
	case !at.After(r.lost):
		r.lag.lack(at)
	}
	return nil
}

// deletionLimit bounds how many deletions the source is asked about, one by one.
const deletionLimit = 1000

// deletedAt gives when an object was deleted at the source, as far as its versions
// tell; zero if they do not.
func (r *run) deletedAt(ctx context.Context, key string) (time.Time, error) {
	if r.lag.asked >= deletionLimit {
		return time.Time{}, nil
	}
	r.lag.asked++
	page, err := r.Source.Session.ListVersionsPage(ctx, r.Source.Bucket, provider.VersionsRequest{Prefix: key, Limit: 1})
	switch {
	case errors.Is(err, provider.ErrUnsupported), errors.Is(err, provider.ErrDenied):
		r.lag.asked = deletionLimit // it will not say more about the next one
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, err
	case len(page.Versions) == 0 || page.Versions[0].Key != key || !page.Versions[0].IsDeleteMarker:
		return time.Time{}, nil
	}
	return page.Versions[0].Modified, nil
}
