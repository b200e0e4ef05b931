package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/internal/cli/manifest"
)

// sameWords compares what is said of mistakes offline with what the API server
// says of them.
func (i installation) sameWords(t *testing.T) {
	for _, file := range []string{"bucket.yaml", "policy.yaml", "provider.yaml"} {
		content, err := os.ReadFile("testdata/mistakes/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for number, document := range slices.Collect(bytes.SplitSeq(content, []byte("---\n"))) {
			_, offline := manifest.Read(manifest.Options{Paths: []string{manifest.Stdin}, In: bytes.NewReader(document), Namespace: namespace})
			if offline == nil {
				t.Fatalf("%s, document %d: no mistake is found", file, number+1)
			}
			var object unstructured.Unstructured
			if err := yaml.Unmarshal(document, &object.Object); err != nil {
				t.Fatal(err)
			}
			online := i.client.Create(t.Context(), &object, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
			if online == nil {
				t.Fatalf("%s, document %d: the API server finds no mistake", file, number+1)
			}
			for line := range strings.SplitSeq(offline.Error(), "\n") {
				_, said, _ := strings.Cut(line, "): ")
				if !strings.Contains(online.Error(), said) {
					t.Errorf("%s, document %d: offline it is\n%s\nonline\n%v", file, number+1, said, online)
				}
			}
		}
	}
}

func TestTheWholeReadsAsAPluginOfKubectl(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	tests := map[string]struct {
		args []string
		code int
		out  string
		err  string
	}{
		"help":                {[]string{"--help"}, 0, "kubectl rempart [command]", ""},
		"nothing":             {nil, 0, "kubectl rempart [command]", ""},
		"help of a verb":      {[]string{"explain", "--help"}, 0, "kubectl rempart explain bucket actes -n etat-civil", ""},
		"version":             {[]string{"version"}, 0, "kubectl-rempart test (rempart.dev/v1alpha1, go", ""},
		"version as JSON":     {[]string{"version", "-o", "json"}, 0, `"version": "test"`, ""},
		"an unknown verb":     {[]string{"exolain"}, 2, "", `error: unknown command "exolain" for "kubectl rempart"`},
		"an unknown flag":     {[]string{"status", "--wat"}, 2, "", "See 'kubectl rempart status --help' for how to use it."},
		"a broken manifest":   {[]string{"explain", "-f", "testdata/mistakes/bucket.yaml"}, 2, "", `error: testdata/mistakes/bucket.yaml: document 2 (SovereignBucket etat-civil/actes): `},
		"a time that is none": {[]string{"explain", "-f", "testdata/mistakes", "--at", "noon"}, 2, "", "--at"},
		"no cluster at all":   {[]string{"status", "--server", "http://127.0.0.1:1"}, 4, "", "error: list the copies: cannot reach the cluster that"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := run(t.Context(), "", test.args...)
			if got.code != test.code || !strings.Contains(got.out, test.out) || !strings.Contains(got.errOut, test.err) {
				t.Errorf("exit code %d, output %q, messages %q", got.code, got.out, got.errOut)
			}
			if test.err == "" && got.errOut != "" {
				t.Errorf("messages %q, want none", got.errOut)
			}
		})
	}
}

func TestMessagesAreInTheLanguageOfWhoAsks(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	const english, french = "DECISION  SATISFIED", "EXIGENCES SATISFAITES"
	for name, test := range map[string]struct {
		all, messages, lang string
		args                []string
		want                string
	}{
		"English where nobody says anything":      {"", "", "", nil, english},
		"French where LANG says so":               {"", "", "fr_FR.UTF-8", nil, french},
		"that of LC_MESSAGES before that of LANG": {"", "fr_FR.UTF-8", "en_GB.UTF-8", nil, french},
		"that of LC_ALL before all":               {"C", "fr_FR.UTF-8", "fr_FR.UTF-8", nil, english},
		"that of the flag before the environment": {"fr_FR.UTF-8", "", "", []string{"--lang", "en"}, english},
		"French by the flag alone":                {"", "", "", []string{"--lang=fr"}, french},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LC_ALL", test.all)
			t.Setenv("LC_MESSAGES", test.messages)
			t.Setenv("LANG", test.lang)
			got := run(t.Context(), "", append([]string{"explain", "-f", "explain/testdata/commune"}, test.args...)...)
			if got.code != 0 || !strings.Contains(got.out, test.want) {
				t.Errorf("exit code %d, messages %q, output without %q:\n%s", got.code, got.errOut, test.want, got.out)
			}
		})
	}
}

func TestThePluginHasNoOtherLanguage(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	got := run(t.Context(), "", "explain", "-f", "explain/testdata/commune", "--lang", "xx")
	if got.code != 2 || !strings.Contains(got.errOut, `"xx" is not one of en and fr`) || !strings.Contains(got.errOut, "explain --help") {
		t.Errorf("exit code %d, messages %q", got.code, got.errOut)
	}
}
