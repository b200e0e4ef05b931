package serving

import (
	"crypto/tls"
	"net"
	"net/http"
)

// Answer tells what is sent, and can swallow it.
type Answer struct {
	http.ResponseWriter
	// OnStatus is told the status, and OnBytes the bytes of the body, before the
	// client can have them; a negative number takes back what was not sent after all.
	// OnBytes may be nil.
	OnStatus func(status int)
	OnBytes  func(n int)
	// Swallow keeps everything from the client, who is then cut off.
	Swallow bool
}

// Unwrap lets http.ResponseController reach the connection.
func (a *Answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader tells the status and passes it on.
func (a *Answer) WriteHeader(status int) {
	a.OnStatus(status)
	if !a.Swallow {
		a.ResponseWriter.WriteHeader(status)
	}
}

// Write tells of b and passes it on.
func (a *Answer) Write(b []byte) (int, error) {
	if a.Swallow {
		return len(b), nil
	}
	a.count(len(b))
	n, err := a.ResponseWriter.Write(b)
	if n < len(b) {
		a.count(n - len(b))
	}
	return n, err
}

func (a *Answer) count(n int) {
	if a.OnBytes != nil {
		a.OnBytes(n)
	}
}

// Send writes b. A client that left is its own problem, and is seen in the bytes
// told.
func (a *Answer) Send(b []byte) { _, _ = a.Write(b) }

// Cut resets the connection of a request and ends it. It does not return.
func Cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		resetOnClose(conn)
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}

// resetOnClose makes Close send RST, so that the client sees a reset and not the
// orderly end of a stream.
func resetOnClose(conn net.Conn) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
