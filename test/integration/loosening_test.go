package integration

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// The admission policy and the code say the same of every change, so that it makes no
// difference whether a policy is changed or a bucket leaves it.
func TestTheAdmissionPolicyJudgesLooseningsAsTheCodeDoes(t *testing.T) {
	w := newWorld(t)
	w.stop() // which would say that nothing is bound
	w.install("../../config/admission/policies.yaml")
	w.authors("bob")
	binding := `{"status":{"summary":{"pass":0,"fail":0,"warn":1}}}`
	change := func(before, after v1alpha1.SovereigntyPolicySpec) error {
		policy := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{GenerateName: "p-"}, Spec: before}
		w.create(policy)
		defer w.delete(policy)
		if err := w.client.Status().Patch(context.Background(), policy, client.RawPatch("application/merge-patch+json", []byte(binding))); err != nil {
			t.Fatal(err)
		}
		policy.Spec = after
		return w.as("bob").Update(context.Background(), policy, client.DryRunAll)
	}
	strict, loose := v1alpha1.SovereigntyPolicySpec{}, v1alpha1.SovereigntyPolicySpec{}
	strict.Residency.Perimeter, loose.Residency.Perimeter = v1alpha1.PerimeterFR, v1alpha1.PerimeterEEA
	w.eventually(func() error { return wantRefusal(change(strict, loose), "residency (spec.residency.perimeter)") })

	binding = `{"status":{"summary":{"pass":0,"fail":0,"warn":0}}}`
	if err := change(strict, loose); err != nil {
		t.Errorf("a policy that binds nothing: %v", err)
	}
	for _, binding = range []string{`{"status":{"summary":{"pass":1,"fail":0,"warn":0}}}`, `{"status":{"summary":{"pass":0,"fail":1,"warn":0}}}`} {
		if err := wantRefusal(change(strict, loose), "residency (spec.residency.perimeter)"); err != nil {
			t.Errorf("a policy with %s: %v", binding, err)
		}
	}

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

