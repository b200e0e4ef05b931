// Package toolbox makes the programs that Rempart's development needs
// available on a machine that has only Go, git and make: an API server and an
// S3 server for tests, code generators, linters.
//
// Each program comes from a small Go module of its own under hack/, so none of
// them ever weighs on the product's dependencies. It is built once per version
// into a cache outside the checkout and reused from then on. For the Kubernetes
// control plane a prebuilt envtest bundle is preferred where one can be had.
//
// Start reading at [Find].
package toolbox

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Tool names one program, as it is called on the command line.
type Tool string

// The programs that the toolbox knows.
const (
	Etcd                  Tool = "etcd"
	KubeAPIServer         Tool = "kube-apiserver"
	KubeControllerManager Tool = "kube-controller-manager"
	Kubectl               Tool = "kubectl"
	VersityGW             Tool = "versitygw"
	Helm                  Tool = "helm"
	Gotestsum             Tool = "gotestsum"
	ControllerGen         Tool = "controller-gen"
	GolangciLint          Tool = "golangci-lint"
	CRDRefDocs            Tool = "crd-ref-docs"
	SetupEnvtest          Tool = "setup-envtest"
	// MinIO is a peer to test drivers against. Its licence is the AGPL: it is run
	// as a program of its own and never linked, and nothing may require it.
	MinIO Tool = "minio"
	// Rclone and MC are what the mover is measured beside. MC is under the AGPL and
	// treated like MinIO.
	Rclone Tool = "rclone"
	MC     Tool = "mc"
)

// All lists every tool.
func All() []Tool {
	return append(ForTests(), ControllerGen, GolangciLint, CRDRefDocs, SetupEnvtest, MinIO, Rclone, MC)
}

// ForTests lists the tools that a run of all tests needs.
func ForTests() []Tool {
	return []Tool{Etcd, KubeAPIServer, KubeControllerManager, Kubectl, VersityGW, Helm, Gotestsum}
}

// Find returns the path of an executable tool and builds it first where that
// is needed, which takes between seconds and minutes and is told on out. Any
// number of processes may call it at the same time; each tool is built once.
// The path is absolute and stays valid for the life of the cache.
func Find(ctx context.Context, out io.Writer, tool Tool) (string, error) {
	f, err := newFinder(out)
	if err != nil {
		return "", err
	}
	return f.find(ctx, tool)
}

// Version returns the version of a tool that the module under hack/ pins.
func Version(ctx context.Context, tool Tool) (string, error) {
	f, err := newFinder(io.Discard)
	if err != nil {
		return "", err
	}
	return f.version(ctx, tool)
}

// finder holds what a search depends on, so that tests can replace it.
type finder struct {
	root    string            // the checkout
	cache   string            // where built tools are kept
	assets  string            // KUBEBUILDER_ASSETS, may be empty
	recipes map[Tool]recipe   // how each tool is built
	memory  *bundleMemory     // what this process already knows about bundles
	out     io.Writer         // where progress is told
	goTool  string            // the go command
	envtest func() envtestAPI // where bundles come from; nil when bundles are not wanted
}

func newFinder(out io.Writer) (*finder, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("find the go command that builds the tools: %w", err)
	}
	f := &finder{
		root: root, cache: cache, assets: os.Getenv("KUBEBUILDER_ASSETS"),
		recipes: recipes(), memory: &processMemory, out: out, goTool: goTool,
	}
	f.envtest = func() envtestAPI { return setupEnvtest{finder: f} }
	return f, nil
}

// find looks in the order of what costs least: a bundle the caller named, what
// was built before, a bundle that can be had, and last a build of minutes.
func (f *finder) find(ctx context.Context, tool Tool) (string, error) {
	r, ok := f.recipes[tool]
	if !ok {
		return "", fmt.Errorf("unknown tool %q: the toolbox knows %v", tool, All())
	}
	if path, ok := f.named(ctx, tool); ok {
		return path, nil
	}
	version, err := f.version(ctx, tool)
	if err != nil {
		return "", err
	}
	built := builtPath(f.cache, tool, version)
	if executable(built) {
		return built, nil
	}
	if path, ok := f.bundled(ctx, tool); ok {
		return path, nil
	}
	b := build{tool: tool, recipe: r, version: version, target: built}
	return built, f.build(ctx, b)
}

func builtPath(cache string, tool Tool, version string) string {
	return filepath.Join(cache, "bin", fmt.Sprintf("%s-%s-%s-%s", tool, version, runtime.GOOS, runtime.GOARCH))
}

// cacheDir is outside the checkout: a fresh clone or a `make clean` must not
// cost the minutes that building an API server takes.
func cacheDir() (string, error) {
	if dir := os.Getenv("REMPART_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place for built tools (set REMPART_CACHE to choose one): %w", err)
	}
	return filepath.Join(dir, "rempart"), nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
