package toolbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// modulePath tells the root of the checkout from the tool modules inside it.
const modulePath = "github.com/rempart/rempart"

// recipe says how a tool is built.
type recipe struct {
	dir   string // module that pins the tool, relative to the root
	pkg   string // main package
	takes string // how long a first build takes on two cores
	kube  bool   // wants Kubernetes' version stamped in
	also  string // a second module whose version decides what the tool does
}

// recipes is a function so that nobody can change the table.
func recipes() map[Tool]recipe {
	const controlPlane, tools = "hack/controlplane", "hack/tools"
	return map[Tool]recipe{
		Etcd:                  {dir: controlPlane, pkg: "go.etcd.io/etcd/server/v3", takes: "1 minute"},
		KubeAPIServer:         {dir: controlPlane, pkg: "k8s.io/kubernetes/cmd/kube-apiserver", takes: "6 minutes", kube: true},
		KubeControllerManager: {dir: controlPlane, pkg: "k8s.io/kubernetes/cmd/kube-controller-manager", takes: "2 minutes", kube: true},
		Kubectl:               {dir: controlPlane, pkg: "k8s.io/kubernetes/cmd/kubectl", takes: "1 minute", kube: true},
		VersityGW:             {dir: "hack/s3server", pkg: "github.com/versity/versitygw/cmd/versitygw", takes: "2 minutes"},
		MinIO:                 {dir: "hack/minio", pkg: "github.com/minio/minio", takes: "5 minutes"},
		Rclone:                {dir: "hack/rclone", pkg: "github.com/rclone/rclone", takes: "4 minutes"},
		MC:                    {dir: "hack/mc", pkg: "github.com/minio/mc", takes: "1 minute"},
		Helm:                  {dir: "hack/helm", pkg: "helm.sh/helm/v3/cmd/helm", takes: "3 minutes"},
		Gotestsum:             {dir: tools, pkg: "gotest.tools/gotestsum", takes: "20 seconds"},
		ControllerGen:         {dir: tools, pkg: "sigs.k8s.io/controller-tools/cmd/controller-gen", takes: "1 minute"},
		GolangciLint:          {dir: tools, pkg: "sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter", also: "github.com/golangci/golangci-lint/v2", takes: "3 minutes"},
		CRDRefDocs:            {dir: tools, pkg: "github.com/elastic/crd-ref-docs", takes: "30 seconds"},
		SetupEnvtest:          {dir: tools, pkg: "sigs.k8s.io/controller-runtime/tools/setup-envtest", takes: "20 seconds"},
	}
}

// ldflags leaves symbols out, which makes an API server a third smaller. The
// version must be stamped in: an API server without it calls itself
// v0.0.0-master, and clients that compare versions refuse it.
func (r recipe) ldflags(version string) string {
	flags := "-s -w"
	if !r.kube {
		return flags
	}
	const stamp = " -X k8s.io/component-base/version."
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return flags
	}
	return flags + stamp + "gitVersion=" + version + stamp + "gitMajor=" + parts[0] + stamp + "gitMinor=" + parts[1]
}

// Root returns the root of the Rempart checkout that holds the working
// directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	return rootAbove(dir)
}

func rootAbove(start string) (string, error) {
	for dir := start; ; dir = filepath.Dir(dir) {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("find the checkout: %w", err)
		}
		for line := range strings.Lines(string(content)) {
			if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "module" && fields[1] == modulePath {
				return dir, nil
			}
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside a checkout of %s", start, modulePath)
		}
	}
}

// version reads the pins of a tool from the module that provides it.
func (f *finder) version(ctx context.Context, tool Tool) (string, error) {
	r, ok := f.recipes[tool]
	if !ok {
		return "", fmt.Errorf("unknown tool %q: the toolbox knows %v", tool, All())
	}
	pins, err := f.pins(ctx, r.dir)
	if err != nil {
		return "", fmt.Errorf("find the version of %s: %w", tool, err)
	}
	version := providerOf(r.pkg, pins)
	if version == "" {
		return "", fmt.Errorf("find the version of %s: %s does not require the module of %s", tool, r.dir, r.pkg)
	}
	if r.also != "" {
		version = pins[r.also] + "+" + version
	}
	return version, nil
}

// pins returns the required version of each module.
func (f *finder) pins(ctx context.Context, dir string) (map[string]string, error) {
	file := filepath.Join(f.root, dir, "go.mod")
	// `go mod edit` only parses: no network, no module graph, milliseconds.
	encoded, err := exec.CommandContext(ctx, f.goTool, "mod", "edit", "-json", file).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("read %s: %w: %s", file, err, exit.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(encoded, &mod); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	pins := make(map[string]string, len(mod.Require))
	for _, required := range mod.Require {
		pins[required.Path] = required.Version
	}
	return pins, nil
}

// providerOf returns the version of the module that holds a package: the one
// with the longest path, because modules nest (etcd's server is one of many
// below go.etcd.io/etcd).
func providerOf(pkg string, pins map[string]string) string {
	var provider string
	for module := range pins {
		if (pkg == module || strings.HasPrefix(pkg, module+"/")) && len(module) > len(provider) {
			provider = module
		}
	}
	return pins[provider]
}