// Real users with real roles, and an operator that counts what the policy binds.
func TestWhoMayNotApproveOnlyTightensWhatBindsABucket(t *testing.T) {
	w := newWorld(t)
	w.install("../../config/admission/policies.yaml", "../../config/rbac/approver.yaml")
	w.authors("bob", "erin", "frank")
	w.grant("approves-other", rbacv1.PolicyRule{
		APIGroups: []string{"rempart.dev"}, Resources: []string{"sovereigntypolicies"}, ResourceNames: []string{"other"}, Verbs: []string{"approve"},
	})
	w.bind("rempart-exception-approver", "erin", "")
	w.bind("rempart-exception-approver", "dora", "")
	w.bind("approves-other", "frank", "")
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		w.emulated(name)
	}
	w.threeProviders()
	policy := w.policy("etat-civil")
	w.policy("draft")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.eventually(func() error {
		if w.get(policy); policy.Status.Summary.Pass == 0 {
			return notYet("the policy binds %+v", policy.Status.Summary)
		}
		return nil
	})
	wider := func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.Perimeter = v1alpha1.PerimeterEU }
	try := func(user, name string, change func(*v1alpha1.SovereigntyPolicySpec)) error {
		changed := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
		w.get(changed)
		change(&changed.Spec)
		writer := w.client
		if user != "" {
			writer = w.as(user)
		}
		return writer.Update(context.Background(), changed, client.DryRunAll)
	}
	// A policy of admission is in force a moment after it was made.
	const refusal = "SovereigntyPolicy etat-civil binds buckets and would ask less of them by residency (spec.residency.perimeter); " +
		"bob may not approve that, which takes the verb approve on the policy. A SovereigntyException lets a rule not count"
	w.eventually(func() error { return wantRefusal(try("bob", "etat-civil", wider), refusal) })
	if err := wantRefusal(try("frank", "etat-civil", wider), "frank may not approve that"); err != nil {
		t.Errorf("who approves for another policy: %v", err)
	}
	if err := wantRefusal(try("dora", "etat-civil", wider), `User "dora" cannot update resource "sovereigntypolicies"`); err != nil {
		t.Errorf("an approver who may not write policies: %v", err)
	}
	if err := wantRefusal(try("bob", "etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.ValidationActions = []v1alpha1.ValidationAction{v1alpha1.ActionAudit}
	}), "every rule (spec.validationActions)"); err != nil {
		t.Errorf("a policy that denies nothing any more: %v", err)
	}
	if err := wantRefusal(try("bob", "etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Residency.AllowedCountries, s.Copies = []string{"FR"}, v1alpha1.CopyRules{Minimum: 3}
	}), "by operators (spec.copies.distinctOperators); bob"); err != nil {
		t.Errorf("one rule tightened and another one loosened: %v", err)
	}

	for name, err := range map[string]error{
		"a tightening": try("bob", "etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
			s.Residency.AllowedCountries, s.Copies.Minimum = []string{"RE"}, 8
		}),
		"a description":                   try("bob", "etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) { s.Description = "Actes" }),
		"a policy that binds no bucket":   try("bob", "draft", wider),
		"an author who may approve":       try("erin", "etat-civil", wider),
		"an administrator of the cluster": try("", "etat-civil", wider),
		"the administrator, who deletes":  w.client.Delete(context.Background(), policy.DeepCopy(), client.DryRunAll),
		"the author, who annotates it":    w.as("bob").Patch(context.Background(), policy.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":{"a":"b"}}}`))),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABucketLeavesItsPolicyForOneThatAsksAsMuch(t *testing.T) {
	a := judged(t)
	a.grant("edits-buckets", rbacv1.PolicyRule{APIGroups: []string{"rempart.dev"}, Resources: []string{"sovereignbuckets"}, Verbs: []string{"get", "update", "patch"}})
	a.grant("approves-etat-civil", rbacv1.PolicyRule{
		APIGroups: []string{"rempart.dev"}, Resources: []string{"sovereigntypolicies"}, ResourceNames: []string{"etat-civil"}, Verbs: []string{"approve"},
	})
	for _, user := range []string{"carol", "dave"} {
		a.bind("edits-buckets", user, a.namespace)
	}
	a.bind("approves-etat-civil", "dave", "")
	a.stores()
	a.policy("plans", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Copies, s.Residency.Perimeter = v1alpha1.CopyRules{}, v1alpha1.PerimeterEU
	})
	a.policy("secret", func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.AllowedCountries = []string{"FR"} })
	bucket := a.bucket("actes", "etat-civil")
	a.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	a.awaitWebhook()
	try := func(user, policy string) error {
		moved := bucket.DeepCopy()
		a.get(moved)
		moved.Spec.PolicyRef.Name = policy
		return a.as(user).Update(context.Background(), moved, client.DryRunAll)
	}
	const refusal = "the bucket would leave SovereigntyPolicy etat-civil for plans, which asks less of it by residency (spec.residency.perimeter), " +
		"copies (spec.copies.minimum), operators (spec.copies.distinctOperators); carol may not approve that, which takes the verb approve on etat-civil"
	a.eventually(func() error { return wantRefusal(try("carol", "plans"), refusal) })
	if err := try("carol", "secret"); err != nil {
		t.Errorf("to a stricter policy: %v", err)
	}
	if err := wantRefusal(try("carol", "later"), "later, which does not exist"); err != nil {
		t.Errorf("to a policy that does not exist: %v", err)
	}
	if err := try("dave", "plans"); err != nil {
		t.Errorf("by who may approve: %v", err)
	}

	// While nobody can say what is lost, only who may approve moves a bucket. Nothing
	// else waits.
	a.stop()
	if err := try("carol", "secret"); err == nil || !strings.Contains(err.Error(), "moves.rempart.dev") {
		t.Errorf("a move that nobody judges: %v", err)
	}
	if err := try("dave", "plans"); err != nil {
		t.Errorf("by who may approve, with the operator down: %v", err)
	}
	a.get(bucket)
	bucket.Spec.Dataset.Title = "Actes d'état civil"
	if err := a.as("carol").Update(context.Background(), bucket); err != nil {
		t.Errorf("a title, with the operator down: %v", err)
	}
	a.get(bucket)
	bucket.Spec.PolicyRef.Name = "plans"
	if err := a.client.Update(context.Background(), bucket); err != nil {
		t.Errorf("an administrator of the cluster, with the operator down: %v", err)
	}
}

func TestWhoEndsAnExceptionIsToldWhatFallsOut(t *testing.T) {
	a := judged(t)
	for _, name := range []string{"onprem", "ovh"} {
		a.emulated(name)
	}
	a.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)})
	a.provider("ovh", []v1alpha1.Location{in("LON", "GB"), in("BHS", "CA")})
	a.policy("etat-civil", asking(exceptable("residency")))
	bucket := a.bucket("actes", "etat-civil")
	made := exceptionFor(a.namespace, bucket.Name, "etat-civil", time.Now().Add(30*time.Minute))
	a.create(made)
	a.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	var place string
	a.eventually(func() error {
		for place = range a.replicas(bucket) {
			if place != "onprem/dc1" {
				return nil
			}
		}
		return notYet("there is no copy yet")
	})
	a.eventually(func() error {
		a.told()
		if err := a.client.Delete(context.Background(), made.DeepCopy(), client.DryRunAll); err != nil {
			t.Fatalf("it cannot be deleted: %v", err)
		}
		want := "SovereignBucket " + a.namespace + "/actes: its copy at " + place + " falls out and is replaced (policy etat-civil, residency: "
		if told := a.told(); !slices.ContainsFunc(told, func(one string) bool { return strings.HasPrefix(one, want) }) {
			return notYet("the warnings are %q, want %q", told, want)
		}
		return nil
	})
	a.stop()
	if err := a.client.Delete(context.Background(), made); err != nil && !apierrors.IsNotFound(err) {
		t.Errorf("it cannot be deleted while the operator is down: %v", err)
	}
}
