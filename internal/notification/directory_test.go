package notification

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
)

func directory(objects ...client.Object) Directory {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	by := func(field func(*v1alpha1.BucketReplica) string) client.IndexerFunc {
		return func(o client.Object) []string { return []string{field(o.(*v1alpha1.BucketReplica))} }
	}
	return Directory{Namespace: "system", Reader: fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithIndex(&v1alpha1.BucketReplica{}, gather.ReplicaNameField, by(func(r *v1alpha1.BucketReplica) string { return r.Spec.BucketName })).
		WithIndex(&v1alpha1.BucketReplica{}, gather.ReplicaBucketField, by(func(r *v1alpha1.BucketReplica) string { return r.Spec.BucketRef.Name })).
		Build()}
}

func provider(name, events string) *v1alpha1.SovereignProvider {
	return &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.SovereignProviderSpec{Type: v1alpha1.ProviderTypeS3, S3: &v1alpha1.S3Endpoint{Events: events}},
	}
}

func kept(name string, kind corev1.SecretType, path string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: name}, Type: kind,
		Data: map[string][]byte{v1alpha1.EventsPathKey: []byte(path)},
	}
}

func TestOnlyTheSecretOfAProviderThatReceivesCounts(t *testing.T) {
	d := directory(
		provider("onprem", "Enabled"), kept("rempart-events-onprem", v1alpha1.EventsSecretType, "/events/onprem/abc"),
		provider("off", "Disabled"), kept("rempart-events-off", v1alpha1.EventsSecretType, "/events/off/abc"),
		provider("absent", ""), kept("rempart-events-absent", v1alpha1.EventsSecretType, "/events/absent/abc"),
		provider("foreign", "Enabled"), kept("rempart-events-foreign", corev1.SecretTypeOpaque, "/events/foreign/abc"),
		provider("moved", "Enabled"), kept("rempart-events-moved", v1alpha1.EventsSecretType, "/events/onprem/abc"),
		provider("unready", "Enabled"),
		kept("rempart-events-gone", v1alpha1.EventsSecretType, "/events/gone/abc"),
	)
	for name, want := range map[string]string{"onprem": "abc", "off": "", "absent": "", "foreign": "", "moved": "", "unready": "", "gone": ""} {
		got, isReceived := d.Secret(t.Context(), name)
		if isReceived != (want != "") || isReceived && got != want {
			t.Errorf("%s: %q, %v", name, got, isReceived)
		}
	}
}

func TestCopiesAreThoseOfThePrimaryThatIsNamed(t *testing.T) {
	replica := func(namespace, name, of, at, bucket string, role v1alpha1.CopyRole) *v1alpha1.BucketReplica {
		return &v1alpha1.BucketReplica{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.BucketReplicaSpec{
			BucketRef: v1alpha1.NameReference{Name: of}, PlaceReference: v1alpha1.PlaceReference{ProviderName: at, Location: "x"}, BucketName: bucket, Role: role,
		}}
	}
	d := directory(
		replica("town", "p", "actes", "onprem", "actes-1", v1alpha1.RolePrimary),
		replica("town", "r1", "actes", "ovh", "actes-2", v1alpha1.RoleReplica),
		replica("town", "r2", "actes", "onprem", "actes-3", v1alpha1.RoleReplica),
		replica("town", "q", "other", "onprem", "other-1", v1alpha1.RolePrimary),
		replica("town", "r3", "other", "ovh", "other-2", v1alpha1.RoleReplica),
		replica("village", "p", "actes", "elsewhere", "actes-1", v1alpha1.RolePrimary),
		replica("village", "r4", "actes", "ovh", "actes-4", v1alpha1.RoleReplica),
	)
	for asked, want := range map[[2]string][]string{
		{"onprem", "actes-1"}:    {"town/r1", "town/r2"},
		{"elsewhere", "actes-1"}: {"village/r4"},
		{"onprem", "actes-3"}:    nil, // a copy is nobody's source
		{"ovh", "actes-1"}:       nil,
		{"onprem", "unknown"}:    nil,
	} {
		got, err := d.Copies(t.Context(), asked[0], asked[1])
		if slices.Sort(got); err != nil || !slices.Equal(want, got) {
			t.Errorf("%v: %q, %v; want %q", asked, got, err, want)
		}
	}
}

func TestSecretsHaveNamesThatCanBe(t *testing.T) {
	long := strings.Repeat("a", 253)
	if name := SecretName(long); len(name) > 253 || name == SecretName(long[:252]+"b") {
		t.Errorf("%q", name)
	}
	if a, b := NewSecret(), NewSecret(); a == b || len(a) != 43 {
		t.Errorf("%q, %q", a, b)
	}
}
