package integration

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/rempart/rempart/api/v1alpha1"
)

func TestAPolicyCountsHowItsBucketsFare(t *testing.T) {
	w, _ := emulatedWorld(t)
	policy := w.policy("etat-civil")
	w.await(policy, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.awaitSummary(policy, v1alpha1.PolicySummary{})

	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
	w.awaitSummary(policy, v1alpha1.PolicySummary{Pass: 1})
	nowhere := w.bucket("ailleurs", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) {
		s.Placement.Primary = &v1alpha1.PlaceReference{ProviderName: "ovh", Location: "BHS"}
	})
	w.bucket("elections", "another-policy")
	w.awaitSummary(policy, v1alpha1.PolicySummary{Pass: 1, Fail: 1})
	if diff := cmp.Diff(map[string]string{
		"Name": "etat-civil", "Perimeter": "FR", "Law": "<nil>", "Action": `["Deny"]`, "Copies": "2", "Operators": "2", "RPO": "10s", "RTO": "5m0s",
		"Pass": "1", "Fail": "1", "Ready": "True",
	}, w.columns("sovereigntypolicies", policy.Name, "Age")); diff != "" {
		t.Errorf("kubectl get shows (-want +got):\n%s", diff)
	}

	// OVHcloud is found to have placed GRA elsewhere.
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	w.update(ovh, func() { ovh.Spec.Locations[0].Country = "GB" })
	w.awaitSummary(policy, v1alpha1.PolicySummary{Fail: 2})
	w.update(ovh, func() { ovh.Spec.Locations[0].Country = "FR" })
	w.awaitSummary(policy, v1alpha1.PolicySummary{Pass: 1, Fail: 1})
	w.delete(nowhere)
	w.awaitSummary(policy, v1alpha1.PolicySummary{Pass: 1})
	w.delete(bucket)
	w.awaitSummary(policy, v1alpha1.PolicySummary{})
	w.await(policy, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

// awaitSummary waits until a policy counts its buckets like this.
func (w *world) awaitSummary(policy *v1alpha1.SovereigntyPolicy, want v1alpha1.PolicySummary) {
	w.t.Helper()
	w.eventually(func() error {
		w.get(policy)
		if policy.Status.Summary != want || policy.Status.ObservedGeneration != policy.Generation {
			return notYet("the policy counts %+v, want %+v", policy.Status.Summary, want)
		}
		return nil
	})
}

// columns are what kubectl get shows of an object, by the name of the column, but
// those left out.
func (w *world) columns(resource, name string, without ...string) map[string]string {
	w.t.Helper()
	set, err := kubernetes.NewForConfig(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	var table metav1.Table
	err = set.RESTClient().Get().AbsPath("/apis", v1alpha1.GroupVersion.String(), resource, name).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(context.Background()).Into(&table)
	if err != nil || len(table.Rows) != 1 {
		w.t.Fatalf("%d rows: %v", len(table.Rows), err)
	}
	shown := map[string]string{}
	for i, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			shown[column.Name] = fmt.Sprint(table.Rows[0].Cells[i])
		}
	}
	for _, left := range without {
		delete(shown, left)
	}
	return shown
}
