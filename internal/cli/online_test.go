// Package cli_test runs the kubectl plugin as a whole against a real API server.
// Nobody runs the operator there: what it would write, the tests write.
package cli_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/app/plugin"
	"github.com/rempart/rempart/internal/cli/manifest"
	"github.com/rempart/rempart/test/harness"
)

const (
	exported  = "explain/testdata/exported.yaml"
	namespace = "etat-civil"
)

var controlPlane = harness.SharedControlPlane{Options: harness.ControlPlaneOptions{CRDs: []string{"../../config/crd/bases"}}}

func TestMain(m *testing.M) {
	// Whoever runs the tests may have a language of their own.
	if err := os.Setenv("LC_ALL", "C"); err != nil {
		panic(err)
	}
	os.Exit(controlPlane.Run(m))
}

// outcome is what a command line came to.
type outcome struct {
	out, errOut string
	code        int
}

// run runs the plugin without a terminal.
func run(ctx context.Context, input string, args ...string) outcome {
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	streams.In = strings.NewReader(input)
	code := plugin.ExecuteCLI(ctx, plugin.NewCLI(streams, "test"), errOut, args)
	return outcome{out.String(), errOut.String(), code}
}

// installation is a cluster that has the objects of exported.yaml.
type installation struct {
	client     client.Client
	kubeconfig string
}

