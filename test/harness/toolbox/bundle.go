package toolbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// processMemory is the process's own, because a network that is not there and
// a bundle that does not fit stay so: asking again would only cost seconds and
// repeat a line.
var processMemory bundleMemory

// bundleMemory keeps what was found out about bundles; its zero value knows
// nothing.
type bundleMemory struct {
	mu       sync.Mutex
	fits     map[string]bool // by folder
	searched bool            // whether a bundle was looked for
	folder   string          // the bundle that search found, or empty
}

// inBundle says which tools an envtest bundle holds. A controller manager is in
// none of the published ones, but may be in a folder that the user made.
func inBundle(tool Tool) bool {
	return slices.Contains([]Tool{Etcd, KubeAPIServer, Kubectl}, tool)
}

// named looks in the bundle that KUBEBUILDER_ASSETS names.
func (f *finder) named(ctx context.Context, tool Tool) (string, bool) {
	if f.assets == "" || !inBundle(tool) && tool != KubeControllerManager {
		return "", false
	}
	path := filepath.Join(f.assets, string(tool))
	if !executable(path) || !f.accepts(ctx, f.assets) {
		return "", false
	}
	absolute, err := filepath.Abs(path)
	return absolute, err == nil
}

// bundled looks for a bundle in setup-envtest's own store and then on the
// network. Whatever goes wrong there, building the tool is the answer.
func (f *finder) bundled(ctx context.Context, tool Tool) (string, bool) {
	if !inBundle(tool) || f.envtest == nil {
		return "", false
	}
	folder := f.searchBundle(ctx)
	if folder == "" || !f.accepts(ctx, folder) {
		return "", false
	}
	path := filepath.Join(folder, string(tool))
	return path, executable(path)
}

func (f *finder) searchBundle(ctx context.Context) string {
	f.memory.mu.Lock()
	defer f.memory.mu.Unlock()
	if f.memory.searched {
		return f.memory.folder
	}
	f.memory.searched = true
	version, err := f.version(ctx, KubeControllerManager)
	if err != nil {
		return ""
	}
	_, minor, err := majorMinor(version)
	if err != nil {
		return ""
	}
	api, series := f.envtest(), fmt.Sprintf("1.%d.x", minor)
	if f.memory.folder = api.installed(ctx, series); f.memory.folder == "" {
		f.memory.folder = api.download(ctx, series)
	}
	return f.memory.folder
}

// accepts says, once per folder, whether the API server of a bundle may run
// with our controller manager, and tells why not.
func (f *finder) accepts(ctx context.Context, folder string) bool {
	f.memory.mu.Lock()
	defer f.memory.mu.Unlock()
	if fits, known := f.memory.fits[folder]; known {
		return fits
	}
	objection := f.objection(ctx, folder)
	if objection != "" {
		fmt.Fprintf(f.out, "not using the Kubernetes binaries in %s: %s\n", folder, objection)
	}
	if f.memory.fits == nil {
		f.memory.fits = map[string]bool{}
	}
	f.memory.fits[folder] = objection == ""
	return objection == ""
}

func (f *finder) objection(ctx context.Context, folder string) string {
	ours, err := f.version(ctx, KubeControllerManager)
	if err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	answer, err := exec.CommandContext(ctx, filepath.Join(folder, string(KubeAPIServer)), "--version").Output()
	if err != nil {
		return fmt.Sprintf("its kube-apiserver does not tell its version: %v", err)
	}
	return skew(strings.TrimPrefix(strings.TrimSpace(string(answer)), "Kubernetes "), ours)
}

// skew returns why an API server of one version must not serve a controller
// manager of another, or nothing. Kubernetes' version skew policy allows a
// controller manager the API server's minor version or the one before.
func skew(server, manager string) string {
	serverMajor, serverMinor, err := majorMinor(server)
	if err != nil {
		return err.Error()
	}
	major, minor, err := majorMinor(manager)
	if err != nil {
		return err.Error()
	}
	if serverMajor != major || serverMinor < minor || serverMinor > minor+1 {
		return fmt.Sprintf("its kube-apiserver is %s, and kube-controller-manager %s needs 1.%d or 1.%d",
			server, manager, minor, minor+1)
	}
	return ""
}

func majorMinor(version string) (major, minor int, err error) {
	if _, err := fmt.Sscanf(version, "v%d.%d", &major, &minor); err != nil {
		return 0, 0, fmt.Errorf("%q is not a Kubernetes version", version)
	}
	return major, minor, nil
}

// envtestAPI is where bundles come from. Both methods return a folder, or
// nothing when there is none for that series of versions.
type envtestAPI interface {
	installed(ctx context.Context, series string) string
	download(ctx context.Context, series string) string
}

// setupEnvtest runs Kubernetes' own setup-envtest, which knows the published
// index, checks what it fetches and shares its store with other projects.
type setupEnvtest struct {
	finder *finder
	index  string // the address of the index; empty means the published one
}

func (s setupEnvtest) installed(ctx context.Context, series string) string {
	return s.run(ctx, 10*time.Second, "use", "--installed-only", "--print", "path", series)
}

// download asks for the index first, within seconds: a machine without that
// network must not wait for it before it starts to build.
func (s setupEnvtest) download(ctx context.Context, series string) string {
	if !strings.Contains(s.run(ctx, 5*time.Second, "list", series), "v1.") {
		return ""
	}
	p := startProgress(s.finder.out, "fetching Kubernetes "+series+" binaries with setup-envtest")
	folder := s.run(ctx, 3*time.Minute, "use", "--print", "path", series)
	if folder == "" {
		p.finish("gave up fetching Kubernetes binaries", nil)
		return ""
	}
	p.finish("fetched Kubernetes binaries", nil)
	return folder
}

// run returns the trimmed output, or nothing when the command failed.
func (s setupEnvtest) run(ctx context.Context, limit time.Duration, args ...string) string {
	path, err := s.finder.find(ctx, SetupEnvtest)
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if s.index != "" {
		args = append(args, "--index", s.index)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = withoutEnvtestSettings(os.Environ())
	cmd.Stderr = io.Discard
	answer, err := cmd.Output()
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(answer))
}

// withoutEnvtestSettings keeps setup-envtest from answering with the bundle in
// KUBEBUILDER_ASSETS, which was already looked at.
func withoutEnvtestSettings(env []string) []string {
	return slices.DeleteFunc(env, func(entry string) bool {
		return strings.HasPrefix(entry, "ENVTEST_USE_ENV=") || strings.HasPrefix(entry, "KUBEBUILDER_ASSETS=")
	})
}
