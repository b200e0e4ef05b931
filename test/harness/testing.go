package harness

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// startLimit covers building an API server on a machine that has none yet.
const startLimit = 30 * time.Minute

// SharedControlPlane gives the tests of one package one control plane, started
// by the first test that asks for it:
//
//	var controlPlane = harness.SharedControlPlane{Options: harness.ControlPlaneOptions{ControllerManager: true}}
//
//	func TestMain(m *testing.M) { os.Exit(controlPlane.Run(m)) }
//
//	func TestSomething(t *testing.T) { cfg := controlPlane.Get(t).RESTConfig() … }
type SharedControlPlane struct {
	// Options are those of the start; a nil Output means the standard error.
	Options ControlPlaneOptions

	once    sync.Once
	started *ControlPlane
	err     error
}

// Run runs the tests, stops the control plane if one was started, and returns
// the exit code. A test binary that is killed or runs into its time limit
// leaves no process behind either.
func (s *SharedControlPlane) Run(m *testing.M) int {
	defer func() {
		if s.started != nil {
			s.started.Stop()
		}
	}()
	return m.Run()
}

// Get returns the control plane and ends the test if it cannot be started. If
// the test fails and a part of the control plane has crashed, that part's last
// words are in the test's log.
func (s *SharedControlPlane) Get(t testing.TB) *ControlPlane {
	t.Helper()
	s.once.Do(func() {
		opts := s.Options
		if opts.Output == nil {
			opts.Output = os.Stderr
		}
		ctx, cancel := context.WithTimeout(context.Background(), startLimit)
		defer cancel()
		s.started, s.err = StartControlPlane(ctx, opts)
	})
	if s.err != nil {
		t.Fatal(s.err)
	}
	t.Cleanup(func() { logCrash(t, s.started.Err()) })
	return s.started
}

func logCrash(t testing.TB, crash error) {
	t.Helper()
	if t.Failed() && crash != nil {
		t.Log(crash)
	}
}

// Namespace makes a namespace with a name of its own and returns the name. It
// asks for its deletion when the test ends and does not wait for it.
func Namespace(t testing.TB, c *ControlPlane) string {
	t.Helper()
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	created, err := client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := client.CoreV1().Namespaces().Delete(ctx, created.Name, metav1.DeleteOptions{})
		if err != nil {
			t.Logf("delete namespace %s: %v", created.Name, err)
		}
	})
	return created.Name
}

// Versity starts an S3 server for one test and stops it at its end. It can
// version buckets and is empty; adjust changes the options.
func Versity(t testing.TB, adjust ...func(*VersityOptions)) *S3Server {
	t.Helper()
	opts := VersityOptions{Versioning: true, Output: os.Stderr}
	for _, change := range adjust {
		change(&opts)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	server, err := StartVersity(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		logCrash(t, server.Err())
		server.Stop()
	})
	return server
}

// Proxy puts a fault proxy in front of an endpoint for one test.
func Proxy(t testing.TB, endpoint string) *FaultProxy {
	t.Helper()
	proxy, err := StartFaultProxy(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	return proxy
}

// BucketName returns a bucket name that no other test uses.
func BucketName() string {
	return "test-" + strings.ToLower(rand.Text()[:16])
}

// Kubeconfig writes a kubeconfig with all rights for one test and returns its
// path.
func Kubeconfig(t testing.TB, c *ControlPlane) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := c.WriteKubeconfig(path); err != nil {
		t.Fatal(err)
	}
	return path
}
