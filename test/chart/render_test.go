package chart

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/test/harness/toolbox"
)

const (
	chartDir  = "../../charts/rempart"
	release   = "rempart"
	system    = "rempart-system"
	allValues = "testdata/all-values.yaml"
)

// run runs a tool and returns what it printed; a failure says why.
func run(t testing.TB, tool toolbox.Tool, args ...string) (string, error) {
	t.Helper()
	path, err := toolbox.Find(t.Context(), os.Stderr, tool)
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), path, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", errors.New(stderr.String())
	}
	return stdout.String(), nil
}

// template renders the chart.
func template(t testing.TB, args ...string) (string, error) {
	t.Helper()
	// Without a cluster helm takes the version that it was built for, which is
	// nothing that we pin.
	args = append([]string{"template", release, chartDir, "--namespace", system, "--kube-version", "v1.36.0"}, args...)
	return run(t, toolbox.Helm, args...)
}

func rendered(t testing.TB, args ...string) string {
	t.Helper()
	text, err := template(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// variants are the two ends of what can be rendered.
func variants() map[string][]string {
	return map[string][]string{
		"default": {"--set", "installation.id=town"},
		"all":     {"--values", allValues},
	}
}

// objects are the documents of a rendering.
func objects(t testing.TB, text string) []*unstructured.Unstructured {
	t.Helper()
	var found []*unstructured.Unstructured
	for _, document := range regexp.MustCompile(`(?m)^---$`).Split(text, -1) {
		content := map[string]any{}
		if err := yaml.Unmarshal([]byte(document), &content); err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		if len(content) > 0 {
			found = append(found, &unstructured.Unstructured{Object: content})
		}
	}
	return found
}

// The definitions and the operator's rules are left out: they are generated, and
// compared with their source below.
func TestRenderingsAreTheGoldenFiles(t *testing.T) {
	role, err := os.ReadFile("../../config/rbac/role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, rules, _ := strings.Cut(string(role), "\nrules:\n")
	for name, args := range variants() {
		t.Run(name, func(t *testing.T) {
			text := rendered(t, append(args, "--set", "crds.install=false")...)
			got := strings.Replace(text, rules, "# those of config/rbac/role.yaml\n", 1)
			if got == text {
				t.Error("the operator's ClusterRole does not have the rules of config/rbac/role.yaml: run make generate")
			}
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the rendering changed; if that is meant, run go test ./test/chart -update (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSwitchesSwitch(t *testing.T) {
	tests := map[string]struct{ set, has, hasNot string }{
		"definitions can be left to others": {"crds.install=false", "kind: Deployment", "kind: CustomResourceDefinition"},
		"no metrics":                        {"metrics.enabled=false", "--metrics-bind-address=0", "name: rempart-metrics\n"},
		"no webhook":                        {"webhook.enabled=false", "kind: Deployment", "webhook"},
		"no events":                         {"", "kind: Deployment", "events-bind-address"},
		"events":                            {"events.enabled=true", "--events-bind-address=:9080\n", "events-tls"},
		"events over TLS":                   {"events.enabled=true,events.tlsSecretName=tls", "secretName: tls\n", "targetPort: http"},
		"no certificate without events":     {"events.tlsSecretName=tls", "", "events-certificate"},
		"metrics without TLS":               {"metrics.secure=false", "--metrics-secure=false", "tokenreviews"},
		"and a monitor of them":             {"metrics.secure=false,metrics.serviceMonitor.enabled=true", "kind: ServiceMonitor", "scheme: https"},
		"no monitor without metrics":        {"metrics.enabled=false,metrics.serviceMonitor.enabled=true", "", "kind: ServiceMonitor"},
		"no alerts without metrics":         {"metrics.enabled=false,metrics.prometheusRule.enabled=true", "", "kind: PrometheusRule"},
		"the roles of namespaces left alone": {
			"rbac.aggregateToDefaultRoles=false", "name: rempart-edit", "aggregate-to-",
		},
		"one replica needs no budget":  {"replicas=1", "", "kind: PodDisruptionBudget"},
		"several have one":             {"replicas=2", "kind: PodDisruptionBudget", "whenUnsatisfiable: DoNotSchedule"},
		"and are spread":               {"replicas=2", "whenUnsatisfiable: ScheduleAnyway", ""},
		"the budget can be turned off": {"replicas=2,podDisruptionBudget.enabled=false", "", "kind: PodDisruptionBudget"},
		"a tag":                        {"image.tag=v9", "image: rempart/manager:v9\n", ""},
		"no place is none":             {"self=", "", "--self"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text := rendered(t, "--set", "installation.id=town,"+test.set)
			if !strings.Contains(text, test.has) {
				t.Errorf("%q is missing", test.has)
			}
			if test.hasNot != "" && strings.Contains(text, test.hasNot) {
				t.Errorf("%q is there", test.hasNot)
			}
		})
	}
}

func TestNamesAreNeverTooLong(t *testing.T) {
	const long = "a-name-that-is-much-longer-than-anything-that-a-label-could-hold-in-a-cluster"
	text := rendered(t, "--set", "installation.id=town,replicas=2,fullnameOverride="+long+",nameOverride="+long)
	for _, object := range objects(t, text) {
		if len(object.GetName()) > 63 {
			t.Errorf("%s has %d characters", identity(object), len(object.GetName()))
		}
		for key, value := range object.GetLabels() {
			if len(value) > 63 {
				t.Errorf("%s: label %s has %d characters", identity(object), key, len(value))
			}
		}
	}
}

func TestHelmHasNothingToSay(t *testing.T) {
	for name, args := range variants() {
		t.Run(name, func(t *testing.T) {
			if _, err := run(t, toolbox.Helm, append([]string{"lint", chartDir, "--strict", "--quiet", "--kube-version", "v1.36.0"}, args...)...); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBadValuesAreRefused(t *testing.T) {
	const id = "installation.id=town"
	tests := map[string]struct{ set, want string }{
		"no installation":                {"", "installation.id must be set"},
		"an installation without its id": {"installation=null", "missing property 'installation'"},
		"an id that is no text":          {"installation.id=7", "/installation/id"},
		"an id with a slash":             {"installation.id=a/b", "/installation/id"},
		"an unknown key":                 {id + ",replicaz=2", "replicaz"},
		"an unknown key further down":    {id + ",metrics.prot=1", "prot"},
		"a wrong type":                   {id + ",replicas=two", "/replicas"},
		"a place without a location":     {id + ",self=ovh", "/self"},
		"a digest that is none":          {id + ",image.digest=latest", "/image/digest"},
		"a port that is none":            {id + ",metrics.port=70000", "/metrics/port"},
		"a port that is taken":           {id + ",webhook.port=8443", "webhook.port and metrics.port must differ"},
		"another port that is taken":     {id + ",events.enabled=true,events.port=9443", "events.port and webhook.port must differ"},
		"an API server in a hurry":       {id + ",webhook.timeoutSeconds=2", "/webhook/timeoutSeconds"},
		"an argument that is no flag":    {id + ",extraArgs={kubeconfig}", "/extraArgs/0"},
		"a reader without a namespace":   {id + ",metrics.readers[0].name=prometheus", "namespace"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text, err := template(t, "--set", test.set)
			if err == nil {
				t.Fatalf("it was rendered:\n%s", text)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the message does not say %q: %v", test.want, err)
			}
		})
	}
}

// Every value has a comment, because values.yaml is their only documentation, and
// a value that the schema does not know could not be set.
func TestEveryValueHasAComment(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(chartDir, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var before string
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		isLeaf := regexp.MustCompile(`^[A-Za-z]+: \S`).MatchString(line)
		// The fields of a Kubernetes type are not ours to explain.
		isOurs := !regexp.MustCompile(`^(cpu|memory): `).MatchString(line)
		if isLeaf && isOurs && !strings.HasPrefix(before, "# ") {
			t.Errorf("no comment above: %s", line)
		}
		before = line
	}
}

func TestDefinitionsAndRulesAreThoseThatWereGenerated(t *testing.T) {
	want := map[string]*unstructured.Unstructured{}
	paths, err := filepath.Glob("../../config/crd/bases/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, "../../config/rbac/role.yaml") {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects(t, string(content)) {
			want[identity(object)] = object
		}
	}
	got := map[string]*unstructured.Unstructured{}
	for _, object := range objects(t, rendered(t, variants()["default"]...)) {
		_, isGenerated := want[identity(object)]
		if !isGenerated && object.GetKind() != "CustomResourceDefinition" {
			continue
		}
		annotations := object.GetAnnotations()
		if object.GetKind() == "CustomResourceDefinition" && annotations["helm.sh/resource-policy"] != "keep" {
			t.Errorf("%s goes with the release, and every object with it", identity(object))
		}
		delete(annotations, "helm.sh/resource-policy")
		object.SetAnnotations(annotations)
		object.SetLabels(nil)
		got[identity(object)] = object
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run make generate (-generated +chart):\n%s", diff)
	}
}

func identity(object *unstructured.Unstructured) string {
	return object.GetKind() + "/" + object.GetName()
}

// config/ installs the same without Helm, with the overlay that docs/install.md
// shows.
func TestKustomizeAppliesTheSame(t *testing.T) {
	for name, test := range map[string]struct{ set, component string }{
		"as it is":    {},
		"with events": {",events.enabled=true", "events"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := run(t, toolbox.Kubectl, "kustomize", overlay(t, test.component))
			if err != nil {
				t.Fatal(err)
			}
			got := comparable(objects(t, text))
			delete(got, "Namespace/"+system) // Helm makes it, if it is asked to
			want := comparable(objects(t, rendered(t, "--set", "installation.id=my-town,image.repository=my-images/rempart/manager"+test.set)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("config and the chart differ (-chart +config):\n%s", diff)
			}
		})
	}
}

// What the page has deleted to uninstall without Helm is everything but what has to
// stay.
func TestUninstallingWithoutHelmLeavesWhatHasToStay(t *testing.T) {
	page, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	deleted := map[string]bool{}
	for _, folder := range regexp.MustCompile(`kubectl delete -k (config/\S+)`).FindAllStringSubmatch(string(page), -1) {
		text, err := run(t, toolbox.Kubectl, "kustomize", "../../"+folder[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects(t, text) {
			deleted[identity(object)] = true
		}
	}
	for _, named := range regexp.MustCompile(`(deployment|service)/(rempart\S*)`).FindAllStringSubmatch(string(page), -1) {
		deleted[strings.ToUpper(named[1][:1])+named[1][1:]+"/"+named[2]] = true
	}
	text, err := run(t, toolbox.Kubectl, "kustomize", "../../config/default")
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects(t, text) {
		mustStay := object.GetKind() == "CustomResourceDefinition" || object.GetKind() == "Namespace"
		if deleted[identity(object)] == mustStay {
			t.Errorf("%s is deleted: %t", identity(object), mustStay)
		}
	}
}

// overlay is a folder with the kustomization that the page shows, and a component of
// config/ if one is named.
func overlay(t *testing.T, component string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```yaml\n(.*?kind: Kustomization\n.*?)```").FindSubmatch(page)
	if found == nil {
		t.Fatal("docs/install.md shows no kustomization")
	}
	dir := t.TempDir()
	base, err := filepath.Abs("../../config/default")
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(dir, base)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(found[1]), "../rempart/config/default", relative, 1)
	if component != "" {
		text += "components: [" + filepath.Join(filepath.Dir(relative), component) + "]\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// comparable leaves out what Helm alone adds.
func comparable(all []*unstructured.Unstructured) map[string]*unstructured.Unstructured {
	result := map[string]*unstructured.Unstructured{}
	for _, object := range all {
		labels := object.GetLabels()
		for _, label := range []string{"helm.sh/chart", "app.kubernetes.io/version", "app.kubernetes.io/managed-by"} {
			delete(labels, label)
		}
		object.SetLabels(labels)
		annotations := object.GetAnnotations()
		delete(annotations, "helm.sh/resource-policy")
		object.SetAnnotations(annotations)
		result[identity(object)] = object
	}
	return result
}

// The operator knows every argument that the chart gives it: what it then misses
// is a cluster.
func TestTheOperatorTakesTheArguments(t *testing.T) {
	for name, args := range variants() {
		t.Run(name, func(t *testing.T) {
			arguments := append(containerOf(t, objects(t, rendered(t, args...))).Args, "--kubeconfig=does-not-exist")
			err := app.RunManager(context.Background(), arguments, "test")
			if err == nil || errors.Is(err, flag.ErrHelp) || !strings.Contains(err.Error(), "find out how to reach the cluster") {
				t.Errorf("with %v: %v", arguments, err)
			}
		})
	}
}