func newInstallation(t *testing.T) installation {
	t.Helper()
	cluster := controlPlane.Get(t)
	direct, err := client.New(cluster.RESTConfig(), client.Options{Scheme: app.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	i := installation{client: direct, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	if err := cluster.WriteKubeconfig(i.kubeconfig); err != nil {
		t.Fatal(err)
	}
	set, err := manifest.Read(manifest.Options{Paths: []string{exported}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.tearDown(t) })
	var owner client.Object
	for _, object := range set.Objects {
		i.apply(t, object, owner)
		if _, isBucket := object.(*v1alpha1.SovereignBucket); isBucket {
			owner = object
		}
	}
	return i
}

// tearDown removes everything but the namespace.
func (i installation) tearDown(t *testing.T) {
	t.Helper()
	for _, kind := range []client.Object{
		&v1alpha1.ReversibilityDrill{}, &v1alpha1.BucketReplica{}, &v1alpha1.SovereignBucket{},
		&rbacv1.RoleBinding{}, &rbacv1.Role{},
	} {
		if err := i.client.DeleteAllOf(context.Background(), kind, client.InNamespace(namespace)); err != nil {
			t.Error(err)
		}
	}
	for _, kind := range []client.Object{&v1alpha1.SovereigntyPolicy{}, &v1alpha1.SovereignProvider{}} {
		if err := i.client.DeleteAllOf(context.Background(), kind); err != nil {
			t.Error(err)
		}
	}
}

// apply makes an object with its status, under the identity that the cluster gave
// to its owner.
func (i installation) apply(t *testing.T, object, owner client.Object) {
	t.Helper()
	withStatus := object.DeepCopyObject().(client.Object)
	object.SetUID("")
	object.SetGeneration(0)
	if references := object.GetOwnerReferences(); len(references) > 0 {
		references[0].UID = owner.GetUID()
		object.SetOwnerReferences(references)
	}
	_, isNamespace := object.(*corev1.Namespace)
	err := i.client.Create(t.Context(), object)
	if isNamespace && client.IgnoreAlreadyExists(err) == nil {
		return // nobody runs the controller that would remove one
	}
	if err != nil {
		t.Fatal(err)
	}
	withStatus.SetUID(object.GetUID())
	withStatus.SetOwnerReferences(object.GetOwnerReferences())
	withStatus.SetResourceVersion(object.GetResourceVersion())
	if err := i.client.Status().Update(t.Context(), withStatus); err != nil {
		t.Fatal(err)
	}
}

// run runs the plugin against the cluster.
func (i installation) run(t *testing.T, args ...string) outcome {
	t.Helper()
	return run(t.Context(), "", append(args, "--kubeconfig", i.kubeconfig)...)
}

// wants runs the plugin and tells whether exit code and messages are right.
func (i installation) wants(t *testing.T, code int, message string, args ...string) outcome {
	t.Helper()
	got := i.run(t, args...)
	if got.code != code || !strings.Contains(got.errOut, message) || message == "" && got.errOut != "" {
		t.Errorf("%v: exit code %d, messages %q; want code %d and %q", args, got.code, got.errOut, code, message)
	}
	return got
}

func TestOnline(t *testing.T) {
	i := newInstallation(t)
	t.Run("explain says of a cluster what it says of its export", i.explain)
	t.Run("explain tells what files would change", i.explainAgainst)
	t.Run("status shows buckets and exits as it was asked to", i.status)
	t.Run("status shows a tenant what a tenant may see", i.statusOfTenant)
	t.Run("drill creates a drill and says how to follow it", i.drill)
	t.Run("drill waits for the verdict", i.drillWaits)
	t.Run("drill leaves the drill alone when it is interrupted", i.drillInterrupted)
	t.Run("drill takes Ctrl-C for such an interrupt", i.drillInterruptedByHand)
	t.Run("manifests are judged in the words of the API server", i.sameWords)
}

func (i installation) explain(t *testing.T) {
	offline := run(t.Context(), "", "explain", "-f", exported)
	for _, args := range [][]string{{"bucket", "actes", "-n", namespace}, {"policy", "etat-civil"}, {"policy", "etat-civil", "-n", namespace}} {
		online := i.wants(t, 0, "", append([]string{"explain"}, args...)...)
		if diff := cmp.Diff(offline.out, online.out); diff != "" {
			t.Errorf("%v (-offline +online):\n%s", args, diff)
		}
	}
	i.wants(t, 4, `sovereignbuckets.rempart.dev "nowhere" not found`, "explain", "bucket", "nowhere", "-n", namespace)
	i.wants(t, 4, `sovereigntypolicies.rempart.dev "nothing" not found`, "explain", "policy", "nothing")
	empty := i.wants(t, 0, "the policy etat-civil binds no SovereignBucket", "explain", "policy", "etat-civil", "-n", "default", "-o", "json")
	if empty.out != "[]\n" {
		t.Errorf("of no bucket it says %q", empty.out)
	}
	i.wants(t, 0, "remarque\u00a0: la politique etat-civil ne s’applique à aucun SovereignBucket",
		"explain", "policy", "etat-civil", "-n", "default", "-o", "json", "--lang", "fr")
	if french := i.wants(t, 0, "", "explain", "bucket", "actes", "-n", namespace, "--lang", "fr"); !strings.Contains(french.out, "EXIGENCES SATISFAITES") {
		t.Errorf("in French it is %s", french.out)
	}
}

func (i installation) explainAgainst(t *testing.T) {
	const stricter = `apiVersion: rempart.dev/v1alpha1
kind: SovereigntyPolicy
metadata: {name: etat-civil}
spec:
  allowedNamespaces: {}
  residency: {perimeter: FR}
  copies: {minimum: 8}
---
apiVersion: rempart.dev/v1alpha1
kind: SovereignBucket
metadata: {name: photos, namespace: communication}
spec:
  policyRef: {name: nobodys}
  dataset: {title: Photothèque, purpose: Bulletin, legalBasis: PublicTask}
`
	got := run(t.Context(), stricter, "explain", "-f", "-", "--against", "cluster", "-o", "json", "--kubeconfig", i.kubeconfig)
	var explanations []struct{ Bucket, Reason, Primary string }
	if err := json.Unmarshal([]byte(got.out), &explanations); err != nil {
		t.Fatalf("%v: %q, %q", err, got.out, got.errOut)
	}
	want := []struct{ Bucket, Reason, Primary string }{
		{"communication/photos", v1alpha1.ReasonPolicyNotFound, ""},
		{"etat-civil/actes", v1alpha1.ReasonNotEnoughCopies, "onprem/dc1"},
	}
	if diff := cmp.Diff(want, explanations); diff != "" || got.code != 1 {
		t.Errorf("exit code %d (-want +got):\n%s", got.code, diff)
	}
	french := run(t.Context(), stricter, "explain", "-f", "-", "--against", "cluster", "--lang", "fr", "--kubeconfig", i.kubeconfig)
	if said := "la SovereigntyPolicy nobodys n’existe pas\u00a0: elle ne figure ni dans les fichiers ni dans le cluster"; !strings.Contains(french.out, said) {
		t.Errorf("in French it is %s", french.out)
	}
}

func (i installation) status(t *testing.T) {
	list := i.wants(t, 0, "", "status", "-A")
	for _, want := range []string{"NAMESPACE", "etat-civil", "actes", "Actes d'état civil"} {
		if !strings.Contains(list.out, want) {
			t.Errorf("%q is not in %q", want, list.out)
		}
	}
	one := i.wants(t, 0, "", "status", "actes", "-n", namespace)
	for _, want := range []string{"ovh/UK", "Providers that are not ready:\n  - ovh: Ready is False, ProviderUnreachable: no answer", "is it running?"} {
		if !strings.Contains(one.out, want) {
			t.Errorf("%q is not in %q", want, one.out)
		}
	}
	var models []struct {
		Name   string
		Copies []struct{ Place, Role string }
	}
	if err := json.Unmarshal([]byte(i.wants(t, 0, "", "status", "-n", namespace, "-o", "json").out), &models); err != nil {
		t.Fatal(err)
	}
	if len(models) != 1 || len(models[0].Copies) != 2 || models[0].Copies[0].Place != "onprem/dc1" {
		t.Errorf("the JSON says %+v", models)
	}
	i.wants(t, 1, "", "status", "-A", "--fail")
	i.wants(t, 0, "there is no SovereignBucket in namespace default", "status", "-n", "default", "--fail")
	i.wants(t, 4, `"nowhere" not found`, "status", "nowhere", "-n", namespace)
	i.mark(t, metav1.ConditionTrue)
	i.wants(t, 0, "", "status", "-A", "--fail")
}

// mark makes the bucket protected, or not.
func (i installation) mark(t *testing.T, status metav1.ConditionStatus) {
	t.Helper()
	var bucket v1alpha1.SovereignBucket
	if err := i.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "actes"}, &bucket); err != nil {
		t.Fatal(err)
	}
	bucket.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionProtected, Status: status, Reason: v1alpha1.ReasonSucceeded,
		ObservedGeneration: bucket.Generation, LastTransitionTime: metav1.Now(),
	}}
	if err := i.client.Status().Update(t.Context(), &bucket); err != nil {
		t.Fatal(err)
	}
}

func (i installation) statusOfTenant(t *testing.T) {
	const tenant = "agent@bruz.example"
	for _, object := range []client.Object{
		&rbacv1.Role{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "reader"},
			Rules: []rbacv1.PolicyRule{{
				APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"sovereignbuckets", "bucketreplicas"}, Verbs: []string{"get", "list"},
			}},
		},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "reader"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: tenant}},
		},
	} {
		if err := i.client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() bool { return i.run(t, "status", "-n", namespace, "--as", tenant).code == 0 })
	i.wants(t, 0, "you may not read SovereignProviders", "status", "actes", "-n", namespace, "--as", tenant)
	i.wants(t, 4, "forbidden", "status", "-A", "--as", tenant)
	i.wants(t, 4, "forbidden", "drill", "actes", "-n", namespace, "--as", tenant)
}

func eventually(t *testing.T, isSo func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !isSo(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to that")
		}
	}
}
