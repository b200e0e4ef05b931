package drill

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
)

// giveUp ends a drill that is deleted, or whose deadline passes, before it began.
func (r *Reconciler) giveUp(_ context.Context, s *scope) error {
	switch {
	case !s.drill.DeletionTimestamp.IsZero():
		s.inconclusive(errors.New("the drill was deleted before it began"))
	case s.isTooLate():
		s.end(*tooLate())
	default:
		// Whatever the drill waits for, and however long the answer to that would
		// have the queue wait.
		r.waker.WakeAfter(s.key(), s.deadline().Sub(s.now))
	}
	return nil
}

// follow has a drill played that was decided, and takes up what it comes to. One
// that is under way and that nobody plays lost its clock with the operator.
func (r *Reconciler) follow(ctx context.Context, s *scope) error {
	latest, isPlayed, known := r.pool.Look(s.key())
	waitsForItsTurn := isPlayed && latest.step == ""
	if !s.drill.DeletionTimestamp.IsZero() || waitsForItsTurn && s.isTooLate() {
		r.pool.Cancel(s.key()) // one that has begun knows its deadline itself
	}
	if !s.isTooLate() {
		r.waker.WakeAfter(s.key(), s.deadline().Sub(s.now))
	}
	switch {
	case isPlayed:
		s.reached, s.held = reachedBy(latest.step, s.drill.Status.Progression), latest.held
		s.wait = time.Minute
		return nil
	case known:
		s.end(*latest.outcome)
		s.written = func() { r.pool.Forget(s.key()) }
		return nil
	case s.isTooLate() && s.drill.Status.Progression == v1alpha1.ProgressionPreflight:
		s.end(*tooLate())
		return nil
	case s.isTooLate():
		s.inconclusive(fault.New(fault.Terminal, fault.DeadlineExceeded, "the drill did not end before its deadline"))
		return nil
	case r.played.has(s.drill.UID):
		// The cache is behind: this drill has ended, and must not begin again.
		s.wait = time.Second
		return nil
	case s.drill.Status.Progression == v1alpha1.ProgressionPreflight && s.drill.DeletionTimestamp.IsZero():
		s.wait = time.Minute
		return s.unlessTerminal(r.begin(ctx, s))
	}
	s.inconclusive(errors.New("the operator was restarted during the drill, so its clock is lost"))
	return nil
}

// reachedBy gives the step that a drill has reached; before it tells one, that in
// the status.
func reachedBy(step drill.Step, before v1alpha1.DrillProgression) v1alpha1.DrillProgression {
	if step == "" {
		return before
	}
	return v1alpha1.DrillProgression(step)
}

// begin has the drill played beside the loop.
func (r *Reconciler) begin(ctx context.Context, s *scope) error {
	facts, err := r.gather(ctx, s.drill)
	if err != nil {
		return err
	}
	if err := r.permits(ctx, s.drill, facts); err != nil {
		return err
	}
	plan, err := r.assemble(ctx, s, facts)
	if err != nil {
		return err
	}
	if _, err := r.stores(ctx, s.drill); err != nil {
		return err
	}
	if _, err := r.Signer(ctx); err != nil {
		return err
	}
	deadline, d := s.deadline(), s.drill.DeepCopy()
	r.played.add(s.drill.UID)
	r.pool.Begin(s.key(), progress{}, func(ctx context.Context, publish func(progress)) progress {
		if !r.Clock.Now().Before(deadline) {
			return progress{outcome: tooLate()}
		}
		if err := ctx.Err(); err != nil {
			return progress{outcome: &drill.Outcome{Verdict: drill.Inconclusive, Err: fmt.Errorf("the drill was stopped before it began: %w", err)}}
		}
		ctx, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		held := func(err error) error {
			if err != nil {
				publish(progress{step: drill.Reporting, held: err})
			}
			return err
		}
		plan.Stores = func(ctx context.Context) ([]drill.Copy, error) {
			stores, err := r.stores(ctx, d)
			return stores, held(err)
		}
		plan.Signer = func(ctx context.Context) (ed25519.PrivateKey, error) {
			key, err := r.Signer(ctx)
			return key, held(err)
		}
		plan.Known = func(ctx context.Context) ([]evidence.Link, error) {
			known, err := r.known(ctx, d)
			return known, held(err)
		}
		outcome := drill.Run(ctx, plan, func(step drill.Step) { publish(progress{step: step}) })
		return progress{step: drill.Reporting, outcome: &outcome}
	})
	return nil
}

