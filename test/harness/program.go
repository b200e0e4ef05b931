package harness

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// ProgramSpec says what to run. What it prints goes to Name.log in Dir, which is
// also its working directory.
type ProgramSpec struct {
	Name, Path, Dir string
	Args            []string
}

// Program is a running program of ours. It has a group of its own, so that a
// Ctrl-C at the terminal does not reach it, and the kernel ends it when this
// process dies first, as far as the system can.
type Program struct{ child *process }

// StartProgram starts a program and does not wait for anything.
func StartProgram(spec ProgramSpec) (*Program, error) {
	child, err := startProcess(processSpec{name: spec.Name, path: spec.Path, dir: spec.Dir, args: spec.Args})
	if err != nil {
		return nil, err
	}
	return &Program{child: child}, nil
}

// PID is the program's process id.
func (p *Program) PID() int { return p.child.pid }

// Ended is closed when the program is gone.
func (p *Program) Ended() <-chan struct{} { return p.child.exited }

// Err says how a program ended that nobody stopped, with the last lines of its
// log; nil as long as it runs.
func (p *Program) Err() error {
	if p.child.running() {
		return nil
	}
	return p.child.failure()
}

// Stop asks the program to end, ends it by force after the grace, and returns
// when it is gone. It may be called more than once.
func (p *Program) Stop(grace time.Duration) { p.child.stop(grace) }

// RunBound runs a command to its end, as its method Run does, and has the kernel
// end it when this process dies first, as far as the system can. It stays in the
// group of this process, where a Ctrl-C at the terminal reaches it.
func RunBound(command *exec.Cmd) error {
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	dieWithParent(command.SysProcAttr)
	ended := make(chan error)
	go func() {
		runtime.LockOSThread() // see process.run
		ended <- command.Run()
	}()
	return <-ended
}

// TempDir makes a temporary folder that is this process's own until release, and
// removes those of the same prefix that killed processes left behind.
func TempDir(prefix string) (path string, release func(), err error) {
	return ownedTempDir(os.TempDir(), prefix)
}
