package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
)

// exceptable lets some rules of a policy be excepted.
func exceptable(rules ...v1alpha1.ExceptableRule) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Exceptions = v1alpha1.ExceptionRules{Rules: rules, MaximumDuration: &metav1.Duration{Duration: time.Hour}}
	}
}

// exceptionFor is an exception to the rule of residency that is not made yet.
func exceptionFor(namespace, bucket, policy string, until time.Time) *v1alpha1.SovereigntyException {
	return &v1alpha1.SovereigntyException{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: bucket + "-2026"},
		Spec: v1alpha1.SovereigntyExceptionSpec{
			PolicyRef:  v1alpha1.NameReference{Name: policy},
			SubjectRef: v1alpha1.SubjectReference{Kind: "SovereignBucket", Name: bucket},
			Rules:      []v1alpha1.ExceptableRule{"residency"}, Reason: "the second centre opens in spring",
			ApprovedBy: "erin", NotAfter: &metav1.Time{Time: until.Truncate(time.Second)},
		},
	}
}

func TestAnExceptionLetsARuleNotCountUntilItEnds(t *testing.T) {
	clock := newClock()
	w := newWorld(t, timed(clock))
	for _, name := range []string{"onprem", "ovh"} {
		w.emulated(name)
	}
	w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)})
	w.provider("ovh", []v1alpha1.Location{in("LON", "GB")})
	w.policy("etat-civil", asking(exceptable("residency", "distance")))
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNotEnoughCopies)

	// What is not allowed changes nothing.
	other := exceptionFor(w.namespace, bucket.Name, "etat-civil", clock.Now().Add(time.Minute))
	other.Name, other.Spec.Rules = "other", []v1alpha1.ExceptableRule{"residency", "country"}
	w.create(other)
	refused := w.await(other, v1alpha1.ConditionActive, metav1.ConditionFalse, v1alpha1.ReasonRuleNotExceptable)
	wantIn(t, refused.Message, "policy etat-civil allows no exception to country, but to rules residency, distance")
	w.await(other, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonRuleNotExceptable)
	w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, v1alpha1.ReasonNotEnoughCopies)

	until := clock.Now().Add(5 * time.Second)
	allowing := exceptionFor(w.namespace, bucket.Name, "etat-civil", until)
	w.create(allowing)
	active := w.await(allowing, v1alpha1.ConditionActive, metav1.ConditionTrue, v1alpha1.ReasonExceptionActive)
	wantIn(t, active.Message, "approved by erin: until "+allowing.Spec.NotAfter.UTC().Format("2006-01-02 15:04 UTC"))
	w.awaitEvent(v1alpha1.ReasonExceptionActive, "do not count for SovereignBucket actes: residency")
	if diff := cmp.Diff(map[string]string{
		"Name": allowing.Name, "Policy": "etat-civil", "Rules": `["residency"]`,
		"Until": allowing.Spec.NotAfter.UTC().Format(time.RFC3339), "Ready": "True",
	}, w.columns("namespaces/"+w.namespace+"/sovereigntyexceptions", allowing.Name)); diff != "" {
		t.Errorf("kubectl get shows (-want +got):\n%s", diff)
	}
	satisfied := w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionTrue, v1alpha1.ReasonExceptionActive)
	wantIn(t, satisfied.Message, "the copy at ovh/LON: SovereigntyException actes-2026 lets it not count until ")
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue, v1alpha1.ReasonExceptionActive)
	w.eventually(func() error { return objectionOn(w, bucket, "ovh", v1alpha1.ReasonExceptionActive) })
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1")
	w.awaitObjects(bucket, 1)

	// Nothing happens but its end.
	abroad := w.replicas(bucket)["ovh/LON"]
	pass(clock, time.Minute)
	over := w.await(allowing, v1alpha1.ConditionActive, metav1.ConditionFalse, v1alpha1.ReasonExceptionExpired)
	wantIn(t, over.Message, "for policy etat-civil this counts again: rule residency")
	w.await(allowing, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonExceptionExpired)
	w.awaitEvent(v1alpha1.ReasonExceptionExpired, "this counts again")
	violation := w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	wantIn(t, violation.Message, "the copy at ovh/LON may not be there by rule residency of policy etat-civil")
	w.await(abroad, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	put(t, session, name, "acte-2", "2")
	w.sync(bucket)
	w.await(abroad, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	if held := abroad.Status.Objects; held == nil || *held != 1 {
		t.Errorf("the copy holds %v objects after the end of the exception", held)
	}
}

func TestAnExceptionWaitsForWhatItIsAbout(t *testing.T) {
	w := newWorld(t)
	made := exceptionFor(w.namespace, "actes", "etat-civil", time.Now().Add(30*time.Minute))
	w.create(made)
	w.await(made, v1alpha1.ConditionActive, metav1.ConditionFalse, v1alpha1.ReasonPolicyNotFound)
	w.policy("etat-civil", exceptable("residency"))
	w.await(made, v1alpha1.ConditionActive, metav1.ConditionFalse, v1alpha1.ReasonSubjectNotFound)
	bucket := w.bucket("actes", "ccas")
	w.await(made, v1alpha1.ConditionActive, metav1.ConditionFalse, v1alpha1.ReasonPolicyNotBinding)
	w.update(bucket, func() { bucket.Spec.PolicyRef.Name = "etat-civil" })
	w.await(made, v1alpha1.ConditionActive, metav1.ConditionTrue, v1alpha1.ReasonExceptionActive)

	// What a policy allows is asked all the time.
	policy := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "etat-civil"}}
	w.update(policy, func() { policy.Spec.Exceptions.MaximumDuration = &metav1.Duration{Duration: time.Minute} })
	w.await(made, v1alpha1.ConditionActive, metav1.ConditionFalse, v1alpha1.ReasonExceptionTooLong)
	w.update(policy, func() { policy.Spec.Exceptions = v1alpha1.ExceptionRules{} })
	w.await(made, v1alpha1.ConditionActive, metav1.ConditionFalse, v1alpha1.ReasonRuleNotExceptable)
}

