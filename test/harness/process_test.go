package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell starts a child that runs a script.
func shell(t *testing.T, script string) *process {
	t.Helper()
	p, err := startProcess(processSpec{name: "script", path: "/bin/sh", dir: t.TempDir(), args: []string{"-c", script}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(0) })
	return p
}

func never(context.Context) error { return errors.New("not yet") }

func TestFailedStartTellsTheChildsLastWords(t *testing.T) {
	t.Parallel()
	p := shell(t, "echo first; echo the disk is on fire >&2; exit 3")
	err := p.waitReady(t.Context(), never)
	for _, want := range []string{"script ended: exit status 3", "first\nthe disk is on fire"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want it to hold %q", err, want)
		}
	}
}

func TestSlowStartTellsTheLastAnswer(t *testing.T) {
	t.Parallel()
	p := shell(t, "echo warming up; sleep 600")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := p.waitReady(ctx, never)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not yet") || !strings.Contains(err.Error(), "warming up") {
		t.Errorf("error is %v, want the deadline, the last answer and the log", err)
	}
}

func TestReadyAnswerOfAnotherProcessDoesNotCount(t *testing.T) {
	t.Parallel()
	p := shell(t, "echo bind: address already in use; exit 1")
	<-p.exited
	err := p.waitReady(t.Context(), func(context.Context) error { return nil })
	if !errors.Is(err, errPortTaken) {
		t.Errorf("error is %v, want %v", err, errPortTaken)
	}
}

func TestStopKillsAChildThatDoesNotListen(t *testing.T) {
	t.Parallel()
	p := shell(t, "trap '' TERM; echo deaf; while :; do sleep 1; done")
	heard := func(context.Context) error {
		if !strings.Contains(p.tail(), "\ndeaf") {
			return errors.New("has not said so yet")
		}
		return nil
	}
	if err := p.waitReady(t.Context(), heard); err != nil {
		t.Fatal(err)
	}
	p.stop(100 * time.Millisecond)
	exit, ok := errors.AsType[*exec.ExitError](p.exit)
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("ended with %v, want a kill", p.exit)
	}
	p.stop(0) // a second time is harmless
}

func TestChildDoesNotInheritSettings(t *testing.T) {
	t.Setenv("ETCD_NAME", "stray")
	p := shell(t, `echo "name is ${ETCD_NAME:-unset} and home is $HOME"`)
	<-p.exited
	if want := "name is unset and home is " + os.Getenv("HOME"); !strings.Contains(p.tail(), want) {
		t.Errorf("child printed %q, want %q", p.tail(), want)
	}
}

func TestTailIsShort(t *testing.T) {
	t.Parallel()
	p := shell(t, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done")
	<-p.exited
	tail := p.tail()
	if !strings.HasSuffix(tail, "\nline 20000") || strings.Count(tail, "\n") != 20 {
		t.Errorf("tail is %q, want the last 20 lines", tail)
	}
}

func TestStartIsRetriedOnATakenPort(t *testing.T) {
	t.Parallel()
	tried := map[int]bool{}
	got, err := onFreePorts(2, func(ports []int) (string, error) {
		if ports[0] == ports[1] || tried[ports[0]] {
			t.Errorf("ports %v are not fresh", ports)
		}
		tried[ports[0]] = true
		if len(tried) < 3 {
			return "", fmt.Errorf("etcd: %w", errPortTaken)
		}
		return "up", nil
	})
	if got != "up" || err != nil || len(tried) != 3 {
		t.Errorf("got %q, %v after %d attempts", got, err, len(tried))
	}
}

func TestStartIsNotRetriedAfterAnotherFailure(t *testing.T) {
	t.Parallel()
	attempts, broken := 0, errors.New("broken")
	_, err := onFreePorts(1, func([]int) (string, error) { attempts++; return "", broken })
	if !errors.Is(err, broken) || attempts != 1 {
		t.Errorf("error is %v after %d attempts", err, attempts)
	}
}

func TestStartGivesUpOnPortsThatAreAlwaysTaken(t *testing.T) {
	t.Parallel()
	_, err := onFreePorts(1, func([]int) (string, error) { return "", errPortTaken })
	if !errors.Is(err, errPortTaken) {
		t.Errorf("error is %v, want %v", err, errPortTaken)
	}
}
