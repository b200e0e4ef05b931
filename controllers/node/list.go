package node

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

const (
	// listInterval is how often a vendor is asked for the machines of an account.
	listInterval = 15 * time.Minute
	// newcomerInterval is how often for the sake of Nodes that are newer than what it
	// told: they come in groups.
	newcomerInterval = 30 * time.Second
	// listAge is how long what it told is held true while it does not answer.
	listAge = time.Hour
)

// list asks the vendors for the machines of every account, where that is due. It
// only makes sure what is known without it, so an API that does not tell, or not to
// this key, stops nothing.
func (r *Reconciler) list(ctx context.Context, s *scope) error {
	s.world.Machines = map[string][]provider.Machine{}
	r.listings.keep(s.world.Providers)
	for i := range s.world.Providers {
		p := &s.world.Providers[i]
		if !p.Spec.DiscoversLocations() {
			continue
		}
		known := r.listings.of(p.UID)
		isNewcomer := s.node.CreationTimestamp.After(known.asked)
		if known.isDue(p, s.now, isNewcomer) {
			known = r.ask(ctx, p, known, s.now)
			r.listings.remember(p.UID, known)
		} else if isNewcomer {
			s.next = newcomerInterval
		}
		if known.isTold && s.now.Sub(known.told) < listAge {
			s.world.Machines[p.Name] = known.machines
		}
	}
	return nil
}

// ask asks one vendor, and keeps what is known where it does not tell.
func (r *Reconciler) ask(ctx context.Context, p *v1alpha1.SovereignProvider, known listing, now time.Time) listing {
	known.asked, known.generation = now, p.Generation
	machines, err := r.machines(ctx, p)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("the vendor does not list the machines of an account", "provider", p.Name, "cause", err.Error())
		return known
	}
	known.told, known.isTold, known.machines = now, true, machines
	return known
}

func (r *Reconciler) machines(ctx context.Context, p *v1alpha1.SovereignProvider) ([]provider.Machine, error) {
	session, err := r.Accounts.OpenAccount(ctx, p)
	if err != nil {
		return nil, err
	}
	account, ok := session.Account()
	if !ok {
		return nil, fault.New(fault.Terminal, fault.InvalidConfiguration, "type %s has no API that tells of an account", p.Spec.Type)
	}
	return account.Machines(ctx)
}

// listing is what a vendor told of an account's machines, and when.
type listing struct {
	// asked is when it was asked last, and told when it answered last.
	asked, told time.Time
	isTold      bool
	generation  int64
	machines    []provider.Machine
}

// isDue tells whether to ask now: a new spec may bring another key.
func (l listing) isDue(p *v1alpha1.SovereignProvider, now time.Time, isNewcomer bool) bool {
	age := now.Sub(l.asked)
	return l.generation != p.Generation || age >= listInterval || isNewcomer && age >= newcomerInterval
}

// listings are those that this process knows of. A new process asks again.
type listings struct {
	mu    sync.Mutex
	known map[types.UID]listing
}

func (l *listings) of(uid types.UID) listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[uid]
}

func (l *listings) remember(uid types.UID, told listing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[uid] = told
}

// keep forgets all but those of providers that are there.
func (l *listings) keep(providers []v1alpha1.SovereignProvider) {
	kept := map[types.UID]listing{}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range providers {
		if told, isKnown := l.known[p.UID]; isKnown {
			kept[p.UID] = told
		}
	}
	l.known = kept
}
