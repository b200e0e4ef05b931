package s3

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

const (
	dialTimeout = 10 * time.Second
	// stallTimeout ends a connection on which nothing moved. It must outlast the
	// slowest answer: a posix gateway copies all parts before it answers a
	// CompleteMultipartUpload.
	stallTimeout = 3 * time.Minute
	// idleTimeout is shorter than the 60 to 75 seconds after which common
	// front ends drop idle connections: a PUT on a dropped one would fail.
	idleTimeout = 55 * time.Second
	// idlePerHost keeps the connections of a busy mover; the default of 2 makes
	// it reconnect for almost every small object.
	idlePerHost = 128
)

// newPool makes the connections of one session. Proxies come from the
// environment, as with http.DefaultTransport. Setting a TLS configuration keeps
// HTTP/1.1, where parallel transfers do not share one connection's window.
func newPool(caBundle []byte) (*http.Transport, error) {
	config, err := provider.Trust(caBundle)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &guardedConn{Conn: conn, stall: stallTimeout}, nil
		},
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: stallTimeout,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConnsPerHost:   idlePerHost,
		// Bodies are copied as they are stored: no Accept-Encoding of our own, no
		// decompression behind our back.
		DisableCompression: true,
	}, nil
}

// guardedConn fails when nothing moves for a while. net/http has no such limit
// for bodies, and the kernel gives up on a dead peer only after a quarter of an
// hour. A slow reader of ours is not punished: the clock runs inside a call.
type guardedConn struct {
	net.Conn
	stall time.Duration
}

// Read implements net.Conn.
func (c *guardedConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write implements net.Conn.
func (c *guardedConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// recorder notes what was really answered in the exchange that the request's
// context carries. It also corrects headers that minio-go cannot send otherwise,
// and then signs the request once more.
type recorder struct {
	next http.RoundTripper
	sign func(*http.Request) *http.Request
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	x := exchangeOf(request.Context())
	if len(x.headers) > 0 {
		request = request.Clone(request.Context())
		for name, values := range x.headers {
			if request.Header.Del(name); values != nil {
				request.Header[name] = values
			}
		}
		request = r.sign(request)
	}
	if x.content != nil && request.Body != nil {
		request = request.WithContext(request.Context())
		request.Body = x.content
		x.content.sent = true
	}
	x.method = request.Method
	x.Asked = time.Now()
	response, err := r.next.RoundTrip(request)
	x.Answered = time.Now()
	if err != nil {
		x.Cause = err
		return nil, err
	}
	x.record(response)
	return response, nil
}
