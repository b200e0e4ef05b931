package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patienceOfTests is how long a demo may take for one step, on a machine that has
// much else to do.
const patienceOfTests = 3 * time.Minute

// performance is a demo that runs as a process of its own.
type performance struct {
	t       *testing.T
	command *exec.Cmd
	out     *transcript
	// temp is where it and all its children put what they need.
	temp string
	once sync.Once
}

// transcript is what a demo has printed so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String gives all that was printed.
func (o *transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// perform starts the demo as make does, but for the programs, which were built
// before; the last of the same flag counts.
func perform(t *testing.T, args ...string) *performance {
	t.Helper()
	programs, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return performBy(t, filepath.Join(programs, "demo"), nil, append([]string{"-programs", programs}, args...)...)
}

// performBy starts a program as a demo, in a group of its own as a shell does.
func performBy(t *testing.T, program string, environment []string, args ...string) *performance {
	t.Helper()
	p := &performance{t: t, out: &transcript{}, temp: t.TempDir(), command: exec.Command(program, args...)}
	p.command.Env = append(append(os.Environ(), "TMPDIR="+p.temp), environment...)
	p.command.Stdout, p.command.Stderr = p.out, p.out
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A child that outlives the demo must not keep the test waiting: the test
	// looks for it afterwards.
	p.command.WaitDelay = 5 * time.Second
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		p.end()
	})
	return p
}

// await waits until the demo has printed something.
func (p *performance) await(line string) {
	p.t.Helper()
	for deadline := time.Now().Add(patienceOfTests); !strings.Contains(p.out.String(), line); {
		if time.Now().After(deadline) || p.command.ProcessState != nil {
			p.t.Fatalf("it never came to %q:\n%s", line, p.out)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// signal sends a signal to the whole group, as a terminal does.
func (p *performance) signal(s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(-p.command.Process.Pid, s); err != nil {
		p.t.Fatal(err)
	}
}

// end waits until the demo has ended and gives its exit code.
func (p *performance) end() int {
	p.once.Do(func() {
		hung := time.AfterFunc(patienceOfTests, func() { _ = p.command.Process.Kill() })
		defer hung.Stop()
		_ = p.command.Wait() // the exit code tells it
	})
	return p.command.ProcessState.ExitCode()
}

// processes lists what runs with the demo's temporary folder: the demo itself and
// all it started, whatever group they are in.
func (p *performance) processes() []string {
	p.t.Helper()
	if runtime.GOOS != "linux" {
		p.t.Skip("processes are looked for under /proc")
	}
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		p.t.Fatal(err)
	}
	var found []string
	for _, path := range environments {
		environment, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(environment, []byte("TMPDIR="+p.temp+"\x00")) {
			continue // it ended meanwhile, or is nobody of ours
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found = append(found, filepath.Base(filepath.Dir(path))+" "+strings.ReplaceAll(string(command), "\x00", " "))
	}
	return found
}

// wantProcesses checks that the demo has started something, so that there is
// something to be left.
func (p *performance) wantProcesses() {
	p.t.Helper()
	for deadline := time.Now().Add(patienceOfTests); len(p.processes()) < 2; {
		if time.Now().After(deadline) {
			p.t.Fatalf("it started nothing:\n%s", p.out)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// wantNoProcess checks that nothing runs any more.
func (p *performance) wantNoProcess() {
	p.t.Helper()
	deadline := time.Now().Add(5 * time.Second) // the kernel takes a moment
	for len(p.processes()) > 0 && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	for _, left := range p.processes() {
		p.t.Errorf("left running: %s", left)
	}
}

// wantNothingLeft checks that the demo left neither a process nor a file.
func (p *performance) wantNothingLeft() {
	p.t.Helper()
	p.wantNoProcess()
	entries, err := os.ReadDir(p.temp)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, entry := range entries {
		p.t.Errorf("left in the temporary folder: %s", entry.Name())
	}
}
