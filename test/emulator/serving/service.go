package serving

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// Service is the life of a server: it serves listeners, and ends at once and whole.
// Make it with NewService. It is safe for concurrent use.
type Service struct {
	handler http.Handler
	closing chan struct{}
	once    sync.Once
	servers []*http.Server
	serving sync.WaitGroup
	// mu guards servers.
	mu sync.Mutex
	// requests is held for reading by every request: Close waits by writing.
	requests sync.RWMutex
}

// NewService gives a service that answers with handle, and does not listen yet.
func NewService(handle http.HandlerFunc) *Service {
	s := &Service{closing: make(chan struct{})}
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.RLock()
		defer s.requests.RUnlock()
		handle(w, r)
	})
	return s
}

// Handler is what answers, for whoever listens by himself. Close waits for what is
// in progress there too.
func (s *Service) Handler() http.Handler { return s.handler }

// Serve answers what comes to a listener until Close, which closes it. It returns at
// once.
func (s *Service) Serve(listener net.Listener) {
	server := &http.Server{
		Handler: s.handler,
		// Without HTTP/2 every request has a connection that a fault can cut.
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ReadHeaderTimeout: time.Minute,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.IsClosing() {
		_ = server.Close() // it then refuses the listener and closes it
	}
	s.servers = append(s.servers, server)
	s.serving.Go(func() { _ = server.Serve(listener) })
}

// Close cuts all connections and waits for the requests in progress. It may be called
// more than once.
func (s *Service) Close() {
	s.once.Do(func() { close(s.closing) })
	s.mu.Lock()
	for _, server := range s.servers {
		// The listener is gone either way.
		_ = server.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
	s.requests.Lock()
	defer s.requests.Unlock()
}

// Closing is closed when Close begins.
func (s *Service) Closing() <-chan struct{} { return s.closing }

// IsClosing tells whether Close has begun.
func (s *Service) IsClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// Pause waits for d in real time, for the client to leave or for Close, whichever is
// first.
func (s *Service) Pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.closing:
	}
}

// Hold waits until gate is closed, the client leaves or Close begins.
func (s *Service) Hold(ctx context.Context, gate <-chan struct{}) {
	select {
	case <-gate:
	case <-ctx.Done():
	case <-s.closing:
	}
}
