package chart

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
)

// right is something that somebody may do or not, such as "create secrets".
type right struct {
	in   string // a namespace; empty is the whole cluster
	what string // verb and resource, with group
	want bool
}

// may asks the cluster.
func (r *installed) may(ctx context.Context, user string, groups []string, asked right) (bool, error) {
	verb, resource, _ := strings.Cut(asked.what, " ")
	resource, group, _ := strings.Cut(resource, ".")
	resource, subresource, _ := strings.Cut(resource, "/")
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user, Groups: groups,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: asked.in, Verb: verb, Group: group, Resource: resource, Subresource: subresource,
		},
	}}
	err := r.admin.Create(ctx, review)
	return review.Status.Allowed, err
}

func (r *installed) check(t *testing.T, user string, groups []string, rights []right) {
	t.Helper()
	for _, asked := range rights {
		got, err := r.may(t.Context(), user, groups, asked)
		if err != nil {
			t.Fatal(err)
		}
		if got != asked.want {
			t.Errorf("%s may %s in %q: %t, want %t", user, asked.what, asked.in, got, asked.want)
		}
	}
}

func (r *installed) theOperatorsRights(t *testing.T) {
	r.check(t, operatorUser, []string{"system:serviceaccounts", "system:serviceaccounts:" + system, "system:authenticated"}, []right{
		{r.tenant, "create secrets", true},
		{r.tenant, "patch secrets", true},
		{r.tenant, "delete secrets", true},
		{r.tenant, "get secrets", false},
		{r.tenant, "list secrets", false},
		{r.tenant, "watch secrets", false},
		{r.tenant, "update secrets", false},
		{r.tenant, "deletecollection secrets", false},
		{"", "list secrets", false},
		{system, "get secrets", true},
		{system, "list secrets", true},
		{system, "watch secrets", true},
		{system, "list configmaps", true},
		{system, "create configmaps", true},
		{system, "patch configmaps", false},
		{system, "update configmaps", false},
		{system, "delete configmaps", false},
		{r.tenant, "create configmaps", false},
		{r.tenant, "get configmaps", false},
		{system, "create leases.coordination.k8s.io", true},
		{r.tenant, "create leases.coordination.k8s.io", false},
		{r.tenant, "create events.events.k8s.io", true},
		{"", "get nodes", true},
		{"", "list nodes", true},
		{"", "patch nodes", true},
		{"", "update nodes", false},
		{"", "patch nodes/status", false},
		{"", "delete nodes", false},
		{"", "override nodeplaces.rempart.dev", false},
		{r.tenant, "create bucketreplicas.rempart.dev", true},
		{r.tenant, "delete sovereignbuckets.rempart.dev", false},
		{r.tenant, "create sovereignbucketaccesses.rempart.dev", true},
		{r.tenant, "update sovereignbucketaccesses/status.rempart.dev", true},
		{r.tenant, "delete sovereignbucketaccesses.rempart.dev", false},
		{"", "update sovereigntypolicies.rempart.dev", false},
		{"", "approve sovereigntypolicies.rempart.dev", false},
		{r.tenant, "create sovereigntyexceptions.rempart.dev", false},
		{r.tenant, "update sovereigntyexceptions/status.rempart.dev", true},
		{r.tenant, "create pods", false},
		{r.tenant, "create pods/exec", false},
		{system, "create serviceaccounts/token", false},
		{"", "escalate clusterroles.rbac.authorization.k8s.io", false},
		{"", "bind clusterroles.rbac.authorization.k8s.io", false},
		{"", "impersonate users", false},
		{"", "delete validatingadmissionpolicies.admissionregistration.k8s.io", false},
		{"", "list validatingwebhookconfigurations.admissionregistration.k8s.io", false},
		{"", "create validatingwebhookconfigurations.admissionregistration.k8s.io", false},
		{"", "patch validatingwebhookconfigurations.admissionregistration.k8s.io", false},
		{"", "create tokenreviews.authentication.k8s.io", true},
		{"", "create subjectaccessreviews.authorization.k8s.io", true},
	})
	// The same through its own token, and for a Secret that it may have written.
	operator := clientOf(t, r.operator)
	r.create(t, newSecret(r.tenant, "published", v1alpha1.BucketCredentialsSecretType))
	err := operator.Get(t.Context(), client.ObjectKey{Namespace: r.tenant, Name: "published"}, &corev1.Secret{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("it can read a key that it published: %v", err)
	}
	if err := operator.List(t.Context(), &corev1.SecretList{}, client.InNamespace(system)); err != nil {
		t.Errorf("it cannot read the Secrets of its namespace: %v", err)
	}
	if err := operator.List(t.Context(), &corev1.SecretList{}, client.InNamespace(r.tenant)); !apierrors.IsForbidden(err) {
		t.Errorf("it can read the Secrets of a tenant: %v", err)
	}
}

func (r *installed) theTenantsRights(t *testing.T) {
	r.create(t, bind(r.tenant, "edit", "bob"))
	r.create(t, bind(r.tenant, "view", "carol"))
	// Roles are aggregated a moment after they were made.
	for user, last := range map[string][]string{"alice": {"list", "deletecollection"}, "bob": {"list", "delete"}, "carol": {"list"}} {
		for _, verb := range last {
			eventually(t, func(ctx context.Context) error {
				allowed, err := r.may(ctx, user, nil, right{in: r.tenant, what: verb + " sovereignbuckets.rempart.dev"})
				if !allowed {
					return errors.Join(fmt.Errorf("%s may not %s buckets yet", user, verb), err)
				}
				return nil
			})
		}
	}
	for user, change := range map[string]bool{"alice": true, "bob": true, "carol": false} {
		var rights []right
		for _, kind := range []string{"sovereignbuckets", "sovereignbucketaccesses", "reversibilitydrills"} {
			for _, verb := range []string{"create", "update", "patch", "delete"} {
				rights = append(rights, right{r.tenant, verb + " " + kind + ".rempart.dev", change})
			}
			rights = append(rights,
				right{r.tenant, "list " + kind + ".rempart.dev", true},
				right{r.tenant, "deletecollection " + kind + ".rempart.dev", user == "alice"},
				right{r.tenant, "update " + kind + "/status.rempart.dev", false},
				right{system, "list " + kind + ".rempart.dev", false})
		}
		for _, verb := range []string{"create", "update", "patch", "delete", "deletecollection"} {
			rights = append(rights, right{r.tenant, verb + " bucketreplicas.rempart.dev", false},
				right{r.tenant, verb + " sovereigntyexceptions.rempart.dev", false})
		}
		rights = append(rights,
			right{r.tenant, "list bucketreplicas.rempart.dev", true},
			right{r.tenant, "list sovereigntyexceptions.rempart.dev", true},
			right{"", "approve sovereigntypolicies.rempart.dev", false},
			right{"", "create sovereignproviders.rempart.dev", false},
			right{"", "update sovereigntypolicies.rempart.dev", false})
		r.check(t, user, nil, rights)
	}
	alice := clientOf(t, r.plane.User("alice"))
	if err := alice.Create(t.Context(), newBucket(r.tenant, "trial"), client.DryRunAll); err != nil {
		t.Errorf("the admin of a namespace cannot declare a bucket: %v", err)
	}
	if err := alice.Create(t.Context(), newReplica(r.tenant, "trial"), client.DryRunAll); !apierrors.IsForbidden(err) {
		t.Errorf("the admin of a namespace can make a BucketReplica: %v", err)
	}
}

func newReplica(namespace, name string) *v1alpha1.BucketReplica {
	return &v1alpha1.BucketReplica{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.BucketReplicaSpec{
			BucketRef:      v1alpha1.NameReference{Name: name},
			PlaceReference: v1alpha1.PlaceReference{ProviderName: "nobody", Location: "nowhere"},
			BucketName:     "foreign-bucket", Role: v1alpha1.RoleReplica,
		},
	}
}

func newSecret(namespace, name string, kind corev1.SecretType) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: kind}
}

