package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/manifest"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/message"
)

// read reads objects of the test data.
func read(t *testing.T, paths ...string) []client.Object {
	t.Helper()
	for i, path := range paths {
		paths[i] = "testdata/" + path
	}
	set, err := manifest.Read(manifest.Options{Paths: paths, Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	return set.Objects
}

// explained decides about the only bucket of a world.
func explained(t *testing.T, w *world) Explanation {
	t.Helper()
	found, err := w.decide(t.Context(), all[*v1alpha1.SovereignBucket](w.memory)[0])
	if err != nil {
		t.Fatal(err)
	}
	return found.explanation(message.English)
}

func candidateAt(t *testing.T, e Explanation, provider, location string) Candidate {
	t.Helper()
	for _, c := range e.Candidates {
		if c.ProviderName == provider && c.Location == location {
			return c
		}
	}
	t.Fatalf("there is no candidate %s/%s", provider, location)
	return Candidate{}
}

// against makes the world of a cluster, which is exported.yaml, with files on top.
func against(t *testing.T, files ...client.Object) *world {
	t.Helper()
	w, err := fromFilesAgainst(t.Context(), read(t, "exported.yaml"), files)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAFileTakesThePlaceOfAnObjectInTheCluster(t *testing.T) {
	policy := &v1alpha1.SovereigntyPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "etat-civil"},
		Spec: v1alpha1.SovereigntyPolicySpec{
			AllowedNamespaces: &metav1.LabelSelector{}, Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR},
			Copies: v1alpha1.CopyRules{Minimum: 5},
		},
	}
	got := explained(t, against(t, policy))
	if got.Satisfied || got.Reason != v1alpha1.ReasonNotEnoughCopies {
		t.Errorf("satisfied %t, reason %s: the stricter policy does not count", got.Satisfied, got.Reason)
	}
}

func TestABucketFromAFileKeepsTheCopiesThatItHasInTheCluster(t *testing.T) {
	bucket := all[*v1alpha1.SovereignBucket](newMemory(read(t, "exported.yaml")))[0]
	bucket.UID, bucket.Status = "", v1alpha1.SovereignBucketStatus{}
	got := explained(t, against(t, bucket))
	if got.Primary != "onprem/dc1" || !got.Copies[0].isPlaced {
		t.Errorf("primary %s, copies %+v: the copy that exists is not known", got.Primary, got.Copies)
	}
}

func TestAProviderFromAFileKeepsWhatTheClusterFoundOut(t *testing.T) {
	objects := newMemory(read(t, "exported.yaml"))
	var ovh *v1alpha1.SovereignProvider
	for _, provider := range all[*v1alpha1.SovereignProvider](objects) {
		if provider.Name == "ovh" {
			ovh = provider
		}
	}
	ovh.Status = v1alpha1.SovereignProviderStatus{}
	ovh.Spec.Locations = append(ovh.Spec.Locations, v1alpha1.Location{Name: "RBX", Country: "FR"})
	got := explained(t, against(t, ovh))
	for location, want := range map[string]Candidate{
		"GRA": {Eligible: true, Score: 25, Assumed: []string{}},               // known, and not reachable now
		"SBG": {Eligible: false, Score: 0, Assumed: []string{}},               // known to keep no versions
		"RBX": {Eligible: true, Score: 25, Assumed: []string{"capabilities"}}, // new, at a provider that is known
	} {
		found := candidateAt(t, got, "ovh", location)
		found = Candidate{Eligible: found.Eligible, Score: found.Score, Assumed: found.Assumed}
		if diff := cmp.Diff(want, found, cmp.AllowUnexported(Candidate{})); diff != "" {
			t.Errorf("ovh/%s (-want +got):\n%s", location, diff)
		}
	}
	if unknown := candidateAt(t, got, "outscale", "eu-west-2"); unknown.Eligible {
		t.Error("what the cluster has not tried yet is assumed of a provider that no file is about")
	}
}

// Manifests have no status, and what is stored under a policy is only there.
func TestAPolicyFromAFileKeepsWhatTheClusterKnowsToBeStored(t *testing.T) {
	cluster := read(t, "exported.yaml")
	stored := &v1alpha1.ConcentrationStatus{Operators: []v1alpha1.OperatorShare{{Operator: "commune de bruz", SharePercent: 100}}}
	policy := all[*v1alpha1.SovereigntyPolicy](newMemory(cluster))[0]
	policy.Status.Concentration = stored
	file := policy.DeepCopy()
	file.Status = v1alpha1.SovereigntyPolicyStatus{}
	w, err := fromFilesAgainst(t.Context(), cluster, []client.Object{file})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stored, all[*v1alpha1.SovereigntyPolicy](w.memory)[0].Status.Concentration); diff != "" {
		t.Errorf("what is known to be stored (-want +got):\n%s", diff)
	}
}

func TestANamespaceFromAFileKeepsTheLabelsOfTheCluster(t *testing.T) {
	w := against(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "etat-civil", Labels: map[string]string{"tier": "gold"}}})
	namespace := all[*corev1.Namespace](w.memory)[0]
	want := map[string]string{"tier": "gold", "bruz.example/direction": "population", corev1.LabelMetadataName: "etat-civil"}
	if diff := cmp.Diff(want, namespace.Labels); diff != "" {
		t.Error(diff)
	}
}

func TestABucketWhoseManifestHasNoIdentityFindsItsCopies(t *testing.T) {
	objects := read(t, "exported.yaml")
	all[*v1alpha1.SovereignBucket](newMemory(objects))[0].UID = ""
	w, err := fromFiles(t.Context(), objects)
	if err != nil {
		t.Fatal(err)
	}
	if got := explained(t, w); len(got.illegal) != 1 || got.illegal[0].String() != "ovh/UK" {
		t.Errorf("illegal copies %v, want that at ovh/UK", got.illegal)
	}
}

