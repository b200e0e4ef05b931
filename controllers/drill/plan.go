package drill

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/placement"
)

// plan decides which copy is restored where, and records it. Nothing is done
// before that is written.
func (r *Reconciler) plan(ctx context.Context, s *scope) error {
	if s.ended() {
		return nil
	}
	s.reached = v1alpha1.ProgressionPlanning
	facts, err := r.gather(ctx, s.drill)
	if err != nil {
		return err
	}
	from, err := chooseFrom(s.drill, facts)
	if err != nil {
		return s.unlessTerminal(err)
	}
	to, err := chooseTo(s.drill, facts, from)
	if err != nil {
		return s.unlessTerminal(err)
	}
	s.effective = &v1alpha1.DrillEffective{
		From:       v1alpha1.DrillCopy{PlaceReference: from.Spec.PlaceReference, BucketName: from.Spec.BucketName},
		To:         v1alpha1.DrillCopy{PlaceReference: to, BucketName: r.Installation.BucketName(s.owner(), placeOf(to))},
		Objectives: objectives(s.drill, facts),
	}
	s.reached = v1alpha1.ProgressionPreflight
	s.wait = 1 // at once: the decision is written first
	s.events = append(s.events, loop.Normal("DrillStarted", fmt.Sprintf("restoring the copy at %s to a sandbox at %s",
		from.Spec.PlaceReference, to)))
	return nil
}

// unlessTerminal ends a drill that can never be played: its spec never changes.
func (s *scope) unlessTerminal(err error) error {
	if err == nil || fault.Of(err).Class != fault.Terminal {
		return err
	}
	s.inconclusive(err)
	return nil
}

// owner is what the sandbox belongs to.
func (s *scope) owner() ownership.Owner {
	return ownership.Owner{Namespace: s.drill.Namespace, Name: s.drill.Spec.BucketRef.Name, Drill: s.drill.Name}
}

func placeOf(place v1alpha1.PlaceReference) ownership.Place {
	return ownership.Place{Provider: place.ProviderName, Location: place.Location}
}

// gather reads the bucket and what binds it.
func (r *Reconciler) gather(ctx context.Context, d *v1alpha1.ReversibilityDrill) (gather.Facts, error) {
	var bucket v1alpha1.SovereignBucket
	name := types.NamespacedName{Namespace: d.Namespace, Name: d.Spec.BucketRef.Name}
	if err := r.Client.Get(ctx, name, &bucket); apierrors.IsNotFound(err) {
		return gather.Facts{}, fault.New(fault.Waiting, fault.BucketNotFound, "SovereignBucket %s does not exist in this namespace", name.Name)
	} else if err != nil {
		return gather.Facts{}, fmt.Errorf("read the bucket: %w", err)
	}
	if bucket.Spec.Suspend {
		return gather.Facts{}, fault.New(fault.Waiting, fault.Suspended, "the bucket is suspended, and a drill writes to a sandbox")
	}
	return r.gatherer.Bucket(ctx, &bucket)
}

// chooseFrom gives the copy to restore: that at the wanted provider, or the first
// replica by name that is complete.
func chooseFrom(d *v1alpha1.ReversibilityDrill, facts gather.Facts) (*v1alpha1.BucketReplica, error) {
	replicas := slices.Clone(facts.Replicas)
	slices.SortFunc(replicas, func(a, b v1alpha1.BucketReplica) int { return cmp.Compare(a.Name, b.Name) })
	isWanted := func(b v1alpha1.BucketReplica) bool { return wanted(d.Spec.From, b.Spec.PlaceReference) }
	replicas = slices.DeleteFunc(replicas, func(b v1alpha1.BucketReplica) bool {
		return !b.DeletionTimestamp.IsZero() || !isWanted(b)
	})
	if d.Spec.From != nil && len(replicas) == 0 {
		return nil, fault.New(fault.Waiting, fault.PreflightFailed, "there is no copy at provider %s", d.Spec.From.ProviderName)
	}
	for i := range replicas {
		replica := &replicas[i]
		if replica.Spec.Role == v1alpha1.RoleReplica &&
			meta.IsStatusConditionTrue(replica.Status.Conditions, v1alpha1.ConditionInitialSyncComplete) {
			return replica, nil
		}
	}
	if d.Spec.From != nil && len(replicas) == 1 && replicas[0].Spec.Role == v1alpha1.RolePrimary {
		return nil, fault.New(fault.Terminal, fault.PreflightFailed,
			"provider %s holds the primary, and a drill restores a replica: name another provider in from", d.Spec.From.ProviderName)
	}
	return nil, fault.New(fault.Waiting, fault.PreflightFailed, "no copy is complete yet: waiting for the first run to come to its end")
}

func wanted(place *v1alpha1.DrillPlace, candidate v1alpha1.PlaceReference) bool {
	return place == nil || place.ProviderName == candidate.ProviderName &&
		(place.Location == "" || place.Location == candidate.Location)
}

