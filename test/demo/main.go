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
	d := &demo{out: os.Stdout}
	flag.StringVar(&d.data, "data", "", "folder whose files are protected; by default this project's own files and some larger ones")
	flag.BoolVar(&d.keep, "keep", false, "leave everything running until Ctrl-C")
	flag.StringVar(&d.evidence, "evidence", "", "folder in which to leave the evidence of the drill with the public key; by default it is only verified")
	flag.StringVar(&d.programs, "programs", "", "folder with manager and kubectl-rempart; by default they are built")
	flag.Parse()
	os.Exit(d.run())
}

// exitInterrupted is what a shell expects of what Ctrl-C ended.
const exitInterrupted = 130

// run plays the demo, puts everything in order and gives the exit code. Ctrl-C, a
// terminal that is closed and a reader that goes away end it in order; a second
// Ctrl-C ends it at once, and the kernel ends its children.
func (d *demo) run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) })
	d.started = time.Now()
	err := d.play(ctx)
	d.cleanUp()
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "\ndemo: interrupted, everything was stopped")
		return exitInterrupted
	default:
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		return 1
	}
}

// demo is one run.
type demo struct {
	out  io.Writer
	data string
	keep bool
	// evidence is where the evidence is left; empty is nowhere.
	evidence string
	// programs is where the programs are; empty has them built.
	programs string
	started  time.Time
	// dir holds what the demo needs and is removed at the end.
	dir        string
	kubeconfig string
	control    *harness.ControlPlane
	client     client.Client
	stores     []*standIn
	operator   *operator
	// undo is what has to be undone at the end, the latest first.
	undo []func()
	// interlude is played before each act; tests spoil the play there.
	interlude func(ctx context.Context, title string) error
}

// play is the main job from the first process to the verdict.
func (d *demo) play(ctx context.Context) error {
	if d.data != "" { // better now than after the first acts
		if info, err := os.Stat(d.data); err != nil || !info.IsDir() {
			return fmt.Errorf("there is no folder %s", d.data)
		}
	}
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
		{drillTitle, d.drill},
		{"Where everything stands", d.show},
		{"The evidence, as a stranger verifies it", d.verify},
	} {
		d.title(act.title)
		if d.interlude != nil {
			if err := d.interlude(ctx, act.title); err != nil {
				return err
			}
		}
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

// drillTitle is the title of the act that decides how the demo ends.
const drillTitle = "A reversibility drill: the dataset leaves OVHcloud for Outscale"

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
	case <-d.operator.ended:
		return d.operator.failure()
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
	busy := d.busy("stopping everything")
	defer busy.done()
	for _, undo := range slices.Backward(d.undo) {
		undo()
	}
}

// atEnd has something undone at the end.
func (d *demo) atEnd(undo func()) { d.undo = append(d.undo, undo) }
