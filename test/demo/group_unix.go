//go:build unix

package main

import "syscall"

// ownGroup keeps a Ctrl-C at the terminal from reaching a child: it is stopped
// once the demo has put everything in order.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
