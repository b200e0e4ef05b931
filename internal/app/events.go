package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"

	"github.com/rempart/rempart/internal/notification"
)

// EventsOptions are the settings of the endpoint that takes the notifications of stores.
type EventsOptions struct {
	// Address is listened on; empty or 0 turns the endpoint off.
	Address string
	// CertificateFile and KeyFile are for TLS; without them it is http. They are read
	// again when they change.
	CertificateFile, KeyFile string
}

func (o EventsOptions) isOn() bool { return o.Address != "" && o.Address != "0" }

// How long a sender may take, and how long its headers may be: who may send is known
// only after those were read.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 10 * time.Second
	idleTimeout    = 60 * time.Second
	maximumHeader  = 8 << 10
	// connections is how many senders may be connected at once.
	connections = 256
)

// addTo has the manager serve the endpoint, on every replica of the operator: those that
// do not work say so.
func (o EventsOptions) addTo(mgr ctrl.Manager, config notification.Config) error {
	if !o.isOn() {
		return nil
	}
	if (o.CertificateFile == "") != (o.KeyFile == "") {
		return errors.New("--events-tls-cert-file and --events-tls-key-file belong together: give both or none")
	}
	server := &eventsServer{address: o.Address, handler: notification.NewReceiver(config)}
	if o.CertificateFile != "" {
		watcher, err := certwatcher.New(o.CertificateFile, o.KeyFile)
		if err != nil {
			return fmt.Errorf("read the certificate for notifications: %w", err)
		}
		if err := mgr.Add(watcher); err != nil {
			return fmt.Errorf("watch the certificate for notifications: %w", err)
		}
		server.tls = &tls.Config{GetCertificate: watcher.GetCertificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	}
	if err := mgr.Add(server); err != nil {
		return fmt.Errorf("add the endpoint for notifications: %w", err)
	}
	return nil
}

// isElected tells whether this process is the one that works.
func isElected(mgr ctrl.Manager) func() bool {
	return func() bool {
		select {
		case <-mgr.Elected():
			return true
		default:
			return false
		}
	}
}

// eventsServer serves the endpoint.
type eventsServer struct {
	address string
	handler http.Handler
	tls     *tls.Config
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*eventsServer) NeedLeaderElection() bool { return false }

// Start serves until the context ends. It implements manager.Runnable.
func (s *eventsServer) Start(ctx context.Context) error {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", s.address)
	if err != nil {
		return fmt.Errorf("listen for notifications: %w", err)
	}
	listener = netutil.LimitListener(listener, connections)
	if s.tls != nil {
		listener = tls.NewListener(listener, s.tls)
	}
	server := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maximumHeader,
		ErrorLog: log.New(io.Discard, "", 0), // anybody may connect, and could fill the log
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), headerTimeout)
		defer cancel()
		if server.Shutdown(ending) != nil {
			_ = server.Close() // whoever is still connected is cut off
		}
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("take notifications: %w", err)
	}
	<-ended
	return nil
}
