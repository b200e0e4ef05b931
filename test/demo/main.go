// Command demo shows Rempart at work on one machine: a control plane, three S3
// servers that stand in for three operators, the real operator as a process of
// its own, a dataset that is declared, placed, copied and drilled.
//
// It builds what it needs once, uses free ports, and leaves nothing running. Its
// exit code is 0 only if the drill passed.
//
// Start reading at demo.play.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/test/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	data := flag.String("data", "", "folder whose files are protected; by default this project's own files and some larger ones")
	keep := flag.Bool("keep", false, "leave everything running until Ctrl-C")
	flag.Parse()

	d := &demo{out: os.Stdout, data: *data, keep: *keep, started: time.Now()}
	err := d.play(ctx)
	d.cleanUp()
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "\ndemo: interrupted, everything was stopped")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

// demo is one run.
type demo struct {
	out     io.Writer
	data    string
	keep    bool
	started time.Time
	// dir holds what the demo needs and is removed at the end.
	dir        string
	kubeconfig string
	control    *harness.ControlPlane
	client     client.Client
	stores     []*standIn
	operator   *operator
	// undo is what has to be undone at the end, the latest first.
	undo []func()
}

// play is the main job from the first process to the verdict.
func (d *demo) play(ctx context.Context) error {
	for _, act := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"A Kubernetes control plane", d.startControlPlane},
		{"Three S3 servers stand in for three operators", d.startStores},
		{"The operator", d.startOperator},
		{"The manifests of config/samples: three providers, a policy, a dataset", d.applySamples},
		{"The application stores its files with the key that it was given", d.upload},
		{"The copies converge", d.awaitCopies},
		{"Why the copies are where they are", d.explain},
		{"A reversibility drill: the dataset leaves OVHcloud for Outscale", d.drill},
		{"Where everything stands", d.show},
	} {
		d.title(act.title)
		if err := act.play(ctx); err != nil {
			return err
		}
	}
	if d.keep {
		return d.wait(ctx)
	}
	fmt.Fprintf(d.out, "\nThe whole demo took %s. Run it again with KEEP=1 to look around.\n", time.Since(d.started).Round(time.Second))
	return nil
}

func (d *demo) title(title string) { fmt.Fprintf(d.out, "\n== %s\n", title) }

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, "   "+format+"\n", args...) }

// wait leaves everything running and says how to reach it.
func (d *demo) wait(ctx context.Context) error {
	kubectl, err := d.tool(ctx, "kubectl")
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, `
== Everything stays up until Ctrl-C. In another terminal:

   export KUBECONFIG=%s PATH=%s:$PATH
   kubectl get sovereign -A
   kubectl -n etat-civil describe sbkt actes
   kubectl rempart status -A
   kubectl rempart drill actes -n etat-civil --wait

   The operator's log is %s
`, d.kubeconfig, d.path(kubectl), d.operator.log)
	select {
	case <-ctx.Done():
		return nil
	case ended := <-d.operator.ended:
		return d.operatorEnded(ended)
	}
}

// path is where kubectl and its plugin are.
func (d *demo) path(kubectl string) string {
	bin := filepath.Join(d.dir, "bin")
	if filepath.Dir(kubectl) == bin {
		return bin
	}
	return filepath.Dir(kubectl) + ":" + bin
}

func (d *demo) cleanUp() {
	for _, undo := range slices.Backward(d.undo) {
		undo()
	}
}

// atEnd has something undone at the end.
func (d *demo) atEnd(undo func()) { d.undo = append(d.undo, undo) }
