package integration

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app/plugin"
)

// plugin runs the kubectl plugin against the cluster, as a person does.
func (w *world) plugin(args ...string) (code int, out, errOut string) {
	w.t.Helper()
	kubeconfig := filepath.Join(w.t.TempDir(), "kubeconfig")
	if err := controlPlane.Get(w.t).WriteKubeconfig(kubeconfig); err != nil {
		w.t.Fatal(err)
	}
	streams, _, written, failed := genericiooptions.NewTestIOStreams()
	code = plugin.ExecuteCLI(w.t.Context(), plugin.NewCLI(streams, "test"), failed, append(args, "--kubeconfig", kubeconfig))
	return code, written.String(), failed.String()
}

// manifest writes an object into a file, as a person would have it: without what the
// cluster adds.
func manifest(t *testing.T, kind, name string, spec any) string {
	t.Helper()
	content, err := yaml.Marshal(map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": kind, "metadata": map[string]any{"name": name}, "spec": spec,
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name+".yaml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Before a fact or a rule is changed, explain says of the buckets in the cluster which
// would fall out and where their new copies would be. Then the operator does just that.
func TestWhatIfSaysWhichBucketsFallOut(t *testing.T) {
	w, _ := emulatedWorld(t)
	policy := w.policy("etat-civil")
	w.policy("ailleurs", func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.Perimeter = v1alpha1.PerimeterEU })
	actes, plans := w.bucket("actes", "etat-civil"), w.bucket("plans", "ailleurs")
	for _, bucket := range []*v1alpha1.SovereignBucket{actes, plans} {
		w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
		if w.replicas(bucket)["ovh/GRA"] == nil {
			t.Fatalf("the copies of %s are at %v", bucket.Name, w.replicas(bucket))
		}
	}
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	w.get(ovh)

	t.Run("a provider that turns out to be elsewhere", func(t *testing.T) {
		moved := ovh.Spec.DeepCopy()
		moved.Locations[0].Country = "DE"
		code, out, errOut := w.plugin("explain", "-f", manifest(t, "SovereignProvider", "ovh", moved), "--against", "cluster")
		if code != 0 || errOut != "" {
			t.Errorf("exit code %d, errors %q: there is room elsewhere", code, errOut)
		}
		first, second, found := strings.Cut(out, "BUCKET    "+w.namespace+"/plans")
		if !found {
			t.Fatalf("not every bucket is explained:\n%s", out)
		}
		for _, want := range []string{
			"BUCKET    " + w.namespace + "/actes", "Replica  tds-outscale/eu-west-2  to be made", "DE is outside FR (OutsidePerimeter)",
			"ovh/GRA", "onprem/dc1",
		} {
			wantIn(t, first, want)
		}
		if strings.Contains(second, "to be made") || strings.Contains(second, "Replica  tds-outscale") {
			t.Errorf("the bucket for which Germany will do is said to change:\n%s", second)
		}
	})

	t.Run("a policy that asks for more than there is", func(t *testing.T) {
		stricter := policy.Spec.DeepCopy()
		stricter.Copies.Minimum = 4
		code, out, _ := w.plugin("explain", "-f", manifest(t, "SovereigntyPolicy", "etat-civil", stricter), "--against", "cluster", "-o", "json")
		var explained []struct {
			Bucket    string `json:"bucket"`
			Satisfied bool   `json:"satisfied"`
			Reason    string `json:"reason"`
			Message   string `json:"message"`
		}
		if err := json.Unmarshal(bytes.TrimSpace([]byte(out)), &explained); err != nil {
			t.Fatal(err)
		}
		if code != 1 || len(explained) != 1 || explained[0].Bucket != w.namespace+"/actes" || explained[0].Satisfied ||
			explained[0].Reason != v1alpha1.ReasonNotEnoughCopies || !strings.Contains(explained[0].Message, "asks for 4 copies and only 3 places are eligible") {
			t.Errorf("exit code %d, %+v", code, explained)
		}
	})

	// Nothing was changed by asking.
	again := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	if w.get(again); again.Generation != ovh.Generation || again.Spec.Locations[0].Country != "FR" {
		t.Errorf("the provider is %+v", again.Spec)
	}
	if len(w.replicas(actes)) != 2 || len(w.replicas(plans)) != 2 {
		t.Errorf("the copies are at %v and %v", w.replicas(actes), w.replicas(plans))
	}

	w.update(ovh, func() { ovh.Spec.Locations[0].Country = "DE" })
	w.eventually(func() error { return copiesAt(w, actes, "onprem/dc1", "ovh/GRA", "tds-outscale/eu-west-2") })
	w.await(plans, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
	if places := slices.Sorted(maps.Keys(w.replicas(plans))); !slices.Equal(places, []string{"onprem/dc1", "ovh/GRA"}) {
		t.Errorf("the copies of plans are at %q", places)
	}
}
