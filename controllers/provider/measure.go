package provider

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
)

// footprintInterval is how often a vendor is asked what an account used and
// emitted; its figures change daily at best.
const footprintInterval = 24 * time.Hour

// measure has the metrics tell what the account used and emitted this month. It
// is beside the point of a reconcile: a vendor that does not tell, or not to this
// key, is asked again after a day.
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
		return nil
	}
	r.Metrics.recordFootprint(s.provider.Name, footprint)
	return nil
}

// isAPISilent tells that the vendor's API failed in this reconcile.
func (s *scope) isAPISilent() bool { return len(s.probed) > 0 && s.probed[0].location == "" }

func firstOfMonth(now time.Time) time.Time {
	return time.Date(now.UTC().Year(), now.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
}

// footprints knows when each account was asked last.
type footprints struct {
	mu    sync.Mutex
	asked map[types.UID]time.Time
}

// isDue tells whether an account is to be asked now, and takes it that it is.
func (f *footprints) isDue(uid types.UID, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if last, asked := f.asked[uid]; asked && now.Sub(last) < footprintInterval {
		return false
	}
	f.asked[uid] = now
	return true
}

func (f *footprints) forget(uid types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.asked, uid)
}
