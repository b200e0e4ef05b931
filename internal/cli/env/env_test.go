package env

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/config/crd"
	"github.com/rempart/rempart/internal/message"
)

func TestExitCodes(t *testing.T) {
	broken := errors.New("broken")
	action := func(err error) error {
		return Run(func(*cobra.Command, []string) error { return err })(nil, nil)
	}
	tests := map[string]struct {
		err     error
		code    ExitCode
		message string
		// isMisuse: the help would help.
		isMisuse bool
	}{
		"nothing went wrong":                  {action(nil), 0, "", false},
		"the answer is yes":                   {action(Answer(ExitOK)), 0, "", false},
		"the answer is no":                    {action(Answer(ExitNo)), 1, "", false},
		"an answer that proves nothing":       {action(Answer(ExitInconclusive)), 3, "", false},
		"a matter of usage":                   {action(Usage(broken)), 2, "broken", true},
		"a matter of usage, with more to say": {action(fmt.Errorf("read: %w", Usage(broken))), 2, "read: broken", true},
		"a file that is not valid":            {action(Input(broken)), 2, "broken", false},
		"something went wrong":                {action(broken), 4, "broken", false},
		"cobra objects":                       {broken, 2, "broken", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := CodeOf(test.err); got != test.code {
				t.Errorf("exit code %d, want %d", got, test.code)
			}
			if got := MessageOf(test.err); got != test.message {
				t.Errorf("message %q, want %q", got, test.message)
			}
			if got := IsMisuse(test.err); got != test.isMisuse {
				t.Errorf("the help would help: %t, want %t", got, test.isMisuse)
			}
		})
	}
	if err := action(broken); !errors.Is(err, broken) {
		t.Error("the cause is lost")
	}
}

// Nothing is discovered, so what the mapper says of resources must be what the
// definitions say.
func TestTheMapperKnowsEveryKind(t *testing.T) {
	files, err := fs.Glob(crd.Definitions(), "bases/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d definitions, %v", len(files), err)
	}
	for _, file := range files {
		content, err := fs.ReadFile(crd.Definitions(), file)
		if err != nil {
			t.Fatal(err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(content, &definition); err != nil {
			t.Fatal(err)
		}
		kind := schema.GroupKind{Group: definition.Spec.Group, Kind: definition.Spec.Names.Kind}
		mapping, err := mapper().RESTMapping(kind, v1alpha1.GroupVersion.Version)
		if err != nil {
			t.Fatal(err)
		}
		if mapping.Resource.Resource != definition.Spec.Names.Plural {
			t.Errorf("%s is %s, want %s", kind, mapping.Resource.Resource, definition.Spec.Names.Plural)
		}
		isNamespaced := mapping.Scope.Name() == meta.RESTScopeNameNamespace
		if isNamespaced != (definition.Spec.Scope == apiextensionsv1.NamespaceScoped) {
			t.Errorf("%s is namespaced: %t", kind, isNamespaced)
		}
	}
}

func TestErrorsOfTheClusterSayWhatToDo(t *testing.T) {
	resource := schema.GroupResource{Group: "rempart.dev", Resource: "sovereignbuckets"}
	tests := map[string]struct {
		err  error
		want string
	}{
		"nobody answers":       {&url.Error{Op: "Get", URL: "https://10.0.0.1", Err: errors.New("refused")}, "cannot reach the cluster"},
		"the kind is unknown":  {apierrors.NewGenericServerResponse(404, "GET", resource, "", "", 0, true), "Rempart is not installed there"},
		"an object is missing": {apierrors.NewNotFound(resource, "actes"), `sovereignbuckets.rempart.dev "actes" not found`},
		"it was cancelled":     {context.Canceled, "context canceled"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := explain(test.err)
			if !strings.HasPrefix(got.Error(), test.want) && !strings.Contains(got.Error(), test.want) || !errors.Is(got, test.err) {
				t.Errorf("%v, want %q in it, and its cause", got, test.want)
			}
		})
	}
	if explain(nil) != nil {
		t.Error("nothing becomes an error")
	}
}

const kubeconfig = `apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: c, user: u, namespace: etat-civil}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
`

func TestNamespaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args       []string
		want       string
		isExplicit bool
	}{
		"that of the context": {nil, "etat-civil", false},
		"that of the flag":    {[]string{"-n", "archives"}, "archives", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cluster := NewCluster(&bytes.Buffer{})
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			cluster.AddFlags(flags)
			if err := flags.Parse(append(test.args, "--kubeconfig", path)); err != nil {
				t.Fatal(err)
			}
			got, isExplicit, err := cluster.Namespace()
			if err != nil || got != test.want || isExplicit != test.isExplicit {
				t.Errorf("%s, %t, %v; want %s, %t", got, isExplicit, err, test.want, test.isExplicit)
			}
			if flag := cluster.NamespaceFlag(); (flag != "") != test.isExplicit {
				t.Errorf("the flag says %q", flag)
			}
		})
	}
}

func TestABrokenKubeconfigIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte("kind: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster := NewCluster(&bytes.Buffer{})
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	cluster.AddFlags(flags)
	if err := flags.Parse([]string{"--kubeconfig", path}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := cluster.Namespace(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v", err)
	}
	if _, err := cluster.Connect(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v", err)
	}
}

func TestNotesGoBesideTheAnswer(t *testing.T) {
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	(&Environment{IOStreams: streams}).Note("one\x1b[2J")
	if out.Len() != 0 || errOut.String() != "note: one [2J\n" {
		t.Errorf("out %q, err %q", out, errOut)
	}
}

func TestPeopleAreToldInTheirLanguage(t *testing.T) {
	for language, want := range map[message.Language]string{
		"": "note: policy p [2J\n", message.English: "note: policy p [2J\n", message.French: "remarque\u00a0: la politique p [2J\n",
	} {
		streams, _, out, errOut := genericiooptions.NewTestIOStreams()
		(&Environment{IOStreams: streams, Language: language}).Tell(message.Of("policy %s", "p\x1b[2J"))
		if out.Len() != 0 || errOut.String() != want {
			t.Errorf("in %q: out %q, err %q; want err %q", language, out, errOut, want)
		}
	}
}

func TestTheFlagGoesBeforeTheLanguageOfTheEnvironment(t *testing.T) {
	for name, test := range map[string]struct {
		before message.Language
		args   []string
		want   message.Language
	}{
		"without the flag": {message.French, nil, message.French},
		"English":          {message.French, []string{"--lang", "en"}, message.English},
		"French":           {message.English, []string{"--lang", "FR"}, message.French},
	} {
		t.Run(name, func(t *testing.T) {
			environment := &Environment{Language: test.before}
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			environment.AddLanguageFlag(flags)
			if usage := flags.FlagUsages(); strings.Contains(usage, "default") {
				t.Errorf("help depends on the environment: %s", usage)
			}
			if err := flags.Parse(test.args); err != nil || environment.Language != test.want {
				t.Errorf("the language is %q (%v), want %q", environment.Language, err, test.want)
			}
		})
	}
}