func TestExceptionsThatSayTooLittleAreRefused(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		spoil func(spec map[string]any)
		want  string
	}{
		"no end":            {func(s map[string]any) { delete(s, "notAfter") }, "spec.notAfter: Required value"},
		"an unknown rule":   {func(s map[string]any) { s["rules"] = []any{"weather"} }, `Unsupported value: "weather"`},
		"a provider's rule": {func(s map[string]any) { s["rules"] = []any{"taint"} }, `Unsupported value: "taint"`},
		"no rule":           {func(s map[string]any) { s["rules"] = []any{} }, "should have at least 1 items"},
		"a rule twice":      {func(s map[string]any) { s["rules"] = []any{"grid", "grid"} }, "Duplicate value"},
		"no reason":         {func(s map[string]any) { s["reason"] = "  " }, "reason must say why"},
		"no approver":       {func(s map[string]any) { delete(s, "approvedBy") }, "spec.approvedBy: Required value"},
		"another subject":   {func(s map[string]any) { s["subjectRef"].(map[string]any)["kind"] = "Namespace" }, `Unsupported value: "Namespace"`},
	} {
		t.Run(name, func(t *testing.T) {
			encoded, err := yaml.Marshal(exceptionFor(w.namespace, "actes", "etat-civil", time.Now().Add(time.Hour)))
			if err != nil {
				t.Fatal(err)
			}
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal(encoded, &object.Object); err != nil {
				t.Fatal(err)
			}
			object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("SovereigntyException"))
			delete(object.Object, "status")
			test.spoil(object.Object["spec"].(map[string]any))
			err = w.client.Create(context.Background(), object, client.DryRunAll)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the API server says %v, want %q", err, test.want)
			}
		})
	}
	for want, rules := range map[string]v1alpha1.ExceptionRules{
		"say in maximumDuration how long one may last": {Rules: []v1alpha1.ExceptableRule{"grid"}},
		"list in rules what may be excepted":           {MaximumDuration: &metav1.Duration{Duration: time.Hour}},
		"maximumDuration must be between 1m and":       {Rules: []v1alpha1.ExceptableRule{"grid"}, MaximumDuration: &metav1.Duration{}},
	} {
		policy := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: v1alpha1.SovereigntyPolicySpec{
			Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR}, Exceptions: rules,
		}}
		if err := w.client.Create(context.Background(), policy, client.DryRunAll); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the API server says %v, want %q", err, want)
		}
	}
}

