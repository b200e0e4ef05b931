package drill

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/placement"
)

// planned is a drill from one provider to another.
func planned(from, to string) *v1alpha1.ReversibilityDrill {
	d := drillOf(from, to)
	d.Status.Effective = &v1alpha1.DrillEffective{
		From: v1alpha1.DrillCopy{PlaceReference: placeAt(from)}, To: v1alpha1.DrillCopy{PlaceReference: placeAt(to)},
	}
	return d
}

func TestEvidenceNamesThePoliciesAndFactsInForce(t *testing.T) {
	facts := world(func(f *gather.Facts) {
		f.Exceptions = []placement.Exception{{Name: "travaux", Policy: "france", Rules: []v1alpha1.ExceptableRule{"distance"}, NotAfter: now}}
		f.Providers[1].Spec.OVHcloud = &v1alpha1.OVHcloudAccount{ProjectID: "0123456789abcdef", CredentialsRef: v1alpha1.NameReference{Name: "ovh-api"}}
	})
	policies, inForce, err := documents(planned("ovh", "outscale"), facts)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, document := range append(policies, inForce...) {
		got = append(got, document.Kind+" "+document.Name)
	}
	want := []string{
		"SovereigntyPolicy france", "Place ovh/x", "Place outscale/x", "Place dc/x", "SovereigntyException travaux",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	encoded, err := json.Marshal(inForce)
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{"OVH SAS", `"country":"FR"`, `"policy":"france"`} {
		if !strings.Contains(string(encoded), wanted) {
			t.Errorf("%q is not in %s", wanted, encoded)
		}
	}
	for _, left := range []string{"0123456789abcdef", "ovh-api"} { // an account is nobody's business
		if strings.Contains(string(encoded), left) {
			t.Errorf("%q is in %s", left, encoded)
		}
	}
}

func TestDrillsInTheClusterRememberTheirEvidence(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	drillWith := func(name, bucket string, left *v1alpha1.DrillEvidence) *v1alpha1.ReversibilityDrill {
		return &v1alpha1.ReversibilityDrill{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, CreationTimestamp: metav1.NewTime(now.Add(-time.Hour))},
			Spec:       v1alpha1.ReversibilityDrillSpec{BucketRef: v1alpha1.NameReference{Name: bucket}},
			Status:     v1alpha1.ReversibilityDrillStatus{Evidence: left},
		}
	}
	const name = "ns/actes/20261124T150056.811Z-a-uid"
	cluster := fake.NewClientBuilder().WithScheme(scheme).WithIndex(&v1alpha1.ReversibilityDrill{}, gather.DrillBucketField,
		func(o client.Object) []string { return []string{o.(*v1alpha1.ReversibilityDrill).Spec.BucketRef.Name} }).WithObjects(
		drillWith("a", "actes", &v1alpha1.DrillEvidence{Digest: "sha256:1", URIs: []string{"s3://b/.rempart/evidence/" + name + "/evidence.json"}}),
		drillWith("b", "photos", &v1alpha1.DrillEvidence{Digest: "sha256:2", URIs: []string{"s3://b/.rempart/evidence/ns/photos/x/evidence.json"}}),
		drillWith("c", "actes", nil),
		drillWith("of-before-signatures", "actes", &v1alpha1.DrillEvidence{Digest: "sha256:3", URIs: []string{"s3://b/.rempart/evidence/ns/d/x.json"}}),
	).Build()
	r := &Reconciler{Config: Config{Client: cluster}}
	got, err := r.known(t.Context(), drillWith("next", "actes", nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]evidence.Link{{Name: name, Digest: "sha256:1"}}, got); diff != "" {
		t.Error(diff)
	}
}
