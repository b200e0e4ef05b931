package dataplane

import (
	"net"
	"net/http"
)

// answer notes what is sent in the request's record, and can swallow it.
type answer struct {
	http.ResponseWriter
	log    *requestLog
	record *Request
	// swallow keeps everything from the client, who is then cut off.
	swallow bool
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader notes the status and passes it on.
func (a *answer) WriteHeader(status int) {
	a.log.note(func() { a.record.Status = status })
	if !a.swallow {
		a.ResponseWriter.WriteHeader(status)
	}
}

// Write passes b on.
func (a *answer) Write(b []byte) (int, error) {
	if a.swallow {
		return len(b), nil
	}
	return a.ResponseWriter.Write(b)
}

// cut resets the connection and ends the request. It does not return.
func (c *call) cut() {
	c.log.note(func() { c.record.Cut = true })
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			// Close then sends RST, so that the client sees a reset and not the
			// orderly end of a stream.
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}
