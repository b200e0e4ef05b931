package dataplane

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/rempart/rempart/test/emulator/serving"
)

// Server is the S3 side of one region. All its methods are safe for concurrent use.
type Server struct {
	// URL is where it answers, without a trailing slash.
	URL string
	// Region is what is known of the region's buckets.
	Region *Region

	options Options
	habit   habit
	faults  *Faults
	log     *serving.Log[Request]
	// conditional holds the locks of keys that are written under a condition.
	conditional keyLocks

	service *serving.Service
}

// Start serves a region and returns once connections are accepted. The context
// bounds the start only; the server runs until Close.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("start the data plane of region %q: %w", o.Name, err)
	}
	listener := o.Listener
	if listener == nil {
		if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("start the data plane of region %q: %w", o.Name, err)
		}
	}
	s := &Server{
		URL: "http://" + listener.Addr().String(), Region: newRegion(o),
		options: o, habit: habits[o.Vendor], faults: &Faults{}, log: serving.NewLog[Request](o.RequestLog),
	}
	s.service = serving.NewService(s.serve)
	s.service.Serve(listener)
	return s, nil
}

// Host is the URL without its scheme, as minio-go wants it.
func (s *Server) Host() string { return strings.TrimPrefix(s.URL, "http://") }

// Faults returns the knobs that make the server misbehave.
func (s *Server) Faults() *Faults { return s.faults }

// Close cuts all connections and waits for the requests in progress. The backend
// stays as it is. It may be called more than once.
func (s *Server) Close() {
	s.service.Close()
	s.Region.backend.client.CloseIdleConnections()
}

// keyLocks are locks by name, of which the unused ones are forgotten. The zero
// value has none.
type keyLocks struct {
	mu   sync.Mutex
	held map[string]*keyLock
}

type keyLock struct {
	sync.Mutex
	users int
}

// lock waits for the lock of a name and returns what gives it back.
func (l *keyLocks) lock(name string) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*keyLock{}
	}
	one, ok := l.held[name]
	if !ok {
		one = &keyLock{}
		l.held[name] = one
	}
	one.users++
	l.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(l.held, name)
		}
	}
}
