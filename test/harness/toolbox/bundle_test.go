package toolbox

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// writeBundle makes a folder with stand-ins for the binaries of a bundle.
func writeBundle(t *testing.T, version string, tools ...Tool) string {
	t.Helper()
	folder := t.TempDir()
	for _, tool := range tools {
		write(t, filepath.Join(folder, string(tool)), "#!/bin/sh\necho Kubernetes "+version+"\n", 0o755)
	}
	return folder
}

// fakeEnvtest counts what it is asked.
type fakeEnvtest struct {
	local, remote string
	asked         []string
}

func (f *fakeEnvtest) installed(_ context.Context, series string) string {
	f.asked = append(f.asked, "installed "+series)
	return f.local
}

func (f *fakeEnvtest) download(_ context.Context, series string) string {
	f.asked = append(f.asked, "download "+series)
	return f.remote
}

func TestNamedBundleIsUsed(t *testing.T) {
	f, out := newFixture(t, working)
	f.assets = writeBundle(t, "v1.36.0", Etcd, KubeAPIServer, Kubectl, KubeControllerManager)
	for _, tool := range []Tool{Etcd, KubeAPIServer, Kubectl, KubeControllerManager} {
		got, err := f.find(t.Context(), tool)
		if want := filepath.Join(f.assets, string(tool)); got != want || err != nil {
			t.Errorf("%s is at %q, %v, want %q", tool, got, err, want)
		}
	}
	if out.Len() > 0 {
		t.Errorf("told %q, want nothing", out)
	}
}

func TestUnfitBundleIsPassedOverWithOneLine(t *testing.T) {
	f, out := newFixture(t, working)
	f.assets = writeBundle(t, "v1.34.1", Etcd, KubeAPIServer, Kubectl)
	for _, tool := range []Tool{Etcd, KubeAPIServer, Kubectl} {
		if path, ok := f.named(t.Context(), tool); ok {
			t.Errorf("%s was taken from %s", tool, path)
		}
	}
	want := "not using the Kubernetes binaries in " + f.assets +
		": its kube-apiserver is v1.34.1, and kube-controller-manager v1.36.3 needs 1.36 or 1.37\n"
	if out.String() != want {
		t.Errorf("told %q, want %q", out, want)
	}
}

func TestInstalledBundleIsPreferredToTheNetwork(t *testing.T) {
	f, _ := newFixture(t, working)
	api := &fakeEnvtest{local: writeBundle(t, "v1.36.1", Etcd, KubeAPIServer, Kubectl)}
	f.envtest = func() envtestAPI { return api }
	got, err := f.find(t.Context(), Etcd)
	if want := filepath.Join(api.local, "etcd"); got != want || err != nil {
		t.Errorf("etcd is at %q, %v, want %q", got, err, want)
	}
	if got := strings.Join(api.asked, ", "); got != "installed 1.36.x" {
		t.Errorf("asked %q", got)
	}
}

func TestAbsentNetworkIsAskedOnce(t *testing.T) {
	f, out := newFixture(t, working)
	api := &fakeEnvtest{}
	f.envtest = func() envtestAPI { return api }
	for range 3 {
		if path, ok := f.bundled(t.Context(), KubeAPIServer); ok {
			t.Errorf("found %s", path)
		}
	}
	if got := strings.Join(api.asked, ", "); got != "installed 1.36.x, download 1.36.x" {
		t.Errorf("asked %q", got)
	}
	if out.Len() > 0 {
		t.Errorf("told %q, want silence", out)
	}
}

func TestBuiltToolIsPreferredToAFetchedOne(t *testing.T) {
	f, _ := newFixture(t, working)
	api := &fakeEnvtest{remote: writeBundle(t, "v1.36.1", Etcd, KubeAPIServer, Kubectl)}
	f.envtest = func() envtestAPI { return api }
	version, err := f.version(t.Context(), KubeAPIServer)
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := f.find(t.Context(), KubeAPIServer)
	if want := filepath.Join(api.remote, "kube-apiserver"); fetched != want || err != nil {
		t.Fatalf("kube-apiserver is at %q, %v, want %q", fetched, err, want)
	}
	cached := builtPath(f.cache, KubeAPIServer, version)
	write(t, cached, "", 0o755)
	if got, err := f.find(t.Context(), KubeAPIServer); got != cached || err != nil {
		t.Errorf("kube-apiserver is at %q, %v, want %q", got, err, cached)
	}
}

// serveBundle serves an index with one bundle, the way the published one looks.
func serveBundle(t *testing.T, version string) (index string) {
	t.Helper()
	var archive bytes.Buffer
	zipper := gzip.NewWriter(&archive)
	tarball := tar.NewWriter(zipper)
	for _, tool := range []Tool{Etcd, KubeAPIServer, Kubectl} {
		content := "#!/bin/sh\necho Kubernetes " + version + "\n"
		header := &tar.Header{Name: "controller-tools/envtest/" + string(tool), Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}
		if err := errors.Join(tarball.WriteHeader(header), second(tarball.Write([]byte(content)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tarball.Close(), zipper.Close()); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	name := fmt.Sprintf("envtest-%s-%s-%s.tar.gz", version, runtime.GOOS, runtime.GOARCH)
	mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(archive.Bytes()) })
	mux.HandleFunc("/index.yaml", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "releases:\n  %s:\n    %s:\n      hash: %x\n      selfLink: %s/%s\n",
			version, name, sha512.Sum512(archive.Bytes()), server.URL, name)
	})
	return server.URL + "/index.yaml"
}

func second(_ int, err error) error { return err }

func TestBundleIsFetchedWhereTheNetworkIsThere(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("setup-envtest's store can be moved on Linux only, and the user's own must not be written to")
	}
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	f, out := newFixture(t, working)
	published, err := newFinder(os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	index := serveBundle(t, "v1.36.7")
	f.envtest = func() envtestAPI { return setupEnvtest{finder: published, index: index} }
	for _, tool := range []Tool{KubeAPIServer, Etcd} {
		path, ok := f.bundled(t.Context(), tool)
		if !ok || filepath.Base(path) != string(tool) {
			t.Errorf("%s is at %q, told %q", tool, path, out)
		}
	}
	again := setupEnvtest{finder: published, index: "http://127.0.0.1:1/unreachable"}
	if folder := again.installed(t.Context(), "1.36.x"); folder == "" {
		t.Error("the store has forgotten what was fetched")
	}
	if folder := again.download(t.Context(), "1.37.x"); folder != "" {
		t.Errorf("fetched %s without a network", folder)
	}
}

func TestSkew(t *testing.T) {
	tests := map[string]struct {
		server string
		fits   bool
	}{
		"the same release fits":               {server: "v1.36.3", fits: true},
		"another patch of the minor fits":     {server: "v1.36.0", fits: true},
		"one minor newer fits":                {server: "v1.37.2", fits: true},
		"one minor older does not":            {server: "v1.35.4"},
		"two minors newer does not":           {server: "v1.38.0"},
		"another major does not":              {server: "v2.36.0"},
		"something that is no version is not": {server: "banana"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if objection := skew(test.server, "v1.36.3"); (objection == "") != test.fits {
				t.Errorf("objection is %q", objection)
			}
		})
	}
}