// chooseTo gives the place of the sandbox: the wanted one, or the best eligible
// one, at another operator than the copy's, preferably also than the primary's,
// preferably where no copy is. It is judged as any copy is.
func chooseTo(d *v1alpha1.ReversibilityDrill, facts gather.Facts, from *v1alpha1.BucketReplica) (v1alpha1.PlaceReference, error) {
	origin, declared := facts.Candidate(from.Spec.PlaceReference)
	if !declared {
		return v1alpha1.PlaceReference{}, fault.New(fault.Waiting, fault.LocationUnknown, "no SovereignProvider declares %s", from.Spec.PlaceReference)
	}
	var eligible []placement.Candidate
	var refusal error
	request := facts.Request()
	for _, candidate := range request.Candidates {
		if !wanted(d.Spec.To, candidate.PlaceReference) {
			continue
		}
		if err := refuses(facts, request, candidate, origin); err != nil {
			refusal = cmp.Or(refusal, err)
			continue
		}
		eligible = append(eligible, candidate)
	}
	if len(eligible) == 0 {
		return v1alpha1.PlaceReference{}, noTarget(d, refusal)
	}
	primaryOperator := operatorOfPrimary(facts)
	return slices.MinFunc(eligible, func(a, b placement.Candidate) int {
		return cmp.Or(
			prefer(a.Operator != primaryOperator, b.Operator != primaryOperator),
			prefer(!holdsCopy(request, a), !holdsCopy(request, b)),
			prefer(a.Ready, b.Ready),
			cmp.Compare(a.ProviderName, b.ProviderName), cmp.Compare(a.Location, b.Location))
	}).PlaceReference, nil
}

// refuses tells why a sandbox may not be at a place, or nil.
func refuses(facts gather.Facts, request placement.Request, candidate, origin placement.Candidate) error {
	if objection := objectionTo(facts, request, candidate, ""); objection != nil {
		return objection
	}
	if candidate.Operator == origin.Operator {
		return fault.New(fault.Terminal, fault.PreflightFailed,
			"%s has the operator of the copy, %s: restoring there shows nothing about leaving it", candidate.PlaceReference, origin.Operator)
	}
	return nil
}

// objectionTo tells why nothing may be written to a place, or nil. Objections
// against a role count for a copy of that role alone.
func objectionTo(facts gather.Facts, request placement.Request, candidate placement.Candidate, role v1alpha1.CopyRole) error {
	if objection := placement.Against(request, candidate, role); objection != nil {
		return fault.New(fault.Terminal, fault.Reason(objection.Reason), "%s: %s", candidate.PlaceReference, objection.Message)
	}
	at := facts.Provider(candidate.ProviderName)
	switch {
	case candidate.Suspended: // placement lets copies stay at one, and nothing be written
		return fault.New(fault.Terminal, fault.Suspended, "%s: provider %s is suspended", candidate.PlaceReference, candidate.ProviderName)
	case at != nil && !at.DeletionTimestamp.IsZero():
		return fault.New(fault.Terminal, fault.Deleting, "%s: provider %s is being deleted", candidate.PlaceReference, candidate.ProviderName)
	}
	return nil
}

func noTarget(d *v1alpha1.ReversibilityDrill, refusal error) error {
	switch {
	case refusal != nil && d.Spec.To != nil:
		return refusal
	case d.Spec.To != nil:
		return fault.New(fault.Waiting, fault.PreflightFailed, "SovereignProvider %s, or its location, does not exist", d.Spec.To.ProviderName)
	}
	return fault.New(fault.Terminal, fault.PreflightFailed,
		"no other operator than the copy's has a place that the policies allow, so there is nowhere to restore to")
}

func operatorOfPrimary(facts gather.Facts) string {
	if primary := facts.Primary(); primary != nil {
		candidate, _ := facts.Candidate(primary.Spec.PlaceReference)
		return candidate.Operator
	}
	return ""
}

func holdsCopy(request placement.Request, candidate placement.Candidate) bool {
	return slices.ContainsFunc(request.Placed, func(c placement.Copy) bool { return c.PlaceReference == candidate.PlaceReference })
}

// prefer orders what is so before what is not.
func prefer(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// objectives are the drill's own, or the strictest of the policies' where it names
// none.
func objectives(d *v1alpha1.ReversibilityDrill, facts gather.Facts) v1alpha1.Objectives {
	effective := d.Spec.Objectives
	for _, policy := range facts.Policies {
		if d.Spec.Objectives.RPO == nil {
			effective.RPO = stricter(effective.RPO, policy.Spec.Objectives.RPO)
		}
		if d.Spec.Objectives.RTO == nil {
			effective.RTO = stricter(effective.RTO, policy.Spec.Objectives.RTO)
		}
	}
	return effective
}

// stricter gives the shorter of two objectives; nil asks for nothing.
func stricter(a, b *metav1.Duration) *metav1.Duration {
	if a == nil || b != nil && b.Duration < a.Duration {
		return b
	}
	return a
}
