package provider

import (
	"context"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/provider"
)

// discoveryInterval is how often the vendor is asked for the regions of an
// account. They change seldom, and OVHcloud takes a request for each.
const discoveryInterval = time.Hour

// discover asks the vendor's API where the account has locations, when that is
// due, and puts together what is known of them. A vendor that does not answer
// leaves what it told before: its store may well answer, and what the spec says
// counts meanwhile.
func (r *Reconciler) discover(ctx context.Context, s *scope) error {
	if !s.provider.Spec.DiscoversLocations() {
		return nil
	}
	known, isKnown := r.discoveries.of(s.provider.UID)
	if !isKnown || s.now.Sub(known.at) >= discoveryInterval {
		regions, err := r.askRegions(ctx, s.provider)
		if err == nil {
			known, isKnown = discovery{at: s.now, regions: regions}, true
			r.discoveries.remember(s.provider.UID, known)
			s.provider.Status.DiscoveredAt = &metav1.Time{Time: s.now.UTC().Truncate(time.Second)}
		} else {
			s.probed = append(s.probed, probed{err: s.advise(err)})
		}
	}
	if !isKnown {
		return nil
	}
	s.provider.Status.Locations = keepTrials(s.provider.Status.Locations, location.Merge(s.provider, known.regions, s.held()...))
	return nil
}

// held are the locations that hold copies.
func (s *scope) held() []string {
	var held []string
	for _, replica := range s.copies {
		held = append(held, replica.Spec.Location)
	}
	return held
}

func (r *Reconciler) askRegions(ctx context.Context, p *v1alpha1.SovereignProvider) ([]provider.Region, error) {
	account, err := r.account(ctx, p)
	if err != nil {
		return nil, err
	}
	return account.Discover(ctx)
}

func (r *Reconciler) account(ctx context.Context, p *v1alpha1.SovereignProvider) (provider.Account, error) {
	session, err := r.Sessions.OpenAccount(ctx, p)
	if err != nil {
		return nil, err
	}
	account, ok := session.Account()
	if !ok {
		return nil, fault.New(fault.Terminal, fault.InvalidConfiguration, "type %s has no API that tells of an account", p.Spec.Type)
	}
	return account, nil
}

// keepTrials gives locations what is known of their stores from before, as long as
// they are served at the same endpoint.
func keepTrials(before, merged []v1alpha1.LocationStatus) []v1alpha1.LocationStatus {
	for i := range merged {
		index := slices.IndexFunc(before, func(l v1alpha1.LocationStatus) bool {
			return l.Name == merged[i].Name && l.Endpoint == merged[i].Endpoint
		})
		if index >= 0 {
			merged[i].Capabilities, merged[i].KeysNotKept = before[index].Capabilities, before[index].KeysNotKept
			merged[i].CapabilitiesTriedAt = before[index].CapabilitiesTriedAt
		}
	}
	return merged
}

// discovery is what a vendor told of an account's regions, and when.
type discovery struct {
	at      time.Time
	regions []provider.Region
}

// discoveries are those that this process knows of. A new process asks again.
type discoveries struct {
	mu    sync.Mutex
	known map[types.UID]discovery
}

func (d *discoveries) of(uid types.UID) (discovery, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, isKnown := d.known[uid]
	return known, isKnown
}

func (d *discoveries) remember(uid types.UID, found discovery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[uid] = found
}

func (d *discoveries) forget(uid types.UID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.known, uid)
}
