package integration

import (
	"context"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement/placementtest"
)

// authors grants what it takes to write policies, without the word of an approver.
func (w *world) authors(users ...string) {
	w.grant("writes-policies", rbacv1.PolicyRule{
		APIGroups: []string{"rempart.dev"}, Resources: []string{"sovereigntypolicies"}, Verbs: []string{"get", "list", "watch", "create", "update", "patch"},
	})
	for _, user := range users {
		w.bind("writes-policies", user, "")
	}
}

// bound says of a policy that it binds a bucket, as its status does.
func (w *world) bound(policy *v1alpha1.SovereigntyPolicy) {
	w.t.Helper()
	policy.Status.Summary = v1alpha1.PolicySummary{Pass: 1}
	if err := w.client.Status().Update(context.Background(), policy); err != nil {
		w.t.Fatal(err)
	}
}

// The admission policy and the code say the same of every change, so that it makes no
// difference whether a policy is changed or a bucket leaves it.
func TestTheAdmissionPolicyJudgesLooseningsAsTheCodeDoes(t *testing.T) {
	w := newWorld(t)
	w.stop() // which would say that nothing is bound
	w.install("../../config/admission/policies.yaml")
	w.authors("bob")
	change := func(before, after v1alpha1.SovereigntyPolicySpec) error {
		policy := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{GenerateName: "p-"}, Spec: before}
		w.create(policy)
		defer w.delete(policy)
		w.bound(policy)
		policy.Spec = after
		return w.as("bob").Update(context.Background(), policy, client.DryRunAll)
	}
	strict, loose := v1alpha1.SovereigntyPolicySpec{}, v1alpha1.SovereigntyPolicySpec{}
	strict.Residency.Perimeter, loose.Residency.Perimeter = v1alpha1.PerimeterFR, v1alpha1.PerimeterEEA
	w.eventually(func() error { return wantRefusal(change(strict, loose), "residency (spec.residency.perimeter)") })

	for name, c := range placementtest.Changes() {
		t.Run(name, func(t *testing.T) {
			for _, direction := range []struct {
				before, after v1alpha1.SovereigntyPolicySpec
				want          []string
			}{{c.Before, c.After, c.Want}, {c.After, c.Before, c.Back}} {
				err := change(direction.before, direction.after)
				if len(direction.want) == 0 {
					if err != nil {
						t.Errorf("it is not let in: %v", err)
					}
					continue
				}
				want := "would ask less of them by " + strings.Join(direction.want, ", ") + "; bob may not approve that"
				if err := wantRefusal(err, want); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
