package harness

import (
	"errors"
	"net"
	"sync"
)

// gate is a listener that can be shut: it then breaks its connections and
// every new one. The port stays taken, so the proxy comes back where it was.
type gate struct {
	net.Listener
	mu   sync.Mutex
	shut bool
	open map[*gatedConn]struct{}
}

type gatedConn struct {
	*net.TCPConn
	gate *gate
}

func newGate(listener net.Listener) *gate {
	return &gate{Listener: listener, open: map[*gatedConn]struct{}{}}
}

// Accept returns the next connection that arrives while the gate is open.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := conn.(*net.TCPConn)
		if !ok {
			return nil, errors.New("the fault proxy listens on TCP only")
		}
		gated := &gatedConn{TCPConn: tcp, gate: g}
		if g.enter(gated) {
			return gated, nil
		}
		gated.reset()
	}
}

func (g *gate) enter(conn *gatedConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.open[conn] = struct{}{}
	}
	return !g.shut
}

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	if !shut {
		return
	}
	for conn := range g.open {
		conn.reset()
	}
	clear(g.open)
}

// reset ends the connection as a crashed server's kernel would.
func (c *gatedConn) reset() {
	_ = c.SetLinger(0) // without it the end would look orderly; it fails on a closed one
	_ = c.TCPConn.Close()
}

// Close lets the gate forget the connection.
func (c *gatedConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.open, c)
	c.gate.mu.Unlock()
	return c.TCPConn.Close()
}
