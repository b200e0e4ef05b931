package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
)

func names(objects []client.Object) []string {
	var found []string
	for _, o := range objects {
		found = append(found, strings.TrimPrefix(fmt.Sprintf("%T %s", o, client.ObjectKeyFromObject(o)), "*"))
	}
	return found
}

func TestReadsFilesFoldersAndLists(t *testing.T) {
	got, err := Read(Options{Paths: []string{"testdata/folder"}, Namespace: "etat-civil"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"v1.Namespace /etat-civil",
		"v1alpha1.SovereigntyPolicy /etat-civil",
		"v1alpha1.SovereignBucket etat-civil/actes",
		"v1alpha1.SovereignBucket archives/actes",
	}
	if diff := cmp.Diff(want, names(got.Objects)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	wantNotes := []string{"testdata/folder/a.yaml: 2 objects of other kinds were passed over: Deployment, ConfigMap"}
	if diff := cmp.Diff(wantNotes, said(got.Notes)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// said are notes in English.
func said(notes []message.Text) []string {
	var texts []string
	for _, note := range notes {
		texts = append(texts, note.String())
	}
	return texts
}

func TestALaterObjectTakesThePlaceOfAnEarlierOne(t *testing.T) {
	got, err := Read(Options{Paths: []string{"testdata/folder"}, Recursive: true, Namespace: "etat-civil"})
	if err != nil {
		t.Fatal(err)
	}
	last := got.Objects[len(got.Objects)-1].(*v1alpha1.SovereignBucket)
	if len(got.Objects) != 4 || last.Spec.PolicyRef.Name != "strict" {
		t.Errorf("objects are %v, the last under %s; want 4, the last under strict", names(got.Objects), last.Spec.PolicyRef.Name)
	}
	note := "testdata/folder/inner/d.yaml: document 1 (SovereignBucket actes) is there already in " +
		"testdata/folder/c.yml: document 1, item 1 (SovereignBucket actes): the later one counts"
	if len(got.Notes) != 2 || got.Notes[1].String() != note {
		t.Errorf("notes are %q, want the second to be %q", got.Notes, note)
	}
}

func TestOneObjectOfAnotherKindIsNamedToo(t *testing.T) {
	got, err := Read(Options{Paths: []string{Stdin}, In: strings.NewReader("apiVersion: v1\nkind: Secret\nmetadata: {name: key}\n")})
	want := []string{"standard input: an object of another kind was passed over: Secret"}
	if diff := cmp.Diff(want, said(got.Notes)); diff != "" || err != nil {
		t.Errorf("%v, notes (-want +got):\n%s", err, diff)
	}
}

func TestAbsentFieldsHaveTheirDefaults(t *testing.T) {
	got, err := Read(Options{Paths: []string{Stdin}, In: strings.NewReader(bucketYAML), Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	if bucket := got.Objects[0].(*v1alpha1.SovereignBucket); bucket.Spec.DeletionPolicy != v1alpha1.DeletionRetain {
		t.Errorf("deletionPolicy is %q", bucket.Spec.DeletionPolicy)
	}
}

const bucketYAML = `apiVersion: rempart.dev/v1alpha1
kind: SovereignBucket
metadata: {name: actes}
spec:
  policyRef: {name: etat-civil}
  dataset: {title: Actes, purpose: Registres, legalBasis: LegalObligation}
`

const providerYAML = `apiVersion: rempart.dev/v1alpha1
kind: SovereignProvider
metadata: {name: ovh}
spec:
  type: S3
  s3: {endpoint: "https://s3.gra.io.cloud.ovh.net", credentialsRef: {name: ovh}}
  operator: {legalEntity: OVH SAS}
  locations: [{name: GRA, country: FR}]
`

const policyYAML = `apiVersion: rempart.dev/v1alpha1
kind: SovereigntyPolicy
metadata: {name: etat-civil}
spec:
  residency: {perimeter: FR}
`

// Each mistake is one change to a manifest that is right, and the words are those
// of the API server.
func TestNamesEveryMistake(t *testing.T) {
	tests := map[string]struct {
		yaml, from, to string
		want           []string
	}{
		"an unknown field": {
			bucketYAML, "title: Actes", "titel: Actes",
			[]string{`(SovereignBucket actes): unknown field "spec.dataset.titel"`},
		},
		"an unknown field of the metadata": {
			bucketYAML, "{name: actes}", "{name: actes, lables: {}}",
			[]string{`unknown field "metadata.lables"`},
		},
		"a field twice": {
			bucketYAML, "spec:\n", "spec:\n  suspend: true\n  suspend: false\n",
			[]string{`key "suspend" already set in map`},
		},
		"a missing field": {
			bucketYAML, "title: Actes, ", "",
			[]string{`spec.dataset.title: Required value`},
		},
		"a value of another type": {
			bucketYAML, "spec:\n", "spec:\n  suspend: \"yes\"\n",
			[]string{`spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean`},
		},
		"a value that is none of the known ones": {
			bucketYAML, "LegalObligation", "BecauseWeCan",
			[]string{`spec.dataset.legalBasis: Unsupported value: "BecauseWeCan"`},
		},
		"a name that cannot be": {
			bucketYAML, "name: actes", "name: Actes_1",
			[]string{`metadata.name: Invalid value: "Actes_1"`},
		},
		"no name": {
			bucketYAML, "{name: actes}", "{}",
			[]string{`metadata.name: Required value`},
		},
		"a namespace on what has none": {
			policyYAML, "{name: etat-civil}", "{name: etat-civil, namespace: default}",
			[]string{`metadata.namespace: Forbidden`},
		},
		"a rule about one field": {
			policyYAML, "perimeter: FR", "perimeter: None",
			[]string{`spec.residency.perimeter: Invalid value: "None": perimeter must be FR, EU or EEA: data always has a perimeter`},
		},
		"a rule about several fields": {
			policyYAML, "spec:\n", "spec:\n  copies: {minimum: 2, distinctOperators: 3}\n",
			[]string{`spec.copies: Invalid value:`, `distinctOperators cannot be more than minimum`},
		},
		"a rule about a duration": {
			policyYAML, "spec:\n", "spec:\n  objectives: {rpo: 1s}\n",
			[]string{`rpo must be between 10s and 8760h`},
		},
		"no duration at all": {
			policyYAML, "spec:\n", "spec:\n  objectives: {rpo: soon}\n",
			[]string{`spec.objectives.rpo: Invalid value`},
		},
		"a rule about a URL": {
			providerYAML, "https://s3.gra.io.cloud.ovh.net", "https://key:secret@s3.gra.io.cloud.ovh.net",
			[]string{`endpoint must have no user name or password`},
		},
		"the same name twice in a list": {
			providerYAML, "[{name: GRA", "[{name: GRA}, {name: GRA",
			[]string{`spec.locations[1]: Duplicate value`},
		},
		"another kind of ours": {
			bucketYAML, "kind: SovereignBucket", "kind: SovereignBuckets",
			[]string{`kind: Unsupported value: "SovereignBuckets" in rempart.dev/v1alpha1: supported kinds of rempart.dev/v1alpha1 are BucketReplica, ReversibilityDrill, SovereignBucket, SovereignBucketAccess, SovereignProvider, SovereigntyException, SovereigntyPolicy`},
		},
		"another version of ours": {
			bucketYAML, "rempart.dev/v1alpha1", "rempart.dev/v1",
			[]string{`kind: Unsupported value: "SovereignBucket" in rempart.dev/v1:`},
		},
		"no kind": {bucketYAML, "kind: SovereignBucket\n", "", []string{`kind: Required value`}},
		"no group": {
			bucketYAML, "apiVersion: rempart.dev/v1alpha1\n", "", []string{`apiVersion: Required value`},
		},
		"a version that cannot be": {
			bucketYAML, "rempart.dev/v1alpha1", "a/b/c", []string{`apiVersion: unexpected GroupVersion string: a/b/c`},
		},
		"no object":        {bucketYAML, bucketYAML, "- just a list\n", []string{`document 1: it is no object`}},
		"no YAML":          {bucketYAML, "spec:\n", "spec: [\n", []string{`document 1: it is not YAML`}},
		"no items":         {bucketYAML, bucketYAML, "apiVersion: v1\nkind: List\n", []string{`items: Required value`}},
		"metadata of wood": {bucketYAML, "{name: actes}", "wood", []string{`metadata`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(test.yaml, test.from) {
				t.Fatalf("there is no %q to change", test.from)
			}
			yaml := strings.Replace(test.yaml, test.from, test.to, 1)
			_, err := Read(Options{Paths: []string{Stdin}, In: strings.NewReader(yaml), Namespace: "default"})
			if err == nil {
				t.Fatal("no mistake is found")
			}
			for _, want := range append(test.want, "standard input: document 1") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestNamesTheMistakesOfAllDocuments(t *testing.T) {
	first, second := strings.Replace(bucketYAML, "title:", "titel:", 1), strings.Replace(policyYAML, "FR", "Mars", 1)
	path := filepath.Join(t.TempDir(), "two.yaml")
	if err := os.WriteFile(path, []byte(first+"---\n"+second), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Read(Options{Paths: []string{path}, Namespace: "default"})
	want := path + `: document 1 (SovereignBucket actes): unknown field "spec.dataset.titel"` + "\n" +
		path + `: document 2 (SovereigntyPolicy etat-civil): spec.residency.perimeter: Unsupported value: "Mars": supported values: "FR", "EU", "EEA", "None"`
	if err == nil || err.Error() != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	empty := t.TempDir()
	for _, path := range []string{"testdata/nowhere.yaml", empty} {
		if _, err := Read(Options{Paths: []string{path}}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error is %v", path, err)
		}
	}
}
