package ovh

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rempart/rempart/test/emulator/s3"
	"github.com/rempart/rempart/test/emulator/serving"
)

// Server is one emulated account. Its methods are safe for concurrent use.
type Server struct {
	// URL is the endpoint for go-ovh: it ends in /1.0.
	URL string
	// Project is the id of the account's one project.
	Project string
	// ApplicationKey, ApplicationSecret and ConsumerKey are a valid set.
	ApplicationKey    string
	ApplicationSecret string
	ConsumerKey       string
	// ClientID and ClientSecret are those of a service account.
	ClientID     string
	ClientSecret string

	options Options
	host    string
	faults  faults
	log     serving.Log[Request]

	// mu guards everything below. It is not held while a data plane is asked.
	mu           sync.Mutex
	knobs        knobs
	applications map[string]string
	consumers    map[string]*consumer
	tokens       map[string]time.Time
	users        map[int64]*user
	lastUser     int64
	// identities are the ids of all users there ever were, by their name in S3.
	identities map[string]int64
	// foreign are names that other customers have; hiddenUntil keeps buckets out of
	// answers.
	foreign     map[string]bool
	hiddenUntil map[string]time.Time
	regions     map[string]*region
	order       []string
	jobs        map[string][]replicationJob
	secrets     []string

	// backend is the store in this process, once it is needed.
	backendOnce sync.Once
	backend     *s3.Server
	backendErr  error

	service *serving.Service
	// accepting are the regions' listeners.
	accepting sync.WaitGroup
	closeOnce sync.Once
}

// New returns an account that answers on a free port of 127.0.0.1. It ends at Close.
func New(ctx context.Context, o Options) (*Server, error) {
	o = o.withDefaults()
	s := &Server{
		Project:           o.Project,
		ApplicationKey:    randomHex(8),
		ApplicationSecret: randomHex(16),
		ConsumerKey:       randomHex(16),
		ClientID:          randomHex(8),
		ClientSecret:      randomHex(16),

		options:      o,
		applications: map[string]string{},
		consumers:    map[string]*consumer{},
		tokens:       map[string]time.Time{},
		users:        map[int64]*user{},
		lastUser:     firstUser,
		identities:   map[string]int64{},
		foreign:      map[string]bool{},
		hiddenUntil:  map[string]time.Time{},
		regions:      map[string]*region{},
		jobs:         map[string][]replicationJob{},
		knobs: knobs{
			userDelay: o.UserDelay, userLimit: o.UserLimit, keyLimit: o.KeyLimit, bucketQuota: o.BucketQuota,
		},
	}
	s.service = serving.NewService(s.serve)
	s.applications[s.ApplicationKey] = s.ApplicationSecret
	s.consumers[s.ConsumerKey] = &consumer{application: s.ApplicationKey, state: Validated, rules: o.Rules, created: o.Clock()}
	if err := s.openRegions(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.listen(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Start is New for a test, which ends it.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := New(t.Context(), o)
	if err != nil {
		t.Fatalf("start the OVHcloud emulator: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

func (s *Server) listen(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the API: %w", err)
	}
	s.host = listener.Addr().String()
	s.URL = "http://" + s.host + "/1.0"
	s.service.Serve(listener)
	return nil
}

// Close ends the API and every data plane. It may be called more than once.
func (s *Server) Close() {
	s.closeOnce.Do(func() {
		s.service.Close()
		s.closeRegions()
		s.accepting.Wait()
	})
}

func (s *Server) now() time.Time { return s.options.Clock().UTC() }

// randomHex returns n random bytes as text.
func randomHex(n int) string {
	b := make([]byte, n)
	// It never fails, as its documentation says.
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
