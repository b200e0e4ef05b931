package chart

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/test/harness"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// installed is a release in a cluster, with a tenant's namespace beside it.
type installed struct {
	plane      *harness.ControlPlane
	kubeconfig string
	admin      client.Client
	// tenant is a namespace, whose admin by the role of that name is alice.
	tenant string
	// operator is a configuration with the token of the operator's ServiceAccount.
	operator *rest.Config
	// webhook is where the operator serves the webhook: no Service leads to a process
	// on this machine.
	webhook *net.TCPAddr
}

const operatorUser = "system:serviceaccount:" + system + ":rempart"

// The life of a release, from helm install to helm uninstall.
func TestRelease(t *testing.T) {
	r := install(t)
	t.Run("every object is valid", r.everyObjectIsValid)
	r.callTheWebhookHere(t)
	t.Run("mistakes in the monitoring are refused", r.theMonitoringIsChecked)
	t.Run("the pod is a restricted one", r.thePodIsRestricted)
	t.Run("the operator has the rights it needs and no more", r.theOperatorsRights)
	t.Run("the users of a namespace have theirs", r.theTenantsRights)
	t.Run("the operator writes one type of Secret elsewhere", r.secretsOfTheOperator)
	t.Run("only the operator makes BucketReplicas", r.replicasOfOthers)
	t.Run("of a Node the operator writes where it stands", r.nodesOfTheOperator)
	t.Run("nobody else does who may not", r.placesOfNodes)
	t.Run("of its webhooks the operator writes whom to trust", r.webhooksOfTheOperator)
	t.Run("the operator works with its rights", r.theOperatorWorks)
	t.Run("what was declared outlives the release", r.uninstall)
}

func install(t *testing.T) *installed {
	t.Helper()
	plane := controlPlane.Get(t)
	if err := harness.InstallCRDs(t.Context(), plane.RESTConfig(), "testdata/monitoring"); err != nil {
		t.Fatal(err)
	}
	r := &installed{plane: plane, kubeconfig: harness.Kubeconfig(t, plane), admin: clientOf(t, plane.RESTConfig())}
	r.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: system, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}})
	if _, err := run(t, toolbox.Helm, r.helm("install", release, chartDir,
		"--set", "installation.id=town,metrics.readers[0].namespace="+system+",metrics.readers[0].name=reader")...); err != nil {
		t.Fatal(err)
	}
	r.operator = r.tokenFor(t, "rempart")
	r.tenant = harness.Namespace(t, plane)
	r.create(t, bind(r.tenant, "admin", "alice"))
	return r
}

// callTheWebhookHere has the API server call an address of this machine in the place
// of the Service.
func (r *installed) callTheWebhookHere(t *testing.T) {
	t.Helper()
	var err error
	if r.webhook, err = net.ResolveTCPAddr("tcp", freeAddress(t)); err != nil {
		t.Fatal(err)
	}
	var configuration admissionregistrationv1.ValidatingWebhookConfiguration
	if err := r.admin.Get(t.Context(), client.ObjectKey{Name: "rempart"}, &configuration); err != nil {
		t.Fatal(err)
	}
	for i := range configuration.Webhooks {
		config := &configuration.Webhooks[i].ClientConfig
		if config.Service == nil || config.Service.Name != "rempart-webhook" || len(config.CABundle) > 0 {
			t.Fatalf("the webhook is called by %+v", config)
		}
		config.URL, config.Service = new("https://"+r.webhook.String()+*config.Service.Path), nil
	}
	if err := r.admin.Update(t.Context(), &configuration); err != nil {
		t.Fatal(err)
	}
}

// helm gives the arguments that reach the cluster.
func (r *installed) helm(args ...string) []string {
	return append(args, "--kubeconfig", r.kubeconfig, "--namespace", system)
}

