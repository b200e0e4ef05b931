package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/test/harness"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// systemNamespace is the operator's own.
const systemNamespace = "rempart-system"

func (d *demo) startControlPlane(ctx context.Context) error {
	dir, release, err := harness.TempDir("rempart-demo-")
	if err != nil {
		return err
	}
	d.dir = dir
	d.atEnd(release)
	root, err := toolbox.Root()
	if err != nil {
		return err
	}
	if err := d.haveTools(ctx, toolbox.Etcd, toolbox.KubeAPIServer, toolbox.KubeControllerManager); err != nil {
		return err
	}
	started := time.Now()
	busy := d.busy("starting etcd, kube-apiserver and kube-controller-manager")
	d.control, err = harness.StartControlPlane(ctx, harness.ControlPlaneOptions{
		ControllerManager: true, CRDs: []string{filepath.Join(root, "config/crd/bases")}, Output: d.out,
	})
	busy.done()
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

// haveTools builds tools where the cache lacks them, which shows its own progress.
func (d *demo) haveTools(ctx context.Context, tools ...toolbox.Tool) error {
	for _, tool := range tools {
		if _, err := toolbox.Find(ctx, d.out, tool); err != nil {
			return err
		}
	}
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
	log string
	// ended is closed when it is gone, and failure says why.
	ended   <-chan struct{}
	failure func() error
	// metrics is where the operator serves its metrics.
	metrics string
}

// operatorGrace is how long the operator may take to end in order.
const operatorGrace = 20 * time.Second

// startOperator builds the programs and starts the operator, told that it stands
// in the authority's own data centre.
func (d *demo) startOperator(ctx context.Context) error {
	if err := d.build(ctx); err != nil {
		return err
	}
	if err := d.makeNamespace(ctx, systemNamespace); err != nil {
		return err
	}
	metrics, err := freeAddress()
	if err != nil {
		return err
	}
	// Not tied to the context: cleanUp ends it in order.
	program, err := harness.StartProgram(harness.ProgramSpec{
		Name: "operator", Path: filepath.Join(d.dir, "bin", "manager"), Dir: d.dir,
		Args: []string{
			"--kubeconfig", d.kubeconfig, "--namespace", systemNamespace, "--installation-id", "demo", "--self", "onprem/dc1",
			"--allow-insecure-endpoints", "--leader-elect=false",
			"--metrics-bind-address", metrics, "--metrics-secure=false", "--health-probe-bind-address", "0",
		},
	})
	if err != nil {
		return err
	}
	d.operator = &operator{
		log: filepath.Join(d.dir, "operator.log"), ended: program.Ended(), failure: program.Err, metrics: metrics,
	}
	d.atEnd(func() { program.Stop(operatorGrace) })
	d.say("the operator runs as process %d; it is told that it stands at onprem/dc1", program.PID())
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

// build builds the programs of this checkout, unless it is told where they are.
func (d *demo) build(ctx context.Context) error {
	root, err := toolbox.Root()
	if err != nil {
		return err
	}
	bin, scratch := filepath.Join(d.dir, "bin"), filepath.Join(d.dir, "build")
	if err := errors.Join(os.MkdirAll(bin, 0o755), os.MkdirAll(scratch, 0o755)); err != nil {
		return err
	}
	if d.programs != "" {
		return d.link(bin)
	}
	busy := d.busy("building the operator and the kubectl plugin")
	defer busy.done()
	build := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/manager", "./cmd/kubectl-rempart")
	build.Dir = root
	// An interrupted build ends its compilers, a killed one leaves them; neither
	// is sure to remove its files.
	build.Env = append(os.Environ(), "GOTMPDIR="+scratch)
	interruptible(build)
	var output bytes.Buffer
	build.Stdout, build.Stderr = &output, &output
	if err := harness.RunBound(build); err != nil {
		return fmt.Errorf("build the operator: %w\n%s", err, &output)
	}
	return nil
}

// link makes programs that were built before available under bin.
func (d *demo) link(bin string) error {
	programs, err := filepath.Abs(d.programs)
	if err != nil {
		return err
	}
	for _, name := range []string{"manager", "kubectl-rempart"} {
		if err := os.Symlink(filepath.Join(programs, name), filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	return nil
}

// interruptible has a command interrupted, and not killed at once, when its
// context ends.
func interruptible(command *exec.Cmd) {
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 5 * time.Second
}

// plugin runs the kubectl plugin and shows what it prints.
func (d *demo) plugin(ctx context.Context, args ...string) error {
	run := exec.CommandContext(ctx, filepath.Join(d.dir, "bin", "kubectl-rempart"), append(args, "--kubeconfig", d.kubeconfig)...)
	run.Stdout, run.Stderr = d.out, os.Stderr
	interruptible(run)
	d.say("$ kubectl rempart %s\n", strings.Join(args, " "))
	err := harness.RunBound(run)
	if err == nil {
		return nil
	}
	// Ctrl-C at the terminal reaches the plugin too, which may be faster to end.
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(200 * time.Millisecond):
		return err
	}
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
