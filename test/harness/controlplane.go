package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/rempart/rempart/test/harness/toolbox"
)

// ControlPlaneOptions says what to start; the zero value is an API server over
// an empty store.
type ControlPlaneOptions struct {
	// Dir takes state, certificates and logs. It is made if needed and kept
	// by Stop; starting again in the same Dir finds the objects of the last
	// time. Empty means a temporary folder that Stop removes.
	Dir string

	// ControllerManager also runs Kubernetes' controllers for garbage
	// collection, namespaces, service accounts and their tokens, Jobs and
	// CronJobs, and aggregated roles.
	ControllerManager bool

	// CRDs are folders of CustomResourceDefinitions to install. Definitions
	// that are installed before the controller manager starts are seen by its
	// garbage collector at once, later ones only after up to 30 seconds.
	CRDs []string

	// Output is told when a binary has to be built first. Nil means nobody.
	Output io.Writer
}

// ControlPlane is a running Kubernetes control plane without nodes.
type ControlPlane struct {
	dir       string
	release   func() // removes dir if it is a temporary one
	output    io.Writer
	authority *authority
	admin     *rest.Config
	children  []*process // in the order of their start
	stopOnce  sync.Once
}

// StartControlPlane starts etcd, kube-apiserver and, if asked,
// kube-controller-manager, and returns when the API server is ready and the
// controllers work. The context bounds the start only; the control plane runs
// until Stop or until this process ends.
func StartControlPlane(ctx context.Context, opts ControlPlaneOptions) (*ControlPlane, error) {
	c, err := newControlPlane(opts)
	if err != nil {
		return nil, fmt.Errorf("start a control plane: %w", err)
	}
	if err := c.start(ctx, opts); err != nil {
		c.Stop()
		return nil, fmt.Errorf("start a control plane: %w", err)
	}
	return c, nil
}

func (c *ControlPlane) start(ctx context.Context, opts ControlPlaneOptions) error {
	store, err := c.startEtcd(ctx)
	if err != nil {
		return err
	}
	if err := c.startAPIServer(ctx, store, opts.ControllerManager); err != nil {
		return err
	}
	for _, dir := range opts.CRDs {
		if err := InstallCRDs(ctx, c.RESTConfig(), dir); err != nil {
			return err
		}
	}
	if !opts.ControllerManager {
		return nil
	}
	return c.startControllerManager(ctx)
}

func newControlPlane(opts ControlPlaneOptions) (*ControlPlane, error) {
	authority, err := newAuthority()
	if err != nil {
		return nil, err
	}
	dir, release, err := stateDir(opts.Dir, "rempart-controlplane-")
	if err != nil {
		return nil, err
	}
	output := opts.Output
	if output == nil {
		output = io.Discard
	}
	return &ControlPlane{dir: dir, release: release, output: output, authority: authority}, nil
}

// launch finds a tool's binary, starts it and waits until it is ready.
func (c *ControlPlane) launch(ctx context.Context, tool toolbox.Tool, args []string, ready func(context.Context) error) error {
	path, err := toolbox.Find(ctx, c.output, tool)
	if err != nil {
		return err
	}
	child, err := startProcess(processSpec{name: string(tool), path: path, dir: c.dir, args: args})
	if err != nil {
		return err
	}
	// Finding the binary may take minutes; becoming ready must not.
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	if err := child.waitReady(ctx, ready); err != nil {
		child.stop(0)
		return err
	}
	c.children = append(c.children, child)
	return nil
}

// readyLimit is ten times what the slowest start took on a busy machine.
const readyLimit = time.Minute

// RESTConfig returns a configuration with all rights and without client-side
// rate limits. The caller owns it.
func (c *ControlPlane) RESTConfig() *rest.Config { return rest.CopyConfig(c.admin) }

// User returns a configuration for a user in some groups, who has the rights
// that RBAC gives them. Nobody needs to create the user first. It panics if
// the machine cannot make a key.
func (c *ControlPlane) User(name string, groups ...string) *rest.Config {
	pair, err := c.authority.issue(identity{name: name, groups: groups})
	if err != nil {
		panic(err)
	}
	return c.clientConfig(c.admin.Host, pair)
}

func (c *ControlPlane) clientConfig(host string, pair keyPair) *rest.Config {
	return &rest.Config{
		Host: host, QPS: -1, Burst: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.authority.pem(), CertData: pair.cert, KeyData: pair.key},
	}
}

// WriteKubeconfig writes a kubeconfig with all rights, readable by the owner
// only, for kubectl and for programs that are tested from outside.
func (c *ControlPlane) WriteKubeconfig(path string) error { return writeKubeconfig(path, c.admin) }

func writeKubeconfig(path string, cfg *rest.Config) error {
	const name = "rempart-harness"
	kubeconfig := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: cfg.Host, CertificateAuthorityData: cfg.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {ClientCertificateData: cfg.CertData, ClientKeyData: cfg.KeyData}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	}
	if err := clientcmd.WriteToFile(kubeconfig, path); err != nil {
		return fmt.Errorf("write kubeconfig %s: %w", path, err)
	}
	return nil
}

// Err returns why a part of the control plane has ended by itself, with the
// last lines of its log, or nil.
func (c *ControlPlane) Err() error {
	var failures []error
	for _, child := range c.children {
		if !child.running() {
			failures = append(failures, child.failure())
		}
	}
	return errors.Join(failures...)
}

// Stop ends the control plane and removes its folder if it was a temporary
// one. It returns when all children are gone and may be called more than once.
func (c *ControlPlane) Stop() {
	c.stopOnce.Do(func() {
		// Last started first: an API server without its store would spend
		// its grace on retries.
		for _, child := range slices.Backward(c.children) {
			child.stop(stopGrace)
		}
		c.release()
	})
}

// stopGrace is short because nothing of value is lost by a kill.
const stopGrace = 5 * time.Second