// tooLate is what a drill comes to that could not begin in time.
func tooLate() *drill.Outcome {
	return &drill.Outcome{Verdict: drill.Inconclusive, Err: fault.New(fault.Terminal, fault.DeadlineExceeded,
		"the drill could not begin before its deadline")}
}

// permits tells why the drill may not be played as it was planned, or nil: since
// then a policy or a provider may have changed.
func (r *Reconciler) permits(ctx context.Context, d *v1alpha1.ReversibilityDrill, facts gather.Facts) error {
	if err := r.MayRead(ctx, facts); err != nil {
		return err
	}
	to, err := candidateAt(facts, d.Status.Effective.To.PlaceReference)
	if err != nil {
		return err
	}
	from, err := candidateAt(facts, d.Status.Effective.From.PlaceReference)
	if err != nil {
		return err
	}
	return refuses(facts, facts.Request(), to, from)
}

// lets tells why a drill that is being played must end, or nil. Its sandbox is one
// more copy then, which what keeps only new copies away does not concern.
func (r *Reconciler) lets(ctx context.Context, d *v1alpha1.ReversibilityDrill, facts gather.Facts) error {
	if err := r.MayRead(ctx, facts); err != nil {
		return err
	}
	to, err := candidateAt(facts, d.Status.Effective.To.PlaceReference)
	if err != nil {
		return err
	}
	return objectionTo(facts, besides(facts, to), to, v1alpha1.RoleReplica)
}

// besides is the request for a decision about the bucket with a sandbox as one of its
// copies.
func besides(facts gather.Facts, sandbox placement.Candidate) placement.Request {
	request := facts.Request()
	request.Placed = append(request.Placed, placement.Copy{PlaceReference: sandbox.PlaceReference, Role: v1alpha1.RoleReplica})
	return request
}

func candidateAt(facts gather.Facts, place v1alpha1.PlaceReference) (placement.Candidate, error) {
	candidate, declared := facts.Candidate(place)
	if !declared {
		return candidate, fault.New(fault.Waiting, fault.LocationUnknown, "no SovereignProvider declares %s", place)
	}
	return candidate, nil
}

// assemble opens everything that the drill needs.
func (r *Reconciler) assemble(ctx context.Context, s *scope, facts gather.Facts) (drill.Plan, error) {
	effective := s.drill.Status.Effective
	policies, inForce, err := documents(s.drill, facts)
	if err != nil {
		return drill.Plan{}, err
	}
	plan := drill.Plan{
		Names: drill.Names{
			Installation: r.Installation.ID, Namespace: s.drill.Namespace, Drill: s.drill.Name, UID: string(s.drill.UID),
			Bucket: facts.Bucket.Name, Dataset: facts.Bucket.Spec.Dataset.Title, PolicyName: facts.Bucket.Spec.PolicyRef.Name,
		},
		Policies: policies, Facts: inForce, Version: r.Version, Observer: r.Metrics.observer(s.drill), Chain: &r.chain,
	}
	if rpo := effective.Objectives.RPO; rpo != nil {
		plan.Objectives.RPO = rpo.Duration
	}
	if rto := effective.Objectives.RTO; rto != nil {
		plan.Objectives.RTO = rto.Duration
	}
	primary := facts.Primary()
	if primary == nil {
		return drill.Plan{}, fault.New(fault.Waiting, fault.PreflightFailed, "the bucket has no primary")
	}
	if plan.Source, err = r.copy(ctx, facts, primary.Spec.PlaceReference, primary.Spec.BucketName); err != nil {
		return drill.Plan{}, err
	}
	if plan.From, err = r.copy(ctx, facts, effective.From.PlaceReference, effective.From.BucketName); err != nil {
		return drill.Plan{}, err
	}
	if plan.To, err = r.sandbox(ctx, s, facts); err != nil {
		return drill.Plan{}, err
	}
	d := s.drill.DeepCopy()
	plan.Permit, plan.Continue = r.asking(d, r.permits), r.asking(d, r.lets)
	return plan, nil
}