func TestOnlyBucketsThatTheFilesMayChangeAreExplained(t *testing.T) {
	buckets := func() []*v1alpha1.SovereignBucket {
		named := func(namespace, name, policy string) *v1alpha1.SovereignBucket {
			return &v1alpha1.SovereignBucket{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
				Spec:       v1alpha1.SovereignBucketSpec{PolicyRef: v1alpha1.NameReference{Name: policy}},
			}
		}
		return []*v1alpha1.SovereignBucket{named("a", "one", "p"), named("a", "two", "q"), named("b", "one", "q")}
	}
	meta := func(namespace, name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name}
	}
	tests := map[string]struct {
		file client.Object
		want []string
	}{
		"a bucket changes itself":         {&v1alpha1.SovereignBucket{ObjectMeta: meta("a", "one")}, []string{"a/one"}},
		"a policy changes those under it": {&v1alpha1.SovereigntyPolicy{ObjectMeta: meta("", "q")}, []string{"a/two", "b/one"}},
		"a baseline may change every one": {
			&v1alpha1.SovereigntyPolicy{ObjectMeta: meta("", "x"), Spec: v1alpha1.SovereigntyPolicySpec{AppliesTo: &v1alpha1.AppliesTo{}}},
			[]string{"a/one", "a/two", "b/one"},
		},
		"a namespace changes those in it": {&corev1.Namespace{ObjectMeta: meta("", "a")}, []string{"a/one", "a/two"}},
		"a provider may change every one": {&v1alpha1.SovereignProvider{ObjectMeta: meta("", "x")}, []string{"a/one", "a/two", "b/one"}},
		"a drill changes no decision":     {&v1alpha1.ReversibilityDrill{ObjectMeta: meta("a", "d")}, nil},
		"a copy changes that it is a copy of": {&v1alpha1.BucketReplica{
			ObjectMeta: meta("b", "r"), Spec: v1alpha1.BucketReplicaSpec{BucketRef: v1alpha1.NameReference{Name: "one"}},
		}, []string{"b/one"}},
		"an exception changes that it is for": {&v1alpha1.SovereigntyException{
			ObjectMeta: meta("b", "e"), Spec: v1alpha1.SovereigntyExceptionSpec{SubjectRef: v1alpha1.SubjectReference{Name: "one"}},
		}, []string{"b/one"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, bucket := range touched(buckets(), []client.Object{test.file}) {
				got = append(got, bucket.Namespace+"/"+bucket.Name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAPolicyBindsWhoNamesItAndWhomItAppliesTo(t *testing.T) {
	w, err := fromFiles(t.Context(), read(t, "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for policy, want := range map[string]int{"ccas": 1, "france": 1, "climate": 1, "elsewhere": 0, "nowhere": 0} {
		if got := w.boundBy(policy); len(got) != want {
			t.Errorf("policy %s binds %d buckets, want %d", policy, len(got), want)
		}
	}
}

func TestABaselineThatIsTakenAwayChangesWhomItBound(t *testing.T) {
	bucket := all[*v1alpha1.SovereignBucket](newMemory(read(t, "rules.yaml")))[0]
	named := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "france"}}
	named.Spec.Residency.Perimeter = v1alpha1.PerimeterEU
	w, err := fromFilesAgainst(t.Context(), read(t, "rules.yaml"), []client.Object{named})
	if err != nil {
		t.Fatal(err)
	}
	if got := touched([]*v1alpha1.SovereignBucket{bucket}, append([]client.Object{named}, w.replaced...)); len(got) != 1 {
		t.Error("the bucket that the baseline bound is not explained")
	}
}

func TestMemoryIsReadLikeACluster(t *testing.T) {
	m := newMemory(read(t, "exported.yaml"))
	if err := gather.Index(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		options []client.ListOption
		want    int
	}{
		"everything":                       {nil, 2},
		"a namespace":                      {[]client.ListOption{client.InNamespace("etat-civil")}, 2},
		"another namespace":                {[]client.ListOption{client.InNamespace("default")}, 0},
		"an index":                         {[]client.ListOption{client.MatchingFields{gather.ReplicaProviderField: "ovh"}}, 1},
		"an index that has no such object": {[]client.ListOption{client.MatchingFields{gather.ReplicaProviderField: "aws"}}, 0},
		"labels that none has":             {[]client.ListOption{client.MatchingLabelsSelector{Selector: labels.SelectorFromSet(labels.Set{"a": "b"})}}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var list v1alpha1.BucketReplicaList
			if err := m.List(t.Context(), &list, test.options...); err != nil || len(list.Items) != test.want {
				t.Errorf("%d objects, %v; want %d", len(list.Items), err, test.want)
			}
		})
	}
	missing := client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("spec.nothing", "x")}
	if err := m.List(t.Context(), &v1alpha1.BucketReplicaList{}, missing); err == nil {
		t.Error("a field without an index is not refused, as a cluster does")
	}
	var namespace corev1.Namespace
	if err := m.Get(t.Context(), client.ObjectKey{Name: "etat-civil"}, &namespace); err != nil {
		t.Fatal(err)
	}
	namespace.Labels["tier"] = "gold"
	if all[*corev1.Namespace](m)[0].Labels["tier"] != "" {
		t.Error("what was read is not a copy")
	}
	if err := m.Get(t.Context(), client.ObjectKey{Name: "nothing"}, &namespace); client.IgnoreNotFound(err) != nil || err == nil {
		t.Errorf("an object that is not there: %v", err)
	}
}
