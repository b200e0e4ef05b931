//go:build unix && !linux

package harness

import "syscall"

// dieWithParent has no kernel support outside Linux.
func dieWithParent(*syscall.SysProcAttr) {}

// guardOrphan sets a watchdog beside the child instead.
func guardOrphan(pid int) (release func()) { return watchdog(pid) }
