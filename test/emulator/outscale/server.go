package outscale

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rempart/rempart/test/emulator/dataplane"
	"github.com/rempart/rempart/test/emulator/s3"
	"github.com/rempart/rempart/test/emulator/serving"
)

// Server is the emulated region. All its methods are safe for concurrent use.
type Server struct {
	// URL is that of the API: http://127.0.0.1:port/api/v1.
	URL string
	// Region, AccountID, AccessKey and SecretKey are those in force, so that a
	// caller may leave them to the defaults. The key is the root user's.
	Region, AccountID    string
	AccessKey, SecretKey string
	// OOS is its endpoint, and Store what is behind it: buckets, requests, faults.
	OOS   string
	Store *dataplane.Server

	options Options
	faults  faults
	log     serving.Log[Request]

	// mu guards what follows.
	mu      sync.Mutex
	account account
	locks   locks
	// strangers are the keys of other accounts, at OOS.
	strangers map[string]dataplane.Key

	// behind keeps the objects where nobody else does; else it is nil.
	behind  *s3.Server
	service *serving.Service
}

// New starts a region. The context bounds the start only.
func New(ctx context.Context, options Options) (*Server, error) {
	options = options.withDefaults()
	s := &Server{
		Region: options.Region, AccountID: options.AccountID, AccessKey: options.AccessKey, SecretKey: options.SecretKey,
		options: options, locks: locks{}, strangers: map[string]dataplane.Key{},
	}
	s.service = serving.NewService(s.serve)
	now := options.Clock().UTC()
	s.account.addKey(&accessKey{id: options.AccessKey, secret: options.SecretKey, state: active, created: now, modified: now})
	err := s.startStore(ctx)
	if err == nil {
		err = s.listen(ctx)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("emulate Outscale: %w", err)
	}
	return s, nil
}

// listen serves the API on a free port.
func (s *Server) listen(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve the API: %w", err)
	}
	s.URL = "http://" + listener.Addr().String() + "/api/v1"
	// Without http.ServeMux, which would redirect a path with two slashes.
	s.service.Serve(listener)
	return nil
}

// Close cuts all connections, and leaves a backend that was given as it is. It may be called more than once.
func (s *Server) Close() {
	s.service.Close()
	if s.Store != nil {
		s.Store.Close()
	}
	if s.behind != nil {
		s.behind.Close()
	}
}

// AddUser makes an EIM user with a key. The policy counts at once; an empty one
// allows nothing.
func (s *Server) AddUser(name, policyDocument string) (accessKey, secretKey string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Clock().UTC()
	made := &user{id: letters(32), name: name, path: "/", created: now, modified: now, policies: map[string]*policy{}}
	if policyDocument != "" {
		if err := s.setPolicy(made, "inline", policyDocument, 0); err != nil {
			return "", "", fmt.Errorf("add user %q: %w", name, err)
		}
	}
	s.account.users = append(s.account.users, made)
	key := s.account.addKey(newKey(now, made))
	return key.id, key.secret, nil
}

// AddKey gives the root user another key that expires at a time; zero is never.
func (s *Server) AddKey(expires time.Time) (accessKey, secretKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := newKey(s.options.Clock().UTC(), nil)
	key.expires = expires
	s.account.addKey(key)
	return key.id, key.secret
}

// Deactivate makes a key INACTIVE.
func (s *Server) Deactivate(accessKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := s.account.key(accessKey); key != nil {
		key.state = inactive
	}
}

// IsLocked tells whether a key, or a login, is locked for bad signatures.
func (s *Server) IsLocked(accessKey string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.locks.isLocked(accessKey, s.options.Clock().UTC())
}
