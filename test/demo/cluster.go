package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/test/harness"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// systemNamespace is the operator's own.
const systemNamespace = "rempart-system"

func (d *demo) startControlPlane(ctx context.Context) (err error) {
	if d.dir, err = os.MkdirTemp("", "rempart-demo-"); err != nil {
		return err
	}
	d.atEnd(func() { _ = os.RemoveAll(d.dir) })
	root, err := toolbox.Root()
	if err != nil {
		return err
	}
	started := time.Now()
	d.control, err = harness.StartControlPlane(ctx, harness.ControlPlaneOptions{
		ControllerManager: true, CRDs: []string{filepath.Join(root, "config/crd/bases")}, Output: d.out,
	})
	if err != nil {
		return err
	}
	d.atEnd(d.control.Stop)
	d.kubeconfig = filepath.Join(d.dir, "kubeconfig")
	if err := d.control.WriteKubeconfig(d.kubeconfig); err != nil {
		return err
	}
	d.client, err = client.New(d.control.RESTConfig(), client.Options{Scheme: app.Scheme()})
	if err != nil {
		return err
	}
	d.say("etcd, kube-apiserver and kube-controller-manager are up after %s", time.Since(started).Round(100*time.Millisecond))
	return nil
}

// tool gives the path of a tool of the toolbox under the name that people call it.
func (d *demo) tool(ctx context.Context, name string) (string, error) {
	found, err := toolbox.Find(ctx, d.out, toolbox.Tool(name))
	if err != nil {
		return "", err
	}
	if filepath.Base(found) == name {
		return found, nil
	}
	link := filepath.Join(d.dir, "bin", name)
	if err := os.Symlink(found, link); err != nil && !os.IsExist(err) {
		return "", err
	}
	return link, nil
}

// operator is the operator as a process.
type operator struct {
	log   string
	ended chan ending
	// metrics is where the operator serves its metrics.
	metrics string
}

// ending is how the operator ended.
type ending struct{ err error }

// startOperator builds the programs and starts the operator, told that it stands
// in the authority's own data centre.
func (d *demo) startOperator(ctx context.Context) error {
	if err := d.build(ctx); err != nil {
		return err
	}
	if err := d.makeNamespace(ctx, systemNamespace); err != nil {
		return err
	}
	d.operator = &operator{log: filepath.Join(d.dir, "operator.log"), ended: make(chan ending, 1)}
	log, err := os.Create(d.operator.log)
	if err != nil {
		return err
	}
	if d.operator.metrics, err = freeAddress(); err != nil {
		return err
	}
	// Not tied to the context: Ctrl-C at the terminal reaches it by itself, and
	// cleanUp ends it in order.
	process := exec.Command(filepath.Join(d.dir, "bin", "manager"),
		"--kubeconfig", d.kubeconfig, "--namespace", systemNamespace, "--installation-id", "demo", "--self", "onprem/dc1",
		"--allow-insecure-endpoints", "--leader-elect=false",
		"--metrics-bind-address", d.operator.metrics, "--metrics-secure=false", "--health-probe-bind-address", "0")
	process.Stdout, process.Stderr = log, log
	process.SysProcAttr = ownGroup()
	if err := process.Start(); err != nil {
		return fmt.Errorf("start the operator: %w", err)
	}
	go func() { d.operator.ended <- ending{process.Wait()} }()
	d.atEnd(func() { d.operator.stop(process.Process, log) })
	d.say("the operator runs as process %d; it is told that it stands at onprem/dc1", process.Process.Pid)
	return nil
}

// freeAddress is an address on loopback that nobody listens on.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// operatorEnded says how an operator ended that nobody stopped.
func (d *demo) operatorEnded(how ending) error {
	if how.err == nil {
		how.err = errors.New("it stopped by itself")
	}
	return fmt.Errorf("the operator ended: %w; its log ends with:\n%s", how.err, lastLines(d.operator.log))
}

// stop ends the operator in order, and by force if it takes too long.
func (o *operator) stop(process *os.Process, log *os.File) {
	defer log.Close()
	_ = process.Signal(syscall.SIGTERM)
	select {
	case <-o.ended:
	case <-time.After(20 * time.Second):
		_ = process.Kill()
	}
}

// build builds the programs of this checkout.
func (d *demo) build(ctx context.Context) error {
	root, err := toolbox.Root()
	if err != nil {
		return err
	}
	bin := filepath.Join(d.dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	busy := d.busy("building the operator and the kubectl plugin")
	defer busy.done()
	build := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/manager", "./cmd/kubectl-rempart")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the operator: %w\n%s", err, output)
	}
	return nil
}

// plugin runs the kubectl plugin and shows what it prints.
func (d *demo) plugin(ctx context.Context, args ...string) error {
	run := exec.CommandContext(ctx, filepath.Join(d.dir, "bin", "kubectl-rempart"), append(args, "--kubeconfig", d.kubeconfig)...)
	run.Stdout, run.Stderr = d.out, os.Stderr
	d.say("$ kubectl rempart %s\n", strings.Join(args, " "))
	return run.Run()
}

// lastLines gives the end of a log.
func lastLines(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(len(lines)-15, 0):], "\n")
}
