package toolbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const demo Tool = "demo"

// newFixture makes a checkout with one small tool in it, which needs no network
// to build.
func newFixture(t *testing.T, program string) (*finder, *bytes.Buffer) {
	t.Helper()
	root := t.TempDir()
	files := map[string]string{
		"go.mod":                    "module " + modulePath + "\n\ngo 1.26.0\n",
		"hack/demo/go.mod":          "module example.test/hack\n\ngo 1.26.0\n\nrequire example.test/demo v1.2.3\n\nreplace example.test/demo => ./demo\n",
		"hack/demo/demo/go.mod":     "module example.test/demo\n\ngo 1.26.0\n",
		"hack/demo/demo/cmd/run.go": program,
		"hack/controlplane/go.mod":  "module example.test/cp\n\ngo 1.26.0\n\nrequire (\n\tgo.etcd.io/etcd/server/v3 v3.6.8\n\tk8s.io/kubernetes v1.36.3\n)\n",
	}
	for name, content := range files {
		write(t, filepath.Join(root, name), content, 0o644)
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	table := recipes()
	table[demo] = recipe{dir: "hack/demo", pkg: "example.test/demo/cmd", takes: "a moment"}
	out := &bytes.Buffer{}
	return &finder{
		root: root, cache: t.TempDir(), recipes: table, memory: &bundleMemory{}, out: out, goTool: goTool,
	}, out
}

const working = "package main\n\nfunc main() { println(\"hello\") }\n"

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func TestFindBuildsOnceForAllCallers(t *testing.T) {
	first, out := newFixture(t, working)
	var callers sync.WaitGroup
	outputs := make([]bytes.Buffer, 4)
	paths := make([]string, len(outputs))
	for i := range outputs {
		callers.Go(func() {
			f := *first
			f.out = &outputs[i]
			path, err := f.find(t.Context(), demo)
			if err != nil {
				t.Error(err)
			}
			paths[i] = path
		})
	}
	callers.Wait()

	var all strings.Builder
	for i := range outputs {
		all.WriteString(outputs[i].String())
	}
	if got := strings.Count(all.String(), "building demo v1.2.3 (once, about a moment) …\n"); got != 1 {
		t.Errorf("built %d times, want once:\n%s", got, all.String())
	}
	if got := strings.Count(all.String(), "built demo v1.2.3 in "); got != 1 {
		t.Errorf("told the end of the build %d times, want once:\n%s", got, all.String())
	}
	answer, err := exec.Command(paths[0]).CombinedOutput()
	if string(answer) != "hello\n" || err != nil {
		t.Errorf("the tool answers %q, %v", answer, err)
	}
	if _, err := first.find(t.Context(), demo); err != nil || out.Len() != 0 {
		t.Errorf("a cached tool took more than a look: %v, told %q", err, out)
	}
}

func TestFindBuildsAnotherVersionAnew(t *testing.T) {
	f, _ := newFixture(t, working)
	before, err := f.find(t.Context(), demo)
	if err != nil {
		t.Fatal(err)
	}
	pin := filepath.Join(f.root, "hack/demo/go.mod")
	content, err := os.ReadFile(pin)
	if err != nil {
		t.Fatal(err)
	}
	write(t, pin, strings.ReplaceAll(string(content), "v1.2.3", "v1.3.0"), 0o644)
	after, err := f.find(t.Context(), demo)
	if err != nil {
		t.Fatal(err)
	}
	if before == after || !strings.Contains(after, "demo-v1.3.0-") {
		t.Errorf("v1.2.3 is at %s and v1.3.0 at %s", before, after)
	}
}

func TestFailedBuildSaysWhyAndLeavesNothing(t *testing.T) {
	f, out := newFixture(t, "package main\n\nfunc main() { missing() }\n")
	_, err := f.find(t.Context(), demo)
	if err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("error is %v, want the compiler's words", err)
	}
	if strings.Contains(out.String(), "built") {
		t.Errorf("told %q about a failed build", out)
	}
	left, err := filepath.Glob(filepath.Join(f.cache, "bin", "demo*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestFindGivesUpWaitingWithItsContext(t *testing.T) {
	f, out := newFixture(t, working)
	dir := filepath.Join(f.cache, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	unlock, err := lock(t.Context(), filepath.Join(dir, ".demo.lock"), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := f.find(ctx, demo); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want the context's", err)
	}
	if got := strings.Count(out.String(), "waiting for another process that prepares demo"); got != 1 {
		t.Errorf("told %d times that it waits, want once", got)
	}
}

func TestUnknownToolNamesTheKnownOnes(t *testing.T) {
	f, _ := newFixture(t, working)
	_, err := f.find(t.Context(), "nonsense")
	if err == nil || !strings.Contains(err.Error(), string(Kubectl)) {
		t.Errorf("error is %v, want a list of tools", err)
	}
}

func TestEveryToolIsPinned(t *testing.T) {
	table := recipes()
	for _, tool := range All() {
		version, err := Version(t.Context(), tool)
		if err != nil || !strings.HasPrefix(version, "v") {
			t.Errorf("%s has version %q, %v", tool, version, err)
		}
		delete(table, tool)
	}
	if len(table) > 0 {
		t.Errorf("recipes that All leaves out: %v", table)
	}
}

func TestProviderIsTheInnermostModule(t *testing.T) {
	pins := map[string]string{
		"example.test/a": "v1.0.0", "example.test/a/b/v3": "v3.0.0", "example.test/a/bc": "v9.0.0",
	}
	got := map[string]string{}
	for _, pkg := range []string{"example.test/a/b/v3", "example.test/a/b/v3/cmd", "example.test/a/b", "example.test/x"} {
		got[pkg] = providerOf(pkg, pins)
	}
	want := map[string]string{
		"example.test/a/b/v3": "v3.0.0", "example.test/a/b/v3/cmd": "v3.0.0", "example.test/a/b": "v1.0.0", "example.test/x": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRootIsFoundFromInsideAToolModule(t *testing.T) {
	f, _ := newFixture(t, working)
	got, err := rootAbove(filepath.Join(f.root, "hack/demo/demo/cmd"))
	if got != f.root || err != nil {
		t.Errorf("root is %q, %v, want %q", got, err, f.root)
	}
	if _, err := rootAbove(t.TempDir()); err == nil {
		t.Error("a folder outside any checkout has a root")
	}
}

func TestKubernetesToolsCarryTheirVersion(t *testing.T) {
	got := recipe{kube: true}.ldflags("v1.36.3")
	const stamp = "-X k8s.io/component-base/version."
	want := "-s -w " + stamp + "gitVersion=v1.36.3 " + stamp + "gitMajor=1 " + stamp + "gitMinor=36"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
