package s3

import (
	"crypto/tls"
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

// Write counts b and passes it on. It counts before sending, because the
// client may look at the record as soon as it has the last byte.
func (a *answer) Write(b []byte) (int, error) {
	if a.swallow {
		return len(b), nil
	}
	a.log.note(func() { a.record.BytesOut += int64(len(b)) })
	n, err := a.ResponseWriter.Write(b)
	if n < len(b) {
		a.log.note(func() { a.record.BytesOut -= int64(len(b) - n) })
	}
	return n, err
}

// send writes b. A client that left is its own problem, and is seen in the
// bytes counted.
func (a *answer) send(b []byte) { _, _ = a.Write(b) }

// cut resets the connection and ends the request. It does not return.
func (c *call) cut() {
	c.log.note(func() { c.record.Cut = true })
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err == nil {
		resetOnClose(conn)
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}

// hangUp sends what is pending and closes the connection in good order, short
// of the announced length. It does not return.
func (c *call) hangUp() {
	c.log.note(func() { c.record.Cut = true })
	_ = http.NewResponseController(c.w).Flush()
	panic(http.ErrAbortHandler)
}

// resetOnClose makes Close send RST, so that the client sees a reset and not
// the orderly end of a stream.
func resetOnClose(conn net.Conn) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
