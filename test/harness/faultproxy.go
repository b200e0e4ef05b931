package harness

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// FaultProxy stands between an S3 client and its server and does harm on
// demand. Without a fault it changes nothing: the Host header and the path
// arrive byte for byte, so signatures verify and odd keys stay odd.
//
// All methods may be called at any time from any goroutine. Functions given to
// it are called on the goroutine of the request, several at once, with the head
// of the request: its body is not there to be read.
type FaultProxy struct {
	gate   *gate
	server *http.Server
	faults faults
	served chan struct{} // closed once the server has ended

	transport *http.Transport // to the upstream
}

// StartFaultProxy starts a proxy on a free port in front of an endpoint such as
// http://127.0.0.1:40123. It runs until Stop.
func StartFaultProxy(endpoint string) (*FaultProxy, error) {
	upstream, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("start a fault proxy: %w", err)
	}
	if upstream.Host == "" || strings.Trim(upstream.Path, "/") != "" {
		return nil, fmt.Errorf("start a fault proxy: endpoint %q is not a URL without a path", endpoint)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a fault proxy: %w", err)
	}
	p := &FaultProxy{gate: newGate(listener), served: make(chan struct{}), transport: &http.Transport{
		DisableCompression:  true, // it would add a header and unpack bodies
		MaxIdleConnsPerHost: 64,
	}}
	p.server = &http.Server{
		Handler:  p.handler(upstream),
		ErrorLog: log.New(io.Discard, "", 0), // broken connections are what it is for
	}
	go func() {
		defer close(p.served)
		_ = p.server.Serve(p.gate) // ends with http.ErrServerClosed
	}()
	return p, nil
}

// Endpoint is the URL that clients use instead of the server's.
func (p *FaultProxy) Endpoint() string { return "http://" + p.Host() }

// Host is the endpoint without its scheme, as minio-go wants it.
func (p *FaultProxy) Host() string { return p.gate.Addr().String() }

// Stop breaks all connections and ends the proxy.
func (p *FaultProxy) Stop() {
	_ = p.server.Close() // it only reports what the listener says about closing
	<-p.served
	p.transport.CloseIdleConnections()
}

func (p *FaultProxy) handler(upstream *url.URL) http.Handler {
	forward := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { redirect(r, upstream) },
		Transport:      p.transport,
		ModifyResponse: func(resp *http.Response) error { return p.faults.spoil(resp) },
		// Bytes are passed on as they come: what was read before a truncation
		// must reach the client.
		FlushInterval: -1,
		// A server that is gone looks gone through the proxy too.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verdict := p.faults.judge(head(r))
		if err := pause(r.Context(), verdict.latency); err != nil {
			panic(http.ErrAbortHandler)
		}
		if verdict.failure != nil {
			verdict.failure.answer(w, r, verdict.dateShift)
			return
		}
		if !forwardable(r) {
			http.Error(w, "the fault proxy cannot pass this path on unchanged", http.StatusBadRequest)
			return
		}
		forward.ServeHTTP(w, r)
	})
}

// redirect sends the request on with its target exactly as it came.
//
// net/http decodes a path and encodes it again on the way out, which can change
// its spelling and so break the signature over it. URL.Opaque is written as it
// is, except that one beginning with two slashes is taken for a host; such a
// path goes by Path and RawPath, which net/http leaves alone if they agree.
func redirect(r *httputil.ProxyRequest, upstream *url.URL) {
	path, query, asked := strings.Cut(r.In.RequestURI, "?")
	target := &url.URL{Scheme: upstream.Scheme, Host: upstream.Host, RawQuery: query, ForceQuery: asked}
	if strings.HasPrefix(path, "//") {
		target.Path, target.RawPath = r.In.URL.Path, path
	} else {
		target.Opaque = path
	}
	r.Out.URL = target
	r.Out.Host = r.In.Host
}

// forwardable is false for the rest that redirect cannot express: a path that
// begins with two slashes and holds a character that should have been escaped.
func forwardable(r *http.Request) bool {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "//") {
		return true
	}
	again := url.URL{Path: r.URL.Path, RawPath: path}
	return again.EscapedPath() == path
}

// head copies what is worth keeping of a request, without its body.
func head(r *http.Request) *http.Request {
	return &http.Request{
		Method: r.Method, URL: r.URL, Host: r.Host, RequestURI: r.RequestURI, Header: r.Header.Clone(),
		Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		ContentLength: r.ContentLength, TransferEncoding: r.TransferEncoding, RemoteAddr: r.RemoteAddr,
	}
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
