package harness

import (
	"errors"
	"fmt"
	"net"
)

// onFreePorts calls start with n ports that nobody listens on. The children
// cannot be handed an open listener, so between our closing it and their
// opening it another process may take the port: start is then called again
// with other ones.
func onFreePorts[T any](n int, start func(ports []int) (T, error)) (T, error) {
	const attempts = 5
	var last error
	for range attempts {
		ports, err := freePorts(n)
		if err != nil {
			return *new(T), err
		}
		started, err := start(ports)
		if err == nil || !errors.Is(err, errPortTaken) {
			return started, err
		}
		last = err
	}
	return *new(T), last
}

// freePorts holds all listeners open until the last port is known, so that the
// ports differ.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
