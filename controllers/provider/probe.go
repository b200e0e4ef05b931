package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/exception"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
)

// maximumSkew is how far clocks may be apart. Stores refuse requests at 15
// minutes; well before that somebody should know.
const maximumSkew = 5 * time.Minute

// capabilityInterval is how often capabilities are tried again.
const capabilityInterval = 24 * time.Hour

// gather finds out what is placed at the provider.
func (r *Reconciler) gather(ctx context.Context, s *scope) error {
	var replicas v1alpha1.BucketReplicaList
	if err := r.Client.List(ctx, &replicas, client.MatchingFields{gather.ReplicaProviderField: s.provider.Name}); err != nil {
		return fmt.Errorf("list the copies: %w", err)
	}
	s.copies = replicas.Items
	var drills v1alpha1.ReversibilityDrillList
	if err := r.Client.List(ctx, &drills, client.MatchingFields{gather.DrillSandboxField: s.provider.Name}); err != nil {
		return fmt.Errorf("list the drills: %w", err)
	}
	s.drills = drills.Items
	return nil
}

// describe gathers the facts about the locations, and which of them matter.
func (r *Reconciler) describe(ctx context.Context, s *scope) error {
	s.candidates = placement.FromProvider(s.provider)
	var policies v1alpha1.SovereigntyPolicyList
	if err := r.Client.List(ctx, &policies); err != nil {
		return fmt.Errorf("list the policies: %w", err)
	}
	var exceptions v1alpha1.SovereigntyExceptionList
	if err := r.Client.List(ctx, &exceptions); err != nil {
		return fmt.Errorf("list the exceptions: %w", err)
	}
	s.worthTrying = worthTrying(s.candidates, s.copies, allowances(policies.Items, exceptions.Items, s.now))
	return nil
}

// allowances are what each policy allows without exception, and what it allows with
// the exceptions that were made for a dataset.
func allowances(policies []v1alpha1.SovereigntyPolicy, exceptions []v1alpha1.SovereigntyException, now time.Time) []placement.Request {
	made := map[types.NamespacedName][]v1alpha1.SovereigntyException{}
	for _, e := range exceptions {
		subject := types.NamespacedName{Namespace: e.Namespace, Name: e.Spec.SubjectRef.Name}
		made[subject] = append(made[subject], e)
	}
	var allowances []placement.Request
	for i := range policies {
		under := []placement.Policy{placement.FromPolicy(&policies[i])}
		allowances = append(allowances, placement.Request{Policies: under, Now: now})
		for _, forSubject := range made {
			if counting := exception.Counting(forSubject, under, now); len(counting) > 0 {
				allowances = append(allowances, placement.Request{Policies: under, Exceptions: counting, Now: now})
			}
		}
	}
	return allowances
}

// worthTrying are the locations that hold a copy or that something allows. To others
// nothing is written, not even a trial.
func worthTrying(candidates []placement.Candidate, copies []v1alpha1.BucketReplica, allowances []placement.Request) map[string]bool {
	worth := map[string]bool{}
	for _, replica := range copies {
		worth[replica.Spec.Location] = true
	}
	for _, candidate := range candidates {
		for _, allowance := range allowances {
			if len(placement.JudgeProcessing(allowance, candidate)) == 0 {
				worth[candidate.Location] = true
			}
		}
	}
	return worth
}

// probe asks every location that matters whether it answers; all of them as long
// as no policy says which matter.
func (r *Reconciler) probe(ctx context.Context, s *scope) error {
	for _, candidate := range s.candidates {
		if len(s.worthTrying) == 0 || s.worthTrying[candidate.Location] {
			s.probed = append(s.probed, r.probeLocation(ctx, s, candidate))
		}
	}
	var errs []error
	for _, found := range s.probed {
		if found.err != nil {
			errs = append(errs, found.describe())
		}
	}
	rejected, err := r.Sessions.Rejected(ctx, s.provider)
	s.rejected, s.credentialsKnown = rejected, err == nil
	r.Metrics.record(s)
	return errors.Join(errs...)
}

func (r *Reconciler) probeLocation(ctx context.Context, s *scope, candidate placement.Candidate) probed {
	found := probed{location: candidate.Location}
	if candidate.Availability == v1alpha1.LocationMaintenance {
		found.err = fault.New(fault.Waiting, fault.ProviderMaintenance, "the provider says that it is under maintenance")
		return found
	}
	session, err := r.Sessions.Open(ctx, s.provider, candidate.Location)
	if err != nil {
		found.err = err
		return found
	}
	// Whoever looks after a bucket there shares the answer.
	list, err := r.Register.Call(ctx, session)
	found.buckets, found.limits = len(list.Names), session.Limits()
	health := list.Health
	if err == nil && s.worthTrying[candidate.Location] && s.provider.Spec.DiscoversLocations() {
		// The vendor's API may have told the list, and says nothing about the store.
		health, err = session.Ping(ctx)
	}
	found.skew, found.hasSkew = health.Skew()
	switch {
	case found.hasSkew && found.skew.Abs() > maximumSkew:
		found.err = fault.New(fault.Terminal, fault.ClockSkew, "%s", describeSkew(found.skew))
	case errors.Is(err, provider.ErrDenied):
		// A key that may not list buckets is a good key.
	default:
		found.err = s.advise(err)
	}
	return found
}

