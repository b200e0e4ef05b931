package explain

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/rempart/rempart/api/v1alpha1"
	controller "github.com/rempart/rempart/controllers/bucket"
	"github.com/rempart/rempart/internal/cli/clitest"
	"github.com/rempart/rempart/internal/cli/env"
	"github.com/rempart/rempart/internal/cli/manifest"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/placement"
)

// What explain says offline of exported objects is what the operator wrote into
// status.candidates about them.
func TestSaysOfExportedObjectsWhatTheOperatorSays(t *testing.T) {
	tests := map[string]func(*v1alpha1.SovereigntyPolicySpec, *v1alpha1.SovereignBucketSpec){
		"as they are": func(*v1alpha1.SovereigntyPolicySpec, *v1alpha1.SovereignBucketSpec) {},
		"under a wider perimeter": func(policy *v1alpha1.SovereigntyPolicySpec, _ *v1alpha1.SovereignBucketSpec) {
			policy.Residency.Perimeter = v1alpha1.PerimeterEEA
		},
		"without versioning": func(policy *v1alpha1.SovereigntyPolicySpec, _ *v1alpha1.SovereignBucketSpec) {
			policy.Protection = v1alpha1.Protection{}
		},
		"on own premises only": func(policy *v1alpha1.SovereigntyPolicySpec, _ *v1alpha1.SovereignBucketSpec) {
			policy.Copies.OnPremise = v1alpha1.Only
		},
		"under a policy for others": func(policy *v1alpha1.SovereigntyPolicySpec, _ *v1alpha1.SovereignBucketSpec) {
			policy.AllowedNamespaces = nil
		},
		"narrowed by the bucket": func(_ *v1alpha1.SovereigntyPolicySpec, bucket *v1alpha1.SovereignBucketSpec) {
			bucket.Placement.ProviderNames = []string{"onprem", "ovh"}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			want := operatorsCandidates(t, exported(t, change))
			w, err := fromFiles(t.Context(), exported(t, change))
			if err != nil {
				t.Fatal(err)
			}
			found, err := w.decide(t.Context(), all[*v1alpha1.SovereignBucket](w.memory)[0])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, placement.Summarise(found.decision.Candidates), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("candidates (-operator +explain):\n%s", diff)
			}
		})
	}
}

// exported reads the exported objects and changes policy and bucket. The bucket is
// suspended, so that the operator only looks and decides.
func exported(t *testing.T, change func(*v1alpha1.SovereigntyPolicySpec, *v1alpha1.SovereignBucketSpec)) []client.Object {
	t.Helper()
	set, err := manifest.Read(manifest.Options{Paths: []string{"testdata/exported.yaml"}})
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory(set.Objects)
	bucket := all[*v1alpha1.SovereignBucket](m)[0]
	bucket.Spec.Suspend = true
	change(&all[*v1alpha1.SovereigntyPolicy](m)[0].Spec, &bucket.Spec)
	return set.Objects
}

// operatorsCandidates has the operator's own reconciler look at the objects, and
// gives what it writes.
func operatorsCandidates(t *testing.T, objects []client.Object) []v1alpha1.CandidateStatus {
	t.Helper()
	scheme, err := env.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	builder := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.SovereignBucket{})
	if err := gather.Index(t.Context(), indexer{builder}); err != nil {
		t.Fatal(err)
	}
	cluster := builder.Build()
	reconciler := controller.NewReconciler(controller.Config{
		Client: cluster, Recorder: events.NewFakeRecorder(16), Clock: clocktesting.NewFakePassiveClock(clitest.Now),
		Metrics: controller.NewMetrics(prometheus.NewRegistry()),
	})
	key := types.NamespacedName{Namespace: "etat-civil", Name: "actes"}
	if _, err := reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
		t.Fatal(err)
	}
	var bucket v1alpha1.SovereignBucket
	if err := cluster.Get(t.Context(), key, &bucket); err != nil {
		t.Fatal(err)
	}
	if len(bucket.Status.Candidates) == 0 {
		t.Fatal("the operator wrote no candidates")
	}
	return bucket.Status.Candidates
}

type indexer struct{ builder *fake.ClientBuilder }

func (i indexer) IndexField(_ context.Context, of client.Object, field string, extract client.IndexerFunc) error {
	i.builder.WithIndex(of, field, extract)
	return nil
}
