package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// count fills in what contestants do not tell of themselves, by turns that are not
// measured: whatever counts stands in the way, and would distort them.
func (b *bench) count(ctx context.Context, s stage, r result) error {
	for _, c := range r.work.contestants {
		isWatched := r.work.isWatched && c.name == ours
		if !isWatched && (!r.work.isCounted || c.read != nil) {
			continue
		}
		counted, err := s.counted(ctx, c)
		if err != nil {
			return fmt.Errorf("count the requests of %s: %w", c.name, err)
		}
		m := r.medians[c.name]
		m.tail = counted.tail
		if c.read == nil {
			m.requests, m.sourceRequests, m.targetRequests = true, counted.sourceRequests, counted.targetRequests
		}
		r.medians[c.name] = m
	}
	return nil
}

// watched is a turn behind two proxies that count.
func (b *bench) watched(ctx context.Context, c contestant, t turn) (measure, error) {
	source, err := watch(ctx, t.source.endpoint)
	if err != nil {
		return measure{}, err
	}
	defer source.server.Close()
	target, err := watch(ctx, t.target.endpoint)
	if err != nil {
		return measure{}, err
	}
	defer target.server.Close()
	t.source.endpoint, t.target.endpoint = source.url, target.url
	m, err := b.do(ctx, c, t)
	m.counted(source.requests, target.requests, t.objects)
	m.tail = target.tail()
	return m, err
}

// watcher is a proxy that counts requests. It hands on what it gets as it is, the
// name of the host included, which requests are signed with.
type watcher struct {
	url    string
	server *http.Server
	next   http.Handler

	mu                    sync.Mutex
	requests, underWay    int64
	first, last, lonesome time.Time
}

func watch(ctx context.Context, endpoint string) (*watcher, error) {
	to, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost, transport.DisableCompression = 0, 2*manyWorkers, true
	w := &watcher{url: "http://" + listener.Addr().String(), next: &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			// The path is as it came, for it is signed too.
			r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
			r.Out.Host = r.In.Host
		},
	}}
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
	go func() { _ = w.server.Serve(listener) }() // it ends with Close
	return w, nil
}

// ServeHTTP implements http.Handler.
func (w *watcher) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	w.enter(time.Now())
	defer func() { w.leave(time.Now()) }()
	w.next.ServeHTTP(answer, request)
}

func (w *watcher) enter(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.requests == 0 {
		w.first = now
	}
	w.requests++
	w.underWay++
}

func (w *watcher) leave(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.underWay--
	w.last = now
	if w.underWay == 1 {
		w.lonesome = now
	}
}

// tail is the part of the time, at its end, in which one request at most was under way.
func (w *watcher) tail() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last.Sub(w.lonesome).Seconds() / w.last.Sub(w.first).Seconds()
}
