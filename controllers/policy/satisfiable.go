package policy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/placement"
)

// survey reads which places there are. Their order decides which of several names of
// an operator is shown, so it is always the same.
func (r *Reconciler) survey(ctx context.Context, s *scope) error {
	var providers v1alpha1.SovereignProviderList
	if err := r.Client.List(ctx, &providers); err != nil {
		return fmt.Errorf("list the providers: %w", err)
	}
	s.providers = providers.Items
	slices.SortFunc(s.providers, func(a, b v1alpha1.SovereignProvider) int { return cmp.Compare(a.Name, b.Name) })
	for i := range s.providers {
		s.candidates = append(s.candidates, placement.FromProvider(&s.providers[i])...)
	}
	return nil
}

// satisfiable tells whether there are places that a bucket under the policy could
// have. A policy that contradicts itself must not look well until somebody needs it.
func (s *scope) satisfiable() metav1.Condition {
	const this = v1alpha1.ConditionSatisfiable
	if len(s.candidates) == 0 {
		return condition.Unknown(this, v1alpha1.ReasonNotObserved, "there is no SovereignProvider with a location yet")
	}
	reason, said := placement.Unsatisfiable(placement.FromPolicy(s.policy), s.candidates, s.now)
	if reason == "" {
		return condition.True(this, v1alpha1.ReasonSucceeded, "")
	}
	// There is no bucket here whose status would say more.
	return condition.False(this, reason, "no places satisfy this policy: "+said.Without(placement.SeeCandidates).String())
}

// untilExpiry is how long it is until a fact that the policy asks for ends; 0 is
// never.
func (s *scope) untilExpiry() time.Duration {
	next, isAny := placement.NextExpiry(placement.Request{
		Policies: []placement.Policy{placement.FromPolicy(s.policy)}, Candidates: s.candidates, Now: s.now,
	})
	if !isAny {
		return 0
	}
	return next.Sub(s.now)
}
