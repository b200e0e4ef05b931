package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// spoiledData names the variable that turns this test binary into a demo of a
// folder whose copy at OVHcloud goes bad just before the drill.
const spoiledData = "REMPART_DEMO_TEST_SPOILED"

func TestMain(m *testing.M) {
	if data := os.Getenv(spoiledData); data != "" {
		d := &demo{out: os.Stdout, data: data, programs: os.Args[1]}
		d.interlude = d.spoilTheCopy
		os.Exit(d.run())
	}
	os.Exit(testAll(m))
}

func testAll(m *testing.M) int {
	ctrl.SetLogger(logr.Discard())
	var err error
	if buildFolder, err = os.MkdirTemp("", "rempart-demo-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(buildFolder) }()
	return m.Run()
}

// spoilTheCopy changes a file under the store, as a failing disk does.
func (d *demo) spoilTheCopy(_ context.Context, title string) error {
	if title != drillTitle {
		return nil
	}
	for _, store := range d.stores {
		if store.provider != "ovhcloud" {
			continue
		}
		found := errors.New("the store holds no acte.txt")
		err := filepath.WalkDir(store.server.DataDir, func(name string, _ fs.DirEntry, err error) error {
			if err == nil && filepath.Base(name) == "acte.txt" {
				found = overwrite(name, "ACTE")
			}
			return err
		})
		return errors.Join(err, found)
	}
	return errors.New("there is no store of OVHcloud")
}

// overwrite writes into a file and leaves its length and its attributes alone.
func overwrite(name, text string) error {
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// folderOf makes a small folder as somebody may have it.
func folderOf(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"acte.txt": "acte 1901", "registres/naissances 1902.txt": "été", "registres/vide": "",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The whole demo, as make demo runs it.
func TestTheDemoShowsWhatItPromises(t *testing.T) {
	t.Parallel()
	p := perform(t, "-data", folderOf(t))
	if code := p.end(); code != 0 {
		t.Fatalf("the exit code is %d, want 0:\n%s", code, p.out)
	}
	for what, promised := range map[string]string{
		"what the copies hold":              `each of the 2 copies holds 3 objects`,
		"the decision":                      `DECISION  SATISFIED`,
		"a candidate outside the Union":     `ovhcloud/BHS +OVH Groupe SA +CA +outside EEA +no`,
		"why it is refused":                 `residency: CA is outside FR \(OutsidePerimeter\)`,
		"the verdict":                       `PASSED: etat-civil/demo`,
		"that all objects were verified":    `Integrity: 3 of 3 objects match`,
		"the measured RTO":                  `RTO +\d+\w*s +4h0m0s`,
		"the measured RPO":                  `RPO +\d+\w*s +1h0m0s`,
		"the table of buckets":              `NAMESPACE +NAME .* PRIMARY +COPIES +RESIDENCY +UNREPLICATED`,
		"the bucket in it":                  `etat-civil +actes .* True +onprem/dc1 +3/3 +True +- +True +Passed`,
		"the evidence at one operator":      `evidence at ovhcloud: s3://\S+-demo-\S+/evidence\.json`,
		"the evidence at another":           `evidence at onprem: +s3://\S+-demo-\S+/evidence\.json`,
		"that it is the same":               `both are the same file: sha256:[0-9a-f]{64}`,
		"that a stranger can verify it":     `VALID: \S+/evidence\.json`,
		"who signed it":                     `signed by +[0-9a-f]{64}, a key that you trust`,
		"how long it took and what is next": `The whole demo took \d+s\. Run it again with KEEP=1`,
	} {
		if !regexp.MustCompile(promised).MatchString(p.out.String()) {
			t.Errorf("it does not show %s: no line has %q", what, promised)
		}
	}
	p.wantNothingLeft()
	if t.Failed() {
		t.Log(p.out)
	}
}

func TestADrillThatFailsFailsTheDemo(t *testing.T) {
	t.Parallel()
	programs, err := build()
	if err != nil {
		t.Fatal(err)
	}
	p := performBy(t, os.Args[0], []string{spoiledData + "=" + folderOf(t)}, programs)
	if code := p.end(); code != 1 {
		t.Errorf("the exit code is %d, want 1", code)
	}
	for _, promised := range []string{"FAILED: etat-civil/demo", `"acte.txt"`, "demo: the drill did not pass"} {
		if !strings.Contains(p.out.String(), promised) {
			t.Errorf("it does not show %q", promised)
		}
	}
	p.wantNothingLeft()
	if t.Failed() {
		t.Log(p.out)
	}
}

func TestTheDemoEndsInOrderWheneverItIsInterrupted(t *testing.T) {
	for name, test := range map[string]struct {
		at     string
		signal syscall.Signal
		// builds tells that the demo builds its programs itself.
		builds bool
	}{
		"Ctrl-C while the control plane starts":  {"== A Kubernetes control plane", syscall.SIGINT, false},
		"Ctrl-C while the operator is built":     {"== The operator", syscall.SIGINT, true},
		"Ctrl-C during the drill":                {"drill etat-civil/demo created", syscall.SIGINT, false},
		"the terminal goes away during the copy": {"== The copies converge", syscall.SIGHUP, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"-data", folderOf(t)}
			if test.builds {
				args = append(args, "-programs", "")
			}
			p := perform(t, args...)
			p.await(test.at)
			p.wantProcesses()
			// A terminal sends it to the whole group: the plugin gets it too.
			p.signal(test.signal)
			asked := time.Now()
			if code := p.end(); code != exitInterrupted {
				t.Errorf("the exit code is %d, want %d", code, exitInterrupted)
			}
			if took := time.Since(asked); took > 15*time.Second {
				t.Errorf("it took %s to end", took)
			}
			if !strings.Contains(p.out.String(), "demo: interrupted, everything was stopped") {
				t.Error("it does not say that it was interrupted")
			}
			if strings.Contains(p.out.String(), "did not pass") {
				t.Error("it blames the drill")
			}
			p.wantNothingLeft()
			if t.Failed() {
				t.Log(p.out)
			}
		})
	}
}

func TestAKilledDemoLeavesNoProcess(t *testing.T) {
	t.Parallel()
	p := perform(t, "-data", folderOf(t))
	p.await("== The application stores its files")
	p.wantProcesses()
	if err := p.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.end()
	p.wantNoProcess()
}

func TestADemoThatIsKept(t *testing.T) {
	t.Parallel()
	p := perform(t, "-data", folderOf(t), "-keep")
	p.await("The operator's log is")
	said := regexp.MustCompile(`export KUBECONFIG=(\S+) PATH=(\S+):\$PATH`).FindStringSubmatch(p.out.String())
	if said == nil {
		t.Fatalf("it does not say how to reach the cluster:\n%s", p.out)
	}
	config, err := clientcmd.BuildConfigFromFlags("", said[1])
	if err != nil {
		t.Fatal(err)
	}
	reached, err := client.New(config, client.Options{Scheme: app.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	bucket := dataset()
	if err := reached.Get(t.Context(), client.ObjectKeyFromObject(bucket), bucket); err != nil {
		t.Fatal(err)
	}
	if !meta.IsStatusConditionTrue(bucket.Status.Conditions, v1alpha1.ConditionProtected) {
		t.Errorf("the dataset is not protected: %v", bucket.Status.Conditions)
	}
	for _, line := range []string{"kubectl get sovereign -A", "kubectl rempart status -A"} {
		typed := exec.CommandContext(t.Context(), "sh", "-c", line)
		typed.Env = append(os.Environ(), "KUBECONFIG="+said[1], "PATH="+said[2]+":"+os.Getenv("PATH"))
		if output, err := typed.CombinedOutput(); err != nil || !strings.Contains(string(output), "actes") {
			t.Errorf("%s: %v\n%s", line, err, output)
		}
	}
	p.signal(syscall.SIGINT)
	if code := p.end(); code != 0 {
		t.Errorf("the exit code is %d although the drill passed, want 0", code)
	}
	p.wantNothingLeft()
}

func TestADemoOfNothingSaysSoAtOnce(t *testing.T) {
	t.Parallel()
	p := perform(t, "-data", filepath.Join(t.TempDir(), "nothing"))
	if code := p.end(); code != 1 {
		t.Errorf("the exit code is %d, want 1", code)
	}
	if !strings.Contains(p.out.String(), "demo: there is no folder ") || strings.Contains(p.out.String(), "==") {
		t.Errorf("it says:\n%s", p.out)
	}
}

// build builds the demo and the programs that it runs once for all tests, and
// gives the folder that they are in.
var build = sync.OnceValues(func() (string, error) {
	root, err := toolbox.Root()
	if err != nil {
		return "", err
	}
	command := exec.Command("go", "build", "-o", buildFolder, "./test/demo", "./cmd/manager", "./cmd/kubectl-rempart")
	command.Dir = root
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the demo: %w\n%s", err, output)
	}
	return buildFolder, nil
})

// buildFolder takes what the tests build.
var buildFolder string