// asking asks about a drill with what is known at the time.
func (r *Reconciler) asking(
	d *v1alpha1.ReversibilityDrill, about func(context.Context, *v1alpha1.ReversibilityDrill, gather.Facts) error,
) func(context.Context) error {
	return func(ctx context.Context) error {
		facts, err := r.gather(ctx, d)
		if err != nil {
			return err
		}
		return about(ctx, d, facts)
	}
}

// copy opens a bucket that takes part.
func (r *Reconciler) copy(ctx context.Context, facts gather.Facts, place v1alpha1.PlaceReference, bucketName string) (drill.Copy, error) {
	at := facts.Provider(place.ProviderName)
	candidate, declared := facts.Candidate(place)
	if at == nil || !declared {
		return drill.Copy{}, fault.New(fault.Waiting, fault.LocationUnknown, "no SovereignProvider declares %s", place)
	}
	session, err := r.Sessions.Open(ctx, at, place.Location)
	if err != nil {
		return drill.Copy{}, fmt.Errorf("open %s: %w", place, err)
	}
	return drill.Copy{
		Session: session, Bucket: bucketName, Operator: candidate.Operator, Country: candidate.Territory.Country,
	}, nil
}

// sandbox opens the place of the sandbox.
func (r *Reconciler) sandbox(ctx context.Context, s *scope, facts gather.Facts) (drill.Sandbox, error) {
	to := s.drill.Status.Effective.To
	opened, err := r.copy(ctx, facts, to.PlaceReference, to.BucketName)
	if err != nil {
		return drill.Sandbox{}, err
	}
	at := facts.Provider(to.ProviderName)
	return drill.Sandbox{
		Copy:     opened,
		Mark:     r.Installation.Mark(s.owner(), to.BucketName),
		Consumer: r.Installation.Consumer(s.owner(), placeOf(to.PlaceReference)),
		OpenWith: func(key provider.Key) (provider.Session, error) {
			return r.Sessions.OpenWithKey(context.WithoutCancel(ctx), at, to.Location, key)
		},
	}, nil
}

// stores are where the evidence of a drill may go now: the copy that it restores,
// and one at another operator, as far as the policies let something be written
// there. Evidence names objects, so it is no less personal than they are. If it
// may go nowhere, the error says why.
func (r *Reconciler) stores(ctx context.Context, d *v1alpha1.ReversibilityDrill) ([]drill.Copy, error) {
	facts, err := r.gather(ctx, d)
	if err != nil {
		return nil, err
	}
	var stores []drill.Copy
	replicas, refusal := evidencePlaces(facts, d.Status.Effective.From.BucketName)
	for _, replica := range replicas {
		store, err := r.copy(ctx, facts, replica.Spec.PlaceReference, replica.Spec.BucketName)
		if err != nil {
			refusal = cmp.Or(refusal, err) // a place that cannot be opened now takes no evidence
			continue
		}
		if len(stores) == 0 || store.Operator != stores[0].Operator {
			stores = append(stores, store)
		}
		if len(stores) == 2 {
			break
		}
	}
	if len(stores) == 0 {
		return nil, fault.New(fault.Waiting, fault.PreflightFailed,
			"no copy may take the evidence: %w", cmp.Or(refusal, errors.New("there is none that is set up")))
	}
	return stores, nil
}

