package harness

import "syscall"

// dieWithParent has the kernel kill the child when the thread that starts it
// ends; see process.run for which thread that is. It works even if this
// process is killed, which no cleanup of its own could.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// guardOrphan has nothing to add on Linux.
func guardOrphan(int) (release func()) { return func() {} }
