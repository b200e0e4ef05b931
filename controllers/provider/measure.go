package provider

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rempart/rempart/internal/fault"
)

// footprintInterval is how often a vendor is asked what an account used and
// emitted; its figures change daily at best.
const footprintInterval = 24 * time.Hour

// measure has the metrics tell what the account used and emitted this month. It
// is beside the point of a reconcile. A vendor that does not tell, or not to this
// key, is asked again after a day, and one that failed at the next look; until then
// what it told counts, if that was this month.
func (r *Reconciler) measure(ctx context.Context, s *scope) error {
	if !s.provider.Spec.DiscoversLocations() || s.isAPISilent() || !r.footprints.isDue(s.provider.UID, s.now) {
		return nil
	}
	account, err := r.account(ctx, s.provider)
	if err != nil {
		return err
	}
	footprint, err := account.Footprint(ctx, firstOfMonth(s.now))
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("the vendor does not tell what the account used", "cause", err.Error())
	}
	isAnswer := err == nil || fault.Of(err).Class == fault.Terminal
	if isAnswer || !r.footprints.isOfThisMonth(s.provider.UID, s.now) {
		r.Metrics.recordFootprint(s.provider.Name, footprint)
	}
	if isAnswer {
		r.footprints.told(s.provider.UID, s.now)
	}
	return nil
}

// isAPISilent tells that the vendor's API failed in this reconcile.
func (s *scope) isAPISilent() bool { return len(s.probed) > 0 && s.probed[0].location == "" }

func firstOfMonth(now time.Time) time.Time {
	return time.Date(now.UTC().Year(), now.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
}

// footprints knows when each account was told of last.
type footprints struct {
	mu   sync.Mutex
	last map[types.UID]time.Time
}

// isDue tells whether an account is to be asked about now.
func (f *footprints) isDue(uid types.UID, now time.Time) bool {
	return !f.isOfThisMonth(uid, now) || now.Sub(f.of(uid)) >= footprintInterval
}

// isOfThisMonth tells whether what was told last is about the month of a time.
func (f *footprints) isOfThisMonth(uid types.UID, now time.Time) bool {
	return firstOfMonth(f.of(uid)).Equal(firstOfMonth(now))
}

// of is when an account was told of last; the zero time is never.
func (f *footprints) of(uid types.UID) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last[uid]
}

// told notes that the vendor told, or that it does not.
func (f *footprints) told(uid types.UID, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last[uid] = now
}

func (f *footprints) forget(uid types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.last, uid)
}
