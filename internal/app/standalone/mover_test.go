package standalone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// asMover makes the test's own program the mover.
const asMover = "REMPART_TEST_AS_MOVER"

func TestMain(m *testing.M) {
	if os.Getenv(asMover) != "" {
		os.Exit(RunMover(os.Args[1:], "v1.2.3"))
	}
	os.Exit(m.Run())
}

// process is the mover as a process of its own.
func process(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	command := exec.CommandContext(t.Context(), self, args...)
	command.Stdout, command.Stderr = &out, &errOut
	command.Env = append(os.Environ(), asMover+"=1")
	return command, &out, &errOut
}

func exitCode(err error) int {
	if exit, isExit := errors.AsType[*exec.ExitError](err); isExit {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

func report(t *testing.T, out *bytes.Buffer) mover.Report {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var report mover.Report
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &report); err != nil {
		t.Fatalf("the last line is no report: %v: %q", err, out.String())
	}
	return report
}

func TestASignalEndsARunInOrderAndTheNextOneGoesOn(t *testing.T) {
	source, target := emulator.Start(t, emulator.Options{}), emulator.Start(t, emulator.Options{})
	source.CreateBucket("actes")
	target.CreateBucket("actes-copy")
	const objects = 60
	for i := range objects {
		source.PutObjectDirect("actes", emulator.Object{Key: fmt.Sprintf("%03d", i), Body: []byte("content")})
	}
	gate := make(chan struct{})
	held := source.Faults().Add(emulator.Match{Operation: "GetObject", Key: "040"}, emulator.Hold(gate))
	checkpoint, specFile := filepath.Join(t.TempDir(), "checkpoint"), filepath.Join(t.TempDir(), "spec.yaml")
	spec := fmt.Sprintf(`
source: {endpoint: %q, bucket: actes, credentials: {accessKeyEnv: SRC_KEY, secretKeyEnv: SRC_SECRET}}
target: {endpoint: %q, bucket: actes-copy, credentials: {accessKeyEnv: DST_KEY, secretKeyEnv: DST_SECRET}}
checkpoint: %q
limits: {workers: 2}
`, source.URL, target.URL, checkpoint)
	if err := os.WriteFile(specFile, []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func() (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
		command, out, errOut := process(t, "run", "--spec", specFile)
		command.Env = append(command.Env, "SRC_KEY="+source.AccessKey, "SRC_SECRET="+source.SecretKey,
			"DST_KEY="+target.AccessKey, "DST_SECRET="+target.SecretKey)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		return command, out, errOut
	}
	command, out, errOut := start()
	for held.Hits() == 0 {
		time.Sleep(time.Millisecond) // until the run is in the middle of an object
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	code := exitCode(command.Wait())
	close(gate)
	stopped := report(t, out)
	if code != 3 || stopped.Result != mover.Partial || stopped.Reason != fault.Interrupted || !strings.Contains(errOut.String(), "terminated") {
		t.Fatalf("exit code %d, %+v, %q", code, stopped, errOut.String())
	}
	if _, err := os.Stat(checkpoint); err != nil {
		t.Fatal(err)
	}
	command, out, errOut = start()
	code = exitCode(command.Wait())
	again := report(t, out)
	if code != 0 || again.Result != mover.Complete || again.Scanned > objects-30 || again.Objects != objects {
		t.Errorf("again: exit code %d, %+v, %q", code, again, errOut.String())
	}
	if _, err := os.Stat(checkpoint); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the checkpoint is still there: %v", err)
	}
}

func TestMistakesAreSaidOnTheStandardError(t *testing.T) {
	command, out, errOut := process(t, "run", "--spec", filepath.Join(t.TempDir(), "none"))
	if code := exitCode(command.Run()); code != 2 || out.Len() > 0 || !strings.HasPrefix(errOut.String(), "mover: read the spec: open ") {
		t.Errorf("exit code %d, out %q, err %q", code, out.String(), errOut.String())
	}
}

func TestItSaysItsVersion(t *testing.T) {
	command, out, _ := process(t, "--version")
	if err := command.Run(); err != nil || out.String() != "mover version v1.2.3\n" {
		t.Errorf("%v %q", err, out.String())
	}
}
