package outcome

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// OfCause judges why no answer came: a certificate is not to be trusted, or nobody
// was reached, which is the verdict given.
func OfCause(err error, unreachable Verdict) Verdict {
	var (
		invalid  x509.CertificateInvalidError
		host     x509.HostnameError
		unknown  x509.UnknownAuthorityError
		roots    x509.SystemRootsError
		verified *tls.CertificateVerificationError
	)
	if errors.As(err, &invalid) || errors.As(err, &host) || errors.As(err, &unknown) ||
		errors.As(err, &roots) || errors.As(err, &verified) {
		return Untrusted
	}
	return unreachable
}

// Cause tells why no answer came, without the port of our own end and the time of
// day, which would make a new message of every try.
func Cause(err error) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired && invalid.Cert != nil {
		return fmt.Sprintf("the certificate has expired or is not yet valid: it is valid from %s to %s",
			invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly))
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		if lookup.IsTimeout {
			return fmt.Sprintf("lookup %s: timeout", lookup.Name)
		}
		return fmt.Sprintf("lookup %s: %s", lookup.Name, lookup.Err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Sprintf("%s %s: %v", op.Op, op.Addr, op.Err)
	}
	return err.Error()
}
