//go:build unix

package harness

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// watchdog kills a child when this process ends. A shell waits for the end of
// a pipe whose other end only this process holds: the kernel closes it however
// we end. release calls it off, and must be called when the child is gone, lest
// another process with its id be killed. Without a shell or a pipe there is no
// watchdog, and an orphan is possible.
func watchdog(pid int) (release func()) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return func() {}
	}
	defer reader.Close()
	cmd := exec.Command("/bin/sh", "-c", `read -r _; kill -9 "-$1"`, "watchdog", strconv.Itoa(pid))
	cmd.Stdin = reader
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		writer.Close()
		return func() {}
	}
	return func() {
		// Killed before the pipe is closed, so that it never reads the end.
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		writer.Close()
	}
}