// refused says what is wrong unless the admission policy, and not RBAC, refused.
func refused(err error, policy string) error {
	if apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy '"+policy+"'") {
		return nil
	}
	return fmt.Errorf("not refused by the policy %s: %w", policy, errors.Join(err, errors.New("no refusal")))
}

func (r *installed) secretsOfTheOperator(t *testing.T) {
	const policy, credentials = "rempart-secrets", v1alpha1.BucketCredentialsSecretType
	operator := clientOf(t, r.operator)
	// A policy is in force a moment after it was made.
	eventually(t, func(ctx context.Context) error {
		return refused(operator.Create(ctx, newSecret(r.tenant, "trial", corev1.SecretTypeOpaque), client.DryRunAll), policy)
	})
	foreign := newSecret(r.tenant, "foreign", corev1.SecretTypeOpaque)
	r.create(t, foreign)
	apply := func(namespace, name string, kind corev1.SecretType) error {
		secret := corev1ac.Secret(name, namespace).WithType(kind).WithData(map[string][]byte{"key": []byte("value")})
		return operator.Apply(t.Context(), secret, client.FieldOwner("rempart"), client.ForceOwnership)
	}
	label := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"changed":"yes"}}}`))
	token := newSecret(r.tenant, "token", corev1.SecretTypeServiceAccountToken)
	token.Annotations = map[string]string{corev1.ServiceAccountNameKey: "default"}
	for what, err := range map[string]error{
		"making a token of a ServiceAccount": operator.Create(t.Context(), token),
		"applying a Secret without a type":   apply(r.tenant, "untyped", ""),
		"changing another's Secret":          operator.Patch(t.Context(), foreign.DeepCopy(), label),
		"deleting another's Secret":          operator.Delete(t.Context(), foreign.DeepCopy()),
	} {
		if err := refused(err, policy); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The operator takes this answer for a conflict of names.
	if err := apply(r.tenant, "foreign", credentials); !apierrors.IsInvalid(err) {
		t.Errorf("applying a key over another's Secret: %v", err)
	}
	own := newSecret(r.tenant, "own", credentials)
	for _, allowed := range []struct {
		what string
		err  error
	}{
		{"publishing a key", apply(r.tenant, "own", credentials)},
		{"publishing it again", apply(r.tenant, "own", credentials)},
		{"changing it", operator.Patch(t.Context(), own.DeepCopy(), label)},
		{"withdrawing it", operator.Delete(t.Context(), own)},
		{"keeping a Secret of any type in its own namespace", apply(system, "own", corev1.SecretTypeOpaque)},
		{"removing that", operator.Delete(t.Context(), newSecret(system, "own", ""))},
	} {
		if allowed.err != nil {
			t.Errorf("%s: %v", allowed.what, allowed.err)
		}
	}
	if err := r.admin.Create(t.Context(), newSecret(r.tenant, "others", corev1.SecretTypeOpaque)); err != nil {
		t.Errorf("somebody else making a Secret: %v", err)
	}
}

func (r *installed) replicasOfOthers(t *testing.T) {
	const policy = "rempart-bucketreplicas"
	// A tenant whose role reaches everything in the namespace.
	everything := []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}}
	r.create(t, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "everything"}, Rules: everything})
	r.create(t, bind(r.tenant, "everything", "dave"))
	dave := clientOf(t, r.plane.User("dave"))
	eventually(t, func(ctx context.Context) error {
		return refused(dave.Create(ctx, newReplica(r.tenant, "daves"), client.DryRunAll), policy)
	})
	ended := newNamespace(t, r)
	for who, c := range map[string]client.Client{"operator": clientOf(t, r.operator), "administrator": r.admin} {
		if err := c.Create(t.Context(), newReplica(ended, who)); err != nil {
			t.Errorf("the %s cannot make a BucketReplica: %v", who, err)
		}
	}
	// Neither the end of a namespace nor its owner is held up.
	if err := dave.Create(t.Context(), newBucket(r.tenant, "daves"), client.DryRunAll); err != nil {
		t.Errorf("a tenant with all rights cannot declare a bucket: %v", err)
	}
	if err := r.admin.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ended}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error {
		var left v1alpha1.BucketReplicaList
		if err := r.admin.List(ctx, &left, client.InNamespace(ended)); err != nil || len(left.Items) > 0 {
			return errors.Join(fmt.Errorf("%d BucketReplicas are left in a namespace that ended", len(left.Items)), err)
		}
		return nil
	})
}

func newNamespace(t *testing.T, r *installed) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "ended-"}}
	r.create(t, namespace)
	return namespace.Name
}