func clientOf(t testing.TB, config *rest.Config) client.Client {
	t.Helper()
	made, err := client.New(config, client.Options{Scheme: app.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (r *installed) create(t testing.TB, object client.Object) {
	t.Helper()
	if err := r.admin.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// tokenFor gives a configuration that holds nothing but the token of a
// ServiceAccount in the operator's namespace.
func (r *installed) tokenFor(t testing.TB, account string) *rest.Config {
	t.Helper()
	set, err := kubernetes.NewForConfig(r.plane.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	request, err := set.CoreV1().ServiceAccounts(system).CreateToken(t.Context(), account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	admin := r.plane.RESTConfig()
	return &rest.Config{
		Host: admin.Host, QPS: -1, BearerToken: request.Status.Token,
		TLSClientConfig: rest.TLSClientConfig{CAData: admin.CAData},
	}
}

// bind gives a user a ClusterRole in a namespace.
func bind(namespace, role, user string) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: role + "-" + user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
}

// eventually waits until there is nothing to say against it.
func eventually(t testing.TB, objection func(context.Context) error) {
	t.Helper()
	const patience = 60 * time.Second
	deadline := time.Now().Add(patience)
	for {
		err := objection(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %v", patience, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// The API server takes every object of both variants, those of the Prometheus
// operator too.
func (r *installed) everyObjectIsValid(t *testing.T) {
	for name, args := range variants() {
		t.Run(name, func(t *testing.T) {
			kinds := map[string]bool{}
			for _, object := range objects(t, rendered(t, args...)) {
				kinds[object.GetKind()] = true
				if err := r.tryApply(t, object); err != nil {
					t.Errorf("%s: %v", identity(object), err)
				}
			}
			if name == "all" && (!kinds["ServiceMonitor"] || !kinds["PrometheusRule"]) {
				t.Errorf("only %v were tried", kinds)
			}
		})
	}
}

// tryApply asks the API server whether it would take an object. A field that it
// does not know is an error.
func (r *installed) tryApply(t *testing.T, object *unstructured.Unstructured) error {
	t.Helper()
	return r.admin.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object.DeepCopy()),
		client.FieldOwner("test"), client.ForceOwnership, client.DryRunAll)
}

// containerOf is the operator's container in a rendering.
func containerOf(t testing.TB, all []*unstructured.Unstructured) corev1.Container {
	t.Helper()
	return deploymentOf(t, all).Spec.Template.Spec.Containers[0]
}

func deploymentOf(t testing.TB, all []*unstructured.Unstructured) *appsv1.Deployment {
	t.Helper()
	for _, object := range all {
		if object.GetKind() != "Deployment" {
			continue
		}
		var deployment appsv1.Deployment
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &deployment); err != nil {
			t.Fatal(err)
		}
		return &deployment
	}
	t.Fatal("there is no Deployment")
	return nil
}

// A namespace that demands the strictest of the pod security standards takes the
// operator's pod, and refuses it with one setting less.
func (r *installed) thePodIsRestricted(t *testing.T) {
	for name, args := range variants() {
		t.Run(name, func(t *testing.T) {
			template := deploymentOf(t, objects(t, rendered(t, args...))).Spec.Template
			pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
			pod.Namespace, pod.Name = system, "trial"
			// What is made elsewhere: neither exists in this cluster.
			pod.Spec.ServiceAccountName, pod.Spec.PriorityClassName = "rempart", ""
			if err := r.admin.Create(t.Context(), pod.DeepCopy(), client.DryRunAll); err != nil {
				t.Error(err)
			}
			pod.Spec.Containers[0].SecurityContext.Capabilities = nil
			if err := r.admin.Create(t.Context(), pod, client.DryRunAll); !apierrors.IsForbidden(err) {
				t.Errorf("a pod with capabilities is not refused: %v", err)
			}
		})
	}
}

// Uninstalling takes the operator and its rights away, and leaves every
// definition and every declared object.
func (r *installed) uninstall(t *testing.T) {
	declared := newBucket(r.tenant, "outlives")
	declared.Finalizers = []string{v1alpha1.Finalizer}
	r.create(t, declared)
	if _, err := run(t, toolbox.Helm, r.helm("uninstall", release)...); err != nil {
		t.Fatal(err)
	}
	if err := r.admin.Get(t.Context(), client.ObjectKeyFromObject(declared), declared); err != nil || !declared.DeletionTimestamp.IsZero() {
		t.Errorf("the declared bucket did not outlive the release: %v", err)
	}
	var key corev1.Secret
	if err := r.admin.Get(t.Context(), client.ObjectKey{Namespace: r.tenant, Name: "actes"}, &key); err != nil {
		t.Errorf("the application's key did not outlive the release: %v", err)
	}
	for _, object := range objects(t, rendered(t, variants()["default"]...)) {
		err := r.admin.Get(t.Context(), client.ObjectKeyFromObject(object), object)
		isDefinition := object.GetKind() == "CustomResourceDefinition"
		switch {
		case isDefinition && err != nil:
			t.Errorf("%s did not outlive the release: %v", identity(object), err)
		case !isDefinition && !apierrors.IsNotFound(err) && object.GetDeletionTimestamp().IsZero():
			t.Errorf("%s outlives the release (%v)", identity(object), err)
		}
	}
	// Installing again takes over the definitions that are there.
	if _, err := run(t, toolbox.Helm, r.helm("install", release, chartDir, "--set", "installation.id=town")...); err != nil {
		t.Error(strings.TrimSpace(err.Error()))
	}
}

func newBucket(namespace, name string) *v1alpha1.SovereignBucket {
	return &v1alpha1.SovereignBucket{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.SovereignBucketSpec{
			PolicyRef: v1alpha1.NameReference{Name: "etat-civil"},
			Dataset:   v1alpha1.Dataset{Title: "Actes", Purpose: "Tenue des registres", LegalBasis: "LegalObligation"},
			Placement: v1alpha1.PlacementSpec{Primary: &v1alpha1.PlaceReference{ProviderName: "onprem", Location: "dc1"}},
		},
	}
}
