package outcome_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/provider/outcome"
)

func TestCertificatesAreToldFromSilence(t *testing.T) {
	for name, test := range map[string]struct {
		cause error
		want  outcome.Verdict
	}{
		"a certificate that is over":          {x509.CertificateInvalidError{Reason: x509.Expired}, outcome.Untrusted},
		"a certificate of another host":       {x509.HostnameError{}, outcome.Untrusted},
		"a certificate of an unknown issuer":  {x509.UnknownAuthorityError{}, outcome.Untrusted},
		"a machine that trusts nobody":        {x509.SystemRootsError{}, outcome.Untrusted},
		"a chain that does not hold":          {&tls.CertificateVerificationError{Err: errors.New("no")}, outcome.Untrusted},
		"a certificate, found while dialling": {fmt.Errorf("dial: %w", x509.UnknownAuthorityError{}), outcome.Untrusted},
		"nobody who listens":                  {&net.OpError{Op: "dial", Err: errors.New("refused")}, outcome.APIUnreachable},
	} {
		if got := outcome.OfCause(test.cause, outcome.APIUnreachable); got != test.want {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
	}
}

func TestCertificateThatIsOverIsToldByItsDays(t *testing.T) {
	over := &x509.Certificate{NotBefore: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC), NotAfter: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	want := "the certificate has expired or is not yet valid: it is valid from 2025-01-02 to 2026-01-02"
	if got := outcome.Cause(x509.CertificateInvalidError{Cert: over, Reason: x509.Expired, Detail: "current time is now"}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCausesAreToldWithoutOurPort(t *testing.T) {
	address := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}
	own := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 51234}
	tests := map[string]error{
		"read 192.0.2.1:443: connection reset":     &net.OpError{Op: "read", Source: own, Addr: address, Err: errors.New("connection reset")},
		"lookup s3.example.org: no such host":      &net.DNSError{Name: "s3.example.org", Server: "192.0.2.53:53", Err: "no such host", IsNotFound: true},
		"lookup s3.example.org: timeout":           &net.DNSError{Name: "s3.example.org", Err: "read udp 192.0.2.9:51234: i/o timeout", IsTimeout: true},
		"net/http: timeout awaiting the headers":   errors.New("net/http: timeout awaiting the headers"),
		"dial 192.0.2.1:443: connect: no route":    &net.OpError{Op: "dial", Addr: address, Err: errors.New("connect: no route")},
		"lookup s3.example.org: server misbehaves": &net.OpError{Op: "dial", Err: &net.DNSError{Name: "s3.example.org", Err: "server misbehaves"}},
	}
	for want, err := range tests {
		if got := outcome.Cause(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
