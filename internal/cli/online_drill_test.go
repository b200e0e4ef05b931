package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app/plugin"
)

func (i installation) drill(t *testing.T) {
	got := i.wants(t, 0, "", "drill", "actes", "-n", namespace, "--name", "by-hand", "--from", "ovh", "--to", "outscale/eu-west-2")
	for _, want := range []string{
		"drill etat-civil/by-hand created\n", "kubectl get reversibilitydrill by-hand -n etat-civil --watch\n",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("%q is not in %q", want, got.out)
		}
	}
	want := v1alpha1.ReversibilityDrillSpec{
		BucketRef: v1alpha1.NameReference{Name: "actes"}, Scenario: v1alpha1.ScenarioRestore, Deadline: &metav1.Duration{Duration: 6 * time.Hour},
		From: &v1alpha1.DrillPlace{ProviderName: "ovh"}, To: &v1alpha1.DrillPlace{ProviderName: "outscale", Location: "eu-west-2"},
	}
	if diff := cmp.Diff(want, i.drillNamed(t, "by-hand").Spec); diff != "" {
		t.Error(diff)
	}
	i.wants(t, 4, "a drill named by-hand exists already: choose another name with --name", "drill", "actes", "-n", namespace, "--name", "by-hand")
	i.wants(t, 4, "read SovereignBucket etat-civil/nowhere", "drill", "nowhere", "-n", namespace)
	generated := i.wants(t, 0, "", "drill", "actes", "-n", namespace)
	today := time.Now().UTC().Format("actes-2006")
	if !strings.Contains(generated.out, "drill etat-civil/"+today) {
		t.Errorf("the generated name is not in %q", generated.out)
	}
}

func (i installation) drillNamed(t *testing.T, name string) *v1alpha1.ReversibilityDrill {
	t.Helper()
	var drill v1alpha1.ReversibilityDrill
	if err := i.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &drill); err != nil {
		t.Fatal(err)
	}
	return &drill
}

func (i installation) drillWaits(t *testing.T) {
	for verdict, code := range map[v1alpha1.DrillVerdict]int{
		v1alpha1.VerdictPassed: 0, v1alpha1.VerdictFailed: 1, v1alpha1.VerdictInconclusive: 3,
	} {
		name := "waited-" + strings.ToLower(string(verdict))
		ended := make(chan outcome, 1)
		go func() {
			ended <- i.run(t, "drill", "actes", "-n", namespace, "--name", name, "--wait", "--timeout", "30s")
		}()
		key := client.ObjectKey{Namespace: namespace, Name: name}
		var drill v1alpha1.ReversibilityDrill
		eventually(t, func() bool { return i.client.Get(t.Context(), key, &drill) == nil })
		drill.Status = v1alpha1.ReversibilityDrillStatus{Progression: v1alpha1.ProgressionCleaningUp, Verdict: verdict}
		if err := i.client.Status().Update(t.Context(), &drill); err != nil {
			t.Fatal(err)
		}
		got := <-ended
		if got.code != code || got.errOut != "" || !strings.Contains(got.out, strings.ToUpper(string(verdict))+": etat-civil/"+name) {
			t.Errorf("%s: exit code %d, output %q, messages %q", verdict, got.code, got.out, got.errOut)
		}
	}
	i.wants(t, 4, "no verdict in time; the drill goes on", "drill", "actes", "-n", namespace, "--name", "slow", "--wait", "--timeout", "1s")
}

func (i installation) drillInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan outcome, 1)
	go func() {
		ended <- run(ctx, "", "drill", "actes", "-n", namespace, "--name", "interrupted", "--wait", "--kubeconfig", i.kubeconfig)
	}()
	key := client.ObjectKey{Namespace: namespace, Name: "interrupted"}
	eventually(t, func() bool { return i.client.Get(t.Context(), key, &v1alpha1.ReversibilityDrill{}) == nil })
	interrupt()
	if got := <-ended; got.code != 4 || !strings.Contains(got.errOut, "the drill goes on: kubectl get reversibilitydrill interrupted") {
		t.Errorf("exit code %d, messages %q", got.code, got.errOut)
	}
	i.drillNamed(t, "interrupted")
}

// drillInterruptedByHand runs the process as main does and presses Ctrl-C.
func (i installation) drillInterruptedByHand(t *testing.T) {
	out := redirect(t, &os.Stdout)
	errOut := redirect(t, &os.Stderr)
	ended := make(chan int, 1)
	go func() {
		ended <- plugin.RunCLI([]string{"drill", "actes", "-n", namespace, "--name", "by-hand-interrupted", "--wait", "--kubeconfig", i.kubeconfig}, "test")
	}()
	eventually(t, func() bool { return strings.Contains(content(t, out), "waiting for the operator to begin") })
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := <-ended; code != 4 {
		t.Errorf("exit code %d, want 4", code)
	}
	if said := content(t, errOut); !strings.Contains(said, "error: the waiting was stopped; the drill goes on: ") {
		t.Errorf("messages %q", said)
	}
	if said := content(t, out); strings.ContainsAny(said, "\x1b\r") {
		t.Errorf("output %q", said)
	}
}

// redirect sends a stream of the process to a file, whose name it gives, until the
// test ends.
func redirect(t *testing.T, stream **os.File) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	before := *stream
	*stream = file
	t.Cleanup(func() {
		*stream = before
		file.Close()
	})
	return file.Name()
}

func content(t *testing.T, file string) string {
	t.Helper()
	read, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(read)
}
