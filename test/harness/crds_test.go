package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

func TestInstalledDefinitionsAreServed(t *testing.T) {
	t.Parallel()
	cfg := controlPlane.Get(t).RESTConfig()
	for range 2 { // a second time is harmless
		if err := InstallCRDs(t.Context(), cfg, "testdata/crds"); err != nil {
			t.Fatal(err)
		}
	}
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, plural := range []string{"widgets", "gadgets"} {
		resource := schema.GroupVersionResource{Group: "harness.rempart.dev", Version: "v1", Resource: plural}
		if _, err := client.Resource(resource).List(t.Context(), metav1.ListOptions{}); err != nil {
			t.Errorf("%s: %v", plural, err)
		}
	}
}

func TestFolderThatIsNoSetOfDefinitionsIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file, content, want string
	}{
		"another kind": {
			file: "map.yaml", content: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: stray}\n",
			want: "map.yaml: a ConfigMap is not a CustomResourceDefinition",
		},
		"broken YAML":        {file: "broken.yaml", content: "kind: [", want: "broken.yaml: "},
		"nothing to install": {file: "notes.txt", content: "kind: Widget", want: "no definition there"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, test.file), []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := readCRDs(dir)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}
