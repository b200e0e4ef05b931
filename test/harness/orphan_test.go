package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// parentRole names the variable that turns this test binary into a parent.
const parentRole = "REMPART_HARNESS_TEST_PARENT"

// beParent starts children, prints their process ids on one line and then does
// what its role says, without any cleanup.
func beParent(role string) error {
	if role == "bound" { // the child prints its own id
		command := exec.Command("sh", "-c", "echo $$; exec sleep 600")
		command.Stdout = os.Stdout
		return RunBound(command)
	}
	pids, err := startChildren(role)
	if err != nil {
		return err
	}
	fmt.Println(strings.Trim(fmt.Sprint(pids), "[]"))
	if role == "panic" {
		panic("as a test would")
	}
	select {} // until it is killed
}

func startChildren(role string) ([]int, error) {
	if role == "watchdog" {
		cmd := exec.Command("sleep", "600")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		watchdog(cmd.Process.Pid)
		return []int{cmd.Process.Pid}, nil
	}
	if role == "program" {
		program, err := StartProgram(ProgramSpec{Name: "sleep", Path: "/bin/sh", Dir: os.TempDir(), Args: []string{"-c", "exec sleep 600"}})
		if err != nil {
			return nil, err
		}
		return []int{program.PID()}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	server, err := StartVersity(ctx, VersityOptions{})
	if err != nil {
		return nil, err
	}
	pids := []int{server.PID}
	if role == "panic" {
		return pids, nil
	}
	c, err := StartControlPlane(ctx, ControlPlaneOptions{ControllerManager: true})
	if err != nil {
		return nil, err
	}
	for _, child := range c.children {
		pids = append(pids, child.pid)
	}
	return pids, nil
}

// startParent returns a parent and the ids of its children once they run.
func startParent(t *testing.T, role string) (parent *exec.Cmd, children []int) {
	t.Helper()
	parent = exec.Command(os.Args[0])
	// Its temporary folders are swept by nobody, so they go with this test's.
	parent.Env = append(os.Environ(), parentRole+"="+role, "TMPDIR="+t.TempDir())
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = parent.Process.Kill()
		_ = parent.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the parent told nothing: %v", err)
	}
	for field := range strings.FieldsSeq(line) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		children = append(children, pid)
	}
	return parent, children
}

func TestKilledParentLeavesNoChild(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ role, want string }{
		"a control plane and an S3 server when killed": {role: "kill", want: "4 children"},
		"an S3 server when the parent panics":          {role: "panic", want: "1 children"},
		"a program of ours when killed":                {role: "program", want: "1 children"},
		"a command in its own group when killed":       {role: "bound", want: "1 children"},
		"a child with a watchdog when killed":          {role: "watchdog", want: "1 children"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.role == "bound" && runtime.GOOS != "linux" {
				t.Skip("no other kernel ends a child with its parent")
			}
			parent, children := startParent(t, test.role)
			if got := fmt.Sprintf("%d children", len(children)); got != test.want {
				t.Errorf("started %s, want %s", got, test.want)
			}
			if test.role != "panic" {
				if err := parent.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			for _, pid := range children {
				waitGone(t, pid)
			}
		})
	}
}

// waitGone waits until a process has ended. One that nobody waits for stays as
// a zombie under an init that does not reap, and counts as ended.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for alive(pid) {
		if time.Now().After(deadline) {
			t.Errorf("process %d still runs", pid)
			_ = syscall.Kill(pid, syscall.SIGKILL)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func alive(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	// The state is the first field after the name, which is in parentheses.
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist) || !onProc()
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// onProc says whether this system tells about processes in /proc.
func onProc() bool {
	_, err := os.Stat("/proc/self/stat")
	return err == nil
}

func TestReleasedWatchdogLeavesItsProcessAlone(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog(cmd.Process.Pid)()
	if !alive(cmd.Process.Pid) {
		t.Error("releasing the watchdog killed the process")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func TestFolderOfADeadProcessIsSwept(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	mine, release, err := ownedTempDir(parent, "trial-")
	if err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join(parent, "trial-orphan")
	stranger := filepath.Join(parent, "other-folder")
	for _, dir := range []string{orphan, stranger} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		// What a killed owner leaves: the file without the lock.
		if err := os.WriteFile(filepath.Join(dir, ownerFile), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, releaseSecond, err := ownedTempDir(parent, "trial-")
	if err != nil {
		t.Fatal(err)
	}
	defer releaseSecond()
	for dir, want := range map[string]bool{mine: true, stranger: true, orphan: false} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s exists: %v, want %v", filepath.Base(dir), err == nil, want)
		}
	}
	release()
	if _, err := os.Stat(mine); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a released folder is still there: %v", err)
	}
}
