package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// process is one child. It is stopped by stop, and by the kernel when this
// process dies first.
type process struct {
	name    string
	logFile string
	pid     int
	exited  chan struct{} // closed once the child is gone and reaped
	exit    error         // how it ended; valid once exited is closed
}

// processSpec says what to run. Everything the child prints goes to
// <name>.log in dir, which is also its working directory.
type processSpec struct {
	name, path, dir string
	args            []string
	env             []string
}

// errPortTaken marks a child that cannot serve because another process had taken its
// port between our choosing it and the child's listening on it.
var errPortTaken = errors.New("port taken by another process")

func startProcess(spec processSpec) (*process, error) {
	logFile := filepath.Join(spec.dir, spec.name+".log")
	output, err := os.Create(logFile)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.name, err)
	}
	defer output.Close() // the child keeps its own copy

	cmd := exec.Command(spec.path, spec.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = spec.dir, output, output
	// etcd and versitygw take flags from the environment too, and a proxy
	// setting would send an API server's calls to its webhooks elsewhere.
	cmd.Env = append(inherited("PATH", "HOME", "TMPDIR"), spec.env...)
	// In a group of its own an interrupt from the keyboard does not reach the
	// child, so that stop can end the children in their order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)

	p := &process{name: spec.name, logFile: logFile, exited: make(chan struct{})}
	started := make(chan error)
	go p.run(cmd, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.name, err)
	}
	return p, nil
}

// run starts the child and waits for it on one thread that is never given
// back. Linux ties a child's parent-death signal to the thread that forked it,
// not to the process: on a thread that Go's scheduler is free to end, the
// signal could kill a healthy child. A locked thread that waits here lives
// exactly as long as the child, and ends with the goroutine.
func (p *process) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	p.pid = cmd.Process.Pid
	release := guardOrphan(p.pid)
	started <- nil
	p.exit = cmd.Wait()
	release()
	close(p.exited)
}

// running says whether the child has not ended yet. A child that was killed
// stays in the process table until it is waited for, so asking the kernel
// about its id would be no answer.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// stop asks the child to end, kills it after the grace and returns when it is
// gone. It may be called more than once.
func (p *process) stop(grace time.Duration) {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		return
	case <-time.After(grace):
	}
	p.signal(syscall.SIGKILL)
	<-p.exited
}

// signal reaches the child's whole group.
func (p *process) signal(s syscall.Signal) {
	if p.running() {
		_ = syscall.Kill(-p.pid, s) // it may end meanwhile
	}
}

// waitReady polls check until it succeeds. It fails when the child ends or
// could not get its port, or with the last answer of check when the context
// ends.
func (p *process) waitReady(ctx context.Context, check func(context.Context) error) error {
	// A stranger on the child's port may take a request and never answer.
	const interval, patience = 20 * time.Millisecond, 5 * time.Second
	for {
		err := within(ctx, patience, check)
		if err == nil && p.running() {
			return nil
		}
		if p.portTaken() { // versitygw says so and then stays, serving nobody
			return p.failure()
		}
		select {
		case <-p.exited:
			return p.failure()
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; last answer: %w\n%s", p.name, ctx.Err(), err, p.tail())
		case <-time.After(interval):
		}
	}
}

func within(ctx context.Context, limit time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return check(ctx)
}

// failure describes a child that has ended by itself or has no port.
func (p *process) failure() error {
	switch {
	case p.portTaken():
		return fmt.Errorf("%s: %w\n%s", p.name, errPortTaken, p.tail())
	case p.exit != nil:
		return fmt.Errorf("%s ended: %w\n%s", p.name, p.exit, p.tail())
	}
	return fmt.Errorf("%s ended by itself\n%s", p.name, p.tail())
}

func (p *process) portTaken() bool { return strings.Contains(p.tail(), "address already in use") }

// tail returns the last lines that the child printed.
func (p *process) tail() string {
	const mostBytes, mostLines = 32 << 10, 20
	file, err := os.Open(p.logFile)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > mostBytes {
		_, _ = file.Seek(-mostBytes, io.SeekEnd)
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	lines = lines[max(0, len(lines)-mostLines):]
	return fmt.Sprintf("last lines of %s:\n%s", p.logFile, strings.Join(lines, "\n"))
}

func inherited(names ...string) []string {
	var env []string
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