// advise says of refused credentials when they are tried again.
func (s *scope) advise(err error) error {
	if errors.Is(err, provider.ErrAuthentication) {
		return fmt.Errorf("%w; they are not tried again until Secret %s changes", err, s.provider.Spec.CredentialsRef())
	}
	return err
}

// describe says where a probe failed, and why.
func (p probed) describe() error {
	if p.location == "" {
		return p.err
	}
	return fmt.Errorf("location %s: %w", p.location, p.err)
}

// describeSkew says how far the clocks are apart, in words that do not change
// from one look to the next.
func describeSkew(skew time.Duration) string {
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("the provider's clock is more than %s %s the operator's: set one of them right", maximumSkew, direction)
}

// tryCapabilities finds out what the stores can do, where it is not known or was
// found out too long ago.
func (r *Reconciler) tryCapabilities(ctx context.Context, s *scope) error {
	if s.provider.Spec.Suspend {
		return nil
	}
	s.trials = map[string]trial{}
	var errs []error
	for _, found := range s.probed {
		if !s.worthTrying[found.location] {
			continue
		}
		if err := r.tryLocation(ctx, s, found.location); err != nil {
			errs = append(errs, fmt.Errorf("location %s: find out what the store can do: %w", found.location, err))
		}
	}
	return errors.Join(errs...)
}

// tryLocation finds out what the store of one location can do, unless it is known.
func (r *Reconciler) tryLocation(ctx context.Context, s *scope, location string) error {
	key := trialKey{s.provider.UID, location, s.endpoint(location)}
	last, isKnown := r.trials.last(key)
	if isKnown && s.now.Sub(last.at) < capabilityInterval {
		s.trials[location] = last // the status may not have it yet
		return nil
	}
	session, err := r.Sessions.Open(ctx, s.provider, location)
	if err != nil {
		return err
	}
	scratch := r.scratchBucket(s.provider, location)
	if before := s.triedBefore(location); before != nil {
		// A process before this one tried it. If it was killed in a later trial,
		// the scratch bucket is still there, and goes with another one.
		state, err := session.ObserveBucket(ctx, scratch)
		if err != nil && !errors.Is(err, provider.ErrDenied) {
			return err
		}
		if !state.Exists {
			r.trials.remember(key, *before)
			return nil
		}
	}
	found, err := probe.Store(ctx, session, scratch)
	if err != nil {
		return err // what was known before counts, and is tried again
	}
	s.trials[location] = trial{at: s.now, capabilities: publish(found.Capabilities), keysNotKept: found.KeysNotKept}
	r.trials.remember(key, s.trials[location])
	return nil
}

// scratchBucket is where capabilities are tried. Its name is always the same, so
// that one left behind by a crash is found and removed; so is that of the bucket
// beside it in which object lock is tried, which package probe derives from it.
func (r *Reconciler) scratchBucket(p *v1alpha1.SovereignProvider, location string) string {
	owner := ownership.Owner{Name: "probe"}
	return r.Installation.BucketName(owner, ownership.Place{Provider: p.Name, Location: location})
}

// triedBefore gives what the status knows of a location, if it is not too old.
func (s *scope) triedBefore(name string) *trial {
	for _, location := range s.provider.Status.Locations {
		if location.Name != name || location.CapabilitiesTriedAt == nil || location.Endpoint != s.endpoint(name) {
			continue
		}
		if location.Capabilities.EventNotifications == "" {
			continue // by an older version, which did not try everything
		}
		if at := location.CapabilitiesTriedAt.Time; s.now.Sub(at) < capabilityInterval {
			return &trial{at: at, capabilities: location.Capabilities, keysNotKept: location.KeysNotKept}
		}
	}
	return nil
}

// trial is what was found out about a store, and when.
type trial struct {
	at           time.Time
	capabilities v1alpha1.Capabilities
	keysNotKept  []string
}

type trialKey struct {
	provider           types.UID
	location, endpoint string
}

// trials are those that this process knows of.
type trials struct {
	mu    sync.Mutex
	known map[trialKey]trial
}

func (t *trials) last(key trialKey) (trial, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, isKnown := t.known[key]
	return last, isKnown
}

func (t *trials) remember(key trialKey, done trial) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[key] = done
}

func (t *trials) forget(provider types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.known, func(key trialKey, _ trial) bool { return key.provider == provider })
}
