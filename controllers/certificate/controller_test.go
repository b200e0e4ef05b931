package certificate_test

import (
	"context"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	certificates "github.com/rempart/rempart/controllers/certificate"
	"github.com/rempart/rempart/internal/certificate"
)

var start = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

// Each replica writes when it is due, and one of them is first. The others take up
// what it wrote a moment later, and nobody is told of a failure.
func TestAReplicaThatWasFasterIsNoFailure(t *testing.T) {
	resource := schema.GroupResource{Resource: "any"}
	conflict := apierrors.NewConflict(resource, "any", nil)
	taken := apierrors.NewAlreadyExists(resource, "any")
	for name, faults := range map[string]interceptor.Funcs{
		"with the first Secret": {Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return taken }},
		"with having it trusted": {Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
			return conflict
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newReconciler(t, faults)
			result, err := r.Reconcile(t.Context(), ctrl.Request{})
			if err != nil || result.RequeueAfter != time.Second {
				t.Errorf("it looks again after %s, and fails with %v", result.RequeueAfter, err)
			}
		})
	}

	// A renewal that another one was faster with.
	clock := clocktesting.NewFakePassiveClock(start)
	r, cluster := newReconciler(t, interceptor.Funcs{Update: func(context.Context, client.WithWatch, client.Object, ...client.UpdateOption) error {
		return conflict
	}})
	r.Clock = clock
	if _, err := r.Reconcile(t.Context(), ctrl.Request{}); err != nil {
		t.Fatal(err)
	}
	served, err := r.Holder.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	clock.SetTime(start.Add(certificate.ServingLifetime * 2 / 3))
	if result, err := r.Reconcile(t.Context(), ctrl.Request{}); err != nil || result.RequeueAfter != time.Second {
		t.Errorf("it looks again after %s, and fails with %v", result.RequeueAfter, err)
	}
	if now, _ := r.Holder.GetCertificate(nil); now != served {
		t.Error("it serves what nobody keeps")
	}
	var configuration admissionregistrationv1.ValidatingWebhookConfiguration
	if err := cluster.Get(t.Context(), client.ObjectKey{Name: "rempart"}, &configuration); err != nil || len(configuration.Webhooks[0].ClientConfig.CABundle) == 0 {
		t.Errorf("it is not trusted: %v", err)
	}
}

// Anything else is a failure, and what is served does not wait for it.
func TestWhatCannotBeTrustedYetIsServed(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "any"}, "rempart", nil)
	r, _ := newReconciler(t, interceptor.Funcs{Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
		return forbidden
	}})
	if _, err := r.Reconcile(t.Context(), ctrl.Request{}); !apierrors.IsForbidden(err) {
		t.Errorf("it fails with %v", err)
	}
	if _, err := r.Holder.GetCertificate(nil); err != nil {
		t.Error(err)
	}
}

func newReconciler(t *testing.T, faults interceptor.Funcs) (*certificates.Reconciler, client.Client) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionregistrationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "rempart"}, Webhooks: []admissionregistrationv1.ValidatingWebhook{{Name: "one"}},
	}
	cluster := fake.NewClientBuilder().WithScheme(scheme).WithObjects(configuration).WithInterceptorFuncs(faults).Build()
	return certificates.NewReconciler(certificates.Config{
		Client: cluster, Clock: clocktesting.NewFakePassiveClock(start), Namespace: "rempart-system", Configuration: "rempart",
		Hosts: []string{"rempart-webhook.rempart-system.svc"}, Holder: &certificate.Holder{},
	}), cluster
}
