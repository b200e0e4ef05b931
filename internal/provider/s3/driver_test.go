package s3_test

import (
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestOpenRefusesWhatCanNeverWork(t *testing.T) {
	good := provider.Place{Provider: "onprem", Location: "dc1", Endpoint: "https://s3.example.org"}
	keys := provider.Credentials{provider.AccessKey: secret.New("key-id"), provider.SecretKey: secret.New("s3cr3t-value")}
	with := func(change func(*provider.Place)) provider.Place {
		place := good
		change(&place)
		return place
	}
	tests := map[string]struct {
		place provider.Place
		keys  provider.Credentials
		want  string
	}{
		"without a scheme":        {with(func(p *provider.Place) { p.Endpoint = "s3.example.org" }), keys, "must begin with"},
		"of another scheme":       {with(func(p *provider.Place) { p.Endpoint = "ftp://s3.example.org" }), keys, "must begin with"},
		"without a host":          {with(func(p *provider.Place) { p.Endpoint = "https://" }), keys, "must begin with"},
		"with a path":             {with(func(p *provider.Place) { p.Endpoint = "https://example.org/s3" }), keys, "no path, query"},
		"with a query":            {with(func(p *provider.Place) { p.Endpoint = "https://example.org?a" }), keys, "no path, query"},
		"with credentials":        {with(func(p *provider.Place) { p.Endpoint = "https://u:s3cr3t-value@example.org" }), keys, "no user name or password"},
		"that is no URL":          {with(func(p *provider.Place) { p.Endpoint = "https://u:s3cr3t-value@[::1" }), keys, "not a URL"},
		"that is link-local":      {with(func(p *provider.Place) { p.Endpoint = "http://169.254.169.254" }), keys, "link-local"},
		"with unknown addressing": {with(func(p *provider.Place) { p.Addressing = "Wild" }), keys, "addressing"},
		"with a credential API at a path": {with(func(p *provider.Place) {
			p.CredentialAPI, p.CredentialAPIEndpoint = "CephRGW", "https://example.org/admin"
		}), keys, "credential API"},
		"with a credential API at link-local": {with(func(p *provider.Place) {
			p.CredentialAPI, p.CredentialAPIEndpoint = "CephRGW", "http://169.254.169.254"
		}), keys, "link-local"},
		"with a Garage without its admin port": {with(func(p *provider.Place) { p.CredentialAPI = "Garage" }), keys, "endpoint of its own"},
		"with a CA that is no PEM":             {with(func(p *provider.Place) { p.CABundle = []byte("nothing") }), keys, "CA bundle"},
		"without a secret key":                 {good, provider.Credentials{provider.AccessKey: secret.New("key-id")}, "secretKey"},
		"without an access key":                {good, provider.Credentials{provider.SecretKey: secret.New("s3cr3t-value")}, "accessKey"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := s3.Driver{}.Open(test.place, test.keys)
			if !errors.Is(err, provider.ErrInvalidConfiguration) || !fault.HasReason(err, fault.InvalidConfiguration) || fault.Of(err).Class != fault.Terminal {
				t.Fatalf("got %#v", err)
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cr3t-value") {
				t.Errorf("message is %q, want something on %q", err, test.want)
			}
		})
	}
}

func TestOpenNeedsNoRegion(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	place := provider.Place{Endpoint: server.URL + "/"}
	session := openAs(t, place, server.AccessKey, server.SecretKey)
	if _, err := session.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if got := session.Place().Region; got != "us-east-1" {
		t.Errorf("region is %q", got)
	}
	if (s3.Driver{}).Type() != "S3" {
		t.Error("the type has another name")
	}
}

func TestCertificatesAreChecked(t *testing.T) {
	server := httptest.NewTLSServer(document(200, "<ListAllMyBucketsResult/>"))
	t.Cleanup(server.Close)
	place := provider.Place{Endpoint: server.URL}
	_, err := openAs(t, place, "key-id", "s3cr3t-value").Ping(t.Context())
	if !errors.Is(err, provider.ErrCertificate) || fault.Of(err).Class != fault.Terminal || !fault.HasReason(err, fault.CertificateInvalid) {
		t.Errorf("unknown authority: got %v", err)
	}
	place.CABundle = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if _, err := openAs(t, place, "key-id", "s3cr3t-value").Ping(t.Context()); err != nil {
		t.Errorf("authority in the bundle: got %v", err)
	}
	place.Endpoint = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	_, err = openAs(t, place, "key-id", "s3cr3t-value").Ping(t.Context())
	if !errors.Is(err, provider.ErrCertificate) {
		t.Errorf("another host: got %v", err)
	}
}