// evidencePlaces are the copies that may take evidence, the one with the bucket
// first, and why the first other may not.
func evidencePlaces(facts gather.Facts, first string) ([]v1alpha1.BucketReplica, error) {
	var places []v1alpha1.BucketReplica
	var refusal error
	request := facts.Request()
	for _, replica := range facts.Replicas {
		if !replica.DeletionTimestamp.IsZero() || !meta.IsStatusConditionTrue(replica.Status.Conditions, v1alpha1.ConditionProvisioned) {
			continue // its bucket goes, or is not known to be ours
		}
		candidate, declared := facts.Candidate(replica.Spec.PlaceReference)
		if !declared {
			continue
		}
		if err := objectionTo(facts, request, candidate, replica.Spec.Role); err != nil {
			refusal = cmp.Or(refusal, err)
			continue
		}
		places = append(places, replica)
	}
	slices.SortStableFunc(places, func(a, b v1alpha1.BucketReplica) int {
		return cmp.Or(prefer(a.Spec.BucketName == first, b.Spec.BucketName == first), cmp.Compare(a.Name, b.Name))
	})
	return places, refusal
}

// cleanupRetry is how soon a sandbox that did not go is tried again.
const cleanupRetry = 30 * time.Second

// cleanUp removes the sandbox once it is due.
func (r *Reconciler) cleanUp(ctx context.Context, s *scope) error {
	if due := s.cleanupDue(); s.now.Before(due) && r.mayStay(ctx, s.drill) {
		s.wait = min(due.Sub(s.now), stayAskedAgain)
		return nil
	}
	if s.drill.Status.Effective == nil {
		s.cleanedUp, s.reached = true, v1alpha1.ProgressionDone
		return nil
	}
	err := r.removeSandbox(ctx, s)
	switch {
	case err == nil:
		s.cleanedUp, s.reached = true, v1alpha1.ProgressionDone
	case s.isGivenUp():
		s.abandon(err)
	default:
		// It does not change what the drill showed, so it is no error of the
		// reconcile: a condition of its own says it, and it is tried again.
		s.cleanupErr, s.wait = err, cleanupRetry
	}
	return nil
}

// stayAskedAgain is how soon it is asked again whether a sandbox may stay.
const stayAskedAgain = time.Minute

// mayStay tells whether a sandbox may be where it is until its time has come: like a
// copy, until it is known that it may not.
func (r *Reconciler) mayStay(ctx context.Context, d *v1alpha1.ReversibilityDrill) bool {
	if d.Status.Effective == nil {
		return true
	}
	facts, err := r.gather(ctx, d)
	if err != nil {
		return true
	}
	to, declared := facts.Candidate(d.Status.Effective.To.PlaceReference)
	return !declared || placement.Against(besides(facts, to), to, v1alpha1.RoleReplica) == nil
}

// isGivenUp tells whether somebody gave the word to leave the sandbox behind if it
// does not go.
func (s *scope) isGivenUp() bool {
	return s.drill.Annotations[v1alpha1.AbandonSandboxAnnotation] == s.drill.Status.Effective.To.BucketName
}

// abandon lets go of a sandbox that does not go.
func (s *scope) abandon(err error) {
	s.abandoned, s.reached = true, v1alpha1.ProgressionDone
	s.wait = 1 // the drill may be let go once it is written, and told
	to := s.drill.Status.Effective.To
	s.events = append(s.events, loop.Warning(v1alpha1.ReasonSandboxAbandoned,
		fmt.Sprintf("bucket %s at %s was left behind, with what it holds and its key: %v", to.BucketName, to.PlaceReference, err)))
}

func (r *Reconciler) removeSandbox(ctx context.Context, s *scope) error {
	to := s.drill.Status.Effective.To
	at, err := r.provider(ctx, to.ProviderName)
	if err != nil {
		return err
	}
	session, err := r.Sessions.Open(ctx, at, to.Location)
	if err != nil {
		return err
	}
	return drill.Cleanup(ctx, drill.Sandbox{
		Copy:     drill.Copy{Session: session, Bucket: to.BucketName},
		Mark:     r.Installation.Mark(s.owner(), to.BucketName),
		Consumer: r.Installation.Consumer(s.owner(), placeOf(to.PlaceReference)),
	})
}

// played are the drills that this process has begun.
type played struct {
	mu     sync.Mutex
	drills map[types.UID]bool
}

func (p *played) add(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drills[uid] = true
}

func (p *played) has(uid types.UID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drills[uid]
}

func (p *played) forget(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.drills, uid)
}