// Real users with real roles, under the admission policy and the roles as they are
// shipped.
func TestNobodyApprovesExceptionsForThemselves(t *testing.T) {
	w := newWorld(t)
	w.install("../../config/admission/exceptions.yaml", "../../config/rbac/tenants.yaml", "../../config/rbac/approver.yaml")
	w.grant("everything", rbacv1.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}})
	w.grant("approves-other", rbacv1.PolicyRule{
		APIGroups: []string{"rempart.dev"}, Resources: []string{"sovereigntypolicies"}, ResourceNames: []string{"other"}, Verbs: []string{"approve"},
	})
	w.bind("admin", "alice", w.namespace)
	w.bind("edit", "bob", w.namespace)
	w.bind("everything", "dave", w.namespace)
	w.bind("rempart-exception-approver", "erin", "")
	w.bind("rempart-exception-approver", "frank", w.namespace)
	w.bind("approves-other", "frank", "")
	until := time.Now().Add(time.Hour)
	by := func(approver string) *v1alpha1.SovereigntyException {
		made := exceptionFor(w.namespace, "actes", "etat-civil", until)
		made.Spec.ApprovedBy = approver
		return made
	}
	try := func(user string, made *v1alpha1.SovereigntyException) error {
		return w.as(user).Create(context.Background(), made, client.DryRunAll)
	}
	// A policy is in force a moment after it was made, and roles are aggregated later.
	w.eventually(func() error { return wantRefusal(try("dave", by("dave")), "dave may not approve exceptions") })
	w.eventually(func() error { return w.mayCreate("alice", "sovereignbuckets") })
	w.eventually(func() error { return w.mayCreate("bob", "sovereignbuckets") })

	for who, test := range map[string]struct {
		err  error
		want string
	}{
		"the admin of a namespace":             {try("alice", by("alice")), `User "alice" cannot create resource "sovereigntyexceptions"`},
		"its editor":                           {try("bob", by("bob")), `User "bob" cannot create resource "sovereigntyexceptions"`},
		"a tenant in an approver's name":       {try("dave", by("erin")), "spec.approvedBy is erin, and it is dave who makes the exception"},
		"an approver in somebody else's name":  {try("erin", by("alice")), "spec.approvedBy is alice, and it is erin who makes the exception"},
		"who approves for another policy only": {try("frank", by("frank")), "frank may not approve exceptions to SovereigntyPolicy etat-civil"},
	} {
		if err := wantRefusal(test.err, test.want); err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
	other := by("frank")
	other.Spec.PolicyRef.Name = "other"
	if err := try("frank", other); err != nil {
		t.Errorf("who approves for the other policy: %v", err)
	}
	past := by("erin")
	past.Spec.NotAfter = &metav1.Time{Time: time.Now().Add(-time.Minute)}
	if err := try("erin", past); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.notAfter must be in the future") {
		t.Errorf("an exception that is over: %v", err)
	}

	made := by("erin")
	if err := w.as("erin").Create(context.Background(), made); err != nil {
		t.Fatal(err)
	}
	w.await(made, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPolicyNotFound) // so the status is written
	longer := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"notAfter":"2099-01-01T00:00:00Z"}}`))
	if err := w.client.Patch(context.Background(), made, longer); !apierrors.IsInvalid(err) ||
		!strings.Contains(err.Error(), "an exception cannot be changed after it was approved") {
		t.Errorf("making it longer: %v", err)
	}
	w.annotate(made, "note", "seen")
	if err := w.as("alice").Delete(context.Background(), made); !apierrors.IsForbidden(err) {
		t.Errorf("the admin of the namespace can delete it: %v", err)
	}
	if err := w.as("alice").Get(context.Background(), client.ObjectKeyFromObject(made), made); err != nil {
		t.Errorf("the admin of the namespace cannot read it: %v", err)
	}
	if err := w.as("erin").Delete(context.Background(), made); err != nil {
		t.Errorf("the approver cannot take it back: %v", err)
	}
}

// wantRefusal says what is wrong unless something was forbidden in some words.
func wantRefusal(err error, want string) error {
	if apierrors.IsForbidden(err) && strings.Contains(err.Error(), want) {
		return nil
	}
	return fmt.Errorf("want a refusal that says %q: %w", want, errors.Join(err, errors.New("no refusal")))
}

// install applies what is shipped, until the test ends.
func (w *world) install(files ...string) {
	w.t.Helper()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(content), "\n---\n") {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
				w.t.Fatal(err)
			}
			w.createUntilTheEnd(object)
		}
	}
}

func (w *world) createUntilTheEnd(object client.Object) {
	w.t.Helper()
	w.create(object)
	w.t.Cleanup(func() { w.delete(object) })
}

// grant makes a ClusterRole.
func (w *world) grant(name string, rules ...rbacv1.PolicyRule) {
	w.createUntilTheEnd(&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules})
}

// bind gives a user a ClusterRole in a namespace, or in the whole cluster.
func (w *world) bind(role, user, namespace string) {
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
	meta := metav1.ObjectMeta{Namespace: namespace, Name: role + "-" + user}
	if namespace == "" {
		w.createUntilTheEnd(&rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects})
		return
	}
	w.createUntilTheEnd(&rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects})
}

// as is a client of a user.
func (w *world) as(user string) client.Client {
	w.t.Helper()
	made, err := client.New(controlPlane.Get(w.t).User(user), client.Options{Scheme: app.Scheme()})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// mayCreate says what is wrong unless a user may make a kind in the tenant's namespace.
func (w *world) mayCreate(user, resource string) error {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: w.namespace, Verb: "create", Group: "rempart.dev", Resource: resource,
		},
	}}
	if err := w.client.Create(context.Background(), review); err != nil {
		return err
	}
	if !review.Status.Allowed {
		return notYet("%s may not create %s", user, resource)
	}
	return nil
}
