package harness

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/rempart/rempart/test/harness/toolbox"
)

func clientFor(t *testing.T, cfg *rest.Config) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// eventually polls until done says so.
func eventually(t *testing.T, what string, done func(context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		ok, err := done(ctx)
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s did not happen: %v", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func gone(err error) (bool, error) { return apierrors.IsNotFound(err), err }

func newConfigMap(t *testing.T, client kubernetes.Interface, namespace, name string, owners ...metav1.OwnerReference) *corev1.ConfigMap {
	t.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: owners}}
	created, err := client.CoreV1().ConfigMaps(namespace).Create(t.Context(), object, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func TestOwnedObjectIsCollected(t *testing.T) {
	t.Parallel()
	c := controlPlane.Get(t)
	client, namespace := clientFor(t, c.RESTConfig()), Namespace(t, c)
	owner := newConfigMap(t, client, namespace, "owner")
	newConfigMap(t, client, namespace, "owned",
		metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID})
	if err := client.CoreV1().ConfigMaps(namespace).Delete(t.Context(), owner.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "collection of the owned object", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ConfigMaps(namespace).Get(ctx, "owned", metav1.GetOptions{})
		return gone(err)
	})
}

func TestObjectOwnedByACustomResourceIsCollected(t *testing.T) {
	t.Parallel()
	c := controlPlane.Get(t)
	namespace := Namespace(t, c)
	dynamicClient, err := dynamic.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	widgets := dynamicClient.Resource(schema.GroupVersionResource{Group: "harness.rempart.dev", Version: "v1", Resource: "widgets"}).Namespace(namespace)
	widget := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "harness.rempart.dev/v1", "kind": "Widget", "metadata": map[string]any{"name": "owner"},
	}}
	owner, err := widgets.Create(t.Context(), widget, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	client := clientFor(t, c.RESTConfig())
	newConfigMap(t, client, namespace, "owned",
		metav1.OwnerReference{APIVersion: owner.GetAPIVersion(), Kind: owner.GetKind(), Name: owner.GetName(), UID: owner.GetUID()})
	if err := widgets.Delete(t.Context(), "owner", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "collection of the owned object", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ConfigMaps(namespace).Get(ctx, "owned", metav1.GetOptions{})
		return gone(err)
	})
}

func TestNamespaceIsDeletedWithItsContent(t *testing.T) {
	t.Parallel()
	c := controlPlane.Get(t)
	client := clientFor(t, c.RESTConfig())
	namespace, err := client.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "doomed-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	newConfigMap(t, client, namespace.Name, "content")
	if err := client.CoreV1().Namespaces().Delete(t.Context(), namespace.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "deletion of the namespace", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Namespaces().Get(ctx, namespace.Name, metav1.GetOptions{})
		return gone(err)
	})
}

func TestJobGetsItsPod(t *testing.T) {
	t.Parallel()
	c := controlPlane.Get(t)
	client, namespace := clientFor(t, c.RESTConfig()), Namespace(t, c)
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "work"}}
	job.Spec.Template.Spec = corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		Containers:    []corev1.Container{{Name: "work", Image: "example.test/work"}},
	}
	// A pod needs its namespace's service account, which a controller makes.
	if _, err := client.BatchV1().Jobs(namespace).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a pod of the job", func(ctx context.Context) (bool, error) {
		pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "job-name=work"})
		return err == nil && len(pods.Items) == 1, err
	})
}

func TestUserHasTheRightsThatRBACGives(t *testing.T) {
	t.Parallel()
	c := controlPlane.Get(t)
	admin, namespace := clientFor(t, c.RESTConfig()), Namespace(t, c)
	user := clientFor(t, c.User("marie", "archivists"))
	list := func(ctx context.Context) error {
		_, err := user.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{})
		return err
	}
	if err := list(t.Context()); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `User "marie"`) {
		t.Errorf("without a right the answer is %v", err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "archivists"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "archivists"}},
	}
	if _, err := admin.RbacV1().RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the right of the group", func(ctx context.Context) (bool, error) {
		err := list(ctx)
		return err == nil, err
	})
}

func TestKubeconfigWorksWithKubectl(t *testing.T) {
	t.Parallel()
	c := controlPlane.Get(t)
	path := Kubeconfig(t, c)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kubeconfig is %v, %v, want it readable by its owner only", info.Mode(), err)
	}
	kubectl, err := toolbox.Find(t.Context(), os.Stderr, toolbox.Kubectl)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", path, "auth", "can-i", "*", "*").CombinedOutput()
	if strings.TrimSpace(string(answer)) != "yes" || err != nil {
		t.Errorf("kubectl answers %q, %v", answer, err)
	}
}

// TestStateSurvivesInAChosenFolder also runs without a controller manager.
func TestStateSurvivesInAChosenFolder(t *testing.T) {
	t.Parallel()
	opts := ControlPlaneOptions{Dir: t.TempDir()}
	start := func() *ControlPlane {
		began := time.Now()
		c, err := StartControlPlane(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("started in %v", time.Since(began).Round(time.Millisecond))
		t.Cleanup(c.Stop)
		return c
	}
	first := start()
	client := clientFor(t, first.RESTConfig())
	newConfigMap(t, client, metav1.NamespaceDefault, "kept")
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "lone"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "work", Image: "example.test/work"}}},
	}
	if _, err := client.CoreV1().Pods(metav1.NamespaceDefault).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Errorf("a pod is refused where no controller makes service accounts: %v", err)
	}
	first.Stop()
	second := start()
	_, err := clientFor(t, second.RESTConfig()).CoreV1().ConfigMaps(metav1.NamespaceDefault).Get(t.Context(), "kept", metav1.GetOptions{})
	if err != nil {
		t.Error(err)
	}
}

func TestStopEndsEveryChildAndRemovesTheFolder(t *testing.T) {
	t.Parallel()
	c, err := StartControlPlane(t.Context(), ControlPlaneOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Err(); err != nil {
		t.Errorf("a running control plane says %v", err)
	}
	c.Stop()
	c.Stop() // a second time is harmless
	for _, child := range c.children {
		if alive(child.pid) {
			t.Errorf("%s still runs", child.name)
		}
	}
	if _, err := os.Stat(c.dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
	if err := c.Err(); err == nil {
		t.Error("children that have ended are not reported")
	}
}
