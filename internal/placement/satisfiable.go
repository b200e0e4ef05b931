package placement

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
)

// Unsatisfiable says why no places satisfy a policy, or gives nothing: what it asks
// for contradicts itself, or no places that exist have it together. It asks what the
// places are and not whom they admit, who answers or takes copies right now, what
// other policies bind a bucket, or whether the policy denies.
func Unsatisfiable(policy Policy, candidates []Candidate, now time.Time) (reason string, said message.Text) {
	everybody := &metav1.LabelSelector{}
	policy.Spec.AllowedNamespaces, policy.IsBaseline = everybody, false
	policy.Spec.ValidationActions = []v1alpha1.ValidationAction{v1alpha1.ActionDeny}
	in := Request{Policies: []Policy{policy}, Now: now}
	for _, candidate := range candidates {
		candidate.AllowedNamespaces, candidate.Suspended, candidate.Taints, candidate.Holds = everybody, false, nil, false
		if candidate.Availability == v1alpha1.LocationMaintenance {
			candidate.Availability = v1alpha1.LocationAvailable
		}
		in.Candidates = append(in.Candidates, candidate)
	}
	decision := Decide(in)
	return decision.Reason, decision.Message
}
