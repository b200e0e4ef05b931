package provider

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
)

// CheckEndpoint tells what is wrong with an endpoint: it must be https or http,
// with a host and nothing after it, without credentials, and not a link-local
// address, where clouds keep the secrets of their machines.
func CheckEndpoint(endpoint string) error {
	if endpoint == "" {
		return errors.New("the endpoint is missing")
	}
	parsed, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return errors.New("the endpoint is not a URL such as https://s3.example.fr")
	case parsed.User != nil:
		return errors.New("the endpoint must have no user name or password: credentials are kept apart")
	case parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Hostname() == "":
		return fmt.Errorf("the endpoint %q must begin with https:// or http:// and a host", endpoint)
	case parsed.Path != "" || parsed.RawQuery != "" || parsed.Fragment != "":
		return fmt.Errorf("the endpoint %q must have no path, query or fragment", endpoint)
	}
	if address, err := netip.ParseAddr(parsed.Hostname()); err == nil && address.IsLinkLocalUnicast() {
		return fmt.Errorf("the endpoint %q is a link-local address", endpoint)
	}
	return nil
}

// IsInsecure tells whether an endpoint is spoken to without encryption.
func IsInsecure(endpoint string) bool {
	parsed, err := url.Parse(endpoint)
	return err != nil || parsed.Scheme != "https"
}

// Trust gives the TLS settings of connections that trust the certificates of a CA
// bundle, or those of the machine where it is empty.
func Trust(caBundle []byte) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(caBundle) == 0 {
		return config, nil
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(caBundle) {
		return nil, errors.New("CA bundle holds no PEM certificate")
	}
	return config, nil
}
