package s3

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rempart/rempart/test/emulator/serving"
)

// Server is one emulated store. All its methods are safe for concurrent use.
type Server struct {
	// URL is where the server answers, without a trailing slash. Empty before
	// Listen.
	URL string
	// AccessKey, SecretKey and Region are the ones in force, so that a caller
	// may leave them to the defaults.
	AccessKey string
	SecretKey string
	Region    string
	// CertificatePEM is what a client has to trust, after Listen with Options.TLS.
	CertificatePEM []byte

	options    Options
	operations []operation
	faults     *Faults
	log        *requestLog
	events     *events

	// mu guards everything below. One lock for the whole store keeps every
	// answer a consistent cut; bodies are read and sent outside it.
	mu          sync.RWMutex
	buckets     map[string]*bucket
	credentials map[string]credential
	// secrets are those of all keys there ever were.
	secrets  map[string]bool
	sequence uint64

	handshakes atomic.Int64

	service *serving.Service
	client  *http.Client
}

// New returns a server that does not listen yet: use Listen, or mount Handler.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{
		AccessKey:   o.AccessKey,
		SecretKey:   o.SecretKey,
		Region:      o.Region,
		options:     o,
		faults:      &Faults{},
		log:         newRequestLog(o.RequestLog),
		events:      newEvents(),
		buckets:     map[string]*bucket{},
		credentials: map[string]credential{},
		secrets:     map[string]bool{},
		client:      &http.Client{Transport: &http.Transport{DisableCompression: true}},
	}
	s.service = serving.NewService(s.serve)
	s.operations = allOperations(o)
	root := &identity{id: o.AccessKey, admin: o.VersityAdmin, usersCap: o.CephAdmin}
	s.learn(o.AccessKey, credential{secret: o.SecretKey, who: root})
	return s
}

// Start returns a listening server that is closed when the test ends.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	s := New(o)
	if err := s.Listen("127.0.0.1:0"); err != nil {
		tb.Fatalf("start S3 emulator: %v", err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Listen serves on a TCP address, with https when Options.TLS is set, and sets
// URL. It returns once connections are accepted; call it once.
func (s *Server) Listen(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	s.URL = "http://" + listener.Addr().String()
	if s.options.TLS {
		config, leaf, err := selfSigned(listener.Addr(), s.options.CertificateEnds)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		roots := x509.NewCertPool()
		roots.AddCert(leaf)
		s.CertificatePEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
		config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			s.handshakes.Add(1)
			return nil, nil
		}
		s.URL = "https://" + listener.Addr().String()
		s.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
		listener = tls.NewListener(listener, config)
	}
	s.service.Serve(listener)
	return nil
}

// Handler returns the server as a handler. It must be mounted at the root and
// not behind http.ServeMux, which cleans paths and so changes keys.
func (s *Server) Handler() http.Handler { return s.service.Handler() }

// HTTPClient returns a client that trusts the server's certificate and never
// decompresses. Its idle connections are closed by Close.
func (s *Server) HTTPClient() *http.Client { return s.client }

// Handshakes counts the TLS handshakes that clients began, those that came to
// nothing included.
func (s *Server) Handshakes() int { return int(s.handshakes.Load()) }

// Close cuts all connections and waits for the requests in progress. It may be
// called more than once.
func (s *Server) Close() {
	s.service.Close()
	s.events.close()
	s.client.CloseIdleConnections()
}

// Faults returns the knobs that make the server misbehave.
func (s *Server) Faults() *Faults { return s.faults }

// now is the server's clock, in UTC.
func (s *Server) now() time.Time { return s.options.Clock().UTC() }

// newID returns a string of 32 hexadecimal digits that no earlier call
// returned. The caller holds mu.
func (s *Server) newID() string {
	s.sequence++
	return fmt.Sprintf("%016x%016x", s.sequence*0x9e3779b97f4a7c15, s.sequence)
}
