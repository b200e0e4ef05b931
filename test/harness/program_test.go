package harness

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestAProgramTellsHowItEnded(t *testing.T) {
	t.Parallel()
	p, err := StartProgram(ProgramSpec{Name: "trial", Path: "/bin/sh", Dir: t.TempDir(), Args: []string{"-c", "echo its last words; exit 3"}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Ended()
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "trial ended: exit status 3") || !strings.Contains(err.Error(), "its last words") {
		t.Errorf("it ended with %v", err)
	}
	p.Stop(time.Minute) // harmless by now
}

func TestAProgramThatIsStoppedIsGone(t *testing.T) {
	t.Parallel()
	p, err := StartProgram(ProgramSpec{Name: "trial", Path: "/bin/sh", Dir: t.TempDir(), Args: []string{"-c", "exec sleep 600"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Err(); err != nil {
		t.Errorf("it runs, and says %v", err)
	}
	p.Stop(time.Minute)
	if alive(p.PID()) {
		t.Errorf("process %d still runs", p.PID())
	}
}

func TestABoundCommandRunsAsAnyOther(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	command := exec.CommandContext(t.Context(), "sh", "-c", "echo well; exit 4")
	command.Stdout = &out
	err := RunBound(command)
	if command.ProcessState.ExitCode() != 4 || err == nil || out.String() != "well\n" {
		t.Errorf("it ended with %v and printed %q", err, &out)
	}
}
